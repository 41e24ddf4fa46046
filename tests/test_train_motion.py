"""The motion classifier's whole stream, files to accuracies, by the entry points' own functions."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import TINY_MOTION as TINY
from factories import make_actions, make_labelme
from hydra.errors import ConfigCompositionException
from running import eager_compile, run_task

from dancepose.browse import browse
from dancepose.build import MotionModel, load_checkpoint
from dancepose.data.pose_filling import PoseFiller
from dancepose.errors import CheckpointError, ConfigError, DataError
from dancepose.evaluate import evaluate
from dancepose.metrics.samples import MotionSamples
from dancepose.skeleton import load_skeleton
from dancepose.train import train

STRICT = [*TINY, "data.workers=2", "callbacks.ema.decay=0.9", "data.augmentation.brightness=0.3"]


@pytest.fixture(scope="module")
def actions(tmp_path_factory) -> Path:
    """24 clips of three actions, two people each."""
    root = tmp_path_factory.mktemp("actions")
    make_actions(root, clips=24, length=2)
    return root


@pytest.fixture(scope="module")
def finished(actions, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("motion_runs") / "finished"
    more = ["data.sampler=confusion", "trainer.max_epochs=4", "callbacks.motion_pictures.every=2"]
    run_task(train, "train", run, *STRICT, *more, f"data.root={actions}", "logger=wandb", drawn=True)
    return run


def test_a_run_directory_holds_what_the_readme_says(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["status"] == "done"
    assert {"val/accuracy", "val/macro_F1", "val/ECE", "test/accuracy", "train/loss"} <= metrics[
        "metrics"
    ].keys()
    assert metrics["objective"] is not None
    assert {p.name for p in (finished / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    pictures = {p.name for p in (finished / "pictures").iterdir()}
    assert {"test_confusion.png", "test_reliability.png", "curves.png"} <= pictures
    samples = MotionSamples.load(finished / "per_sample.npz")
    report = json.loads((finished / "test.json").read_text())
    assert len(samples) == sum(report["scores"]["counts"].values()) and samples.classes == (
        "wave",
        "walk",
        "other",
    )
    assert np.allclose(samples.probabilities.sum(1), 1, atol=1e-5)
    accuracy = float((samples.predicted == samples.labels).mean())
    assert metrics["metrics"]["test/accuracy"] == pytest.approx(accuracy)
    assert {clip for clip in samples.clips} <= {f"clip_{i}" for i in range(24)}


def test_figures_of_each_class_and_pictures_are_in_csv_and_wandb(finished):
    from wandb_file import read_run

    classes = ("wave", "walk", "other")
    with (finished / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/accuracy"]]
    assert len(rows) == 4
    assert all(0 <= float(row[f"val/accuracy_{name}"]) <= 1 for row in rows for name in classes)
    assert {f"test/accuracy_{name}" for name in classes} <= json.loads(
        (finished / "metrics.json").read_text()
    )["metrics"].keys()
    record = read_run(next((finished / "wandb").glob("offline-run-*/*.wandb")))
    assert {"test/samples", "test/mistakes", "test/reliability"} <= record.media
    assert "test/confusion" in record.charts
    assert {f"val/accuracy_{name}" for name in classes} <= record.scalars


@pytest.mark.slow
def test_shares_of_the_sampler_are_logged_each_epoch(finished):
    with (finished / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["sampler/wave"]]
    assert len(rows) == 4
    for row in rows:
        assert sum(float(row[f"sampler/{name}"]) for name in ("wave", "walk", "other")) == pytest.approx(1)


def test_a_checkpoint_holds_no_code_and_makes_the_network_again(finished):
    path = finished / "checkpoints" / "last.ckpt"
    assert torch.serialization.get_unsafe_globals_in_checkpoint(str(path)) == []
    model = load_checkpoint(path)
    assert isinstance(model, MotionModel)
    assert model.classes == ("wave", "walk", "other") and model.skeleton.name == "common13"
    assert model.test["size"] == 32 and model.test["resize"] == 36


def test_an_evaluation_gives_the_same(finished, tmp_path):
    run_task(evaluate, "evaluate", tmp_path / "e", f"run={finished}")
    before, after = (MotionSamples.load(p / "per_sample.npz") for p in (finished, tmp_path / "e"))
    assert before.ids == after.ids
    assert np.allclose(before.probabilities, after.probabilities, atol=1e-5)
    with pytest.raises(ConfigError, match="flip"):
        run_task(evaluate, "evaluate", tmp_path / "f", f"run={finished}", "flip=true")


def test_data_of_other_actions_are_refused(finished, tmp_path):
    make_actions(tmp_path / "data", clips=6, classes=("wave", "jump"))
    keys = [f"ckpt={finished}/checkpoints/last.ckpt", "data=action", f"data.root={tmp_path / 'data'}"]
    with pytest.raises(DataError, match="jump"):
        run_task(evaluate, "evaluate", tmp_path / "e", *keys)


@pytest.mark.parametrize(
    "changes",
    [
        ["model.branches=[keypoints]"],
        ["model.branches=[image]", "model/attention=cbam2"],
        ["model/attention=none", "model.attention_placement=block"],
        ["model.fusion_training=staged"],
        ["skeleton=openpose18", "model.literal_first_layer=true"],
    ],
    ids=lambda c: c[0],
)
def test_every_way_of_training_runs(actions, tmp_path, changes):
    value = run_task(train, "train", tmp_path / "run", *TINY, *changes, f"data.root={actions}", "logger=none")
    assert value is not None and 0 <= value <= 1


def test_keypoints_are_taken_away_in_the_test_and_in_its_evaluation(actions, tmp_path):
    unseen, run = ["nose", "left_wrist", "right_wrist"], tmp_path / "run"
    keys = [*TINY, "model.branches=[keypoints]", "skeleton=openpose18", f"data.root={actions}", "logger=none"]
    run_task(train, "train", run, *keys, f"data.test_without=[{','.join(unseen)}]")
    report = json.loads((run / "test.json").read_text())
    assert report["without"] == unseen and (run / "test_features.csv").is_file()
    run_task(evaluate, "evaluate", tmp_path / "again", f"run={run}")
    own = ["data=action", f"data.root={actions}", "data.val=0.2", "data.test=0.2"]  # the same, nothing taken
    run_task(evaluate, "evaluate", tmp_path / "whole", f"run={run}", *own)
    masked, again, whole = (
        MotionSamples.load(folder / "per_sample.npz")
        for folder in (run, tmp_path / "again", tmp_path / "whole")
    )
    assert masked.ids == again.ids == whole.ids
    assert np.allclose(masked.probabilities, again.probabilities, atol=1e-6)
    assert not np.allclose(masked.probabilities, whole.probabilities, atol=1e-4)
    assert json.loads((tmp_path / "again" / "test.json").read_text())["without"] == unseen
    assert json.loads((tmp_path / "whole" / "test.json").read_text())["without"] == []


@pytest.mark.parametrize(
    ("model", "frames"),
    [
        ("motion_1d", 4),
        ("motion_str", None),
        ("motion_str", 4),
        ("motion_qes", None),
        ("motion_keypoints", None),
    ],
)
def test_other_networks_train_in_the_same_way(actions, tmp_path, model, frames):
    keys = [key for key in TINY if not key.startswith(("model.", "experiment"))]
    keys += [f"experiment={'motion_1d' if model == 'motion_1d' else 'motion_paper'}", f"model={model}"]
    keys += [f"model.frames={frames}"] if frames else []
    run_task(train, "train", tmp_path / "run", *keys, f"data.root={actions}", "logger=none")
    report = json.loads((tmp_path / "run" / "test.json").read_text())
    assert report["scores"]["samples"] > 0
    assert ("QES" in (report["difference_from_paper"] or "")) == (model == "motion_qes")
    again = run_task(evaluate, "evaluate", tmp_path / "e", f"run={tmp_path / 'run'}", "which=last")
    assert again is None and (tmp_path / "e" / "per_sample.npz").is_file()


@pytest.mark.parametrize(
    ("sampler", "epochs"), [("none", 2), pytest.param("confusion", 4, marks=pytest.mark.slow)]
)
def test_two_halves_are_a_whole_bit_for_bit(actions, finished, tmp_path, sampler, epochs):
    """With augmentation, dropout, EMA, the sampler's state and two workers."""
    strict = [*STRICT, f"data.root={actions}", f"data.sampler={sampler}", f"trainer.max_epochs={epochs}"]
    whole, half = finished, tmp_path / "half"
    if sampler == "none":
        whole = tmp_path / "whole"
        run_task(train, "train", whole, *strict)

    class Stop(Exception):
        pass

    from dancepose.callbacks.checkpoints import LastCheckpoint

    original = LastCheckpoint.on_train_epoch_end

    def stop(self, trainer, pl_module):
        original(self, trainer, pl_module)
        if trainer.current_epoch == epochs // 2 - 1:
            raise Stop

    LastCheckpoint.on_train_epoch_end = stop
    try:
        with pytest.raises(Stop):
            run_task(train, "train", half, *strict)
    finally:
        LastCheckpoint.on_train_epoch_end = original
    run_task(train, "train", half, *strict, f"resume={half}")
    states = [torch.load(r / "checkpoints/last.ckpt", weights_only=True) for r in (whole, half)]
    first, second = (state["state_dict"] for state in states)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert states[0]["MotionDataModule"] == states[1]["MotionDataModule"]
    a, b = (MotionSamples.load(r / "per_sample.npz") for r in (whole, half))
    assert (a.probabilities == b.probabilities).all()


