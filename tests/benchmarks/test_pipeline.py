import pytest
from factories import make_labelme

from dancepose.benchmarks.pipeline import time_pipeline
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.data.datamodules import PoseDataModule
from dancepose.errors import ConfigError, DataError
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")


def module(root, **more):
    codec = AssociativeEmbedding(SKELETON)
    return PoseDataModule(SKELETON, codec, root=str(root), size=64, batch_size=2, test="none", **more)


def test_the_loader_and_each_step_are_timed(tmp_path):
    make_labelme(tmp_path, frames=4, people=2, size=(80, 64))
    loader, *steps = time_pipeline(module(tmp_path, val="none"), samples=4, rounds=2, workers=1)
    assert loader.name == "loader, 1 worker, batch 2" and len(loader.milliseconds) == 2
    assert loader.figures["samples/s"] == pytest.approx(1e3 / loader.median)
    shares = [int(str(step.figures["share"]).rstrip("%")) for step in steps]
    assert len(steps) == 5 and 98 <= sum(shares[:4]) <= 102
    assert steps[4].name == "of the transform, seeding" and shares[4] <= shares[1]


def test_pictures_are_chosen_by_size_and_kind(tmp_path):
    make_labelme(tmp_path, frames=4, people=2, size=(80, 64), suffix=".png")
    data = module(tmp_path, val="none")
    loader, *_ = time_pipeline(data, samples=2, rounds=1, workers=0, long_side=80)
    assert loader.figures["pictures"] == 4
    for choice in ({"long_side": 640}, {"jpeg": True}):  # they are PNG files
        with pytest.raises(ConfigError, match="no training pictures with (long_side=640|jpeg=true)"):
            time_pipeline(data, samples=2, rounds=1, workers=0, **choice)


def test_a_folder_without_people_is_an_error(tmp_path):
    make_labelme(tmp_path, frames=4, people=1, size=(80, 64))
    with pytest.raises(ConfigError, match="no training pictures"):
        time_pipeline(module(tmp_path, val="none", min_people=9), samples=4, rounds=1, workers=0)


def test_broken_annotations_are_refused(tmp_path):
    make_labelme(tmp_path, frames=4, size=(80, 64))
    (tmp_path / "frame_003.json").write_text("{")
    with pytest.raises(DataError, match=r"annotation broken: 1 (.|\n)*frame_003\.json"):
        time_pipeline(module(tmp_path, val="none"), samples=4, rounds=1, workers=0)
