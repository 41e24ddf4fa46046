"""`reuse=true`: the same command twice trains once, a stopped one goes on, another is refused."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from running import SMALL, run_task

from dancepose.errors import ConfigError, DataError
from dancepose.tasks.reuse import is_done
from dancepose.tasks.run_directory import RunDirectory
from dancepose.train import train

RUN = [*SMALL, "trainer.max_epochs=1", "reuse=true"]


@pytest.fixture(scope="module")
def made(labelme, tmp_path_factory) -> tuple[Path, float | None]:
    """A finished run with the value that its command returned."""
    run = tmp_path_factory.mktemp("reuse") / "run"
    return run, run_task(train, "train", run, *RUN, f"data.root={labelme}")


def test_a_finished_run_is_told_again_and_stays_as_it_is(made, labelme, caplog):
    run, value = made
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file() and p.name != "log"}
    table = (run / "test.json").read_text()
    caplog.set_level("INFO")
    assert run_task(train, "train", run, *RUN, f"data.root={labelme}") == value
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert "this very training is done" in caplog.text and "test_frames.jpg" in caplog.text
    shown = f"{json.loads(table)['rows']['mAP']['columns']['mAP']:.1f}"
    assert shown in caplog.text and "MPII mAP" in caplog.text


def test_a_stopped_run_goes_on(made, labelme, tmp_path):
    run = shutil.copytree(made[0], tmp_path / "run")
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps({**metrics, "status": "interrupted"}))
    (run / "test.json").unlink()
    run_task(train, "train", run, *RUN, f"data.root={labelme}")
    now = json.loads((run / "metrics.json").read_text())
    assert now["status"] == "done" and (run / "test.json").is_file()
    assert now["hash"] == metrics["hash"] and now["metrics"] == pytest.approx(metrics["metrics"], nan_ok=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("optimizer.lr=0.5", "optimizer.lr was 0.001, is 0.5"),
        ("model.width=16", "model.width was 8, is 16"),
        ("trainer.max_epochs=2", "trainer.max_epochs was 1, is 2"),
    ],
)
def test_another_run_in_the_folder_is_refused(made, labelme, change, told):
    with pytest.raises(ConfigError, match=told):
        run_task(train, "train", made[0], *RUN, f"data.root={labelme}", change)


def test_a_trial_in_its_folder_is_neither_told_nor_gone_on_with(made, labelme, caplog):
    caplog.set_level("INFO")
    before = (made[0] / "metrics.json").read_text()
    run_task(train, "train", made[0], *RUN, f"data.root={labelme}", "debug=fast_dev_run")
    assert "fast_dev_run: 1 batch" in caplog.text and "is done" not in caplog.text
    assert (made[0] / "metrics.json").read_text() == before


def test_a_run_of_another_version_is_refused(made, labelme, tmp_path):
    run = shutil.copytree(made[0], tmp_path / "run")
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps({**metrics, "version": "0.0.1"}))
    with pytest.raises(ConfigError, match=r"dancepose was 0\.0\.1"):
        run_task(train, "train", run, *RUN, f"data.root={labelme}")


def test_changed_labels_are_refused(made, labelme, tmp_path):
    run, data = shutil.copytree(made[0], tmp_path / "run"), shutil.copytree(labelme, tmp_path / "data")
    path = sorted(data.glob("*.json"))[0]
    content = json.loads(path.read_text())
    content["shapes"][0]["points"][0][0] += 3
    path.write_text(json.dumps(content))
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace(str(labelme), str(data)))
    with pytest.raises(DataError, match="changed"):
        run_task(train, "train", run, *RUN, f"data.root={data}")


def test_a_split_file_that_has_changed_is_another_run(made, labelme, tmp_path, caplog):
    """The pictures and their labels are the same, and one that was trained on would be in the test part."""
    run, file = shutil.copytree(made[0], tmp_path / "run"), tmp_path / "mine.json"
    split, config = (
        json.loads((run / "split.json").read_text()),
        yaml.safe_load((run / "config.yaml").read_text()),
    )
    config["data"]["split"] = str(file)
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    file.write_text(json.dumps(split))
    asked = [*RUN, f"data.root={labelme}", f"data.split={file}"]
    caplog.set_level("INFO")
    run_task(train, "train", run, *asked)
    assert "this very training is done" in caplog.text
    split["train"][0], split["test"][0] = split["test"][0], split["train"][0]
    file.write_text(json.dumps(split))
    with pytest.raises(DataError, match="2 in another part"):
        run_task(train, "train", run, *asked)


def test_a_finished_run_is_not_tested_anew_by_other_settings(made, labelme, tmp_path):
    """Its result would stand beside a config.yaml that it is not of, and a sweep would take it for that."""
    run = shutil.copytree(made[0], tmp_path / "run")
    files = ("config.yaml", "overrides.yaml", "metrics.json", "test.json")
    before = [(run / name).read_bytes() for name in files]
    told = r"inference\.flip was False, is True.*dancepose-evaluate run=.* evaluation=<name>"
    with pytest.raises(ConfigError, match=told):
        run_task(train, "train", run, *RUN, f"data.root={labelme}", f"resume={run}", "inference.flip=true")
    assert [(run / name).read_bytes() for name in files] == before
    run_task(train, "train", run, *RUN, f"data.root={labelme}", f"resume={run}")  # by its own it may be


def test_a_trained_run_whose_test_failed_is_tested_as_asked_now_and_says_so(made, labelme, tmp_path):
    run = shutil.copytree(made[0], tmp_path / "run")
    metrics = json.loads((run / "metrics.json").read_text())
    kept = {name: value for name, value in metrics["metrics"].items() if not name.startswith("test/")}
    (run / "metrics.json").write_text(json.dumps({**metrics, "status": "failed", "metrics": kept}))
    run_task(train, "train", run, *RUN, f"data.root={labelme}", f"resume={run}", "inference.flip=true")
    assert json.loads((run / "metrics.json").read_text())["status"] == "done"
    assert yaml.safe_load((run / "config.yaml").read_text())["inference"]["flip"] is True
    assert "inference.flip=true" in yaml.safe_load((run / "overrides.yaml").read_text())


def test_a_run_that_has_not_ended_is_not_done_whatever_its_data(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_metrics("interrupted", data="d1")
    assert not is_done({}, run, None), "no data are read"
