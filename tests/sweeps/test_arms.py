"""Jobs in tables of arms."""

import json
import re

import pytest
import yaml
from run_directories import motion_job, motion_sweep

from dancepose.errors import ConfigError, DataError
from dancepose.sweeps.arms import Group, group_jobs
from dancepose.sweeps.jobs import read_jobs

BY = ["model/attention"]
CHOICES = {"model": "motion", "data": "action", "model/attention": "cbam1"}


def groups_of(*sweeps, by=BY, against="none", **more) -> list[Group]:
    return group_jobs(read_jobs(sweeps)[0], by, against, **more)


def seeds(group: Group) -> dict[str, list[int]]:
    return {name: [job.seed for job in arm.jobs] for name, arm in group.arms.items()}


@pytest.fixture
def sweep(tmp_path):
    return motion_sweep(tmp_path / "sweep", {"none": 0.8, "cbam1": 0.7, "cbam0": 0.7}, [0, 1])


def test_arms_hold_the_runs_of_a_level_and_the_reference_is_the_first(sweep):
    (group,) = groups_of(sweep)
    assert seeds(group) == {"none": [0, 1], "cbam0": [0, 1], "cbam1": [0, 1]}
    assert group.notes == () and group.pooled == () and group.title == ""
    assert list(groups_of(sweep, by=[], against=None)[0].arms) == ["none", "cbam0", "cbam1"]
    assert list(groups_of(sweep, against="cbam1")[0].arms) == ["cbam1", "cbam0", "none"]


def test_what_is_not_there_is_told_with_what_is(sweep, tmp_path):
    with pytest.raises(ConfigError, match=r"against=nine.*cbam0; cbam1; none\. Did you mean 'none'"):
        groups_of(sweep, against="nine")
    with pytest.raises(ConfigError, match=r"only\.model/attention=cbam: there is .*Did you mean"):
        groups_of(sweep, only={"model/attention": ["cbam"]})
    with pytest.raises(ConfigError, match=r"allow=versions.*Did you mean 'version'"):
        groups_of(sweep, allow=["versions"])
    with pytest.raises(ConfigError, match="compares its levels already"):
        groups_of(sweep, split=BY)
    other = motion_sweep(tmp_path / "lr", {"0.1": 0.8, "0.01": 0.8}, key="optimizer.lr")
    with pytest.raises(ConfigError, match=r"against is not set.*, against=0\.01 or against=0\.1$"):
        groups_of(other, by=[], against=None)
    words = """against=4 or against='"null"' or against='"{train: 100}"'"""
    limits = motion_sweep(tmp_path / "limit", {"null": 0.8, "{train: 100}": 0.8, "4": 0.8}, key="data.limit")
    with pytest.raises(ConfigError, match=f"against is not set.*{re.escape(words)}$"):
        groups_of(limits, by=[], against=None)
    with pytest.raises(ConfigError, match=r"by is not set: give by=<factor>.*model/attention.*optimizer\.lr"):
        groups_of(sweep, other, by=[])
    alone = motion_job(tmp_path / "alone")
    with pytest.raises(ConfigError, match="nothing but their seeds"):
        groups_of(alone, by=[])


def test_jobs_of_several_factors(tmp_path):
    for lr in ("0.1", "0.01"):
        config = {"optimizer": {"lr": float(lr)}}
        overrides = [f"optimizer.lr={lr}"]
        motion_sweep(tmp_path / lr, {"none": 0.8, "cbam1": 0.7}, overrides=overrides, config=config)
    both = [tmp_path / "0.1", tmp_path / "0.01"]
    (group,) = groups_of(*both)
    assert group.pooled == ("optimizer.lr",) and len(group.arms["none"].jobs) == 4
    assert group.arms["none"].seeds == (0, 1)
    assert "averaged" in group.notes[0] and "optimizer.lr (0.01, 0.1)" in group.notes[0]
    tables = groups_of(*both, split=["optimizer.lr"])
    assert [table.title for table in tables] == ["optimizer.lr=0.01", "optimizer.lr=0.1"]
    assert [seeds(table) for table in tables] == [{"none": [0, 1], "cbam1": [0, 1]}] * 2
    names = list(groups_of(*both, by=[*BY, "optimizer.lr"], against="none, 0.1")[0].arms)
    assert names == ["none, 0.1", "cbam1, 0.01", "cbam1, 0.1", "none, 0.01"]
    (kept,) = groups_of(*both, only={"optimizer.lr": ["0.1"]})
    assert kept.pooled == () and seeds(kept) == {"none": [0, 1], "cbam1": [0, 1]}


