"""Sweeps of smallest jobs are run and timed as they are."""

import pytest

from dancepose.benchmarks import sweep_costs
from dancepose.errors import DanceposeError


@pytest.mark.slow
def test_a_sweep_is_run_by_the_command(tmp_path):
    sweep_costs.write_skeletons(tmp_path / "people.npz")
    (seconds,) = sweep_costs.run_sweep(tmp_path, "one", 1, ["hydra/launcher=basic"])
    assert seconds > 0
    assert (tmp_path / "outputs" / "sweeps" / "one" / "sweep.txt").read_text().startswith("1 job: 1 done")


def test_the_pool_is_told_as_a_share_of_half_the_time(monkeypatch):
    clock, asked = iter(range(0, 100, 3)), []
    monkeypatch.setattr(sweep_costs.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(sweep_costs, "run_sweep", lambda *given: asked.append(given[1:]) or [1.5, 1.25])
    single, alone, together = sweep_costs.time_sweeps(2, 2)
    assert single.milliseconds == [1500, 1250, 1500, 1250], "of jobs that had the machine to themselves"
    assert alone.milliseconds == together.milliseconds == [3000, 3000]
    assert together.figures == {"jobs": 2, "threads": 1, "over the ideal": 2.0}
    pool = ["hydra/launcher=pool", "hydra.launcher.n_jobs=2"]
    assert asked[:2] == [("0-basic", 2, ["hydra/launcher=basic"]), ("0-pool", 2, pool)]
    assert len({name for name, *_ in asked}) == 4, "none goes on with another"


def test_a_sweep_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(sweep_costs, "JOB", ("experiment=nothing",))
    with pytest.raises(DanceposeError, match="2 smallest jobs failed:(.|\n)*nothing"):
        sweep_costs.time_sweeps(2, 1)