@pytest.mark.slow
def test_a_compiled_network_is_validated_and_tested_as_a_plain_one(actions, tmp_path):
    keys = [
        *TINY,
        "model.branches=[keypoints]",
        "trainer.max_epochs=1",
        f"data.root={actions}",
        "logger=none",
    ]
    metrics, samples = [], []
    with eager_compile() as compiled:
        for name in ("compiled", "plain"):
            run = tmp_path / name
            run_task(train, "train", run, *keys, f"compile={name == 'compiled'}")
            metrics.append(json.loads((run / "metrics.json").read_text())["metrics"])
            samples.append(MotionSamples.load(run / "per_sample.npz"))
    assert len(compiled) == 1
    for name in ("train/loss_epoch", "val/loss", "val/accuracy"):
        assert metrics[0][name] == pytest.approx(metrics[1][name], rel=1e-4), name
    assert np.allclose(samples[0].probabilities, samples[1].probabilities, atol=1e-4)


def test_the_keypoint_branch_learns(actions, tmp_path):
    """What stick people do is written in their poses: here action and pose are tied by the clip's number."""
    root = tmp_path / "data"
    made = make_actions(root, clips=30, length=2, people=1)
    content = json.loads((root / "actions.json").read_text())
    raised = {"wave": (-40, 0), "walk": (0, 0), "other": (-40, -40)}
    names = load_skeleton("openpose18")
    for sample in content["samples"]:
        for side, lift in zip(("left", "right"), raised[sample["label"]], strict=True):
            sample["keypoints"][names.index(f"{side}_wrist")][1] += lift
    (root / "actions.json").write_text(json.dumps(content))
    keys = ["model.branches=[keypoints]", "model.dropout=0.1", "optimizer=adam", "trainer.max_epochs=30"]
    keys += ["callbacks=none", "trainer.check_val_every_n_epoch=30", "which=last"]
    tiny = [key for key in TINY if not key.startswith("callbacks")]
    run_task(train, "train", tmp_path / "run", *tiny, *keys, f"data.root={root}", "logger=none")
    assert len(made) == 60
    assert json.loads((tmp_path / "run" / "test.json").read_text())["scores"]["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["data.sampler=confusion", "data.holdout=0"], "data.holdout"),
        (["data.step=4"], "motion_1d"),
        (["data.test_without=[left_wrist]", "model.branches=[image]"], "looks at the picture alone"),
        (["data.test_without=[left_wrst]"], "data.test_without: .* Did you mean 'left_wrist'"),
        (["objective=val/mAP"], "val/accuracy"),
        (["data.batch_size=4000"], "training samples"),
        (["model.branches=[keypoints]", "data.pose_run=nowhere"], "data.pose_run=nowhere"),
    ],
    ids=lambda value: str(value),
)
def test_what_cannot_work_is_told(actions, tmp_path, changes, words):
    with pytest.raises((CheckpointError, ConfigError, DataError), match=words):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={actions}", *changes)


