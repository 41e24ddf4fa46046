"""Weights files: what fits is loaded and reported, what is broken or foreign is refused."""

import os
import shutil

import cv2
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from dancepose.errors import CheckpointError
from dancepose.layers.init import initialise
from dancepose.networks.foreign_files import unreadable
from dancepose.networks.hrnet import HRNet
from dancepose.networks.pose import Head, PoseNetwork
from dancepose.networks.weights import (
    HRNET,
    load_weights,
    own_name,
    read_file,
    read_metadata,
    read_state_dict,
)


def network(channels: tuple[int, ...] = (6, 3), seed: int = 0) -> PoseNetwork:
    made = PoseNetwork(HRNet(8), Head(8, channels, blocks=1))
    initialise(made, seed)
    return made


@pytest.fixture(scope="module")
def source() -> dict[str, torch.Tensor]:
    return network(seed=1).state_dict()


def published(name: str) -> str:
    """Our name -> the published one."""
    old, own = next((old, own) for old, own in HRNET.items() if name.startswith(own))
    return old + name.removeprefix(own)


def equal(made: nn.Module, state: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, state[name]) for name, value in made.state_dict().items())


class TestLoading:
    @pytest.mark.parametrize("suffix", ["safetensors", "pth"])
    @pytest.mark.parametrize("rename", [str, published], ids=["own", "published"])
    def test_everything_fits(self, tmp_path, source, suffix, rename):
        path = tmp_path / f"weights.{suffix}"
        state = {rename(name): value for name, value in source.items()}
        save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
        made = network()
        report = load_weights(made, path)
        assert equal(made, source)
        assert not (report.missing or report.mismatched or report.unused)
        assert report.shares["loaded"] == 1.0
        assert "loaded" in str(report) and "100.0%" in str(report)

    @given(
        wrappers=st.lists(st.sampled_from(["module.", "_orig_mod.", "network.", "model."]), max_size=4),
        name=st.sampled_from(["backbone.layer1.0.conv1.weight", "head.final_layers.0.bias"]),
    )
    def test_wrappers_are_stripped(self, wrappers, name):
        assert own_name("".join(wrappers) + name, [name]) == name
        assert own_name("".join(wrappers) + published(name), [name]) == name

    def test_one_published_name_stands_in_two_kinds_of_networks(self):
        """Only a translation that the network knows counts; what no network knows keeps its name."""
        pose, motion = "backbone.layer1.0.bn1.bias", "branches.image.resnet.layer1.0.bn1.bias"
        bare = "layer1.0.bn1.bias"
        for wanted in (pose, motion, bare):
            assert own_name("module." + bare, [wanted]) == wanted
        assert own_name("module." + bare, ["fc.bias"]) == bare
        assert own_name("stage9.bias", ["fc.bias"]) == "stage9.bias"

    def test_a_part_compiled_by_itself(self):
        name = "backbone.layer1.0.bn1.bias"
        assert own_name("network.backbone._orig_mod.layer1.0.bn1.bias", [name]) == name

    @pytest.mark.parametrize("nest", [["state_dict"], ["model"], ["model", "state_dict"]])
    def test_nested_state_dicts(self, tmp_path, source, nest):
        content = dict(source)
        for key in nest:
            content = {key: content, "epoch": 3}
        torch.save(content, tmp_path / "nested.pth")
        assert read_state_dict(tmp_path / "nested.pth").keys() == source.keys()

    def test_another_skeleton_and_another_head(self, tmp_path, source):
        """What does not fit stays as it was drawn, and is reported with its share."""
        state = dict(source)
        state["incre_modules.0.weight"] = torch.zeros(1000)
        del state["backbone.stem.conv1.weight"]
        torch.save(state, tmp_path / "other.pth")
        made, fresh = network(channels=(8,)), network(channels=(8,)).state_dict()
        report = load_weights(made, tmp_path / "other.pth")
        kept = {"backbone.stem.conv1.weight", "head.final_layers.0.weight", "head.final_layers.0.bias"}
        for name, value in made.state_dict().items():
            assert torch.equal(value, fresh[name] if name in kept else source[name]), name
        assert report.missing == ["backbone.stem.conv1.weight"]
        assert set(report.mismatched) == kept - set(report.missing)
        assert "incre_modules.0.weight" in report.unused and "head.final_layers.1.weight" in report.unused
        total = sum(v.numel() for v in fresh.values())
        assert report.shares["missing"] == pytest.approx(27 * 64 / total)
        assert report.shares["mismatched"] == pytest.approx((8 * 8 + 8) / total)
        assert report.shares["loaded"] == pytest.approx(1 - (27 * 64 + 72) / total, abs=1e-6)
        assert report.shares["unused"] > 0
        for word in ("missing: 1 ", "mismatched: 2 ", "head.final_layers.1.weight", "of the file"):
            assert word in str(report)

    def test_old_files_without_batch_counters(self, tmp_path, source):
        state = {k: v for k, v in source.items() if not k.endswith("num_batches_tracked")}
        torch.save(state, tmp_path / "old.pth")
        assert load_weights(network(), tmp_path / "old.pth").missing == []


