"""The pipeline with an oracle in place of the network, and with small networks of its own."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from oracle import SKELETON, as_outputs, predictor_for, ramp, somebody
from PIL import Image

import dancepose
from dancepose.build import MotionModel, build, expect
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.base import Found
from dancepose.errors import CheckpointError, ConfigError, DataError
from dancepose.inference import devices, stages
from dancepose.inference import pipeline as pipeline_module
from dancepose.inference import runs as runs_module
from dancepose.inference.actions import TOO_FEW, ActionPredictor, ActionSample
from dancepose.inference.geometry import TestGeometry, apply_matrix, invert_matrix
from dancepose.inference.interface import Item
from dancepose.inference.onnx_run import OnnxActionNetwork, OnnxPose
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.pose import to_original
from dancepose.inference.runs import find_checkpoint, load_motion, load_pose
from dancepose.inference.stage_times import StageTimes
from dancepose.inference.tiles import Tiling
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

CODEC = AssociativeEmbedding(SKELETON)


def crowd(size, seed, count=2):
    """People side by side, far from each other."""
    rng = np.random.default_rng(seed)
    lows = np.linspace(0.06, 0.9, count, endpoint=False)
    return [_stretched(somebody(*size, rng, 0, 1), size, low, 0.7 / count) for low in lows]


def _stretched(keypoints, size, low, share):
    keypoints[:, 0] = low * size[0] + keypoints[:, 0] * share
    keypoints[:, 1] = 0.1 * size[1] + keypoints[:, 1] * 0.8
    return keypoints


def pipeline_for(truth, side=192, flip=False, tile=None, resize="short", **more):
    geometry = TestGeometry(side, resize)
    tiling = None if tile is None else Tiling(tile)
    pose = predictor_for(CODEC, truth, geometry, flip, tiling=tiling)
    return Pipeline(pose, tile=tile, **more)


def own_error(size, people, geometry):
    """Return the codec's own error in original pixels: encoded and decoded without any picture."""
    plan = geometry.plan(*size)
    inverse = invert_matrix(plan.matrix)
    inputs = [Person(np.column_stack([apply_matrix(inverse, k[:, :2]), k[:, 2]])) for k in people]
    maps = [m[None] for m in as_outputs(CODEC, Frame("", plan.size, inputs, SKELETON.name), plan.size)]
    return max(error(to_original(CODEC.decode(maps)[0], plan.matrix), keypoints) for keypoints in people)


def error(people, keypoints):
    return min(np.abs(person.keypoints[:, :2] - keypoints[:, :2]).max() for person in people)


class TestGeometryOfTheWholeWay:
    """Coordinates come back within 0.01 px and the codec's own quantisation."""

    SIZES = [(320, 240), (211, 307), (500, 333), (192, 192)]  # padded, enlarged, shrunk, as they are

    @pytest.mark.parametrize("flip", [False, True])
    @pytest.mark.parametrize("resize", ["short", "long"])
    def test_padded_scaled_and_flipped_copies(self, flip, resize):
        truth = {i: (size, crowd(size, i)) for i, size in enumerate(self.SIZES)}
        pipeline = pipeline_for(truth, flip=flip, resize=resize)
        predictions = list(pipeline.stream([ramp(*size, i) for i, size in enumerate(self.SIZES)]))
        for (size, true), prediction in zip(truth.values(), predictions, strict=True):
            assert prediction.frame.size == size and len(prediction.frame.people) == len(true)
            bound = own_error(size, true, pipeline.pose.geometry) + 0.01
            assert max(error(prediction.frame.people, k) for k in true) <= bound

    def test_tiled_copies(self):
        size = (500, 333)
        true = crowd(size, 7, count=4)
        pipeline = pipeline_for({3: (size, true)}, tile=200)
        assert len(pipeline.tiling.rectangles(*size)) > 5
        (prediction,) = pipeline.stream([ramp(*size, 3)])
        assert len(prediction.frame.people) == 4, "everybody once"
        bound = own_error(size, true, pipeline.pose.geometry) + 0.01
        assert max(error(prediction.frame.people, k) for k in true) <= bound
        assert prediction.joined > 0 and not prediction.left_out, "joining leaves nobody out"
        assert [tuple(shape)[0] for shape, _ in pipeline.pose.network.seen][0] == 2, "tiles go together"

    @pytest.mark.parametrize("size", [(500, 333), (100, 80)], ids=["cut", "whole"])
    def test_tiles_are_cut_as_they_are_needed(self, size, monkeypatch):
        taken, cut, run, ahead = 0, [], [], []
        blind = SimpleNamespace(skeleton=SKELETON, geometry=TestGeometry(64))
        blind.run = lambda inputs: run.append(len(inputs)) or len(inputs)
        blind.people = lambda count: [Found([])] * count
        pipeline = Pipeline(blind, tile=128, batch_size=2)
        views, warp = len(pipeline.tiling.rectangles(*size)), TestGeometry.warp

        def counting(geometry, image):
            cut.append(image.shape)
            ahead.append(len(cut) - sum(run))
            return warp(geometry, image)

        def pictures():
            nonlocal taken
            for _ in range(6):
                taken += 1
                yield np.zeros((size[1], size[0], 3), np.uint8)

        monkeypatch.setattr(TestGeometry, "warp", counting)
        for number, prediction in enumerate(pipeline.stream(pictures()), start=1):
            assert prediction.error is None and prediction.frame.size == size
            if views > 1:
                assert taken <= number + 2, "the tiles of one picture are enough to do"
        assert number == 6 and len(cut) == 6 * views == sum(run) and views in (1, 21)
        assert max(ahead) <= 4 * pipeline.batch_size and max(run) == 2


