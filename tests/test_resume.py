"""Going on with a run: what it keeps, what wins, and what is refused before anything is written."""

import csv
import json
import logging
import shutil
from pathlib import Path
from unittest import mock

import pytest
import torch
import yaml
from factories import make_labelme
from running import SMALL, run_task

from dancepose.callbacks.checkpoints import BestCheckpoint, LastCheckpoint
from dancepose.callbacks.csv_log import FILE
from dancepose.callbacks.ema import RAW
from dancepose.data.datamodules import PoseDataModule
from dancepose.data.hashes import split_hash
from dancepose.data.split_file import PARTS, read_split
from dancepose.errors import CheckpointError, ConfigError, DanceposeError, DataError
from dancepose.evaluate import evaluate
from dancepose.tasks.pose import PoseTask
from dancepose.train import train

QUICK = [*SMALL, "model=higherhrnet", "test=false"]


@pytest.fixture(scope="module")
def settings(labelme) -> list[str]:
    return [*QUICK, f"data.root={labelme}"]


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory) -> Path:
    """A run of two epochs; tests copy it."""
    run = tmp_path_factory.mktemp("runs") / "trained"
    run_task(train, "train", run, *settings)
    return run


@pytest.fixture
def run(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def interrupted_in(epoch, error=KeyboardInterrupt):
    """Make training break off at the start of an epoch."""
    original = PoseTask.on_train_epoch_start

    def hook(task):
        if task.current_epoch == epoch:
            raise error
        original(task)

    return mock.patch.object(PoseTask, "on_train_epoch_start", hook)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return what is in a run's metrics.csv, whatever its columns are."""
    with path.open(newline="") as file:
        return [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_truncated_checkpoint_names_file_and_remedy(run, settings):
    """Where it is removed the run begins afresh, as the message says."""
    last = run / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:5000])
    with pytest.raises(CheckpointError) as caught:
        run_task(train, "train", run, *settings, f"resume={run}")
    told = str(caught.value)
    best = run / "checkpoints" / "best.ckpt"
    assert told.startswith(f"{last} is truncated or damaged: nothing can be resumed from it.")
    assert f"model.weights={best}" in told and "remove it: the run then starts afresh" in told
    last.unlink()
    run_task(train, "train", run, *settings, f"resume={run}", "trainer.max_epochs=1")
    assert torch.load(last, weights_only=True)["epoch"] == 0


def test_a_best_checkpoint_that_is_truncated_is_named(run, settings):
    best = run / "checkpoints" / "best.ckpt"
    best.write_bytes(best.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=f"{best} is truncated or damaged: .*which=last"):
        run_task(train, "train", run, *settings, f"resume={run}", "test=true")


@pytest.mark.slow
def test_accumulated_steps_count_once_after_a_resume(settings, tmp_path):
    """Batch 4 = 2 steps of 2: the average moves with the optimizer, before and after."""
    accumulated = [*settings, "data.batch_size=4", "trainer.accumulate_grad_batches=2"]
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    run_task(train, "train", whole, *accumulated)
    with interrupted_in(1), pytest.raises(SystemExit):
        run_task(train, "train", halves, *accumulated)
    run_task(train, "train", halves, *accumulated, f"resume={halves}")
    one, other = (torch.load(r / "checkpoints" / "last.ckpt", weights_only=True) for r in (whole, halves))
    assert one["global_step"] == other["global_step"] == 4
    for key in ("state_dict", RAW):
        for name, tensor in one[key].items():
            assert torch.equal(tensor, other[key][name]), f"{key} {name}"