def test_runs_are_averaged_over_the_same_settings_in_all_arms(tmp_path):
    for lr in ("0.1", "0.01"):
        config = {"optimizer": {"lr": float(lr)}}
        motion_sweep(
            tmp_path / lr,
            {"none": 0.8, "cbam1": 0.7},
            [0, 1],
            overrides=[f"optimizer.lr={lr}"],
            config=config,
        )
    (tmp_path / "0.1" / "model.attention=none,seed=1" / "metrics.json").write_text('{"status": "failed"}')
    (group,) = groups_of(tmp_path / "0.1", tmp_path / "0.01")
    assert seeds(group) == {"none": [0, 0, 1], "cbam1": [0, 0, 1]}
    assert any(note.startswith("1 finished job without partners") for note in group.notes)
    (one,) = group.left_out
    assert one.path == tmp_path / "0.1" / "model.attention=cbam1,seed=1"
    assert one.cause.startswith(
        "there is no finished run of none with seed=1, optimizer.lr=0.1: train it, or "
    )


def test_several_factors_are_told_as_they_are_typed(sweep):
    with pytest.raises(ConfigError, match=r"'against=\[cbam0,5\]' or 'against=\[cbam0,6\]'"):
        for job in sweep.iterdir():
            config = yaml.safe_load((job / "config.yaml").read_text())
            epochs = 5 + config["seed"]
            (job / "config.yaml").write_text(yaml.safe_dump({**config, "epochs": epochs}))
            overrides = yaml.safe_load((job / "overrides.yaml").read_text())
            (job / "overrides.yaml").write_text(yaml.safe_dump([*overrides, f"epochs={epochs}"]))
        groups_of(sweep, by=[*BY, "epochs"], against=None)


def test_notes_speak_of_the_jobs_that_take_part(tmp_path):
    """A job without partners is in no mean: its split, version and settings do not concern the table."""
    motion_sweep(tmp_path / "s", {"none": 0.8, "cbam1": 0.7}, [0, 1], overrides=["x=1"], config={"x": 1})
    motion_sweep(
        tmp_path / "more", {"cbam1": 0.7}, [1], overrides=["x=2"], config={"x": 2}, version="9", split="other"
    )
    (group,) = groups_of(tmp_path)
    assert group.pooled == () and seeds(group) == {"none": [0, 1], "cbam1": [0, 1]}
    (note,) = group.notes
    assert note.startswith("1 finished job without partners") and "more" not in note
    assert [one.path.parent.name for one in group.left_out] == ["more"]


def test_a_job_without_its_choices_takes_no_other_with_it(sweep):
    (sweep / "model.attention=cbam1,seed=0" / "choices.yaml").unlink()
    (group,) = groups_of(sweep)
    assert seeds(group) == {"none": [0, 1], "cbam0": [0, 1], "cbam1": [1]} and group.left_out == ()
    _, (one,) = read_jobs([sweep])
    assert one.path.name == "model.attention=cbam1,seed=0" and "choices.yaml" in one.cause


def test_a_factor_that_goes_along_with_the_compared_one_is_told(tmp_path):
    for level, lr in (("none", 0.1), ("cbam1", 0.01)):
        overrides, config = [f"optimizer.lr={lr}"], {"optimizer": {"lr": lr}}
        motion_sweep(tmp_path / level, {level: 0.8}, overrides=overrides, config=config)
    (group,) = groups_of(tmp_path)
    assert group.pooled == () and seeds(group) == {"none": [0, 1], "cbam1": [0, 1]}
    assert group.notes[0].startswith("optimizer.lr differs along with model/attention (none 0.1, cbam1 0.01)")


def test_arms_without_partners_are_refused_with_ways_out(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.8, "cbam1": 0.8}, overrides=["x=1"])
    motion_sweep(tmp_path / "b", {"cbam2": 0.8, "cbam1": 0.8}, overrides=["x=2"])
    (tmp_path / "c").mkdir()
    motion_sweep(tmp_path / "c", {"none": 0.8}, [2], overrides=["x=2"])
    with pytest.raises(DataError, match=r"no run of .*cbam.* has partners.*split=\[x\]"):
        groups_of(tmp_path)


def test_arms_may_have_seeds_of_their_own(sweep):
    motion_job(sweep / "more", ["model/attention=cbam1"], 7, choices=CHOICES)
    (group,) = groups_of(sweep)
    assert group.arms["cbam1"].seeds == (0, 1, 7) and group.arms["none"].seeds == (0, 1)


def test_the_same_job_twice_is_refused(sweep, tmp_path):
    again = motion_sweep(tmp_path / "again", {"none": 0.8}, [1])
    with pytest.raises(DataError, match=r"sweep/.*none,seed=1 and again/.*seed=1.*same job twice"):
        groups_of(sweep, again)


