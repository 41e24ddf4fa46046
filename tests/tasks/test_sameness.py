import pytest

from dancepose.errors import ConfigError, DataError
from dancepose.files import write_json
from dancepose.tasks import sameness
from dancepose.tasks.config_hash import config_hash
from dancepose.tasks.initial_weights import weights_digest
from dancepose.tasks.reuse import check_tested_alike
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import RunState, changes, check_same_run, other_commit, run_state, with_commit

CONFIG = {"model": {"width": 8}, "data": {"root": "/a", "val": 0.1}, "seed": 0, "name": "x", "rerun": None}
NOW = ("d1", "s1")  # hashes of data and split


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    made = RunDirectory(tmp_path / "run")
    made.write_config(CONFIG, [], {})
    made.write_metrics("done", hash=config_hash(CONFIG, "d1"), data="d1")
    return made


def untouched() -> tuple[str, str]:
    raise AssertionError("the data are read only where nothing else differs")


def test_a_run_that_is_not_there_and_one_that_is(run, tmp_path):
    assert run_state(RunDirectory(tmp_path / "no"), CONFIG, untouched) == RunState("missing")
    assert run_state(run, {**CONFIG, "name": "y", "rerun": "all"}, lambda: NOW) == RunState("done")


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_what_was_killed_or_interrupted_goes_on(status, run):
    run.write_metrics(status, hash=config_hash(CONFIG, "d1"), data="d1")
    assert run_state(run, CONFIG, lambda: NOW) == RunState("interrupted")


def test_what_makes_a_run_stale_is_named(run):
    wider = {**CONFIG, "model": {"width": 16}}
    assert run_state(run, wider, untouched).cause == "model.width was 8, is 16"
    assert run_state(run, {**CONFIG, "new": 1}, untouched).cause == "new was None, is 1"
    state = run_state(run, CONFIG, lambda: ("d2", "s1"))
    assert state == RunState("stale", "the data were d1, are d2", same=False)

    def broken():
        raise DataError("the folder is gone")

    state = run_state(run, CONFIG, broken)
    assert state == RunState("unknown", "the data cannot be read: the folder is gone"), "nothing has changed"
    assert run_state(run, wider, broken).status == "stale"
    run.note_failure("no memory")
    assert run_state(run, CONFIG, broken) == RunState("failed", "no memory", same=True)


def test_a_run_of_another_split_is_another_one(run):
    """The hash of the data is of names and labels: it does not say which picture was for what."""
    assert run_state(run, CONFIG, lambda: ("d1", "s2")).status == "done", "of a run that names no split"
    for status, told in (("done", "stale"), ("interrupted", "stale")):
        run.write_metrics(status, data="d1", split="s1")
        assert run_state(run, CONFIG, lambda: NOW).status == status
        state = run_state(run, CONFIG, lambda: ("d1", "s2"))
        assert state == RunState(told, "the split was s1, is s2", same=False)
    run.note_failure("no memory")
    assert not run_state(run, CONFIG, lambda: ("d1", "s2")).same, "its checkpoint is of no use"


def test_other_contents_of_the_initial_weights_make_another_run(run, tmp_path):
    """Their path alone stands in the configuration; a run that is trained on leaves another last.ckpt."""
    weights = tmp_path / "last.ckpt"
    weights.write_bytes(b"one")
    config = {**CONFIG, "model": {"width": 8, "weights": str(weights)}}
    run.write_config(config, [], {})
    assert run_state(run, config, lambda: ("d1", None)).status == "done", "of a run that does not say"
    run.write_metrics("done", data="d1", weights=weights_digest(config))
    assert run_state(run, config, lambda: ("d1", None)).status == "done"
    weights.write_bytes(b"another")
    state = run_state(run, config, untouched)
    assert state.status == "stale" and "the contents of model.weights=" in state.cause
    with pytest.raises(ConfigError, match=r"reuse=true, but .* another run: the contents of model\.weights="):
        check_same_run(run, config)
    weights.unlink()
    assert run_state(run, config, lambda: ("d1", None)).status == "done", "its weights are not needed again"


def test_a_done_run_whose_config_is_cut_off_is_stale(run):
    """So that `rerun=stale`, which a comparison advises, trains it again."""
    path = run.path / "config.yaml"
    path.write_text(path.read_text()[:-1])
    state = run_state(run, CONFIG, untouched)
    assert state.status == "stale" and "its last line" in state.cause


def test_another_version_is_another_run(run):
    write_json(run.path / "metrics.json", {**run.read_metrics(), "version": "0.0.1"})
    assert "dancepose was 0.0.1" in run_state(run, CONFIG, untouched).cause


def test_another_commit_is_told_and_no_other_run(run, monkeypatch):
    """Comparisons refuse it; whether it matters only the user can know."""
    monkeypatch.setattr(sameness, "commit", lambda: "aaaa1111")
    known = with_commit({})
    assert known == {"commit": "aaaa1111"} == with_commit(known) and other_commit(known) == ""
    run.write_metrics("done", hash="", data="d1", **known)
    monkeypatch.setattr(sameness, "commit", lambda: "bbbb2222")
    state = run_state(run, CONFIG, lambda: NOW)
    assert state == RunState("done", "its code was of commit aaaa1111, and is of bbbb2222")
    check_same_run(run, CONFIG)
    assert with_commit(known) == {"commit": "aaaa1111, bbbb2222"}, "a run that goes on by other code has both"
    monkeypatch.setattr(sameness, "commit", lambda: "")
    assert with_commit({}) == {} and other_commit(known) == "" and with_commit(known) == known


def test_data_may_lie_elsewhere(run):
    moved = {**CONFIG, "data": {"root": "/b", "val": 0.1}}
    assert changes(run, moved) == [] and run_state(run, moved, lambda: NOW).status == "done"
    check_same_run(run, moved)


def test_a_failed_run_says_why_and_whether_its_checkpoint_is_of_use(run, tmp_path):
    run.note_failure("no memory")
    assert run_state(run, CONFIG, lambda: NOW) == RunState("failed", "no memory", same=True)
    assert not run_state(run, {**CONFIG, "seed": 1}, untouched).same
    early = RunDirectory(tmp_path / "early")
    early.note_failure("no such key")
    assert run_state(early, CONFIG, untouched) == RunState("failed", "no such key", same=False, begun=False)


def test_reuse_refuses_another_run(run):
    with pytest.raises(ConfigError, match=r"holds another run: seed was 0, is 1"):
        check_same_run(run, {**CONFIG, "seed": 1})


def test_a_run_that_was_never_tested_may_be_by_other_settings_of_tests_alone(run):
    """Its configuration is written anew with the result, and must say by what it was trained."""
    config = {**CONFIG, "inference": {"flip": True}}
    untested = {"status": "done", "metrics": {"train/loss": 1.0}}
    check_tested_alike(run, config, untested)
    with pytest.raises(
        ConfigError, match=r"trained to its end, by other settings: model\.width was 8, is 16"
    ):
        check_tested_alike(run, {**config, "model": {"width": 16}}, untested)
    with pytest.raises(ConfigError, match="evaluation=<name>"):
        check_tested_alike(run, config, {"status": "done", "metrics": {"test/mAP": 1.0}})
