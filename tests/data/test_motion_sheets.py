import cv2
import pytest
from factories import make_actions

from dancepose.data.motion_datamodule import MotionDataModule
from dancepose.data.motion_sheets import draw_motion_samples, sampled_classes
from dancepose.encoders import ImageOnly
from dancepose.skeleton import load_skeleton


@pytest.fixture
def data(tmp_path) -> MotionDataModule:
    make_actions(tmp_path / "data", clips=12, length=2)
    return MotionDataModule(
        load_skeleton("openpose18"), ImageOnly(), root=str(tmp_path / "data"), size=32, resize=36, holdout=0
    )


@pytest.mark.parametrize(("part", "crops"), [("train", 4), ("test", 2)])
def test_each_person_is_shown_as_the_network_is_fed_it(data, tmp_path, part, crops):
    """Two people, in the training part at two epochs each, beside the picture as it is labelled."""
    shown = draw_motion_samples(data, part, [0], 2, tmp_path / "p")
    assert shown == [{"file": f"pictures/{part}_000.jpg", "frame": data.frames(part)[0].name}]
    alone, together = (cv2.imread(str(tmp_path / "p" / f"{part}{end}.jpg")) for end in ("_000", ""))
    assert alone is not None and together is not None and together.std() > 10
    assert len(data.dataset(part).samples) >= crops // 2


def test_people_without_a_picture_are_shown_too(data, tmp_path):
    for frame in data.frames("test"):
        frame.image, frame.size = None, (0, 0)
    assert len(draw_motion_samples(data, "test", [0, 1], 1, tmp_path / "p")) == 2


def test_nothing_chosen_draws_nothing(data, tmp_path):
    assert draw_motion_samples(data, "train", [], 2, tmp_path / "p") == [] and not (tmp_path / "p").exists()


def test_only_frames_of_which_a_sample_is_made_are_of_a_class(tmp_path):
    """A clip of each class is held out of training: nothing of it can be shown."""
    make_actions(tmp_path / "data", clips=9, length=2, people=1)
    made = MotionDataModule(
        load_skeleton("openpose18"), ImageOnly(), root=str(tmp_path / "data"), val=0.3, test="none"
    )
    made.frames("val")[0].people[0].action = None
    classes = sampled_classes(made, "train")
    shown = [f.name for f, name in zip(made.frames("train"), classes, strict=True) if name is not None]
    assert 0 < len(shown) < len(classes)
    assert sorted(shown) == sorted(sample.middle[0].name for sample in made.samples("train"))
    assert sampled_classes(made, "val")[:2] == [None, made.frames("val")[1].people[0].action]