@pytest.mark.parametrize("name, entry", [("split", "split"), ("version", "version"), ("data_hash", "data")])
def test_differing_splits_versions_and_data_are_never_pooled_unasked(tmp_path, name, entry):
    motion_sweep(tmp_path / "old", {"none": 0.8, "cbam1": 0.8}, [0, 1])
    motion_sweep(tmp_path / "new", {"none": 0.8, "cbam1": 0.8}, [2, 3], **{entry: "other"})
    both = [tmp_path / "old", tmp_path / "new"]
    with pytest.raises(DataError) as error:
        groups_of(*both)
    told = str(error.value)
    assert "old/model.attention=cbam1,seed=0" in told and "other of new/model" in told
    assert f"split=[{name}]" in told and f"allow=[{name}]" in told
    tables = groups_of(*both, split=[name])
    assert sorted(seeds(table)["none"] for table in tables) == [[0, 1], [2, 3]]
    (group,) = groups_of(*both, allow=[name])
    assert seeds(group)["none"] == [0, 1, 2, 3] and f"allow={name}" in group.notes[0]


def test_settings_that_no_override_tells_of_are_noticed(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.8, "cbam1": 0.8}, [0], config={"trainer": {"max_epochs": 7}})
    motion_sweep(tmp_path / "b", {"none": 0.8, "cbam1": 0.8}, [1], config={"trainer": {"max_epochs": 9}})
    (group,) = groups_of(tmp_path)
    assert group.notes == (
        "runs that should differ by their seeds alone differ in trainer.max_epochs too: 7, 9",
    )


def test_a_setting_that_differs_between_arms_without_an_override_is_told(tmp_path):
    """A recipe that was edited between two sweeps: no table can tell its effect from that of the arms."""
    for level, lr in (("none", 0.001), ("cbam1", 0.1)):
        config = {"optimizer": {"lr": lr, "eps": 1e-8}, "model": {"attention": {"order": level}}}
        motion_sweep(tmp_path / level, {level: 0.8}, config=config)
    (group,) = groups_of(tmp_path)
    assert group.notes == (
        "optimizer.lr differs along with model/attention, though no override says so "
        "(none 0.001, cbam1 0.1): no table can tell them apart",
    )


def test_what_belongs_to_the_compared_factors_is_no_hidden_difference(tmp_path):
    for level, width in (("none", 8), ("cbam1", 16)):
        model = {"attention": {"order": level, "reduction": width}, "width": width}
        overrides, config = [f"model.width={width}"], {"model": model}
        motion_sweep(tmp_path / level, {level: 0.8}, overrides=overrides, config=config)
    (group,) = groups_of(tmp_path)
    assert len(group.notes) == 1 and group.notes[0].startswith("model.width differs along with")
    (group,) = groups_of(tmp_path, by=[*BY, "model.width"], against="none, 8")
    assert group.notes == ()


def test_recipes_that_are_compared_differ_in_all_they_say(tmp_path):
    for recipe, lr in (("a", 0.001), ("b", 0.1)):
        choices = {"experiment": recipe}
        for seed in (0, 1):
            motion_job(
                tmp_path / f"{recipe}{seed}", [f"experiment={recipe}"], seed, choices=choices,
                config={"optimizer": {"lr": lr}},
            )  # fmt: skip
    assert groups_of(tmp_path, by=["experiment"], against="a")[0].notes == ()


def test_differences_of_pooled_settings_are_no_hidden_ones(tmp_path):
    """What follows from a pooled factor has the same values in all arms."""
    for size in (32, 64):
        config = {"data": {"size": size, "resize": size + 8}}
        overrides = [f"data.size={size}"]
        motion_sweep(tmp_path / str(size), {"none": 0.8, "cbam1": 0.8}, overrides=overrides, config=config)
    (group,) = groups_of(tmp_path)
    assert len(group.notes) == 1 and group.notes[0].startswith("pooled: data.size")


def test_a_table_without_the_reference_is_refused(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.8, "cbam1": 0.8}, overrides=["x=1"])
    motion_sweep(tmp_path / "b", {"cbam1": 0.8}, overrides=["x=2"])
    with pytest.raises(ConfigError, match="no job of x=2 has it, only cbam1"):
        groups_of(tmp_path, split=["x"])


def test_runs_that_do_not_say_their_split_version_or_data_are_told(tmp_path):
    motion_sweep(tmp_path / "s", {"none": 0.8, "cbam1": 0.8})
    for path in (tmp_path / "s").glob("*/metrics.json"):
        told = json.loads(path.read_text())
        for key in ("split", "version", "data"):
            del told[key]
        path.write_text(json.dumps(told))
    (group,) = group_jobs(read_jobs([tmp_path / "s"])[0], ["model/attention"], "none")
    for word in ("splits", "versions of dancepose", "data"):
        assert any(f"nothing tells whether these are of the same {word}: s/" in note for note in group.notes)
    (known,) = group_jobs(read_jobs([motion_sweep(tmp_path / "t", {"none": 0.8, "x": 0.8})])[0], [], None)
    assert not any("nothing tells" in note for note in known.notes)
