"""What the pool gives to which job; that it runs them is in tests/test_launchers.py."""

from contextlib import ExitStack

import pytest

from dancepose.errors import ConfigError
from dancepose.sweeps import leases
from dancepose.sweeps.leases import Device
from dancepose.tasks import pool as module
from dancepose.tasks.pool import Pool

CPU, GPU, AUTO = {"accelerator": "cpu"}, {"accelerator": "gpu"}, {"accelerator": "auto"}


def never() -> bool:
    return False


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Return a pool on a machine with 8 cores and some GPUs."""
    monkeypatch.setenv(leases.FOLDER, str(tmp_path))
    monkeypatch.delenv(module.THREADS, raising=False)
    monkeypatch.delenv(leases.VISIBLE, raising=False)
    monkeypatch.setattr(module, "usable_cores", lambda: [Device(str(n), f"core-{n}") for n in range(8)])
    monkeypatch.setattr(leases, "_listed_gpus", lambda: {})

    def pool(gpus: int = 0, **settings):
        return Pool(devices=range(gpus), **settings)

    return pool


@pytest.mark.parametrize(
    ("gpus", "settings", "trainer", "workers", "at_a_time", "threads"),
    [
        (0, {}, CPU, 0, 8, 1),
        (0, {"threads": 3}, CPU, 0, 2, 3),
        (0, {}, {**CPU, "devices": 2}, 0, 4, 1),
        (0, {"threads": 16}, CPU, 0, 1, 16),
        (0, {"n_jobs": 3}, CPU, 0, 3, 1),
        (0, {}, {**AUTO, "devices": "auto"}, 0, 8, 1),
        (2, {}, CPU, 0, 8, 1),
        (2, {}, GPU, 0, 2, 4),
        (2, {}, AUTO, 0, 2, 4),
        (3, {}, {**GPU, "devices": "2"}, 0, 1, 2),
        (4, {}, {**GPU, "devices": -1}, 0, 1, 2),
        (16, {}, GPU, 0, 16, 1),
        (2, {"threads": 1}, GPU, 0, 2, 1),
        (0, {}, CPU, 1, 4, 1),
        (0, {"threads": 2}, CPU, 2, 2, 2),
        (0, {}, {**CPU, "devices": 2}, 2, 1, 1),
        (0, {}, CPU, 64, 1, 1),
        (0, {"n_jobs": 3}, CPU, 2, 3, 1),
        (2, {}, GPU, 16, 2, 4),
    ],
)
def test_jobs_at_a_time_and_their_threads(gpus, settings, trainer, workers, at_a_time, threads, make):
    pool = make(gpus, **settings)
    assert (pool.size(trainer, workers), pool.threads(trainer)) == (at_a_time, threads)


@pytest.mark.parametrize(
    ("settings", "workers", "cores"),
    [
        ({}, 0, 1),
        ({}, 2, 3),
        ({}, 64, 8),
        ({"n_jobs": 4}, 2, 2),
        ({"n_jobs": 9}, 2, 1),
        ({"threads": 3}, 1, 4),
    ],
)
def test_data_workers_need_cores_too(settings, workers, cores, make):
    """But one job always fits, and as many as the user asks for."""
    pool = make(**settings)
    assert pool.share(CPU, workers) == cores
    with ExitStack() as held:
        for _ in range(min(pool.size(CPU, workers), 8)):
            asked = iter((False, True))  # refused if it does not fit at once
            held.enter_context(pool.lend(CPU, workers, lambda asked=asked: next(asked)))


def test_two_jobs_run_side_by_side_on_two_cores_if_nobody_else_reads_their_data(make, monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: [Device(str(n), f"core-{n}") for n in range(2)])
    assert [make().size(CPU, workers) for workers in (0, 1, 2)] == [2, 1, 1]
    assert make(n_jobs=2).share(CPU, 2) == 1


def test_the_users_own_number_of_threads_counts(make, monkeypatch):
    monkeypatch.setenv(module.THREADS, "4")
    assert make().size(CPU, 0) == 2 and make(threads=1).size(CPU, 0) == 8


def test_a_job_gets_devices_that_no_other_has(make):
    pool = make(3)
    with pool.lend(GPU, 0, never) as one, pool.lend({**GPU, "devices": 2}, 0, never) as other:
        assert one == {"CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "2", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        assert other["CUDA_VISIBLE_DEVICES"] == "1,2"
    with pool.lend(CPU, 0, never) as given:
        assert given == {"OMP_NUM_THREADS": "1"}


def test_the_users_own_order_of_gpus_stays(make, monkeypatch):
    monkeypatch.setenv(leases.VISIBLE, "1,0")
    with make(2).lend(GPU, 0, never) as given:
        assert "CUDA_DEVICE_ORDER" not in given


def test_a_job_waits_until_its_cores_are_free(make, capsys):
    pool, asked = make(threads=4), []
    with (
        pool.lend(CPU, 0, never),
        pool.lend({**CPU, "devices": 1}, 0, never),
        pytest.raises(leases.LeaseRefused),
        pool.lend(CPU, 0, lambda: asked.append(1) or len(asked) > 1),
    ):
        raise AssertionError("12 threads on 8 cores")
    assert capsys.readouterr().out == "a job waits until 4 cores can be lent\n"
    with pool.lend({**CPU, "devices": 9}, 0, never) as given:  # all there are
        assert given == {"OMP_NUM_THREADS": "4"}


@pytest.mark.parametrize(
    ("trainer", "words"),
    [
        ({**GPU, "devices": 3}, r"trainer.devices=3: the pool has 2 GPU\(s\) to lend \(0, 1\)"),
        ({**GPU, "devices": [0, 1]}, r"trainer.devices=\[0, 1\]: in a pool a job is lent its devices"),
        ({**GPU, "devices": 0}, "trainer.devices=0"),
    ],
)
def test_what_no_job_of_a_pool_can_be(trainer, words, make):
    with pytest.raises(ConfigError, match=words), make(2).lend(trainer, 0, never):
        raise AssertionError


@pytest.mark.parametrize("settings", [{"n_jobs": 0}, {"threads": "x"}])
def test_numbers_that_are_none(settings, make):
    with pytest.raises(ConfigError, match=r"hydra.launcher.\w+=\w: give a number from 1, or null"):
        make(**settings)
