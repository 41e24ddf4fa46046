from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from oracle import SKELETON, predictor_for, ramp, somebody

from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.data import pose_filling
from dancepose.data.pose_filling import PoseFiller, _overlaps
from dancepose.errors import ConfigError
from dancepose.inference.geometry import TestGeometry
from dancepose.records import VISIBLE, Frame, Person
from dancepose.skeleton import load_skeleton

SIZE = (128, 96)
COMMON = load_skeleton("common13")
LIMBS = [name for name in COMMON.keypoints if name in SKELETON.keypoints]
DRAW = np.random.default_rng(0)
LARGE, SMALL = somebody(*SIZE, DRAW, 0.05, 0.6), somebody(*SIZE, DRAW, 0.7, 0.9)


class Poses:
    """A pose run whose network is an oracle: it finds exactly the people of `truth`, picture by picture.

    Attributes:
        truth: number of the picture -> keypoints of its people.
        asked: pictures that the network was shown.
    """

    def __init__(self, folder: Path, truth: dict[int, list[np.ndarray]]):
        self.truth, self.asked = truth, 0
        self.checkpoint = folder / "best.ckpt"
        self.checkpoint.write_bytes(b"weights")

    def predictor(self, model, precision):
        truth = {number: (SIZE, people) for number, people in self.truth.items()}
        made = predictor_for(AssociativeEmbedding(SKELETON), truth, TestGeometry(SIZE[1]))
        plain = made.predict_maps

        def counted(images):
            self.asked += len(images)
            return plain(images)

        made.predict_maps = counted
        return made

    def filler(self, everyone: bool | str = False) -> PoseFiller:
        return PoseFiller("run", COMMON, everyone=everyone)


@pytest.fixture
def poses(tmp_path, monkeypatch) -> Poses:
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    made = Poses(tmp_path, {0: [SMALL, LARGE], 1: [SMALL]})
    monkeypatch.setattr(pose_filling, "find_checkpoint", lambda run, key: made.checkpoint)
    monkeypatch.setattr(pose_filling, "load_pose", lambda path, key: SimpleNamespace(skeleton=SKELETON))
    monkeypatch.setattr(pose_filling, "pose_predictor", made.predictor)
    return made


def shown(number: int, *people: Person) -> Frame:
    return Frame(ramp(*SIZE, number), SIZE, list(people), COMMON.name, f"{number}.png")


def unknown(truth: np.ndarray | None = None) -> Person:
    """Return somebody without keypoints; with a box, that of the truth."""
    box = None
    if truth is not None:
        low, high = truth[:, :2].min(axis=0), truth[:, :2].max(axis=0)
        box = np.concatenate([low, high - low])
    return Person(np.zeros((len(COMMON), 3)), box=box)


def limbs(person: Person) -> np.ndarray:
    return person.keypoints[[COMMON.index(name) for name in LIMBS]]


def is_at(person: Person, truth: np.ndarray) -> bool:
    """Whether somebody's limbs lie where the truth has them, to what a heatmap tells."""
    wanted = truth[[SKELETON.index(name) for name in LIMBS]]
    found = limbs(person)
    near = np.linalg.norm(found[:, :2] - wanted[:, :2], axis=1) < 3
    return bool(near.all() and (found[:, 2] == VISIBLE).all())


def test_the_only_person_of_a_picture_gets_the_largest_that_is_found(poses):
    frames = [shown(0, unknown()), shown(1, unknown())]
    first, second = poses.filler().fill(frames)
    assert len(LIMBS) == 12 and is_at(first.people[0], LARGE) and is_at(second.people[0], SMALL)
    assert not any(frame.people[0].present.any() for frame in frames), "the given ones are unchanged"


def test_each_of_several_gets_who_is_found_in_its_box(poses):
    (frame,) = poses.filler().fill([shown(0, unknown(LARGE), unknown(SMALL), unknown())])
    assert is_at(frame.people[0], LARGE) and is_at(frame.people[1], SMALL)
    assert not frame.people[2].present.any(), "nobody is left for the third"


