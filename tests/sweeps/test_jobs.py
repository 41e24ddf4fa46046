"""Reading the jobs of sweeps."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from run_directories import motion_job, motion_sweep

from dancepose.errors import DanceposeError, DataError
from dancepose.run_yaml import _parse, parse_overrides
from dancepose.sweeps.agreement import check_identity
from dancepose.sweeps.jobs import IDENTITY, Job, read_jobs, refuse_mixed
from dancepose.sweeps.ledger import Outcome, Sweep


def test_a_job_says_what_its_run_directory_holds(tmp_path):
    motion_sweep(tmp_path / "sweep", {"cbam1": 0.8}, [3])
    (job,), left_out = read_jobs([tmp_path / "sweep"])
    assert left_out == [] and job.name == "sweep/model.attention=cbam1,seed=3"
    assert job.seed == 3 and not job.poses and job.choices["model/attention"] == "cbam1"
    assert job.overrides == {"model/attention": "cbam1", "seed": "3"}
    assert job.metrics["test/accuracy"] == pytest.approx(job.objective)
    assert job.identity == {"split": "5" * 16, "version": "0.1.0", "data_hash": "d" * 16}


def test_jobs_of_nested_sweeps_come_in_the_order_of_their_numbers_and_each_once(tmp_path):
    for name in ("10", "9", "inner/2", "inner/1", ".tmp/1"):
        motion_job(tmp_path / "sweep" / name)
    jobs, _ = read_jobs([tmp_path / "sweep", tmp_path / "sweep" / "inner", tmp_path / "sweep" / "9"])
    assert [job.name for job in jobs] == ["sweep/9", "sweep/10", "sweep/inner/1", "sweep/inner/2"]


def test_what_is_not_done_is_left_out_with_its_cause(tmp_path):
    motion_job(tmp_path / "a")
    motion_job(tmp_path / "b", status="failed", cause="CUDA out of memory")
    motion_job(tmp_path / "c", status="running")
    motion_job(tmp_path / "d", metrics={"val/accuracy": 0.5})
    (motion_job(tmp_path / "e") / "metrics.json").unlink()
    jobs, left_out = read_jobs([tmp_path])
    assert [job.path.name for job in jobs] == ["a"]
    assert [(one.path.name, one.status) for one in left_out] == [
        ("b", "failed"),
        ("c", "running"),
        ("d", "done"),
        ("e", "unknown"),
    ]
    assert left_out[0].cause == "CUDA out of memory: mend that and train it again"
    assert left_out[1].cause.endswith(f"dancepose-train resume={tmp_path / 'c'}")
    assert "test=true" in left_out[2].cause


def test_jobs_that_were_launched_and_left_no_result_are_told(tmp_path):
    sweep, inner = Sweep(tmp_path / "a"), Sweep(tmp_path / "a" / "inner")
    motion_job(sweep.path / "done")
    (motion_job(sweep.path / "begun") / "metrics.json").unlink()
    for name in ("done", "begun", "killed", "never"):
        sweep.add(name, ["seed=1"])
    sweep.record("killed", "1", Outcome("failed", "killed by signal 9"))
    sweep.record("begun", "1", Outcome("failed", "no memory"))
    (sweep.path / "killed").mkdir()
    inner.add("other", [])
    jobs, left_out = read_jobs([sweep.path, inner.path])
    assert [job.path.name for job in jobs] == ["done"]
    told = {one.path.name: (one.status, one.cause) for one in left_out}
    assert len(left_out) == len(told) == 4
    assert told["killed"] == ("failed", "killed by signal 9: launch the sweep again")
    assert told["begun"] == ("failed", "no memory: launch the sweep again")
    assert told["never"][0] == told["other"][0] == "unknown" and "did not begin" in told["never"][1]


@pytest.mark.parametrize("name", ["config.yaml", "overrides.yaml", "choices.yaml", "metrics.json"])
@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe", b"3", b"!!python/object/apply:os.getcwd []"])
def test_a_job_with_a_broken_file_is_left_out_and_named(tmp_path, name, content):
    run = motion_job(tmp_path / "sweep" / "a", choices={})
    motion_job(tmp_path / "sweep" / "b", choices={})
    (run / name).write_bytes(content)
    jobs, (one,) = read_jobs([tmp_path / "sweep"])
    assert [job.path.name for job in jobs] == ["b"]
    assert (one.path, one.status) == (run, "damaged") and one.cause.startswith(name)
    assert "\n" not in one.cause and one.cause.endswith("train it again")


@pytest.mark.parametrize("name", ["config.yaml", "overrides.yaml", "choices.yaml", "metrics.json"])
@pytest.mark.parametrize("part", [0, 0.3, 0.85])
def test_a_job_with_a_file_that_is_cut_off_is_left_out_and_named(tmp_path, name, part):
    for job in ("a", "b"):
        motion_job(
            tmp_path / job, ["model/attention=cbam1", "x=1"], choices={"model": "motion", "data": "action"}
        )
    content = (tmp_path / "a" / name).read_bytes()
    (tmp_path / "a" / name).write_bytes(content[: int(part * len(content))])
    jobs, (one,) = read_jobs([tmp_path])
    assert [job.path.name for job in jobs] == ["b"] and one.path.name == "a" and name in one.cause


def test_a_config_that_an_editor_saved_without_the_end_of_its_last_line_has_a_remedy(tmp_path):
    Sweep(tmp_path).add("a", [])
    path = motion_job(tmp_path / "a") / "config.yaml"
    path.write_text(path.read_text().rstrip("\n"))
    _, (one,) = read_jobs([tmp_path])
    assert one.cause == (
        "config.yaml is cut off, or was saved without the end of its last line (if nothing is missing, add a "
        "line break at its end): launch the sweep again with rerun=stale"
    )


@pytest.mark.parametrize("name", ["config.yaml", "overrides.yaml", "choices.yaml"])
def test_a_job_that_lacks_a_file_is_left_out_and_named(tmp_path, name):
    Sweep(tmp_path).add("a", [])
    for job in ("a", "b"):
        motion_job(tmp_path / job, choices={"model": "motion"})
    (tmp_path / "a" / name).unlink()
    jobs, (one,) = read_jobs([tmp_path])
    assert [job.path.name for job in jobs] == ["b"] and one.path.name == "a" and name in one.cause
    if name == "config.yaml":
        assert one.cause.endswith("launch the sweep again with rerun=stale")
    else:
        assert "remove the job's folder and launch the sweep again" in one.cause


@pytest.mark.parametrize("seed", ["x", True, None, 1.5])
def test_a_job_of_no_seed_is_left_out(tmp_path, seed):
    motion_job(tmp_path / "a", config={"seed": seed})
    jobs, (one,) = read_jobs([tmp_path])
    assert jobs == [] and one.cause.startswith("config.yaml: seed=") and "whole number" in one.cause


@pytest.mark.parametrize("value", ["good", True, [1], {}])
@pytest.mark.parametrize("field", ["metrics.test/accuracy", "objective"])
def test_a_job_with_something_else_where_a_number_belongs_is_left_out(tmp_path, field, value):
    run = motion_job(tmp_path / "a")
    told = json.loads((run / "metrics.json").read_text())
    (told if field == "objective" else told["metrics"])[field.removeprefix("metrics.")] = value
    (run / "metrics.json").write_text(json.dumps(told))
    jobs, (one,) = read_jobs([tmp_path])
    assert jobs == [] and one.cause.startswith(f"metrics.json: {field} is {value!r}: a number is needed: ")
    assert one.cause.endswith("remove the folder and train it again")


def test_a_metric_that_is_not_known_is_no_damage(tmp_path):
    motion_job(tmp_path / "a", metrics={"test/accuracy": 0.5, "test/loss": None})
    (job,), left_out = read_jobs([tmp_path])
    assert left_out == [] and job.metrics == {"test/accuracy": 0.5, "test/loss": None}


def test_a_folder_without_jobs_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no job.*metrics\.json"):
        read_jobs([tmp_path])
    with pytest.raises(DataError, match="is no folder"):
        read_jobs([tmp_path / "nothing"])


def test_poses_and_motions_are_not_mixed(tmp_path):
    motion_job(tmp_path / "a")
    motion_job(tmp_path / "b", config={"model": {"network": "pose"}})
    jobs, _ = read_jobs([tmp_path])
    assert refuse_mixed(jobs[1:]) and not refuse_mixed(jobs[:1])
    with pytest.raises(DanceposeError, match="b is of poses and .*a of motions"):
        refuse_mixed(jobs)


def test_overrides_of_all_kinds():
    found = parse_overrides(["+a.b=1", "~c", "++d=x=y", "model/attention@model.attention=cbam0", "~e=f"])
    assert found == {"a.b": "1", "c": None, "d": "x=y", "model/attention": "cbam0", "e": None}


TEXTS = st.text(max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=20)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), VALUES, max_size=4))
def test_yaml_that_is_parsed_in_pieces_is_what_it_is_as_a_whole(content):
    for text in (yaml.safe_dump(content, sort_keys=False), yaml.safe_dump({**content, "again": content})):
        assert _parse(text) == yaml.safe_load(text)


def test_an_anchor_in_another_entry_is_found():
    shared = [1, 2]
    text = yaml.safe_dump({"a": shared, "b": shared})
    assert "&" in text and _parse(text) == {"a": [1, 2], "b": [1, 2]}


def test_nothing_that_does_not_change_a_result_is_a_factor():
    from dancepose.run_keys import KEYS, keys_not
    from dancepose.sweeps.factors import NO_FACTORS

    assert set(keys_not("hashed")) <= set(NO_FACTORS) == set(KEYS)


def test_jobs_that_began_from_other_contents_of_one_file_are_not_compared():
    """Between arms files differ, and runs of before do not say."""

    def job(name: str, weights: str | None, digest: str) -> Job:
        config = {"model": {"weights": weights}}
        overrides = {"model.weights": weights or "null"}
        return Job(Path(name), name, config, overrides, {}, {}, None, dict.fromkeys(IDENTITY, "x"), digest)

    alike = [job("a0", None, ""), job("b0", "last.ckpt", "1"), job("c0", "other.ckpt", "2")]
    assert check_identity([*alike, job("b1", "last.ckpt", "1"), job("b2", "last.ckpt", "")], (), ()) == []
    with pytest.raises(DataError, match=r"model\.weights=last\.ckpt held something else.*1 of b0; 3 of b1"):
        check_identity([*alike, job("b1", "last.ckpt", "3")], (), ())
