"""Training pictures in memory: the very samples that files give, each file decoded once."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import PointsCodec, make_actions, make_labelme

from dancepose.data import picture_cache
from dancepose.data.datamodules import PoseDataModule
from dancepose.data.motion_datamodule import MotionDataModule
from dancepose.data.picture_cache import PictureCache, free_memory
from dancepose.encoders import ImageOnly
from dancepose.errors import ConfigError, DataError
from dancepose.image_files import read_image
from dancepose.skeleton import load_skeleton
from dancepose.tasks.config_hash import config_hash

MPII15 = load_skeleton("mpii15")


@pytest.fixture(scope="module")
def dance(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("dance")
    make_labelme(root, frames=10, size=(80, 64))
    return root


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    make_actions(root, clips=6, length=1, people=2)
    return root


def poses(root: Path, **keys) -> PoseDataModule:
    keys = {"batch_size": 2, "workers": 0, "size": 64, "val": "none", "augmentation": {"rotation": 30}} | keys
    return PoseDataModule(MPII15, PointsCodec(MPII15), root=str(root), **keys)


def actions(root: Path, **keys) -> MotionDataModule:
    keys = {"batch_size": 2, "workers": 0, "size": 32, "resize": 36, "val": "none", "test": "none"} | keys
    keys = {"augmentation": {"rotation": 15, "brightness": 0.2}, "holdout": 0.0} | keys
    return MotionDataModule(load_skeleton("openpose18"), ImageOnly(), root=str(root), **keys)


def epoch(module) -> list[torch.Tensor]:
    module.setup("fit")
    return [batch["image"] for batch in module.train_dataloader()]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("make", "data"), [(poses, "dance"), (actions, "clips")])
def test_samples_are_those_of_the_files(make, data, workers, request):
    root = request.getfixturevalue(data)
    plain, kept = epoch(make(root)), epoch(make(root, cache="ram", workers=workers))
    assert len(plain) >= 3 and all(torch.equal(a, b) for a, b in zip(plain, kept, strict=True))


def test_each_file_is_decoded_once(clips, monkeypatch):
    read = []
    monkeypatch.setattr(picture_cache, "read_image", lambda path: read.append(path) or read_image(path))
    module = actions(clips, cache="ram")
    for _ in range(2):
        assert epoch(module)
    pictures = {sample.middle[0].image for sample in module.samples("train")}
    assert sorted(read) == sorted(pictures) and len(module.samples("train")) == 2 * len(pictures)


def test_what_does_not_fit_is_refused_before_it_is_read(dance, monkeypatch):
    monkeypatch.setattr(picture_cache, "free_memory", lambda: 2**16)
    with pytest.raises(ConfigError, match=r"data\.cache=ram: \d+ pictures need .*data\.cache=null"):
        epoch(poses(dance, cache="ram"))
    monkeypatch.setattr(picture_cache, "free_memory", lambda: None)  # nobody says
    assert epoch(poses(dance, cache="ram"))


def test_a_kept_picture_is_not_written_into_and_stays_in_its_process(dance):
    frames = poses(dance).frames("train")
    cache = PictureCache()
    cache.fill(frames)
    kept = cache.read(frames[0].image)
    assert kept is cache.read(frames[0].image) and (kept == read_image(frames[0].image)).all()
    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0] = 0
    sent = pickle.loads(pickle.dumps(cache))  # noqa: S301
    again = sent.read(frames[0].image)
    assert again is not sent.read(frames[0].image) and (again == kept).all()
    array = np.zeros((2, 2, 3), np.uint8)
    assert cache.read(array) is array


def test_a_picture_that_went_is_named(dance, tmp_path):
    make_labelme(tmp_path, frames=10, size=(80, 64))
    module = poses(tmp_path, cache="ram")
    module.setup("fit")
    gone = module.frames("train")[0].image
    gone.unlink()
    with pytest.raises(DataError, match=gone.name):
        module.train_dataloader()


def test_it_is_ram_or_nothing_and_no_part_of_what_a_run_is(dance):
    with pytest.raises(ConfigError, match=r"data\.cache=disk: choose ram or null"):
        poses(dance, cache="disk")
    config = {"seed": 0, "data": {"cache": None}}
    assert config_hash(config, "d") == config_hash({"seed": 0, "data": {"cache": "ram"}}, "d")


USED = {"max": "4096", "current": "3000"}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 2048 * 1024),
        ({"max": "max"}, 2048 * 1024),
        (USED | {"stat": "anon 1024\nactive_file 0\ninactive_file 0"}, 1096),
        (USED | {"stat": "anon 1000\nactive_file 800\ninactive_file 1200"}, 3096),
    ],
    ids=["no container", "one without a limit", "one with a limit", "one whose memory is full of files"],
)
def test_free_memory_is_what_system_and_container_leave(tmp_path, monkeypatch, limits, expected):
    (tmp_path / "meminfo").write_text("MemTotal: 4096 kB\nMemAvailable: 2048 kB\n")
    for name, value in limits.items():
        (tmp_path / f"memory.{name}").write_text(f"{value}\n")
    monkeypatch.setattr(picture_cache, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(picture_cache, "GROUP", tmp_path)
    assert free_memory() == expected
    monkeypatch.setattr(picture_cache, "MEMORY", tmp_path / "nowhere")
    assert free_memory() is None
