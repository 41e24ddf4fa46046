"""Factors of a sweep, found from overrides, choices and configurations."""

import pytest
from run_directories import motion_job, motion_sweep

from dancepose.errors import ConfigError
from dancepose.sweeps.factors import DEFAULT, NOT_SET, Factors, differences, in_order, level_of
from dancepose.sweeps.jobs import read_jobs


def factors_of(*sweeps) -> Factors:
    return Factors(read_jobs(sweeps)[0])


def test_a_factor_is_what_varies_but_for_seeds_and_places(tmp_path):
    motion_sweep(
        tmp_path / "a", {"none": 0.8, "cbam1": 0.8}, overrides=["data.root=here", "name=a", "data=action"]
    )
    motion_sweep(tmp_path / "b", {"cbam2": 0.8}, overrides=["data.root=there", "output=x", "data=action"])
    assert factors_of(tmp_path / "a", tmp_path / "b").levels == {
        "model/attention": ["cbam1", "cbam2", "none"]
    }


def test_how_the_data_come_is_no_factor_and_no_hidden_difference(tmp_path):
    for workers in (0, 4):
        config = {"data": {"size": 32, "workers": workers}}
        motion_sweep(
            tmp_path / str(workers),
            {f"cbam{workers}": 0.8},
            overrides=[f"data.workers={workers}"],
            config=config,
        )
    factors = factors_of(tmp_path / "0", tmp_path / "4")
    assert list(factors.levels) == ["model/attention"]
    first, *_, last = factors.jobs
    assert list(differences(first.config, last.config)) == []


def test_a_job_without_the_override_has_what_its_config_says(tmp_path):
    config = {"optimizer": {"lr": 0.001, "betas": [0.9, 0.999]}}
    motion_job(
        tmp_path / "1", ["optimizer.lr=1e-1"], config={"optimizer": {"lr": 0.1, "betas": [0.9, 0.999]}}
    )
    motion_job(tmp_path / "2", ["optimizer.lr=1e-3"], config=config)
    motion_job(tmp_path / "3", [], 1, config=config)
    assert factors_of(tmp_path).levels == {"optimizer.lr": ["0.001", "0.1"]}
    assert level_of(read_jobs([tmp_path])[0][2], "optimizer.betas") == "[0.9,0.999]"


def test_choices_tell_of_groups_that_no_override_names(tmp_path):
    motion_job(
        tmp_path / "1", ["experiment=a"], choices={"experiment": "a", "optimizer": "sgd", "model": "m"}
    )
    motion_job(
        tmp_path / "2", ["experiment=b"], choices={"experiment": "b", "optimizer": "adam", "model": "m"}
    )
    assert factors_of(tmp_path).levels == {"experiment": ["a", "b"], "optimizer": ["adam", "sgd"]}


def test_runs_without_choices_are_told_by_their_overrides_alone(tmp_path):
    motion_job(tmp_path / "1", ["model/attention=cbam1", "model=motion"])
    motion_job(tmp_path / "2", ["model=motion"], 1)
    motion_job(tmp_path / "3", ["+x.y=1", "model=motion_str"], 2)
    levels = factors_of(tmp_path).levels
    assert levels["model/attention"] == [DEFAULT, "cbam1"]
    assert levels["model"] == ["motion", "motion_str"] and levels["x.y"] == ["1", NOT_SET]


def test_an_unknown_factor_is_told_what_there_is(tmp_path):
    motion_sweep(tmp_path, {"none": 0.8, "cbam1": 0.8})
    factors = factors_of(tmp_path)
    with pytest.raises(ConfigError) as error:
        factors.check("by", ["model/atention"])
    assert "by=model/atention" in str(error.value) and "Did you mean 'model/attention'?" in str(error.value)
    assert "model/attention (cbam1, none)" in str(error.value)
    with pytest.raises(ConfigError, match="by=seed: by seeds a run is repeated"):
        factors.check("by", ["seed"])
    with pytest.raises(ConfigError, match="all jobs have data.size=32"):
        factors.check("split", ["data.size"])
    assert factors.check("by", ["model/attention", "model/attention", "split"]) == [
        "model/attention",
        "split",
    ]


def test_levels_that_are_numbers_rise():
    assert in_order(["0.1", "1e-3", "0.01"]) == ["1e-3", "0.01", "0.1"]
    assert in_order(["b", "10", "a", "9", "10"]) == ["9", "10", "a", "b"]
    assert in_order(["nan", "1"]) == ["1", "nan"]


def test_differences_of_configurations():
    one = {"seed": 0, "model": {"width": 8, "attention": {"order": "none"}}, "data": {"root": "a"}, "x": 1}
    other = {"seed": 1, "model": {"width": 8, "attention": {"order": "cbam1"}}, "data": {"root": "b"}, "y": 2}
    assert list(differences(one, other)) == [
        ("model.attention.order", "none", "cbam1"),
        ("x", "1", NOT_SET),
        ("y", NOT_SET, "2"),
    ]
