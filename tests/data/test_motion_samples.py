import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.data.motion_samples import frame_samples, hold_out, window_samples
from dancepose.errors import DataError
from dancepose.records import Frame, Person

CLASSES = ("walk", "wave")


def frame(name: str, clip: str | None, *people: tuple[int, str | None]) -> Frame:
    image = np.zeros((8, 8, 3), np.uint8)
    found = [Person(np.full((3, 3), i + 1.0), id=i, action=action) for i, action in people]
    return Frame(image, (8, 8), found, "x", name, clip=clip, classes=CLASSES)


def clip(length: int, name: str = "a") -> list[Frame]:
    return [frame(f"{name}/{i}.jpg", name, (0, CLASSES[i % 2])) for i in range(length)]


def test_every_person_who_does_something_is_a_sample():
    found = frame_samples([frame("1.jpg", None, (0, "wave"), (1, None), (2, "walk"))], CLASSES)
    assert [(s.id, s.label, s.keypoints.shape) for s in found] == [
        ("1.jpg#0", 1, (1, 3, 3)),
        ("1.jpg#2", 0, (1, 3, 3)),
    ]


@given(length=st.integers(1, 40), window=st.integers(1, 16), step=st.integers(1, 20))
def test_windows_cover_a_clip_without_reaching_over_it(length: int, window: int, step: int):
    found = window_samples(clip(length) + clip(3, "b"), CLASSES, window, step)
    of_a = [s for s in found if s.clip == "a"]
    assert all(len(s.steps) == window and {f.clip for f, _ in s.steps} == {s.clip} for s in found)
    assert len({s.id for s in found}) == len(found)
    numbers = [[int(f.name[2:-4]) for f, _ in s.steps] for s in of_a]
    for steps in numbers:
        rise = np.diff(steps)
        assert ((rise == 1) | ((rise == 0) & (np.array(steps[1:]) == length - 1))).all()
        assert steps[0] == 0 or len(set(steps)) == window  # only a whole clip is ever filled up
    last = max(steps[-1] for steps in numbers)
    assert 2 * (length - 1 - last) < step  # less than half a step is left over
    assert [s.label for s in of_a] == [steps[window // 2] % 2 for steps in numbers]


def test_windows_pass_over_pictures_in_which_nothing_of_a_person_is_known():
    """As a prediction does, whose tracks have only pictures in which somebody was found."""
    frames = clip(8)
    for lost in frames[1::2]:
        lost.people[0].keypoints[:] = 0
    found = window_samples(frames, CLASSES, 4, 4)
    assert [[f.name for f, _ in s.steps] for s in found] == [[f"a/{i}.jpg" for i in (0, 2, 4, 6)]]
    for lost in frames:
        lost.people[0].keypoints[:] = 0
    assert len(window_samples(frames, CLASSES, 4, 4)) == 2, "of whom nothing is known in any, all are kept"


def test_pictures_of_no_clip_make_no_windows():
    with pytest.raises(DataError, match=r"data\.clip"):
        window_samples([frame("1.jpg", None, (0, "wave"))], CLASSES, 4, 4)


def test_boxes_give_heights_and_unknown_is_zero():
    sample = frame_samples([frame("1.jpg", None, (0, "wave"))], CLASSES)[0]
    assert sample.box_height.tolist() == [0]
    sample.steps[0][1].box = np.array([0, 0, 3, 7.0])
    assert sample.box_height.tolist() == [7]


@given(seed=st.integers(0, 99))
def test_whole_clips_are_held_out_of_each_class(seed: int):
    frames = [f for i in range(20) for f in clip(4, f"c{i}")]
    left, held = hold_out(frames, 0.1, seed)
    assert len(held) in (4, 8, 12) and len(left) + len(held) == 80
    assert not {f.clip for f in left} & {f.clip for f in held}
    assert [f.name for f in hold_out(frames[::-1], 0.1, seed)[1]] == [f.name for f in held[::-1]]


def test_nothing_is_held_out_where_nothing_is_asked_for():
    frames = clip(6)
    assert hold_out(frames, 0.0, 0) == (frames, [])