@pytest.mark.parametrize("scheduler", ["multistep", "none"])
def test_a_new_rate_wins_over_the_checkpoints(scheduler, run, settings, caplog):
    seen = []
    original = PoseTask.training_step

    def step(task, batch, batch_idx):
        group = task.optimizers(use_pl_optimizer=False).param_groups[0]
        seen.append((group["lr"], group["weight_decay"], group["betas"][0]))
        return original(task, batch, batch_idx)

    more = ["optimizer.lr=0.5", "optimizer.weight_decay=0.25", "optimizer.betas=[0.8,0.999]"]
    schedule = ["scheduler.milestones=[4]"] if scheduler == "multistep" else ["scheduler=none"]
    with mock.patch.object(PoseTask, "training_step", step), caplog.at_level(logging.INFO):
        run_task(
            train, "train", run, *settings, *more, *schedule, "trainer.max_epochs=3", f"resume={run}",
            "+trainer.limit_train_batches=3",
        )  # fmt: skip
    assert seen == [(0.5, 0.25, 0.8)] * 3
    assert "optimizer.lr=0.5 instead of 0.001" in caplog.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], ["optimizer.eps was 1e-08, is 1e-15", "scheduler.gamma was 0.5, is "]),
        (["optimizer.eps=1e-15"], ["scheduler.gamma was 0.5, is "]),
        (["optimizer=adam_small", "scheduler=none"], []),
    ],
)
def test_a_default_that_has_changed_since_is_told(given, told, run, settings, caplog):
    """A run goes on with its overrides and the defaults of now; what is typed needs no word."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["optimizer"]["eps"], config["scheduler"]["gamma"] = 1e-8, 0.5
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    run_task(train, "train", run, *settings, *given, f"resume={run}")
    messages = [record.getMessage() for record in caplog.records]
    words = "".join(message for message in messages if "other settings than before" in message)
    assert all(line in words for line in told) and words.count(" was ") == len(told)


def test_a_schedule_goes_on_from_the_new_rate(run, settings):
    more = ["optimizer.lr=0.5", "scheduler.milestones=[1]", "trainer.max_epochs=3"]
    run_task(train, "train", run, *settings, *more, f"resume={run}")
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(0.05)
    assert state["lr_schedulers"][0]["base_lrs"] == [0.5]


def rates_of_each_epoch(run, *overrides) -> dict[int, set[float]]:
    """Go on with a run; return epoch -> the rates of its steps."""
    seen, original = {}, PoseTask.training_step

    def step(task, batch, batch_idx):
        rate = task.optimizers(use_pl_optimizer=False).param_groups[0]["lr"]
        seen.setdefault(task.current_epoch, []).append(round(rate, 9))
        return original(task, batch, batch_idx)

    with mock.patch.object(PoseTask, "training_step", step):
        run_task(train, "train", run, *overrides, f"resume={run}")
    return {epoch: set(rates) for epoch, rates in seen.items()}


@pytest.mark.parametrize(
    "steps", ["data.batch_size=4", "data.batch_size=8", "+trainer.limit_train_batches=1"]
)
def test_a_schedule_goes_on_at_its_epoch_whatever_the_batch(steps, run, settings):
    """Two epochs of four steps are behind it: with one or two steps an epoch they would be past the third."""
    more = ["scheduler.milestones=[3]", "trainer.max_epochs=4", steps]
    assert rates_of_each_epoch(run, *settings, *more) == {2: {1e-3}, 3: {1e-4}}
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["lr_schedulers"][0]["last_epoch"] == 4 * (2 if steps == "data.batch_size=4" else 1)


def test_a_schedule_over_so_many_steps_counts_steps_whatever_the_batch(run, settings):
    """Eight of twelve are behind it, in epochs of four; two epochs of two follow."""
    more = [
        "scheduler.milestones=[0.75]",
        "trainer.max_epochs=-1",
        "trainer.max_steps=12",
        "data.batch_size=4",
    ]
    assert rates_of_each_epoch(run, *settings, *more) == {2: {1e-3, 1e-4}, 3: {1e-4}}


@pytest.mark.parametrize(
    "override, words",
    [
        ("model.width=16", "model.width=16.*8"),
        ("skeleton=coco17", "skeleton"),
        ("optimizer=sgd", "torch.optim.Adam.*torch.optim.SGD"),
        ("seed=7", "seed=7: the run was trained with 0.*keeps its seed"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_run_stays_as_it_is(override, words, run, settings):
    before = files(run)
    with pytest.raises(ConfigError, match=words):
        run_task(train, "train", run, *settings, override, f"resume={run}")
    assert files(run) == before


@pytest.fixture
def pictures(labelme, tmp_path) -> Path:
    """The run's data in another place, where a test may change them."""
    return Path(shutil.copytree(labelme, tmp_path / "pictures"))


