import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.errors import ConfigError
from dancepose.inference.tiles import SAME, Tiling, _same_people, merge_views
from dancepose.metrics.similarity import ENOUGH, keypoint_similarity
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")


@given(st.integers(1, 900), st.integers(1, 900), st.integers(32, 400), st.floats(0, 0.9))
def test_tiles_cover_the_picture_and_overlap(width, height, side, overlap):
    whole, *tiles = Tiling(side, overlap).rectangles(width, height)
    assert whole == (0, 0, width, height)
    assert bool(tiles) == (max(width, height) > side)
    for axis, length in ((0, width), (1, height)):
        starts = sorted({tile[axis] for tile in tiles})
        tile_side = min(side, length)
        assert all(tile[axis + 2] == tile_side for tile in tiles)
        if tiles:
            assert starts[0] == 0 and starts[-1] + tile_side == length
            steps = np.diff(starts)
            assert (steps > 0).all() and (steps <= side * (1 - overlap) + 1).all(), "rounded to whole pixels"


@pytest.mark.parametrize(("side", "overlap"), [(31, 0.25), (64, -0.1), (64, 1.0)])
def test_impossible_tiles(side, overlap):
    with pytest.raises(ConfigError, match="tile=|overlap="):
        Tiling(side, overlap)


def somebody(x: float, score: float, missing=(), moved: float = 0.0) -> Person:
    rng = np.random.default_rng(0)
    keypoints = np.column_stack(
        [rng.uniform(0, 60, 15) + x + moved, rng.uniform(0, 120, 15), np.full(15, 2.0)]
    )
    scores = np.full(15, score)
    keypoints[list(missing)], scores[list(missing)] = 0, 0
    return Person(keypoints, scores=scores, score=score)


def test_whoever_is_in_several_views_is_kept_once_and_whole():
    better, cut = somebody(100, 0.9, missing=[3]), somebody(100, 0.6, missing=[0, 1], moved=1)
    other = somebody(300, 0.5)
    people, joined = merge_views([[cut], [other, better], [somebody(100, 0.3)]], SKELETON)
    assert joined == 2 and [person.score for person in people] == [0.9, 0.5]
    assert people[0].present.all() and people[0].scores[3] == 0.6, "from the next best"
    assert people[0].keypoints[3, 0] == cut.keypoints[3, 0]
    assert better.present.sum() == 14, "what was given is as it was"


def test_people_of_one_view_are_never_joined():
    close = [somebody(100, 0.9), somebody(100, 0.8, moved=2)]
    assert merge_views([close], SKELETON) == (close, 0)
    people, joined = merge_views([close, [somebody(100, 0.7, moved=2)]], SKELETON)
    assert len(people) == 2 and joined == 1
    people, joined = merge_views([close, [somebody(100, 0.95, moved=1)]], SKELETON)
    assert len(people) == 2 and joined == 1, "one of another view stands for one of them at most"


def test_what_a_tiles_edge_leaves_of_somebody_is_no_person_of_its_own():
    whole, rest = somebody(100, 0.9), somebody(100, 0.8, missing=range(1, 15), moved=1)
    assert merge_views([[whole], [rest]], SKELETON) == ([whole], 1)
    elsewhere = somebody(300, 0.8, missing=range(1, 15))
    assert len(merge_views([[whole], [elsewhere]], SKELETON)[0]) == 2


def test_nobody():
    assert merge_views([[], []], SKELETON) == ([], 0)


@given(seed=st.integers(0, 10_000), spread=st.sampled_from([2, 20, 200]))
@settings(max_examples=30, deadline=None)
def test_who_is_near_enough_to_be_compared_is_whoever_may_be_the_same(seed, spread):
    random = np.random.default_rng(seed)
    sigmas, count = np.array(SKELETON.sigmas), 40
    bodies = random.uniform(0, 60, (5, 15, 2)) + random.uniform(0, 500, (5, 1, 2))
    keypoints = np.concatenate(
        [bodies[random.integers(5, size=count)], np.full((count, 15, 1), 2.0)], axis=-1
    )
    keypoints[..., :2] += random.normal(0, spread, (count, 1, 2)) + random.normal(0, 1, (count, 15, 2))
    keypoints[random.random((count, 15)) < random.uniform(0, 1, (count, 1))] = 0
    view = random.integers(0, 4, count)
    present = (keypoints[..., 2] > 0).astype(int)
    shared, shown = present @ present.T, present.sum(axis=1)
    alike = keypoint_similarity(keypoints, keypoints, sigmas)
    alike *= np.maximum(shared, ENOUGH) / np.maximum(shared, 1)
    firm = shared >= np.maximum(1, np.minimum(ENOUGH, np.minimum(shown[:, None], shown[None])))
    expected = firm & (alike >= SAME) & (view[:, None] != view[None])

    begins, others, likeness = _same_people(keypoints, view, sigmas)
    found = np.zeros_like(expected)
    found[np.repeat(np.arange(count), np.diff(begins)), others] = True
    assert np.array_equal(found, expected)
    np.testing.assert_allclose(likeness, alike[expected])


def test_memory_does_not_grow_with_the_square_of_the_findings():
    """All pairs of 1,500 at once are 0.5 GB."""
    views = [[somebody(100 * (i % 40) + 7 * v, 0.5, moved=v) for i in range(30)] for v in range(50)]
    tracemalloc.start()
    try:
        people, joined = merge_views(views, SKELETON)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(people) + joined == 1500 and len(people) < 800
    assert peak < 60e6
