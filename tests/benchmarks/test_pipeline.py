import pytest
from factories import make_labelme
from fake_clock import FakeClock

from dancepose.benchmarks import pipeline
from dancepose.benchmarks.pipeline import OF_BATCH, time_pipeline
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.data import dataset
from dancepose.data.datamodules import PoseDataModule
from dancepose.data.dataset import to_channels_first
from dancepose.errors import ConfigError, DataError
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")


def module(root, **more):
    codec = AssociativeEmbedding(SKELETON)
    return PoseDataModule(SKELETON, codec, root=str(root), size=64, batch_size=2, test="none", **more)


STEPS = {
    "read and decode the file": 20,
    "transform": 3,
    "channels first": 4,
    "pack the targets": 5,
    "join the batch": 6,  # of two
    "draw the maps": 8,  # of two
}


def test_the_steps_add_up_to_a_sample(tmp_path, monkeypatch, two_threads):
    """Of known times; the loader itself takes none, so that the whole is what the steps are."""
    make_labelme(tmp_path, frames=4, people=2, size=(80, 64))
    clock, data = FakeClock(), module(tmp_path, val="none")
    read, transform, order, pack, stack, draw = STEPS.values()
    monkeypatch.setattr(pipeline, "time", clock)
    train_dataset = data.train_dataset

    def slow_dataset():
        found = train_dataset()
        found.read = clock.slowed(found.read, read)
        found.transform = clock.slowed(found.transform, transform)
        return found

    monkeypatch.setattr(data, "train_dataset", slow_dataset)
    monkeypatch.setattr(pipeline, "generators", clock.slowed(pipeline.generators, 1))
    for user in (pipeline, dataset):
        monkeypatch.setattr(user, "to_channels_first", clock.slowed(to_channels_first, order))
    for name, takes in (("pack", pack), ("stack", stack), ("unpack", draw)):
        monkeypatch.setattr(data.codec, name, clock.slowed(getattr(data.codec, name), takes))
    loader, *steps, seeding, whole = time_pipeline(data, samples=5, rounds=2, workers=0)
    expected = {name: takes / (1 + (name in OF_BATCH)) for name, takes in STEPS.items()}
    assert {row.name: row.median for row in steps} == pytest.approx(expected)
    assert (whole.median, loader.median) == pytest.approx((39, 39)) and sum(expected.values()) == 39
    assert seeding.median == pytest.approx(1) and seeding.figures["share"] == "3%"
    assert whole.name == "all of it, undivided" and whole.figures["share"] == "100%"
    assert steps[0].figures["share"] == "51%" and steps[5].figures["share"] == "10%"
    assert loader.figures["samples/s"] == pytest.approx(1e3 / 39) and loader.figures["threads"] == 2
    assert clock.threads == {(2, 2), (1, 1)} and {r.figures["threads"] for r in (*steps, whole)} == {1}
    assert {row.figures["shape"] for row in (loader, *steps, seeding, whole)} == {"3x64x64"}


def test_the_loader_and_each_step_are_timed(tmp_path):
    make_labelme(tmp_path, frames=4, people=2, size=(80, 64))
    loader, *steps, seeding, _ = time_pipeline(module(tmp_path, val="none"), samples=4, rounds=2, workers=1)
    assert loader.name == "loader, 1 worker, batch 2" and len(loader.milliseconds) == 2
    assert len(steps) == 6 and all(row.median > 0 for row in steps)
    assert seeding.name == "of the transform, seeding" and seeding.median < steps[1].median


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