def stored_split(run: Path) -> dict[str, list[str]]:
    content = json.loads((run / "split.json").read_text())
    return {part: content[part] for part in PARTS}


def resumed(run, *overrides) -> dict[str, list[str]]:
    """Go on with a run; return the names of the pictures of each part that it then has."""
    seen, original = [], PoseDataModule.setup

    def setup(module, stage=None):
        original(module, stage)
        seen.append({part: [frame.name for frame in module.frames(part)] for part in PARTS})

    with mock.patch.object(PoseDataModule, "setup", setup):
        run_task(train, "train", run, *overrides, f"resume={run}")
    assert all(parts == seen[0] for parts in seen)
    return seen[0]


def recorded(run: Path) -> dict:
    return json.loads((run / "metrics.json").read_text())


class TestSplit:
    """A run keeps its pictures, and what each is for, whatever comes to the folder or the command line."""

    def test_it_lies_in_the_run_as_a_split_file(self, run):
        file, metrics = read_split(run / "split.json"), recorded(run)
        assert {part: len(names) for part, names in file.parts.items()} == {"train": 8, "val": 1, "test": 1}
        assert split_hash(file.parts) == metrics["split"] and metrics["split_file"] == "split.json"
        assert metrics["images"] == {"train": 8, "val": 1, "test": 1} and len(metrics["data"]) == 16

    def test_a_trial_leaves_none(self, settings, tmp_path):
        run_task(train, "train", tmp_path / "run", *settings, "debug=fast_dev_run")
        assert list((tmp_path / "run").iterdir()) == []

    @pytest.mark.parametrize("rank", [0, 1])
    def test_pictures_that_came_later_stay_unused(self, rank, run, settings, pictures, caplog):
        """Drawn anew, 30 pictures would put some that were trained on into the test part."""
        from lightning.pytorch.utilities.rank_zero import rank_zero_only

        make_labelme(pictures, frames=20, seed=1, folder="later")
        before, split = recorded(run), stored_split(run)
        more = ["trainer.max_epochs=3", "callbacks=none"] if rank == 0 else ["callbacks=none"]
        with mock.patch.object(rank_zero_only, "rank", rank), caplog.at_level(logging.INFO):
            seen = resumed(run, *settings, f"data.root={pictures}", *more)
        assert seen == split == stored_split(run)
        after = recorded(run)
        assert {k: after[k] for k in ("split", "images", "data")} == {
            k: before[k] for k in ("split", "images", "data")
        }
        assert after["status"] == "done"
        assert caplog.text.count("20 new pictures in the data stay unused") == (rank == 0)

    @pytest.mark.parametrize(
        "override, words",
        [
            ("data.split_seed=3", r"data\.split_seed=3 \(it was 0\)"),
            ("data.val=none", r"data\.val=none \(it was 0\.1\).*1 in another part"),
            ("data.test=3", r"data\.test=3 \(it was 0\.1\).*in another part: frame_"),
            ("data.min_people=3", r"data\.min_people=3 \(it was 0\).*10 missing: .*, \.\.\."),
            ("data.limit=4", r"data\.limit=4 \(it was None\).*4 missing"),
            ("data.overfit=true", r"data\.overfit=True \(it was False\)"),
            ("data.clip=folder", r"data\.clip=folder"),
            ("data.split={root}/other.json", r"data\.split=.*other\.json \(it was None\)"),
        ],
        ids=lambda v: v.partition("=")[0],
    )
    def test_a_key_that_divides_otherwise_is_refused(self, override, words, run, settings, pictures):
        names = sorted(path.name for path in pictures.glob("*.jpg"))
        (pictures / "other.json").write_text(
            json.dumps({"train": names[:8], "val": names[8:9], "test": names[9:]})
        )
        before, place = files(run), f"data.root={pictures}"
        with pytest.raises(ConfigError, match=f"(?s){words}.*model.weights=.*last.ckpt"):
            square = ["data.resize=long", "data.pad_multiple=64"] if "overfit" in override else []
            resumed(run, *settings, place, override.format(root=pictures), *square)
        assert files(run) == before

    def test_other_words_for_the_same_split_go_on(self, run, settings, tmp_path):
        (tmp_path / "same.json").write_text((run / "split.json").read_text())
        split = stored_split(run)
        more = [f"data.split={tmp_path / 'same.json'}", "data.limit=8", "data.val=0.3"]
        assert resumed(run, *settings, *more) == split

    def test_what_does_not_divide_may_change(self, run, settings):
        split = stored_split(run)
        assert resumed(run, *settings, "data.batch_size=4", "data.size=96") == split

    def test_pictures_that_are_gone_are_named(self, run, settings, pictures):
        for suffix in (".jpg", ".json"):
            (pictures / "frame_004").with_suffix(suffix).unlink()
        make_labelme(pictures, frames=1, folder="later")
        before = files(run)
        with pytest.raises(
            DataError, match=r"data\.root=.*pictures.*1 missing: frame_004\.jpg.*model\.weights="
        ):
            resumed(run, *settings, f"data.root={pictures}")
        assert files(run) == before

    @pytest.mark.parametrize("part", PARTS)
    def test_labels_that_changed_are_refused(self, part, run, settings, pictures):
        path = (pictures / stored_split(run)[part][0]).with_suffix(".json")
        content = json.loads(path.read_text())
        content["shapes"][0]["points"][0][0] += 5
        path.write_text(json.dumps(content))
        before = files(run)
        name = stored_split(run)[part][0]
        words = rf"labels have changed since .* began \(of 1: {name}\)\. .*model\.weights=.*last\.ckpt"
        with pytest.raises(DataError, match=words):
            resumed(run, *settings, f"data.root={pictures}")
        assert files(run) == before
        (run / "labels.json").unlink()  # of an older run
        with pytest.raises(DataError, match=r"labels have changed since .* began\. Put"):
            resumed(run, *settings, f"data.root={pictures}")

    def test_a_keypoint_that_shows_for_the_first_time_stops_no_run(self, tmp_path, caplog):
        """Nobody had a pelvis when it began; training, test and a later evaluation take it for unlabelled."""
        pictures, run = tmp_path / "data", tmp_path / "run"
        make_labelme(pictures, frames=10, without=("pelvis",))
        mine = [*SMALL, "model=higherhrnet", f"data.root={pictures}", "callbacks=none"]
        run_task(train, "train", run, *mine, "trainer.max_epochs=1")
        split, before = stored_split(run), json.loads((run / "metrics.json").read_text())
        assert before["never_labelled"] == {"dance": {"": ["pelvis"]}}
        make_labelme(pictures, frames=1, folder="later")
        caplog.set_level("INFO")
        assert resumed(run, *mine, "trainer.max_epochs=2") == split
        assert "goes on after epoch 1 of 2" in caplog.text and "1 new pictures" in caplog.text
        after = json.loads((run / "metrics.json").read_text())
        assert {key: after[key] for key in ("data", "split", "never_labelled")} == {
            key: before[key] for key in ("data", "split", "never_labelled")
        }
        run_task(evaluate, "evaluate", tmp_path / "scores", f"run={run}", "which=last")
        own, later = (json.loads((folder / "test.json").read_text()) for folder in (run, tmp_path / "scores"))
        assert later["rows"] == own["rows"]

    def test_a_broken_annotation_is_told_as_one(self, run, settings, pictures):
        """Not as a picture that is missing."""
        (pictures / "frame_004.json").write_text("{")
        before = files(run)
        with pytest.raises(DataError, match=r"annotation broken: 1 (.|\n)*frame_004\.json is no whole JSON"):
            resumed(run, *settings, f"data.root={pictures}")
        assert files(run) == before

    def test_a_split_file_that_changed_is_refused(self, settings, tmp_path):
        """The file says what is wanted, so a change of it is no growth of the folder."""
        run, path = tmp_path / "run", tmp_path / "mine.json"
        names = [f"frame_{number:03d}.jpg" for number in range(10)]
        path.write_text(json.dumps({"train": names[:8], "test": names[8:]}))
        mine = [*settings, f"data.split={path}", "trainer.max_epochs=1", "callbacks=none"]
        run_task(train, "train", run, *mine)
        split = stored_split(run)
        assert resumed(run, *mine) == split
        path.write_text(json.dumps({"train": names[2:], "test": names[:2]}))
        before = files(run)
        words = r"data\.split=.*mine\.json.*5 in another part: frame_00.*data\.split=.*split\.json"
        with pytest.raises(DataError, match=words):
            resumed(run, *mine)
        assert files(run) == before
        assert resumed(run, *mine, f"data.split={run / 'split.json'}") == split

    def test_a_run_from_before_there_was_a_file(self, run, settings, pictures):
        split = stored_split(run)
        as_before_split_files(run)
        assert resumed(run, *settings) == split == stored_split(run)
        as_before_split_files(run)
        make_labelme(pictures, frames=20, seed=1, folder="later")
        before = files(run)
        with pytest.raises(DataError, match=r"data\.root=.*pictures.*hash"):
            resumed(run, *settings, f"data.root={pictures}")
        with pytest.raises(ConfigError, match=r"data\.split_seed=3 \(it was 0\).*hash"):
            resumed(run, *settings, "data.split_seed=3")
        assert files(run) == before

    def test_each_part_of_a_mix_keeps_its_own(self, labelme, pictures, tmp_path, caplog):
        run, names = tmp_path / "run", [f"frame_{number:03d}.jpg" for number in range(10)]
        file = tmp_path / "b.json"
        file.write_text(json.dumps({"train": names[:7], "val": names[7:8], "test": names[8:]}))
        a, b = (f"{{kind: dance, root: {root}" for root in (pictures, labelme))
        mix = [*QUICK, "data=mix", f"data.parts={{a: {a}}}, b: {b}, split: {file}}}}}"]
        mix += ["trainer.max_epochs=1", "callbacks=none"]
        run_task(train, "train", run, *mix)
        split = stored_split(run)
        assert set(split["test"]) > {"b/frame_008.jpg", "b/frame_009.jpg"} and len(split["train"]) == 15
        make_labelme(pictures, frames=20, seed=1, folder="later")
        with caplog.at_level(logging.INFO):
            assert resumed(run, *mix, "+data.parts.a.weight=2.0") == split == stored_split(run)
        assert "20 new pictures" in caplog.text
        for override, words in (
            ("data.parts.b.split=null", r"data\.parts\.b\.split=None \(it was .*b\.json\)"),
            (f"+data.parts.c={b}}}", r"data\.parts\.c=.*30 more"),
        ):
            with pytest.raises(ConfigError, match=words):
                resumed(run, *mix, override)
        (pictures / "frame_001.json").unlink()
        with pytest.raises(DataError, match=r"data\.parts\.a\.root=.*missing: a/frame_001\.jpg"):
            resumed(run, *mix)

    def test_overfit_trains_validates_and_tests_on_the_same(self, settings, pictures, tmp_path):
        run, mine = tmp_path / "run", [*settings, f"data.root={pictures}", "debug=overfit"]
        run_task(train, "train", run, *mine, "trainer.max_epochs=1")
        assert len(read_split(run / "split.json").parts["train"]) == 10, "no name is there twice"
        assert recorded(run)["images"] == {"train": 10, "val": 10, "test": 10}
        make_labelme(pictures, frames=5, seed=1, folder="later")
        seen = resumed(run, *mine)
        assert seen["train"] == seen["val"] == seen["test"] == stored_split(run)["train"]
        with pytest.raises(ConfigError, match=r"data\.overfit=False \(it was True\)"):
            resumed(run, *mine, "data.overfit=false", "data.val=none", "data.test=none")