def test_a_motion_model_does_not_take_pose_data(tmp_path):
    with pytest.raises(ConfigError, match="for poses"):
        run_task(train, "train", tmp_path / "run", "experiment=motion_paper", "data=dance_synthetic")


def test_poses_are_tested_on_all_keypoints(tmp_path):
    with pytest.raises(ConfigCompositionException, match=r"data\.test_without"):
        run_task(train, "train", tmp_path / "run", "data=dance_synthetic", "data.test_without=[nose]")
    with pytest.raises(ConfigError, match=r"unknown key data\.test_without"):
        run_task(train, "train", tmp_path / "run", "data=dance_synthetic", "+data.test_without=[nose]")


def test_a_pose_model_does_not_take_motion_data(actions, tmp_path):
    with pytest.raises(ConfigError, match="data=dance, coco, mix, action_poses"):
        run_task(train, "train", tmp_path / "run", "data=action", f"data.root={actions}", "trainer=cpu")


def test_keypoints_are_found_by_a_pose_run_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    root, pose = tmp_path / "data", tmp_path / "pose"
    made = make_actions(root, clips=4, keypoints=False, people=1)
    poses = [
        "data=dance",
        "model=higherhrnet",
        "model.width=8",
        "model.depth=small",
        "data.size=64",
        "data.batch_size=2",
    ]
    make_labelme(tmp_path / "labelme", frames=6)
    keys = ["data.workers=0", "trainer=cpu", "trainer.max_epochs=1", f"data.root={tmp_path / 'labelme'}"]
    run_task(train, "train", pose, *poses, *keys, "model.codec.detection_threshold=0.0001", "logger=none")
    filler = PoseFiller(pose, load_skeleton("common13"))
    first = filler.fill(made)
    kept = list((tmp_path / "cache" / "poses").rglob("*.json"))
    assert len(kept) == len(made)
    stamps = {path: path.stat().st_mtime_ns for path in kept}
    again = PoseFiller(pose, load_skeleton("common13")).fill(made)
    assert {path: path.stat().st_mtime_ns for path in kept} == stamps
    assert any(frame.people[0].present.any() for frame in first)  # what is found: test_pose_filling.py
    for one, two, frame in zip(first, again, made, strict=True):
        assert (one.people[0].keypoints == two.people[0].keypoints).all()
        assert not frame.people[0].present.any()  # the given ones are unchanged