class TestStream:
    SIZES = [(128, 96), (96, 128), (128, 96), (132, 96), (96, 128), (128, 96), (128, 96)]

    def predicted(self, **more):
        truth = {i: (size, crowd(size, i, 1)) for i, size in enumerate(self.SIZES)}
        pipeline = pipeline_for(truth, side=96, **more)
        pictures = [ramp(*size, i) for i, size in enumerate(self.SIZES)]
        return pipeline, [Item(picture, f"p{i}") for i, picture in enumerate(pictures)], truth

    def test_results_are_in_order_and_sizes_go_together(self):
        pipeline, items, truth = self.predicted(batch_size=3)
        found = list(pipeline.stream(items))
        assert [p.item for p in found] == items and [p.frame.name for p in found] == [i.name for i in items]
        for prediction, (size, true) in zip(found, truth.values(), strict=True):
            assert prediction.error is None and prediction.frame.size == size
            assert error(prediction.frame.people, true[0]) < 1
        batches = [shape[0] for shape, _ in pipeline.pose.network.seen]
        assert sum(batches) == 7 and max(batches) == 3 and len(batches) <= 4
        box = found[0].frame.people[0].box
        points = found[0].frame.people[0].keypoints[:, :2]
        np.testing.assert_allclose(box, [*points.min(0), *np.ptp(points, axis=0)])

    def test_memory_is_constant(self):
        pipeline, items, _ = self.predicted(batch_size=1)
        taken = 0

        def endless():
            nonlocal taken
            while True:
                yield items[taken % len(items)]
                taken += 1

        stream = pipeline.stream(endless())
        for number in range(12):
            next(stream)
            assert taken <= number + 2 * pipeline.batch_size + 2
        stream.close()
        assert not any(thread.name.startswith("dancepose-") for thread in threading.enumerate())

    def test_it_stops_between_batches(self):
        size = (500, 333)
        pipeline = pipeline_for({3: (size, crowd(size, 7, count=4))}, tile=100, batch_size=2)
        network, batches, asked = pipeline.pose.network, len(pipeline.tiling.rectangles(*size)) // 2, []
        network.register_forward_hook(lambda *_: asked.append(1))
        assert batches > 10
        items = [Item(ramp(*size, 3), "large"), Item(ramp(*size, 3), "next")]
        assert list(pipeline.stream(items, stop=lambda: len(asked) >= 3)) == []
        assert len(network.seen) == 3
        assert not any(thread.name.startswith("dancepose-") for thread in threading.enumerate())

    def test_what_is_done_when_it_stops_is_given(self):
        pipeline, items, _ = self.predicted(batch_size=1)
        seen = pipeline.pose.network.seen
        found = list(pipeline.stream(items, stop=lambda: len(seen) >= 3))
        assert [p.item for p in found] == items[:3] and len(seen) == 3

    def test_an_odd_picture_does_not_wait_for_ever(self):
        truth = {0: ((128, 96), crowd((128, 96), 0, 1)), 1: ((96, 160), crowd((96, 160), 1, 1))}
        pipeline = pipeline_for(truth, side=96, batch_size=2)
        odd, usual = Item(ramp(96, 160, 1), "odd"), Item(ramp(128, 96, 0), "usual")
        taken = []

        def items():
            for item in [odd, *[usual] * 20]:
                taken.append(item)
                yield item

        assert next(pipeline.stream(items())).item is odd
        assert len(taken) <= 2 * 2 + 2

    def test_what_cannot_be_read_passes_through_in_its_place(self, tmp_path: Path):
        pipeline, items, _ = self.predicted()
        (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
        asked = [
            items[0],
            Item(tmp_path / "broken.jpg", "broken"),
            Item(None, "damaged", error="frame 7 is damaged"),
            Item(np.zeros((4, 4), np.uint8), "grey"),
            items[1],
        ]
        found = list(pipeline.stream(asked))
        assert [p.item for p in found] == asked
        errors = [p.error for p in found]
        assert errors[0] is None and errors[4] is None and errors[2] == "frame 7 is damaged"
        assert "broken.jpg is broken" in errors[1] and "uint8 (H, W, 3)" in errors[3]
        assert not found[1].frame.people and found[1].picture is None

    def test_an_error_of_the_decoder_is_not_lost(self):
        pipeline, items, _ = self.predicted()

        def people(maps):
            raise RuntimeError("no memory")

        pipeline.pose.people = people
        with pytest.raises(RuntimeError, match="no memory"):
            list(pipeline.stream(items))
        assert not any(thread.name.startswith("dancepose-") for thread in threading.enumerate())

    @pytest.mark.parametrize("batch_size", [1, 2])
    @pytest.mark.parametrize("where", ["read", "network", "decode", "finish", "items"])
    def test_what_was_done_before_an_error_is_given_first(self, where, batch_size, monkeypatch):
        pipeline, items, _ = self.predicted(batch_size=batch_size)
        pose, bad, seen = pipeline.pose, 4, []
        number = {id(item.image): i for i, item in enumerate(items)}

        def fails_for_a_picture(call):
            def checked(image):
                if number.get(id(image)) == bad:
                    raise RuntimeError("broken")
                return call(image)

            return checked

        def fails_at_a_batch(call):
            def checked(*arguments):
                seen.append(1)
                if len(seen) > 2:
                    raise RuntimeError("broken")
                return call(*arguments)

            return checked

        def broken_off():
            yield from items[:bad]
            raise RuntimeError("broken")

        if where == "read":
            monkeypatch.setattr(stages, "read_image", fails_for_a_picture(stages.read_image))
        elif where == "network":
            pose.run = fails_at_a_batch(pose.run)
        elif where == "decode":
            pose.people = fails_at_a_batch(pose.people)
        elif where == "finish":
            pipeline._select = fails_at_a_batch(pipeline._select)
        given = []
        with pytest.raises(RuntimeError, match="broken"):
            for prediction in pipeline.stream(broken_off() if where == "items" else items):
                given.append(prediction.item)
        # sizes alternate: the two batches that succeed hold items 0 and 1, or 0 and 2 and 1 and 4
        wanted = bad if where in ("read", "items") else {1: 2, 2: 3}[batch_size]
        assert given == items[:wanted] and all(p.error is None for p in [prediction])
        assert not any(thread.name.startswith("dancepose-") for thread in threading.enumerate())

    def test_heatmaps_cover_what_they_are_laid_over(self):
        pipeline, items, truth = self.predicted()
        first = next(pipeline.stream(items, heatmaps=True))
        assert first.heatmaps.shape == (15, 48, 64) and first.heated.shape == (96, 128, 3)
        y, x = np.unravel_index(first.heatmaps[0].argmax(), (48, 64))
        assert np.abs(np.array([x, y]) * 2 + 0.5 - truth[0][1][0][0, :2]).max() <= 1
        with pytest.raises(ConfigError, match="tile"):
            pipeline_for({}, tile=64).stream([], heatmaps=True)

    def test_a_graph_that_gives_no_heatmaps_is_refused_before_any_picture(self):
        class Graph(OnnxPose):
            def __init__(self):
                pass

        with pytest.raises(ConfigError, match="heatmaps=true: this network's file gives none"):
            Pipeline(Graph()).stream([], heatmaps=True)

    def test_a_classifier_in_a_graph_says_what_it_does_not_read(self, monkeypatch, caplog):
        asked = {"branches": ["keypoints"], "network": "motion"}
        model = build({"model": asked, "skeleton": "common13", "classes": ["a", "b"]})
        graph_run = SimpleNamespace(get_inputs=lambda: [SimpleNamespace(name="image")])
        graph = replace(model, network=OnnxActionNetwork(graph_run))
        monkeypatch.setattr(pipeline_module, "network_file", lambda path, *_: Path(path))
        monkeypatch.setattr(pipeline_module, "open_pose", lambda *_: self.predicted()[0].pose)
        monkeypatch.setattr(pipeline_module, "open_motion", lambda *_: graph)
        Pipeline.from_run("pose", "motion.onnx", device="cpu")
        assert "32-true" not in caplog.text
        Pipeline.from_run("pose", "motion.onnx", device="cpu", precision="bf16-mixed")
        assert "motion.onnx runs in 32-true, whatever precision= says" in caplog.text

    def test_time_is_counted_by_stage(self):
        pipeline, items, _ = self.predicted()
        times = StageTimes()
        assert len(list(pipeline.stream(items, times=times))) == 7
        assert all(times.seconds[stage] > 0 for stage in ("read", "network", "decode"))
        assert times.seconds["motion"] == times.seconds["draw"] == 0
        lines = times.table(7).splitlines()
        assert [line.split()[0] for line in lines[1:8]] == [
            "read",
            "network",
            "decode",
            "motion",
            "draw",
            "write",
            "activation",
        ]
        shares = [float(line.split()[-1]) for line in lines[1:8]]
        assert abs(sum(shares) - 100) < 0.5


class TestWhoIsLeftOut:
    def test_people_are_counted_and_never_lost(self):
        size = (320, 240)
        true = crowd(size, 0, 3)
        true[1][:, :2] = 150 + (true[1][:, :2] - true[1][:, :2].mean(0)) * 0.2  # a small one
        pipeline = pipeline_for({0: (size, true)})
        picture = ramp(*size, 0)
        assert len(pipeline(picture).people) == 3
        pipeline.least_size = 100
        (prediction,) = pipeline.stream([picture])
        assert len(prediction.frame.people) == 2
        assert prediction.left_out == {"smaller than 100 px": 1}
        pipeline.least_size, pipeline.least_score = 0, 2.0
        (prediction,) = pipeline.stream([picture])
        assert prediction.frame.people == [] and prediction.left_out == {"score below 2": 3}

    @pytest.mark.parametrize(
        ("tile", "room", "beyond"), [(None, 1, 3), (None, 3, 1), (200, 3, 0), (None, 4, 0)]
    )
    def test_whom_the_codec_has_no_room_for_is_counted(self, tile, room, beyond):
        size = (500, 333)
        true = crowd(size, 7, 4)
        pipeline = pipeline_for({0: (size, true)}, tile=tile)
        codec = AssociativeEmbedding(SKELETON)
        codec.decoder.group = replace(codec.decoder.group, max_people=room)
        pipeline.pose.codec = codec
        (prediction,) = pipeline.stream([ramp(*size, 0)])
        assert prediction.left_out.get("more than max_people", 0) == beyond, "a tile may have room for them"
        if tile is None:
            assert len(prediction.frame.people) == 4 - beyond

    @pytest.mark.parametrize(
        "wrong", [{"batch_size": 0}, {"tile": 3}, {"least_score": -1.0}, {"least_size": -1.0}]
    )
    def test_impossible_values(self, wrong):
        with pytest.raises(ConfigError):
            pipeline_for({}, **({"tile": None} | wrong))


class TestCall:
    def test_array_path_and_iterator(self, tmp_path: Path):
        size = (128, 96)
        pipeline = pipeline_for({0: (size, crowd(size, 0, 1))}, side=96)
        picture = ramp(*size, 0)
        path = tmp_path / "a.png"
        cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        frame = pipeline(picture)
        assert isinstance(frame, Frame) and frame.image is picture and frame.skeleton == "mpii15"
        for other in (pipeline(path), pipeline(str(path)), *pipeline(iter([path, picture]))):
            assert np.array_equal(other.people[0].keypoints, frame.people[0].keypoints)
        assert pipeline(path).image == path and pipeline(path).name == str(path)
        with pytest.raises(DataError, match=r"nothing\.jpg"):
            list(pipeline([picture, tmp_path / "nothing.jpg"]))

    def test_images_of_pillow_are_what_their_files_are(self, tmp_path: Path):
        size = (128, 96)
        pipeline = pipeline_for({0: (size, crowd(size, 0, 1))}, side=96)
        image = Image.fromarray(ramp(*size, 0))
        wanted = pipeline(np.asarray(image)).people[0].keypoints
        for given in (image, image.convert("RGBA")):
            assert np.array_equal(pipeline(given).people[0].keypoints, wanted)
        (frame,) = pipeline([image])
        assert np.array_equal(frame.people[0].keypoints, wanted) and frame.name == ""
        image.save(tmp_path / "a.png")
        with Image.open(tmp_path / "a.png") as opened:
            assert pipeline(opened).name == str(tmp_path / "a.png")
        noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "whole.png")
        (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:20000])
        with Image.open(tmp_path / "cut.png") as cut, pytest.raises(DataError, match=r"cut\.png"):
            pipeline(cut)

    @pytest.mark.parametrize("wrong", [5, None, b"photo.jpg", 1.5])
    def test_what_is_no_picture_is_refused_at_the_call(self, wrong):
        pipeline = pipeline_for({0: ((128, 96), [])}, side=96)
        name = type(wrong).__name__
        with pytest.raises(TypeError, match=f"path, .* or a Pillow image, or an iterable .* not {name}"):
            pipeline(wrong)
        with pytest.raises(TypeError, match=f"each picture must be a path, .* Pillow image, not {name}"):
            list(pipeline([wrong]))