def as_before_split_files(run: Path) -> None:
    """Take from a run what older versions did not write."""
    (run / "split.json").unlink()
    metrics = recorded(run)
    for key in ("split_file", "images", "data"):
        del metrics[key]
    (run / "metrics.json").write_text(json.dumps(metrics))


def test_a_broken_checkpoint_leaves_the_run_as_it_is(run, settings):
    (run / "checkpoints" / "last.ckpt").write_bytes(b"PK half")
    before = files(run)
    with pytest.raises(CheckpointError, match="last.ckpt"):
        run_task(train, "train", run, *settings, f"resume={run}")
    assert files(run) == before


def test_a_failure_while_loading_leaves_config_and_status(run, settings):
    before = files(run)
    failing = mock.patch.object(PoseTask, "on_load_checkpoint", side_effect=RuntimeError("no"))
    with failing, pytest.raises(RuntimeError):
        run_task(train, "train", run, *settings, "trainer.max_epochs=5", f"resume={run}")
    after = files(run)
    for name in ("config.yaml", "overrides.yaml", "choices.yaml", "metrics.json"):
        assert after[name] == before[name]


def test_a_fresh_run_is_not_mixed_with_another(run, settings, tmp_path):
    before = files(run)
    with pytest.raises(ConfigError, match="holds a run already.*resume="):
        run_task(train, "train", run, *settings)
    with pytest.raises(ConfigError, match="resume=.*run directory"):
        run_task(train, "train", tmp_path / "other", *settings, f"resume={run}")
    assert files(run) == before


