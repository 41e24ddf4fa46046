"""`dancepose-compare`, by the entry point's own function, and once as a command."""

import csv
import html
import json
import re
import shlex
import shutil
import time
from pathlib import Path

import pytest
from factories import make_actions
from omegaconf import OmegaConf
from run_directories import motion_job, motion_sweep, pose_job
from running import command, run_task
from wandb_file import records

from dancepose.compare import compare
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.metrics.samples import MotionSamples
from dancepose.resolvers import register
from dancepose.sweeps.answers import with_samples
from dancepose.sweeps.jobs import read_jobs
from dancepose.train import train

QUICK = ["resamples=100", "pictures=1"]
# the image branch, small and short enough for a test
TINY = [
    "experiment=motion_paper",
    "data=action",
    "model.branches=[image]",
    "model.depth=18",
    "model.width=8",
    "data.size=32",
    "data.resize=36",
    "data.batch_size=8",
    "data.workers=0",
    "data.test=0.3",
    "trainer=cpu",
    "trainer.max_epochs=1",
    "callbacks=none",
]


@pytest.fixture
def sweep(tmp_path) -> Path:
    return motion_sweep(tmp_path / "sweep", {"none": 0.7, "cbam1": 0.8}, [0, 1])


def run(folder: Path, *overrides: str) -> dict:
    run_task(compare, "compare", folder, *QUICK, *overrides)
    return json.loads((folder / "comparison.json").read_text())


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """What `dancepose-train -m model/attention=none,cbam1 seed=0,1` leaves of a tiny image branch."""
    root = tmp_path_factory.mktemp("trained")
    make_actions(root / "data", clips=12, length=2)
    for attention in ("none", "cbam1"):
        for seed in (0, 1):
            job = root / "sweep" / f"model.attention={attention},seed={seed}"
            chosen = [f"data.root={root / 'data'}", f"model/attention={attention}", f"seed={seed}"]
            run_task(train, "train", job, *TINY, *chosen)
    return root / "sweep"


@pytest.mark.slow
def test_a_real_sweep(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # of a worker of tests, whose lines would be cut
    told = run(
        tmp_path / "out",
        f"sweeps=[{trained}]",
        "by=model/attention",
        "against=none",
        "rounds=1",
    )
    (table,) = told["tables"]
    assert [arm["arm"] for arm in table["metrics"]["accuracy"]] == ["none", "cbam1"]
    for arm in table["metrics"]["accuracy"]:
        metrics = [json.loads((Path(p) / "metrics.json").read_text()) for p in table["jobs"][arm["arm"]]]
        assert arm["values"] == pytest.approx([100 * m["metrics"]["test/accuracy"] for m in metrics])
    ece = table["metrics"]["ECE"][0]["values"]
    assert ece == pytest.approx([json.loads((Path(p) / "metrics.json").read_text())["metrics"]["test/ECE"]
                                 for p in table["jobs"]["none"]], abs=1e-6)  # fmt: skip
    costs = table["costs"]
    assert 0 < costs["none"]["parameters"] < costs["cbam1"]["parameters"] and costs["none"]["macs"] > 10_000
    assert set(costs["none"]["latency"]) == {"1", "32"} and "CPU" in costs["none"]["device"]
    printed = capsys.readouterr().out
    assert "undecided: 2 of 6 seeds" in printed and "at least 6 seeds are needed" in printed
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "data:image/jpeg;base64" in page and 'aria-label="learning curves of' in page
    assert table["notes"][0].startswith("accuracy, % decides")


@pytest.mark.slow
def test_the_remedy_told_for_missing_samples_brings_them_back(trained, tmp_path):
    sweep = shutil.copytree(trained, tmp_path / "sweep")
    job = sweep / "model.attention=none,seed=0"
    before, kept = (job / "metrics.json").read_bytes(), MotionSamples.load(job / "per_sample.npz")
    (job / "per_sample.npz").unlink()
    there, left_out = with_samples(read_jobs([sweep])[0], poses=False)
    assert len(there) == 3 and left_out[0].path == job
    program, *overrides = shlex.split(left_out[0].cause.partition("write it by ")[2])
    assert program == "dancepose-evaluate"
    done = command("evaluate", *overrides, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(with_samples(read_jobs([sweep])[0], poses=False)[0]) == 4
    found = MotionSamples.load(job / "per_sample.npz")
    assert found.same_test(kept) and (found.predicted == kept.predicted).all()
    assert (job / "metrics.json").read_bytes() == before


def test_it_tells_when_and_how_it_was_made_so_that_it_can_be_made_again(sweep, tmp_path):
    told = run(tmp_path / "out", f"sweeps=[{sweep}]", "seed=3")
    made = told["made"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", made["date"]) and made["version"].startswith("0.")
    assert told["tables"][0]["origin"]["samples"] == 60 and told["tables"][0]["origin"]["groups"] == 12
    page = html.unescape((tmp_path / "out" / "comparison.html").read_text())
    program, *overrides = shlex.split(re.search(r"<code>(dancepose-compare .*?)</code>", page)[1])
    assert {"against=none", "seed=3", "resamples=100"} <= set(overrides)
    again = run(tmp_path / "again", *overrides)
    assert again["tables"] == told["tables"] and again["made"]["options"] == made["options"]


def test_by_default_it_is_written_into_the_first_sweep(sweep, tmp_path):
    done = command("compare", f"sweeps=[{sweep}]", "against=none", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (sweep / "comparison").iterdir()} >= {
        *(f"comparison.{form}" for form in ("txt", "csv", "json", "md", "tex", "html")),
        "classes.csv",
    }
    assert "better" in done.stdout or "decide nothing" in done.stdout
    assert not (tmp_path / "outputs").exists()


def test_where_there_is_no_first_sweep_nothing_is_made_in_its_place(sweep):
    register()
    for sweeps, folder in (("[nowhere]", "outputs/comparison"), (str(sweep), f"{sweep}/comparison")):
        assert OmegaConf.create({"a": f"${{comparison_dir:{sweeps}}}"}).a == folder
        node = OmegaConf.create({"a": f"${{comparison_dir:{sweeps},${{b}}}}", "b": None})
        assert node.a == folder
        node.b = "flip"  # beside the comparison of the trainings' own tests
        assert node.a == f"{folder}_flip"


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["by=model/atention"], "Did you mean 'model/attention'"),
        (["against=nine"], "Did you mean 'none'"),
        (["metrics=[acc]"], "metrics=acc: no job has it"),
        (["allow=[splits]"], "Did you mean 'split'"),
        (["only={model/attention: [cbam7]}"], "there is cbam1, none"),
        (["level=2"], "a confidence lies between 0 and 1"),
        (["resamples=0"], "at least 1"),
        (["only=3"], "only=3"),
        (["latency=maybe"], "true, false, auto"),
        (["sweeps=[]"], "sweeps is not set"),
        (["sweeps=[nowhere]"], "nowhere is no folder"),
    ],
)
def test_what_cannot_be_is_one_clear_error(sweep, tmp_path, overrides, words):
    with pytest.raises(DanceposeError) as error:
        run(tmp_path / "out", f"sweeps=[{sweep}]", *overrides)
    assert words in str(error.value)
    assert not (tmp_path / "out" / "comparison.json").exists()