def test_the_browser_shows_the_crops(actions, tmp_path):
    run_task(
        browse,
        "browse",
        tmp_path / "run",
        "data=action",
        f"data.root={actions}",
        "skeleton=openpose18",
        "count=3",
    )
    listing = json.loads((tmp_path / "run" / "browse.json").read_text())
    assert listing["statistics"]["train"]["actions"]["wave"]["samples"] > 0
    assert listing["pictures"] and all((tmp_path / "run" / p["file"]).is_file() for p in listing["pictures"])


@pytest.mark.slow
def test_branches_are_compared_in_one_command(actions, server, tmp_path):
    keys = [key for key in TINY if not key.startswith("experiment")]
    keys += [f"data.root={actions}", "logger=none"]
    done = server.run("experiment=motion_branches", *keys, cwd=tmp_path)
    assert done.wait() == 0, done.output[-2000:]
    rows = ("keypoints alone", "image alone", "mean of both (late fusion)", "learned fusion")
    assert all(row in done.output for row in rows)
    (written,) = (tmp_path / "outputs" / "sweeps").glob("*/branches.json")
    (block,) = json.loads(written.read_text())
    assert [row["system"] for row in block["rows"]] == list(rows)
    assert all(
        row["accuracy"]["low"] <= row["accuracy"]["estimate"] <= row["accuracy"]["high"]
        for row in block["rows"]
    )
    alone = ("branches-keypoints_*", "branches-image_*")
    runs = [MotionSamples.load(next(written.parent.glob(f"{name}/per_sample.npz"))) for name in alone]
    late = (runs[0].probabilities + runs[1].probabilities) / 2
    assert block["rows"][2]["accuracy"]["estimate"] == pytest.approx(
        float((late.argmax(1) == runs[0].labels).mean())
    )


def test_a_resumed_run_keeps_what_it_learns(finished):
    for key in ("data.target=source", "data.holdout=0.3", "data.sampler=none"):
        with pytest.raises(ConfigError, match=key.split("=")[0]):
            run_task(train, "train", finished, *read_overrides(finished), key, f"resume={finished}")


def read_overrides(run: Path) -> list[str]:
    import yaml

    saved = yaml.safe_load((run / "overrides.yaml").read_text())
    return [override for override in saved if not override.startswith("name=")]


def test_a_validation_of_the_held_out_part_alone(actions, tmp_path):
    keys = ["data.val=none", "data.sampler=confusion", "which=last", f"data.root={actions}", "logger=none"]
    run_task(train, "train", tmp_path / "run", *TINY, *keys)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "done"


def test_labelme_flags_feed_the_classifier(tmp_path):
    root = tmp_path / "labelme"
    make_labelme(root, frames=40, people=1)
    for number, path in enumerate(sorted(root.glob("*.json"))):
        content = json.loads(path.read_text())
        content["flags"] = {f"action:{('wave', 'walk')[number % 2]}": True}
        path.write_text(json.dumps(content))
    keys = [key for key in TINY if key != "data=action"]
    run_task(
        train, "train", tmp_path / "run", *keys, "data=action_labelme", f"data.root={root}", "logger=none"
    )
    report = json.loads((tmp_path / "run" / "test.json").read_text())
    assert set(report["scores"]["classes"]) == {"wave", "walk"}