@pytest.fixture(scope="module", params=["safetensors", "zip", "legacy"])
def whole(request, tmp_path_factory) -> tuple[bytes, str]:
    """The contents and suffix of a good file in each format."""
    folder = tmp_path_factory.mktemp("whole")
    state = {"backbone.layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1), "b": torch.zeros(7)}
    if request.param == "safetensors":
        path = folder / "w.safetensors"
        save_file(state, path)
    else:
        path = folder / "w.pth"
        torch.save(state, path, _use_new_zipfile_serialization=request.param == "zip")
    return path.read_bytes(), path.suffix


class Code:
    """Runs when it is unpickled, if anything lets it."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


class TestRefusals:
    @given(share=st.floats(0, 0.999))
    @example(share=0.01953125)  # of the old format: within a name, which is another name then
    @settings(max_examples=25)
    def test_truncated(self, whole, tmp_path_factory, share):
        content, suffix = whole
        path = tmp_path_factory.mktemp("cut") / f"cut{suffix}"
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(CheckpointError, match=r"cut\.\w+ (is truncated|holds no)"):
            read_state_dict(path)

    @pytest.mark.filterwarnings("ignore:Detected pickle protocol")
    @given(
        content=st.binary(max_size=200),
        magic=st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x04}"]),
    )
    @settings(max_examples=100)
    def test_any_other_bytes(self, tmp_path_factory, content, magic):
        folder = tmp_path_factory.mktemp("bytes")
        for name in ("x.pth", "x.safetensors"):
            (folder / name).write_bytes(magic + content)
            with pytest.raises(CheckpointError, match=name):
                read_state_dict(folder / name)

    def test_a_file_that_holds_itself_is_no_riddle(self, tmp_path):
        content: dict = {}
        content["state_dict"] = content
        torch.save(content, tmp_path / "x.pth")
        with pytest.raises(CheckpointError, match=r"x\.pth holds no weights"):
            read_state_dict(tmp_path / "x.pth")

    def test_pickled_code_is_refused_and_not_run(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        torch.save({"state_dict": {"a": torch.zeros(1)}, "extra": Code()}, "code.pth")
        with pytest.raises(CheckpointError, match=r"code\.pth holds pickled objects.*state_dict"):
            read_file("code.pth")
        assert not (tmp_path / "unpickled").exists()

    def test_a_whole_pickled_network_is_refused(self, tmp_path):
        torch.save(nn.Conv2d(3, 3, 1), tmp_path / "network.pth")
        with pytest.raises(CheckpointError, match="pickled objects"):
            load_weights(network(), tmp_path / "network.pth")

    @pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], {"state_dict": {}}])
    def test_no_weights_inside(self, tmp_path, content):
        torch.save(content, tmp_path / "x.pth")
        with pytest.raises(CheckpointError, match="holds no weights"):
            load_weights(network(), tmp_path / "x.pth")

    def test_nothing_fits(self, tmp_path):
        save_file({"encoder.weight": torch.zeros(3)}, tmp_path / "vit.safetensors")
        with pytest.raises(CheckpointError, match=r"vit\.safetensors: none of its 1 tensors fits.*encoder"):
            load_weights(network(), tmp_path / "vit.safetensors")

    def test_next_to_nothing_fits(self, tmp_path):
        """A counter alone, of a network half as wide: the training would start from nothing."""
        narrow, wide = (nn.Sequential(nn.Linear(4, w), nn.BatchNorm1d(w)) for w in (32, 64))
        path, about = tmp_path / "narrow.ckpt", {"model": {"network": "pose", "width": 32, "dropout": 0}}
        torch.save({"state_dict": narrow.state_dict(), "dancepose": about}, path)
        shapes = (
            r"hardly anything of it fits this network \(0\.2%\), 0\.weight is 32 x 4 in it and 64 x 4 here"
        )
        with pytest.raises(
            CheckpointError, match=shapes + ".*a run with model.network=pose model.width=32: "
        ):
            load_weights(wide, path)
        torch.save(narrow.state_dict(), path)
        with pytest.raises(CheckpointError, match="this kind and width, or none"):
            load_weights(wide, path)

    @pytest.mark.parametrize("name", ["config.yaml", "x.safetensors", "x.ckpt"])
    def test_text_is_not_called_damaged(self, tmp_path, name):
        path = tmp_path / name
        path.write_text("model:\n  network: pose # Größe\n" * 100, encoding="utf-8")
        with pytest.raises(CheckpointError, match=rf"{name} is no checkpoint .* but text: give a run"):
            read_state_dict(path)

    @pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.bmp", "x.webp", "x.tif", "x.ppm"])
    def test_a_picture_is_called_so(self, tmp_path, name):
        cv2.imwrite(str(tmp_path / name), np.full((20, 30, 3), 65, np.uint8))
        shutil.copy(tmp_path / name, tmp_path / "x.ckpt")
        for path in (tmp_path / name, tmp_path / "x.ckpt"):
            told = f"{path.name} is a picture, and no checkpoint .*: give a run .* with source="
            with pytest.raises(CheckpointError, match=told):
                read_file(path)

    def test_an_onnx_file_is_called_so(self, tmp_path):
        graph = b"\x08\x0a\x12\x07pytorch\x1a\x052.4.0:\xf3\x9c\x80" + bytes(range(256))
        for name, content in {"x.onnx": b"any", "named_wrongly.ckpt": graph}.items():
            (tmp_path / name).write_bytes(content)
            with pytest.raises(CheckpointError, match=f"{name} is an ONNX file: .*run .*or its safetensors"):
                load_weights(network(), tmp_path / name)

    @pytest.mark.parametrize("suffix", ["ckpt", "safetensors"])
    def test_a_file_that_may_not_be_read(self, tmp_path, monkeypatch, suffix):
        def closed(self, *_args, **_keys):
            raise PermissionError(13, "Permission denied", str(self))

        (path := tmp_path / f"x.{suffix}").write_bytes(b"\0" * 100)
        monkeypatch.setattr(type(path), "open", closed)  # who tests as root may read all files
        for read in (read_file, read_metadata):
            with pytest.raises(CheckpointError, match=rf"x\.{suffix} cannot be read: Permission denied$"):
                read(path)

    def test_flipped_bytes_that_leave_the_structure_whole(self, tmp_path):
        torch.save({"a": torch.arange(1000.0), "b": torch.full((500,), 3.0)}, path := tmp_path / "x.ckpt")
        data = path.read_bytes()
        path.write_bytes(data.replace(torch.full((10,), 3.0).numpy().tobytes(), b"\x3e" * 40, 1))
        torch.load(path, weights_only=True)  # notices nothing
        told = r"x\.ckpt is truncated or damaged: again \(the checksum of its record x/data/1 is wrong\)$"
        with pytest.raises(CheckpointError, match=told):
            read_file(path, "again")

    def test_a_file_without_checksums_is_read(self, source, tmp_path):
        torch.serialization.set_crc32_options(False)
        try:
            torch.save(source, tmp_path / "x.ckpt")
        finally:
            torch.serialization.set_crc32_options(True)
        assert read_file(tmp_path / "x.ckpt").keys() == source.keys()

    def test_a_file_that_is_cut_off_in_its_first_bytes_is_no_text(self, tmp_path):
        for content in (b"", b"P", b"PK", b"X\0\0\0\0\0\0\0{"):
            (tmp_path / "x").write_bytes(content)
            assert "x is truncated or damaged: copy (E)" in str(unreadable(tmp_path / "x", "copy", "E"))

    def test_missing_file(self, tmp_path):
        for path in (tmp_path / "none.pth", tmp_path):
            with pytest.raises(CheckpointError, match="there is no file"):
                load_weights(network(), path)


@pytest.mark.shared
def test_published_state_dict_from_a_file(golden, tmp_path):
    arrays = golden("higherhrnet_w8")
    state = {
        "module." + k[3:]: torch.from_numpy(np.array(v)) for k, v in arrays.items() if k.startswith("sd.")
    }
    torch.save({"state_dict": state}, tmp_path / "published.pth")
    made = PoseNetwork(HRNet(8), Head(8, [34, 17]))
    report = load_weights(made, tmp_path / "published.pth")
    assert report.shares["loaded"] == 1.0 and not report.unused