SMALL = {"width": 8, "depth": "small"}
TESTED = {"test_size": 64, "resize": "long", "pad_multiple": 32, "flip": True, "scales": [1.0, 0.5]}


def save(folder: Path, config: dict, which: str = "best") -> Path:
    """Write a run directory's checkpoint of an untrained network."""
    model = build(config)
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    state = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    content = {"dancepose": model.config | {"test": config.get("test", {})}, "state_dict": state}
    torch.save(content, folder / "checkpoints" / f"{which}.ckpt")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    classes = ["wave", "walk"]
    crop = {"size": 32, "resize": 36, "margin": 0.15}
    motion = {"model": {"network": "motion", "depth": 18, "width": 4}, "classes": classes, "test": crop}
    over_time = {"model": {"network": "motion_1d"}, "skeleton": "common13", "classes": classes}
    return {
        "pose": save(root / "pose", {"model": SMALL, "skeleton": "mpii15", "test": TESTED}, "last"),
        "headless": save(root / "headless", {"model": SMALL, "skeleton": "lsp14"}),
        "motion": save(root / "motion", motion | {"skeleton": "common13"}),
        "openpose": save(root / "openpose", motion | {"skeleton": "openpose18"}),
        "over_time": save(root / "over_time", over_time),
    }


class TestFromRun:
    def test_a_run_is_used_as_its_training_tested(self, runs):
        assert dancepose.Pipeline is Pipeline
        pipeline = dancepose.Pipeline.from_run(pose=runs["pose"], device="cpu")
        pose = pipeline.pose
        assert pose.geometry == TestGeometry(64, "long", 32) and pose.flip and pose.scales == (1.0, 0.5)
        assert pipeline.skeleton.name == "mpii15" and pipeline.classes == () and pipeline.batch_size == 2
        other = Pipeline.from_run(runs["pose"], device="cpu", flip=False, scales=[1], size=96, batch_size=4)
        assert other.pose.geometry.size == 96 and not other.pose.flip and other.pose.scales == (1.0,)
        assert other.batch_size == 4

    def test_the_checkpoint_is_the_one_that_the_training_tested(self, tmp_path: Path, caplog):
        for which in ("best", "last"):
            run = save(tmp_path, {"model": SMALL, "skeleton": "mpii15"}, which)
        assert find_checkpoint(run).stem == "best", "a folder without a configuration"
        for tested, asked, taken in (
            ("last", None, "last"),
            ("best", None, "best"),
            ("last", "best", "best"),
            ("best", "last", "last"),
        ):
            (run / "config.yaml").write_text(f"which: {tested}\n")
            assert find_checkpoint(run, asked).stem == taken
            assert Pipeline.from_run(run, which=asked, device="cpu").files["pose"].stem == taken
        (run / "config.yaml").write_text("model: {}\n")
        assert find_checkpoint(run).stem == "best", "runs of old do not say"
        assert not caplog.records
        (run / "checkpoints/best.ckpt").unlink()
        assert find_checkpoint(run).stem == "last" and "without validation" in caplog.text

    @pytest.mark.parametrize("content", ["which: [", "- a\n", "which: first\n", "which: last"])
    def test_a_broken_configuration_is_told_with_what_does_without(self, content, tmp_path: Path):
        run = save(tmp_path, {"model": SMALL, "skeleton": "mpii15"})
        (run / "config.yaml").write_text(content)
        with pytest.raises(CheckpointError, match=r"config\.yaml.*which=best or which=last"):
            Pipeline.from_run(run, device="cpu")
        assert find_checkpoint(run, "best").is_file()

    def test_with_a_classifier(self, runs):
        pipeline = Pipeline.from_run(runs["pose"], runs["motion"] / "checkpoints" / "best.ckpt", device="cpu")
        assert pipeline.classes == ("wave", "walk")
        frame = pipeline(np.zeros((64, 80, 3), np.uint8))
        assert frame.classes == ("wave", "walk")

    @pytest.mark.parametrize(("precision", "told"), [("bf16-mixed", 1), ("32-true", 0), (None, 0)])
    def test_a_precision_that_is_slow_here_is_told_once(self, precision, told, runs, caplog, monkeypatch):
        monkeypatch.setattr(devices, "has_fast_bf16", lambda: False)
        monkeypatch.setattr(runs_module, "has_fast_bf16", lambda: False)
        pipeline = Pipeline.from_run(runs["pose"], runs["motion"], device="cpu", precision=precision)
        assert pipeline.pose.dtype == (torch.bfloat16 if told else None)
        assert caplog.text.count("without instructions for bfloat16") == told
        assert caplog.text.count("give precision=32-true") == told

    def test_wrong_runs(self, runs, tmp_path: Path):
        with pytest.raises(CheckpointError, match=r"pose=.*nowhere: there is no such run"):
            Pipeline.from_run(tmp_path / "nowhere")
        with pytest.raises(CheckpointError, match=r"no run directory.*checkpoints/best\.ckpt does not exist"):
            Pipeline.from_run(tmp_path)
        with pytest.raises(ConfigError, match="pose=.*a pose network is needed"):
            Pipeline.from_run(runs["motion"])
        with pytest.raises(ConfigError, match="motion=.*a motion classifier is needed"):
            Pipeline.from_run(runs["pose"], runs["pose"])
        with pytest.raises(ConfigError, match="which=first"):
            Pipeline.from_run(runs["pose"], which="first")
        with pytest.raises(ConfigError, match="precision=fp8"):
            Pipeline.from_run(runs["pose"], precision="fp8")
        whole = (runs["motion"] / "checkpoints" / "best.ckpt").read_bytes()
        (tmp_path / "cut.ckpt").write_bytes(whole[: len(whole) // 2])
        (tmp_path / "foreign.ckpt").write_bytes(b"something else")
        torch.save({"weights": torch.zeros(3)}, tmp_path / "bare.ckpt")
        for name in ("cut", "foreign", "bare"):
            with pytest.raises(CheckpointError, match=rf"{name}\.ckpt"):
                Pipeline.from_run(tmp_path / f"{name}.ckpt")

    def test_single_pictures_are_not_enough_over_time(self, runs):
        pipeline = Pipeline.from_run(runs["pose"], runs["over_time"], device="cpu")
        with pytest.raises(ConfigError, match="32 pictures of a person at a time"):
            pipeline.stream([])
        assert list(pipeline.stream([], actions=False)) == []


class TestActions:
    def test_everybody_of_a_batch_is_asked_about_at_once(self, runs, monkeypatch):
        size = (320, 240)
        truth = {i: (size, crowd(size, i, 2)) for i in range(2)}
        pipeline = pipeline_for(truth, batch_size=2)
        pipeline.action = ActionPredictor(_model(runs["motion"]), SKELETON, "cpu")
        asked = []
        network = pipeline.action._network
        network.register_forward_pre_hook(
            lambda module, args, given: asked.append(len(given["image"])), with_kwargs=True
        )
        predictions = list(pipeline.stream([ramp(*size, 0), ramp(*size, 1)], pictures=False))
        assert asked == [4], "one pass for all four"
        for prediction in predictions:
            assert prediction.picture is None and prediction.without_action == {}
            for person in prediction.frame.people:
                assert person.action in ("wave", "walk") and person.probabilities.sum() == pytest.approx(1)
                assert person.action == pipeline.classes[int(person.probabilities.argmax())]

    def test_whom_too_little_is_seen_of_has_no_action_and_is_counted(self, runs):
        size = (320, 240)
        lone = crowd(size, 0, 1)[0]
        lone[[*range(6), *range(7, 15)]] = 0  # a single keypoint
        action = ActionPredictor(_model(runs["motion"]), SKELETON, "cpu")
        person, whole = Person(lone), Person(crowd(size, 1, 1)[0])
        picture = ramp(*size, 0)
        told = action([ActionSample([p], size, picture) for p in (person, whole)])
        assert told.reason == (TOO_FEW, None)
        people = told.given_to([person, whole])
        assert people[0].action is None and people[0].probabilities is None and people[1].action

    def test_who_is_only_looked_at_needs_no_keypoint_that_the_classifier_knows(self):
        known = load_skeleton("common13")
        lacking = [i for i, name in enumerate(SKELETON.keypoints) if name not in known.keypoints][:2]
        assert len(lacking) == 2
        node = {"network": "motion", "width": 4, "depth": 18, "branches": ["image"]}
        made = {"model": node, "skeleton": "common13", "seed": 0, "classes": ["wave", "walk"]}
        size, rows = (320, 240), crowd((320, 240), 0, 1)[0]
        rows[[i for i in range(len(rows)) if i not in lacking]] = 0
        action = ActionPredictor(expect(build(made), MotionModel), SKELETON, "cpu")
        alone = rows.copy()
        alone[lacking[0]] = 0
        people = [Person(rows), Person(alone)]
        told = action([ActionSample([p], size, ramp(*size, 0)) for p in people])
        assert told.reason == (None, TOO_FEW)

    def test_a_skeleton_that_lacks_what_is_needed(self, runs):
        source = replace(
            SKELETON,
            keypoints=tuple(k if k != "left_hip" else "left_pocket" for k in SKELETON.keypoints),
            name="pockets",
            roles={},
            aliases={},
        )
        with pytest.raises(ConfigError, match="common13 needs left_hip, and the pose .* skeleton pockets"):
            ActionPredictor(_model(runs["motion"]), source, "cpu")

    def test_keypoints_that_are_wanted_are_told(self, runs, caplog):
        action = ActionPredictor(_model(runs["openpose"]), SKELETON, "cpu")
        assert "lacks nose" in caplog.text and "left_ear" in caplog.text
        neck = action.model.skeleton.index("neck")
        keypoints = crowd((320, 240), 0, 1)[0]
        middle = keypoints[SKELETON.role("shoulders"), :2].mean(0)
        np.testing.assert_allclose(action.map.apply(keypoints)[neck, :2], middle)


def test_a_run_of_the_other_kind_is_told_with_what_gives_the_right_one(runs):
    with pytest.raises(
        ConfigError, match=r"^motion=.*is needed here: of dancepose-train experiment=motion_paper"
    ):
        load_motion(runs["pose"])
    with pytest.raises(ConfigError, match=r"^pose=.*is needed here: of dancepose-train model=hrnet, say$"):
        load_pose(runs["openpose"])


def _model(run: Path):
    return load_motion(run)
