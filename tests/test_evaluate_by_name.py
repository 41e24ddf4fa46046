"""`dancepose-evaluate evaluation=<name>` of runs and sweeps, and `dancepose-compare` by it, end to end."""

import json
import logging
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from factories import make_labelme
from running import SMALL, run_task

from dancepose.compare import compare
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.evaluate import evaluate
from dancepose.sweeps.evaluations import Evaluation
from dancepose.tasks.sweep_evaluation import ASKED
from dancepose.train import train

FLIP = ["which=last", "flip=true", "device=cpu", "pictures=0"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A run that was tested without flip; without a threshold it finds people, wherever they are."""
    root = tmp_path_factory.mktemp("trained")
    make_labelme(root / "data", frames=6)
    make_labelme(root / "data", frames=4, people=1, folder="alone", seed=1)
    small = [*SMALL, "model=higherhrnet", "model.codec.detection_threshold=0", "optimizer=adam"]
    small += [
        "trainer.max_epochs=1",
        "trainer.precision=32-true",
        "data.val=none",
        "data.test=5",
        "logger=none",
    ]
    run_task(train, "train", root / "run", *small, f"data.root={root / 'data'}")
    return root / "run"


@pytest.fixture
def sweep(trained, tmp_path) -> Path:
    """Copies of the run, as jobs of two models and two seeds, and one that failed."""
    for model in ("none", "more"):
        for seed in (0, 1):
            job = Path(shutil.copytree(trained, tmp_path / "sweep" / f"{model}{seed}"))
            config = yaml.safe_load((job / "config.yaml").read_text()) | {"seed": seed}
            (job / "config.yaml").write_text(yaml.safe_dump(config))
            (job / "overrides.yaml").write_text(yaml.safe_dump([f"name={model}", f"x={model}"]))
    failed = tmp_path / "sweep" / "failed"
    failed.mkdir()
    (failed / "metrics.json").write_text(json.dumps({"status": "failed", "cause": "no memory"}))
    return tmp_path / "sweep"


def compared(sweep: Path, folder: Path, *overrides: str) -> dict:
    keys = ["by=x", "against=none", "costs=0", "resamples=20", "pictures=0", *overrides]
    run_task(compare, "compare", folder, f"sweeps=[{sweep}]", *keys)
    return json.loads((folder / "comparison.json").read_text())


def test_a_sweep_is_evaluated_with_flip_test_and_compared_by_it(sweep, trained, tmp_path, caplog):
    out = tmp_path / "out"
    with caplog.at_level(logging.INFO):
        run_task(evaluate, "evaluate", out, f"sweep={sweep}", "evaluation=flip", *FLIP)
    assert "failed is failed and not evaluated: no memory" in caplog.text and "job 4 of 4" in caplog.text
    job = sweep / "more1"
    kept = Evaluation.load(job / "evaluations" / "flip")
    assert kept.settings == {
        "which": "last", "flip": True, "scales": [1.0], "precision": "32-true", "protocol": "mpii"
    }  # fmt: skip
    assert kept.asked == dict.fromkeys(ASKED) | {"which": "last", "flip": True, "protocol": "mpii"}
    metrics = json.loads((job / "metrics.json").read_text())["metrics"]
    tested = {name: value for name, value in metrics.items() if name.startswith("test/")}
    assert kept.metrics.keys() == tested.keys() and kept.metrics != tested
    assert json.loads((job / "evaluations" / "flip" / "test.json").read_text())["flip"] is True
    for name in ("metrics.json", "per_image.npz", "test.json"):
        assert (job / name).read_bytes() == (trained / name).read_bytes()  # the run's own test stays

    asked = "metrics=[PCK@0.2,PCKh@0.5_*,mAP]"
    told = compared(sweep, tmp_path / "flip", "evaluation=flip", asked)
    (table,) = told["tables"]
    assert len(table["metrics"]) == 9 and [len(of) for of in table["jobs"].values()] == [2, 2]
    for arm in table["metrics"]["PCK@0.2"]:
        assert arm["values"] == pytest.approx([kept.metrics["test/PCK@0.2"]] * 2)
    rows = json.loads((job / "evaluations" / "flip" / "test.json").read_text())["rows"]
    for group, value in rows["PCKh@0.5"]["columns"].items():
        if group != "mean" and value is not None:
            assert table["metrics"][f"PCKh@0.5_{group}"][1]["values"] == pytest.approx([value] * 2)
    assert [one["status"] for one in told["left_out"]] == ["failed"]
    assert any(note.startswith("figures of evaluation=flip") for note in table["notes"])
    assert told["made"]["options"]["evaluation"] == "flip"
    own = compared(sweep, tmp_path / "own", asked)
    assert own["tables"][0]["metrics"]["mAP"][0]["values"] == pytest.approx([metrics["test/mAP"]] * 2)
    assert not any("evaluation=" in note for note in own["tables"][0]["notes"])

    # the same command goes on: what is there stays, what is of another training or other labels is made again
    names = ("none0", "none1", "more1")
    one, other, third = (sweep / name / "evaluations" / "flip" / "evaluation.json" for name in names)
    relabelled = json.loads(third.read_text())
    third.write_text(json.dumps(relabelled | {"data": "0" * 16}))
    changed = json.loads((sweep / "none1" / "metrics.json").read_text())
    (sweep / "none1" / "metrics.json").write_text(json.dumps(changed | {"objective": 1.0}))
    left_out = compared(sweep, tmp_path / "2", "evaluation=flip")["left_out"]
    assert sorted(one["status"] for one in left_out) == ["done", "done", "failed"]
    before, mark = one.stat().st_mtime_ns, json.loads(other.read_text())["run"]
    run_task(evaluate, "evaluate", out, f"sweep={sweep}", "evaluation=flip", *FLIP)
    assert one.stat().st_mtime_ns == before and json.loads(other.read_text())["run"] != mark
    assert json.loads(third.read_text())["data"] == relabelled["data"]
    assert len(compared(sweep, tmp_path / "3", "evaluation=flip")["left_out"]) == 1


def test_the_command_that_is_told_for_a_job_without_the_evaluation_makes_it(sweep, tmp_path):
    for name in ("none0", "more0"):
        run_task(evaluate, "evaluate", tmp_path / "o", f"run={sweep / name}", "evaluation=flip", *FLIP)
    told = compared(sweep, tmp_path / "1", "evaluation=flip")
    lacking = {Path(one["path"]).name: one["cause"] for one in told["left_out"] if one["status"] == "done"}
    assert sorted(lacking) == ["more1", "none1"]
    for cause in lacking.values():
        program, *overrides = shlex.split(cause.partition("make it by ")[2])
        assert program == "dancepose-evaluate"
        run_task(evaluate, "evaluate", tmp_path / "o", *overrides, "device=cpu", "pictures=0")
    told = compared(sweep, tmp_path / "2", "evaluation=flip")
    assert [one["status"] for one in told["left_out"]] == ["failed"]
    run_task(evaluate, "evaluate", tmp_path / "o", f"run={sweep / 'none0'}", "evaluation=flip", "pictures=0")
    with pytest.raises(DataError, match="evaluation=flip: the jobs were evaluated by different settings"):
        compared(sweep, tmp_path / "3", "evaluation=flip")


def test_a_job_that_cannot_be_evaluated_keeps_no_other_from_it(sweep, tmp_path):
    shutil.rmtree(sweep / "more0" / "checkpoints")
    shutil.rmtree(sweep / "more1")
    with pytest.raises(DanceposeError, match=r"1 of 3 jobs were not evaluated: .*more0: .*last\.ckpt"):
        run_task(evaluate, "evaluate", tmp_path / "o", f"sweep={sweep}", "evaluation=flip", *FLIP)
    assert len(list(sweep.glob("*/evaluations/flip/evaluation.json"))) == 2


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["sweep={}"], "sweep= needs evaluation=<name>"),
        (["sweep={}", "evaluation=a/b"], "evaluation=a/b: a name"),
        (["sweep={}", "evaluation=a", "part=val"], "with sweep= nothing reads part"),
        (["sweep={}", "evaluation=a", "coco=true"], "with sweep= nothing reads coco"),
        (["sweep={}/nowhere", "evaluation=a"], "is no folder: nothing is there"),
        (["run={}", "evaluation=a", "part=val"], "leave data and part out"),
        (["run={}", "evaluation=a", "data=dance", "data.root={}"], "leave data and part out"),
        (["run={}", "sweep={}"], "give one of"),
        (["ckpt={}", "evaluation=a"], "with ckpt= nothing reads evaluation"),
    ],
)
def test_what_could_not_be_compared_is_refused(tmp_path, overrides, words):
    with pytest.raises(ConfigError) as error:
        run_task(evaluate, "evaluate", tmp_path / "o", *(o.format(tmp_path) for o in overrides))
    assert words in str(error.value)


def test_a_sweep_without_a_finished_job_is_told(tmp_path):
    (tmp_path / "s" / "1").mkdir(parents=True)
    (tmp_path / "s" / "1" / "metrics.json").write_text(json.dumps({"status": "failed"}))
    with pytest.raises(DataError, match="has no finished job"):
        run_task(evaluate, "evaluate", tmp_path / "o", f"sweep={tmp_path / 's'}", "evaluation=flip")