def test_another_process_of_the_run_may_find_its_files(run, settings):
    """The children of DDP start when rank 0 has written already."""
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    with mock.patch.object(rank_zero_only, "rank", 1):
        run_task(train, "train", run, *settings, "trainer.max_epochs=1", "callbacks=none")


def test_a_finished_run_keeps_its_metrics(run, settings, caplog):
    before = json.loads((run / "metrics.json").read_text())
    with caplog.at_level(logging.INFO):
        value = run_task(train, "train", run, *settings, f"resume={run}")
    after = json.loads((run / "metrics.json").read_text())
    assert "already finished at epoch 2 of 2" in caplog.text
    assert after["status"] == "done" and after["metrics"] == before["metrics"]
    assert "val/mAP" in after["metrics"] and value == before["objective"]


@pytest.mark.parametrize("more", [(), ("trainer.max_epochs=3",)])
def test_the_last_row_of_a_run_that_was_killed_before_it_was_whole_is_completed(run, settings, more):
    def rows() -> list[dict[str, str]]:
        with (run / "metrics.csv").open(newline="") as file:
            return [row for row in csv.DictReader(file) if row["train/loss_epoch"] or row["val/mAP"]]

    before = rows()
    assert len(before) == 2 and all(row["train/loss_epoch"] for row in before)
    text = (run / "metrics.csv").read_text()
    assert text.count(before[-1]["train/loss_epoch"]) == 1
    (run / "metrics.csv").write_text(text.replace(before[-1]["train/loss_epoch"], ""))
    run_task(train, "train", run, *settings, *more, f"resume={run}")
    kept = [{k: v for k, v in row.items() if k in before[0]} for row in rows()[:2]]
    assert kept == [{k: v for k, v in row.items() if k in kept[0]} for row in before]