def test_who_got_found_keypoints_has_no_box_and_the_labels_crop(poses):
    """A prediction has no box, whose height features would tell; keypoints of labels keep theirs."""
    own = replace(labelled(SMALL), box=np.array([1.0, 2, 3, 4]))
    frame = shown(0, unknown(LARGE), own, unknown(SMALL - 2000))
    (filled,) = poses.filler().fill([frame])
    x, y, w, h = frame.people[0].box
    assert filled.people[0].box is None
    assert filled.people[0].whole == pytest.approx([x, y, x + w, y + h], abs=0.1)  # to where the maps lead
    assert filled.people[1].box is own.box and filled.people[2].box is frame.people[2].box


def labelled(truth: np.ndarray, shift: float = 4) -> Person:
    """Return somebody whose labels lie beside the truth."""
    keypoints = SKELETON.map_to(COMMON).apply(truth)
    keypoints[:, :2] += shift
    return Person(keypoints)


def test_labelled_keypoints_are_kept_unless_all_are_to_be_found(poses):
    far = labelled(SMALL, -60)  # where nobody is
    frame = shown(0, labelled(LARGE), unknown(SMALL), far)
    (kept,) = poses.filler().fill([frame])
    assert (kept.people[0].keypoints == frame.people[0].keypoints).all() and is_at(kept.people[1], SMALL)
    (found,) = poses.filler(everyone=True).fill([frame])
    assert is_at(found.people[0], LARGE) and is_at(found.people[1], SMALL)
    assert not found.people[2].present.any(), "whom nobody is found for has none"
    assert frame.people[2].present.any() and not frame.people[1].present.any()


@pytest.mark.parametrize("unknown", ["boxes", "true"])
def test_who_gets_keypoints_is_one_of_three(poses, unknown):
    with pytest.raises(ConfigError, match=rf"data\.pose_all={unknown}: choose false, true or in_boxes"):
        poses.filler(everyone=unknown)


def test_what_is_found_is_kept_by_picture_and_checkpoint(poses):
    frames = [shown(0, unknown()), shown(1, unknown())]
    kept = [poses.filler()._kept(frame) for frame in frames]
    assert len(set(kept)) == 2
    poses.filler().fill(frames[:1])
    assert poses.asked == 1 and [path.is_file() for path in kept] == [True, False]
    again, _ = poses.filler().fill(frames)
    assert poses.asked == 2 and is_at(again.people[0], LARGE), "a picture is looked at once"
    poses.checkpoint.write_bytes(b"other weights")
    assert poses.filler()._kept(frames[0]) not in kept
    poses.truth[0] = [SMALL]  # what those find
    (other,) = poses.filler().fill(frames[:1])
    assert poses.asked == 3 and is_at(other.people[0], SMALL)


def blind(*box: float) -> Person:
    return Person(np.zeros((3, 3)), box=np.array(box) if box else None)


def test_overlaps_are_intersections_over_unions():
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert np.allclose(_overlaps(np.array([0.0, 0, 10, 10]), others), [1, 1 / 3, 0])


def test_nobody_gets_the_pose_of_another():
    """Two overlapping people and one that was found: it is the nearer one's."""
    found = np.array([[0, 0, 10, 10.0]])
    assert PoseFiller._matched([blind(2, 0, 10, 10), blind(0, 0, 10, 10)], found) == [(1, 0)]


def test_a_labelled_person_keeps_what_was_found_at_its_place():
    labelled = Person(np.array([[0, 0, 2], [10, 10, 2], [5, 5, 2.0]]))
    found = np.array([[0, 0, 10, 10.0], [50, 50, 60, 60]])
    assert PoseFiller._matched([labelled, blind(1, 1, 9, 9)], found) == [(0, 0)]


def test_who_is_far_from_everybody_gets_nothing():
    assert PoseFiller._matched([blind(100, 100, 5, 5), blind()], np.array([[0, 0, 10, 10.0]])) == []
    assert PoseFiller._matched([blind(100, 100, 5, 5)], np.zeros((0, 4))) == []
