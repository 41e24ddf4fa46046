"""Sheets of samples and of mistakes."""

import numpy as np
import pytest

from dancepose.metrics.samples import MotionSamples
from dancepose.records import Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks import motion_sheets
from dancepose.tasks.motion_sheets import mistake_sheet, sample_sheet

COCO17 = load_skeleton("coco17")
CLASSES = ("wave", "walk", "hold high")


def made(count: int = 12, wrong: int = 3) -> MotionSamples:
    """Samples of wave and walk, five in turn; every `wrong`-th is mistaken, ever more surely."""
    labels = np.arange(count) // 5 % 2
    predicted = np.where(np.arange(count) % wrong == 0, 1 - labels, labels)
    sure = np.linspace(0.4, 0.95, count)
    probabilities = np.repeat(((1 - sure) / 2)[:, None], 3, axis=1)
    probabilities[np.arange(count), predicted] = sure
    return MotionSamples([f"{i}.jpg" for i in range(count)], [None] * count, labels, probabilities, CLASSES)


def of_clips(clips: list[str | None]) -> MotionSamples:
    kept = made(len(clips), wrong=1)
    return MotionSamples(kept.ids, clips, kept.labels, kept.probabilities, CLASSES)


def crop(_: int) -> np.ndarray:
    return np.zeros((40, 30, 3), np.uint8)


@pytest.fixture
def captions(monkeypatch) -> list[str]:
    shown: list[str] = []

    def sheet(images, captions, *_, **__):
        shown.extend(captions)
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(motion_sheets, "contact_sheet", sheet)
    return shown


def test_the_surest_mistakes_stand_first(captions):
    mistake_sheet(made(), 3, crop)
    assert captions == ["walk -> wave, 0.85\n9.jpg", "walk -> wave, 0.70\n6.jpg", "wave -> walk, 0.55\n3.jpg"]


def test_of_each_clip_there_is_one_mistake_at_most(captions, monkeypatch):
    """The frames of a video are mistaken alike."""
    mistake_sheet(of_clips(["a", "a", "b", None, None, "b", "a"]), 9, crop)
    assert [c.split("\n")[1] for c in captions] == ["6.jpg", "5.jpg", "4.jpg", "3.jpg"]
    titles = []
    monkeypatch.setattr(motion_sheets, "contact_sheet", lambda *given, **_: titles.append(given[-1]))
    mistake_sheet(of_clips(["a", "a", "b"]), 9, crop)
    mistake_sheet(of_clips([None, None]), 9, crop)
    assert "the surest of 2 clips, of 3 mistakes" in titles[0]
    assert "2 of 2 mistakes, the surest first" in titles[1]


def test_a_skeleton_is_drawn_where_there_is_no_picture(captions, monkeypatch, caplog):
    drawn = []
    monkeypatch.setattr(motion_sheets, "draw_pose", lambda person, *_: drawn.append(person) or crop(0))
    people = [Person(np.full((17, 3), float(i))) for i in range(12)]

    def some(i: int) -> np.ndarray | None:
        if i == 6:
            raise OSError("gone")
        return None if i == 9 else crop(i)

    mistake_sheet(made(), 9, some, people, COCO17)
    assert [person.keypoints[0, 0] for person in drawn] == [9, 6] and len(captions) == 4
    assert "the picture of 6.jpg cannot be drawn" in caplog.text
    captions.clear()
    mistake_sheet(made(), 9, some)
    assert [caption.split("\n")[1] for caption in captions] == ["3.jpg", "0.jpg"]


def test_samples_of_every_class_stand_in_turn_whatever_was_said_of_them(captions):
    """Of wave there are 0-4, 10, 11, of walk 5-9; every third is mistaken."""
    sample_sheet(made(), 4, crop)
    assert [c.split("\n")[1] for c in captions] == ["0.jpg", "5.jpg", "11.jpg", "9.jpg"]
    assert captions[0] == "wave -> walk, 0.40\n0.jpg" and captions[1] == "walk, 0.65\n5.jpg"
    captions.clear()
    sample_sheet(made(), 99, crop)
    assert len(captions) == 12, "all there are, and none twice"


def test_nothing_to_show_is_no_sheet():
    assert mistake_sheet(made(), 3) is None and sample_sheet(made(), 3) is None
    right = made(wrong=1000).select(np.arange(1, 12))
    assert mistake_sheet(right, 3, crop) is None and sample_sheet(right, 3, crop) is not None
    assert sample_sheet(right.select([]), 3, crop) is None