@pytest.mark.parametrize("kind", [BestCheckpoint, LastCheckpoint])
def test_a_moved_run_knows_its_best_score(kind, tmp_path):
    old, new = kind(tmp_path / "old"), kind(tmp_path / "new")
    path = str(tmp_path / "old" / "best.ckpt")
    old.best_model_score = old.kth_value = torch.tensor(50.0)
    old.current_score = torch.tensor(40.0)
    old.best_model_path = old.kth_best_model_path = path
    old.best_k_models = {path: torch.tensor(50.0)}
    new.load_state_dict(old.state_dict())
    moved = str(tmp_path / "new" / "best.ckpt")
    assert new.best_model_score == new.kth_value == 50 and new.current_score == 40
    assert new.best_model_path == new.kth_best_model_path == moved
    assert new.best_k_models == {moved: torch.tensor(50.0)} and new.last_model_path == ""


@pytest.mark.parametrize("error, status", [(KeyboardInterrupt, 130), ("SIGTERM", 143)])
def test_an_interrupted_run_says_so_and_by_its_exit_status(error, status, settings, tmp_path):
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    broken = interrupted_in(1, SIGTERMException if error == "SIGTERM" else error)
    with broken, pytest.raises(SystemExit) as caught:
        run_task(train, "train", tmp_path / "run", *settings)
    assert caught.value.code == status
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "interrupted"


