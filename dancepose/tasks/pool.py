"""The local pool: jobs of a sweep side by side, each with GPUs or threads of its own."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, configure_log, filter_overrides, setup_globals
from omegaconf import OmegaConf

from dancepose.errors import ConfigError
from dancepose.sweeps.leases import VISIBLE, Device, leased, usable_cores, visible_gpus
from dancepose.tasks.child import handing_on
from dancepose.tasks.launching import plan_all, prepare
from dancepose.tasks.sweep_job import SweepJob, raise_signal

log = logging.getLogger(__name__)
THREADS = "OMP_NUM_THREADS"


class Pool:
    """What a machine has for jobs.

    Args:
        n_jobs: at a time, at most; None: as many as there are GPUs, or cores, for.
        threads: of each process; None: `OMP_NUM_THREADS`, else on GPUs an equal share of the cores, without
            them 1.
        devices: GPUs to lend, as `CUDA_VISIBLE_DEVICES` names them; None: all that are visible.

    Raises:
        ConfigError: a number is none.
    """

    def __init__(
        self, n_jobs: int | None = None, threads: int | None = None, devices: Sequence[Any] | None = None
    ):
        for key, value in (("n_jobs", n_jobs), ("threads", threads)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ConfigError(f"hydra.launcher.{key}={value}: give a number from 1, or null")
        self.gpus, self.cores = visible_gpus(devices), usable_cores()
        own = os.environ.get(THREADS, "")
        self._threads = threads or (int(own) if own.isdigit() and int(own) else None)
        self._n_jobs = n_jobs

    def uses_gpus(self, trainer: Mapping[str, Any]) -> bool:
        """Tell whether a job with this node `trainer` runs on GPUs."""
        return trainer.get("accelerator", "auto") in ("gpu", "cuda") or (
            trainer.get("accelerator", "auto") == "auto" and bool(self.gpus)
        )

    def processes(self, trainer: Mapping[str, Any]) -> int:
        """Return how many processes such a job is, and on GPUs, how many of them it needs.

        Raises:
            ConfigError: `trainer.devices` names devices, or is no number.
        """
        devices = trainer.get("devices", 1)
        if devices in (-1, "-1", "auto"):
            return max(len(self.gpus), 1) if self.uses_gpus(trainer) else 1
        if isinstance(devices, bool) or not str(devices).isdigit() or int(devices) < 1:
            raise ConfigError(
                f"trainer.devices={devices}: in a pool a job is lent its devices; say how many it needs"
            )
        return int(devices)

    def threads(self, trainer: Mapping[str, Any]) -> int:
        """Return how many threads each process of such a job gets."""
        if self._threads is not None:
            return self._threads
        return max(1, len(self.cores) // max(len(self.gpus), 1)) if self.uses_gpus(trainer) else 1

    def share(self, trainer: Mapping[str, Any], workers: int) -> int:
        """Return how many cores such a job is lent: one for each thread and each data worker.

        A job that asks for more than there are has them all to itself. Where the user says how many jobs run
        at a time, data workers get no more than is left of an equal share.
        """
        number, threads = self.processes(trainer), self.threads(trainer)
        wanted = number * (threads + workers)
        if self._n_jobs is not None:
            wanted = min(wanted, max(number * threads, len(self.cores) // self._n_jobs))
        return min(wanted, len(self.cores))

    def size(self, trainer: Mapping[str, Any], workers: int) -> int:
        """Return how many such jobs run at a time."""
        if self._n_jobs is not None:
            return self._n_jobs
        if self.uses_gpus(trainer):
            return max(1, len(self.gpus) // self.processes(trainer))
        return len(self.cores) // self.share(trainer, workers)

    @contextmanager
    def lend(
        self, trainer: Mapping[str, Any], workers: int, refused: Callable[[], bool]
    ) -> Iterator[dict[str, str]]:
        """Lend a job its GPUs, else a core for each thread and data worker; wait until they are free.

        Args:
            trainer: the job's node.
            workers: that read data for each of its processes.
            refused: says so when the job is no longer to be run.

        Yields:
            What comes into its environment.

        Raises:
            ConfigError: there are not so many GPUs.
            LeaseRefused: `refused` said so.
        """
        number, threads = self.processes(trainer), self.threads(trainer)
        given = {THREADS: str(threads)}
        if not self.uses_gpus(trainer):
            count = self.share(trainer, workers)
            with leased(self.cores, count, refused, lambda: _tell_waiting(count, "core")):
                yield given
            return
        if number > len(self.gpus):
            raise ConfigError(
                f"trainer.devices={number}: the pool has {len(self.gpus)} GPU(s) to lend"
                f"{_named(self.gpus)}; give less, or trainer=cpu"
            )
        with leased(self.gpus, number, refused, lambda: _tell_waiting(number, "GPU")) as names:
            # what nvidia-smi numbers, CUDA has to number likewise
            yield given | {VISIBLE: ",".join(names)} | ({} if VISIBLE in os.environ else PCI_ORDER)


PCI_ORDER = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def _tell_waiting(count: int, what: str) -> None:
    print(f"a job waits until {count} {what}{'s' * (count > 1)} can be lent", flush=True)


def _named(devices: Sequence[Device]) -> str:
    return f" ({', '.join(device.name for device in devices)})" if devices else ""


def launch(launcher: Any, job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Run the jobs of a sweep.

    A thread for each that runs at a time starts its process and waits for it. Hydra has one configuration
    for the whole process, so jobs are made ready one after the other.

    Args:
        launcher: the plugin, with what Hydra gave it.
        job_overrides: of each job.
        first: number of the first one.

    Returns:
        What came of each.

    Raises:
        ConfigError: a setting of the pool cannot be.
        KeyboardInterrupt: by Ctrl-C; the jobs that ran have ended in order.
        SystemExit: likewise, by SIGTERM.
    """
    from joblib import Parallel, delayed

    setup_globals()
    config = launcher.config
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    if config.dry_run:
        return plan_all(launcher, job_overrides, first)
    Path(str(config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    pool = Pool(**launcher.settings)
    trainer: Any = OmegaConf.to_container(config.trainer, resolve=True)
    at_a_time = min(pool.size(trainer, OmegaConf.select(config, "data.workers") or 0), len(job_overrides))
    log.info("Launching %d jobs, %d at a time%s", len(job_overrides), at_a_time, _named(pool.gpus))
    ready, errors = threading.Lock(), list[Exception]()

    def run_one(number: int, overrides: Sequence[str]) -> JobReturn | None:
        def refused() -> bool:
            return bool(received or errors)

        if refused():
            return None
        try:
            with ready:
                log.info("\t#%d : %s", number, " ".join(filter_overrides(overrides)))
                told = prepare(launcher, number, overrides)
            if isinstance(job := told._return_value, SweepJob):
                told.return_value = job.finish(lambda trainer, workers: pool.lend(trainer, workers, refused))
            return told
        except Exception as error:
            errors.append(error)  # those that run end first
            return None

    with handing_on() as received:
        told = Parallel(n_jobs=at_a_time, backend="threading", batch_size=1)(
            delayed(run_one)(first + index, overrides) for index, overrides in enumerate(job_overrides)
        )
    if received:
        raise_signal(received[0])
    if errors:
        raise errors[0]
    return list(told)
