"""mAP and PCK of weighted test images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.errors import DataError
from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.single_pictures import LABELS, SinglePictures
from dancepose.sweeps.pose_scores import MeanAPScores, PCKScores

LABEL = "PCK@0.2"
PICTURES, JOINTS = 9, 4


def test_mean_ap_of_images_in_and_out_of_clips():
    detections = {
        "places": np.array([0, 1, 2]),
        "joints": np.zeros(3, int),
        "scores": np.array([0.9, 0.8, 0.7]),
    }
    truth = np.ones((3, 1), int)
    names, clips = ["a.jpg", "b.jpg", "c.jpg"], ["one", "one", None]
    runs = [
        PoseImages(names, clips, ("neck",), truth, correct=np.array(right), **detections)
        for right in ([True, True, True], [True, False, True])
    ]
    scores = MeanAPScores([3, 5], runs)
    assert scores.values == pytest.approx([100, 100 * (1 + 2 / 3) / 3])
    assert (scores.count, scores.unit) == (2, "clips")
    assert scores.of_clusters(np.array([[1.0, 0], [0, 1]]))[:, 1] == pytest.approx([50, 100])
    alone = [PoseImages(names, [None] * 3, ("neck",), truth, correct=runs[0].correct, **detections)]
    assert MeanAPScores([0], alone).unit == "images" and MeanAPScores([0], alone).count == 3
    other = PoseImages(names, clips, ("neck",), truth + 1, correct=runs[0].correct, **detections)
    with pytest.raises(DataError, match="seeds 3 and 5 were tested on other images or labels"):
        MeanAPScores([3, 5], [runs[0], other])


def run(seed: int, counted: np.ndarray, clips: list[str | None] | None = None) -> SinglePictures:
    found = counted & (np.random.default_rng(seed).random(counted.shape) < 0.6)
    names = [f"{i}.jpg" for i in range(len(counted))]
    return SinglePictures(
        names, clips or [None] * len(counted), dict.fromkeys(LABELS, counted), dict.fromkeys(LABELS, found)
    )


@given(st.integers(0, 10**6), st.data())
def test_an_image_of_weight_k_stands_k_times_in_the_data_set(seed, data):
    draw = np.random.default_rng(seed)
    counted = draw.random((PICTURES, JOINTS)) < 0.7
    counted[:, 0] = True  # so that every image is drawn
    runs = [run(seed + i, counted) for i in range(2)]
    scores = PCKScores([0, 1], runs, LABEL)
    assert scores.values == pytest.approx([one.value(LABEL) for one in runs])
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=PICTURES, max_size=PICTURES)))
    wanted = []
    for one in runs:
        found, truth = (np.repeat(of[LABEL], weights, axis=0).sum(axis=0) for of in (one.found, one.counted))
        shares = [f / t for f, t in zip(found, truth, strict=True) if t]
        wanted.append(100 * np.mean(shares) if shares else np.nan)
    assert scores.of_clusters(weights[None].astype(float))[0] == pytest.approx(wanted, nan_ok=True)


def test_images_of_a_clip_are_drawn_together_and_empty_ones_not_at_all():
    counted = np.ones((4, 2), bool)
    counted[3] = False
    clips = ["one", None, "one", "two"]
    scores = PCKScores([7], [run(0, counted, clips)], LABEL)
    assert (scores.samples, scores.count, scores.unit) == (3, 2, "clips")
    weights = np.array([[2.0, 1.0], [0.0, 3.0]])
    assert scores.of_clusters(weights) == pytest.approx(scores.of_weights(weights[:, [0, 1, 0]]))
    assert PCKScores([7], [run(0, counted)], LABEL).unit == "images"


def test_without_runs_or_counted_joints_there_is_no_value():
    assert PCKScores([], [], LABEL).of_weights(np.ones((3, 0))).shape == (3, 0)
    nothing = PCKScores([0], [run(0, np.zeros((3, 2), bool))], LABEL)
    assert nothing.count == 0 and np.isnan(nothing.values).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MeanAPScores([1], []), "0 runs for 1 seeds"),
        (lambda: PCKScores([1], [], LABEL), "0 runs for 1 seeds"),
        (lambda: PCKScores([1, 1], [run(0, np.ones((2, 2), bool))] * 2, LABEL), "seed 1 comes twice"),
        (
            lambda: PCKScores([1, 2], [run(0, np.ones((n, 2), bool)) for n in (2, 3)], LABEL),
            "seeds 1 and 2 were tested on other images or labels",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()