def test_the_first_weights_are_not_needed_again(trained, settings, tmp_path):
    weights = tmp_path / "weights.pth"
    state = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    torch.save({k.removeprefix("network."): v for k, v in state.items()}, weights)
    run, mine = tmp_path / "run", [*settings, f"model.weights={weights}", "callbacks=none"]
    run_task(train, "train", run, *mine, "trainer.max_epochs=1")
    weights.unlink()
    run_task(train, "train", run, *mine, f"resume={run}")
    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["epoch"] == 1 and content["dancepose"]["model"]["weights"] == str(weights)
    assert yaml.safe_load((run / "config.yaml").read_text())["model"]["weights"] == str(weights)


def test_half_written_files_of_a_killed_run_are_removed(run, settings):
    stale = [
        run / "checkpoints" / ".last.ckpt.a1b2c3_x.dancepose_partial",
        run / ".wandb_id.abcdefgh.dancepose_partial",
    ]
    kept = [run / ".gitignore", run / "checkpoints" / ".last.ckpt.a1b2c3_x.partial"]
    for path in [*stale, *kept]:
        path.write_text("half")
    run_task(train, "train", run, *settings, f"resume={run}")
    assert not any(path.exists() for path in stale) and all(path.exists() for path in kept)


def test_patience_may_be_changed(run, settings):
    from dancepose.callbacks.early_stop import EarlyStop

    old, new = EarlyStop(patience=3), EarlyStop(patience=7)
    old.wait_count = 2
    new.load_state_dict(old.state_dict())
    assert (new.patience, new.wait_count) == (7, 2)


def test_a_full_disk_is_told_and_keeps_the_checkpoint(tmp_path):
    from dancepose.callbacks.checkpoints import WholeFileIO

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    path = tmp_path / "last.ckpt"
    path.write_bytes(b"old")
    full = mock.patch("dancepose.files.os.fdopen", lambda handle, mode: open("/dev/full", mode, buffering=0))
    with full, pytest.raises(DanceposeError, match=r"last.ckpt cannot be written"):
        WholeFileIO().save_checkpoint({"weights": torch.zeros(1000)}, path)
    assert files(tmp_path) == {"last.ckpt": b"old"}


def test_torchs_words_for_a_failed_write_are_ours(tmp_path):
    from dancepose.callbacks.checkpoints import WholeFileIO

    torchs = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")
    with mock.patch("torch.save", side_effect=torchs), pytest.raises(DanceposeError, match="disk is full"):
        WholeFileIO().save_checkpoint({}, tmp_path / "last.ckpt")
    assert files(tmp_path) == {}


def test_a_run_killed_between_its_last_epoch_and_its_end_keeps_its_metrics(run, settings):
    before = recorded(run)
    left = {key: value for key, value in before.items() if key not in ("metrics", "objective")}
    (run / "metrics.json").write_text(json.dumps({**left, "status": "running"}))
    value = run_task(train, "train", run, *settings, f"resume={run}")
    after = recorded(run)
    assert after["status"] == "done" and after["metrics"] == before["metrics"]
    assert value == after["objective"] == before["objective"]


@pytest.mark.parametrize("lost", ["a part of the row", "the row"])
def test_a_run_killed_before_an_epochs_means_were_written_has_them_still(lost, run, settings):
    """The checkpoint of an epoch is written before Lightning hands its means to the loggers."""
    path = run / FILE
    before = read_rows(path)
    *earlier, last = before
    assert last["train/loss_epoch"] and last["val/mAP"]
    cut = {key: value for key, value in last.items() if not key.startswith("train/")}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list({key: None for row in before for key in row}))
        writer.writeheader()
        writer.writerows(earlier if lost == "the row" else [*earlier, cut])
    run_task(train, "train", run, *settings, "trainer.max_epochs=3", f"resume={run}")
    if lost == "the row":
        last = {key: value for key, value in last.items() if not key.startswith("val/")}  # written earlier
    assert read_rows(path)[: len(before)] == [*earlier, last]


def test_a_run_that_had_stopped_early_does_not_go_on():
    from types import SimpleNamespace

    from dancepose.callbacks.early_stop import EarlyStop

    for waited, patience, stops in ((2, 2, True), (1, 2, False), (5, 7, False)):
        callback, trainer = EarlyStop(patience=patience), SimpleNamespace(should_stop=False)
        callback.wait_count = waited
        callback.on_train_start(trainer, None)
        assert trainer.should_stop is stops