def test_sweeps_of_poses_and_motions_are_not_mixed(sweep, tmp_path):
    pose_job(tmp_path / "poses" / "1")
    with pytest.raises(DanceposeError, match="of poses and .* of motions"):
        run(tmp_path / "out", f"sweeps=[{sweep},{tmp_path / 'poses'}]")


def test_help_says_when_against_must_be_given(tmp_path):
    done = command("compare", "--help", cwd=tmp_path)
    assert "must be given unless one is called none" in " ".join(done.stdout.split())


def test_a_sweep_of_which_nothing_is_done_says_why(tmp_path):
    motion_job(tmp_path / "sweep" / "1", status="failed", cause="out of memory")
    with pytest.raises(DataError, match=r"no job of .* can be compared: .*out of memory"):
        run(tmp_path / "out", f"sweeps=[{tmp_path / 'sweep'}]")


def test_table_2_of_the_pose_paper(tmp_path):
    for method in ("ae", "paf"):
        for seed in (0, 1):
            pose_job(tmp_path / "s" / f"{method}{seed}", [f"model/codec={method}"], seed)
    run(tmp_path / "out", f"sweeps=[{tmp_path / 's'}]", "by=model/codec", "against=ae")
    with (tmp_path / "out" / "keypoints.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["arm"] for row in rows] == ["ae", "paf"]
    columns = ["Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Total"]
    assert [name for name in rows[0] if name in columns] == columns
    assert "Shoulder & Elbow" in (tmp_path / "out" / "comparison.tex").read_text().replace(" \\\\", "")


def test_several_factors_tables_and_what_takes_part(tmp_path):
    for lr in ("0.1", "0.01"):
        config = {"optimizer": {"lr": float(lr)}}
        motion_sweep(
            tmp_path / "s" / lr, {"none": 0.5, "cbam1": 0.7}, overrides=[f"optimizer.lr={lr}"], config=config
        )
    sweeps = f"sweeps=[{tmp_path / 's'}]"
    told = run(tmp_path / "1", sweeps, "by=[model/attention,optimizer.lr]", "against=[none,0.1]")
    assert told["against"] == "none, 0.1" and len(told["tables"][0]["jobs"]) == 4
    told = run(tmp_path / "2", sweeps, "by=model/attention", "split=[optimizer.lr]")
    assert [table["split"] for table in told["tables"]] == [{"optimizer.lr": "0.01"}, {"optimizer.lr": "0.1"}]
    told = run(
        tmp_path / "3", sweeps, "by=model/attention", "only={optimizer.lr: 0.1}", "metrics=[loss]", "costs=0"
    )
    assert list(told["tables"][0]["metrics"]) == ["loss"] and told["tables"][0]["pooled"] == []
    with pytest.raises(ConfigError, match="by is not set"):
        run(tmp_path / "4", sweeps)


def test_tables_and_page_go_to_wandb(sweep, tmp_path):
    out = tmp_path / "out"
    run(out, f"sweeps=[{sweep}]", "wandb=true")
    (file,) = (out / "wandb").glob("offline-run-*/run-*.wandb")
    deadline = time.monotonic() + 60
    while not any(record.HasField("exit") for record in records(file)):
        assert time.monotonic() < deadline, "W&B's own process writes the end of the file, and has not"
        time.sleep(0.1)
    logged = list(records(file))
    (about,) = [record.run for record in logged if record.HasField("run")]
    assert about.job_type == "comparison" and about.run_group == "sweep"
    items = [item for record in logged if record.HasField("history") for item in record.history.item]
    keys = {item.key or item.nested_key[0] for item in items}
    assert {"comparison", "Results", "Differences of accuracy, %", "page"} <= keys
