"""What the networks of runs cost."""

from dataclasses import replace

import pytest
import torch
from run_directories import motion_job, pose_job

from dancepose.benchmarks import run_costs
from dancepose.benchmarks.run_costs import BATCHES, RunCosts
from dancepose.benchmarks.timing import side_by_side
from dancepose.build import build
from dancepose.errors import DataError
from dancepose.networks.cost import count_macs, count_parameters
from dancepose.skeleton import load_skeleton
from dancepose.sweeps.arms import Arm, Group
from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.results import Table

SKELETON = load_skeleton("common13").to_dict()
IMAGE = {"network": "motion", "branches": ["image"], "depth": 18, "width": 8}


def table_of(
    folder, models: dict[str, dict], poses: bool = False, size: int = 64, classes=("a", "b", "c")
) -> Table:
    """A table with one run for each model."""
    arms = {}
    for name, model in models.items():
        make = pose_job if poses else motion_job
        (job,), _ = read_jobs([make(folder / name)])
        config = {"seed": 0, "model": model, "skeleton": SKELETON, "data": {"size": size}}
        arms[name] = Arm(name, (replace(job, config=config),))
    return Table(
        Group(("x",), next(iter(arms)), {}, arms, (), ()), (), None, (), {}, () if poses else classes
    )


def test_parameters_and_operations_are_those_of_the_network(tmp_path):
    table = table_of(tmp_path, {"a": IMAGE, "b": {**IMAGE, "width": 16}})
    (found,) = RunCosts(8).measure([table])
    network = build({"model": IMAGE, "skeleton": SKELETON, "seed": 3, "classes": ["a", "b", "c"]}).network
    assert found["a"].parameters == count_parameters(network)[""] < found["b"].parameters
    assert 0 < found["a"].macs < found["b"].macs and found["a"].sample == "a person, picture of 64 x 64"
    assert found["a"].latency == {} and found["a"].device == ""


def test_of_poses(tmp_path):
    model = {"network": "pose", "width": 8, "depth": "small", "stem": "conv", "context": "basic"}
    (found,) = RunCosts(8).measure([table_of(tmp_path, {"a": model}, poses=True)])
    network = build({"model": model, "skeleton": SKELETON, "seed": 0}).network
    assert (
        found["a"].macs == count_macs(network, (64, 64))[""] and found["a"].sample == "a picture of 64 x 64"
    )


def test_times_are_of_each_batch_with_the_device_named(tmp_path):
    table = table_of(tmp_path, {"a": {**IMAGE, "branches": ["keypoints"]}}, size=32)
    (found,) = RunCosts(8, rounds=1).measure([table])
    for cost in found.values():
        assert tuple(cost.latency) == BATCHES and all(0 < p50 <= p90 for p50, p90 in cost.latency.values())
        assert "CPU" in cost.device and f"torch {torch.__version__.partition('+')[0]}" in cost.device
    assert found["a"].sample == "a person's keypoints"


def test_a_network_of_centres_is_measured_without_them(tmp_path):
    """QES: 9-15-3 and, in each of 3 groups, 3 centres of D numbers; they are set in a training alone."""
    (found,) = RunCosts(8, rounds=1).measure([table_of(tmp_path, {"a": {"network": "motion_qes"}})])
    model = build(
        {"model": {"network": "motion_qes"}, "skeleton": SKELETON, "seed": 0, "classes": ["a", "b"]}
    )
    width = model.network.centres.shape[-1]
    assert found["a"].parameters == 9 * 15 + 15 + 15 * 3 + 3
    assert found["a"].macs == 9 * 15 + 15 * 3 + 3 * 3 * width and width > 0
    assert tuple(found["a"].latency) == BATCHES and found["a"].sample == "a person's keypoints"


def test_a_network_that_takes_no_sample_is_told(tmp_path, monkeypatch):
    def refuse(network, **inputs):
        raise DataError("a clip of 3 frames is too short")

    monkeypatch.setattr(run_costs, "count_macs_of", refuse)
    costs = RunCosts(8, rounds=1)
    assert costs.measure([table_of(tmp_path, {"a": {"network": "motion_str"}})]) == [{}]
    assert len(costs.notes) == 1 and costs.notes[0].endswith("not known: a clip of 3 frames is too short")


def test_what_is_dear_is_timed_in_fewer_rounds_and_it_is_said(tmp_path):
    table = table_of(tmp_path, {"a": {**IMAGE, "branches": ["keypoints"]}}, size=32)
    dear, cheap = RunCosts(8, rounds=9, seconds=1e-9), RunCosts(8, rounds=2, seconds=600)
    assert set(dear.measure([table])[0]["a"].latency) == {1}, "something is known of the dearest"
    assert dear.notes[0] == "times at batch 1 are of 1 passes, not 9: latency=true does all"
    assert dear.notes[1].startswith("no times at batch 32: one round") and "latency=true" in dear.notes[1]
    assert set(cheap.measure([table])[0]["a"].latency) == set(BATCHES) and cheap.notes == []


def test_rounds_end_with_the_time_that_is_given():
    done: list[int] = []
    assert side_by_side({"a": lambda: done.append(1)}, 100, seconds=0)["a"] and len(done) == 3
    assert len(side_by_side({"a": lambda: done.append(1)}, 5, seconds=600)["a"]) == 5


def test_a_network_is_built_once_and_so_many_at_most(tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(
        "dancepose.benchmarks.run_costs.build", lambda config: built.append(1) or build(config)
    )
    models = {name: {**IMAGE, "width": 8 + 8 * (name == "c")} for name in "abc"}
    costs = RunCosts(1)
    (found,) = costs.measure([table_of(tmp_path, models)])
    assert len(built) == 1 and set(found) == {"a", "b"} and found["a"] is found["b"]
    assert costs.notes == ["parameters and MACs are of the first 1 networks: costs=<more> counts more"]


def test_an_arm_of_several_networks_has_no_costs(tmp_path):
    table = table_of(tmp_path, {"a": IMAGE, "b": {**IMAGE, "width": 16}})
    jobs = tuple(job for arm in table.group.arms.values() for job in arm.jobs)
    mixed = replace(table, group=replace(table.group, arms={"a": Arm("a", jobs)}))
    costs = RunCosts(8)
    assert costs.measure([mixed]) == [{}]
    assert costs.notes == ["the runs of a are of 2 networks: no costs stand beside it"]


@pytest.mark.parametrize("model", [{"network": "motion", "wodth": 8}, {"network": "nothing"}, {"network": 3}])
def test_a_network_of_another_version_is_told(tmp_path, model):
    costs = RunCosts(8)
    assert costs.measure([table_of(tmp_path, {"a": model})]) == [{}]
    assert len(costs.notes) == 1 and "cannot be built" in costs.notes[0]
