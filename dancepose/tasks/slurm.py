"""Jobs of a sweep in a Slurm cluster: which are submitted, with what, and what became of them."""

import getpass
import logging
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, configure_log, setup_globals

from dancepose.errors import ConfigError
from dancepose.sweeps.ledger import Outcome, Sweep
from dancepose.tasks.launching import prepare
from dancepose.tasks.sweep_job import SweepJob

log = logging.getLogger(__name__)

LOOK, ASK = 1.0, 5.0  # seconds between two looks for results, and between two questions to Slurm
SETUP = (  # of each job's script
    "export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}",  # since Slurm 22.05 srun does not take it over
    "export OMP_NUM_THREADS=${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}",
    "export SLURM_KILL_BAD_EXIT=1",  # a process whose peer has died would wait for it
)


def launch(launcher: Any, job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Submit those jobs of a sweep that are to be run, as one array, and wait for them.

    Args:
        launcher: the plugin, with what Hydra gave it.
        job_overrides: of each job.
        first: number of the first one.

    Returns:
        What came of each.

    Raises:
        ConfigError: there is no Slurm here, or its tasks are not what the trainer expects.
        KeyboardInterrupt: by Ctrl-C; jobs that were submitted go on.
    """
    setup_globals()
    config, settings = launcher.config, dict(launcher.settings)
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    told, waiting = [], {}
    for index, overrides in enumerate(job_overrides):
        one = prepare(launcher, first + index, overrides)
        told.append(one)
        if isinstance(job := one._return_value, SweepJob):
            if job.outcome is None:
                check_tasks(settings, job.trainer)
                waiting[index] = job
            else:
                one.return_value = job.finish()
    if waiting:
        submitted = _submit(launcher, settings, [(first + n, list(job_overrides[n])) for n in waiting])
        ids = ", ".join(job.job_id for job in submitted)
        log.info("Submitted %d of %d jobs: %s", len(submitted), len(told), ids)
        try:
            _wait(submitted)
        except KeyboardInterrupt:
            log.info(
                "the jobs go on in Slurm; to end them: scancel %s", submitted[0].job_id.partition("_")[0]
            )
            raise
        for (index, job), at_slurm in zip(waiting.items(), submitted, strict=True):
            told[index].return_value = _outcome(job, at_slurm).objective
    return told


def check_tasks(settings: Mapping[str, Any], trainer: Mapping[str, Any]) -> None:
    """Refuse tasks that are not the processes of a training.

    Args:
        settings: of the launcher.
        trainer: node of a job.

    Raises:
        ConfigError: names the keys.
    """
    for of_slurm, of_trainer in (("tasks_per_node", "devices"), ("nodes", "num_nodes")):
        given, wanted = settings.get(of_slurm, 1), trainer.get(of_trainer, 1)
        if given != wanted:
            key = f"hydra.launcher.{of_slurm}"
            raise ConfigError(
                f"{key}={given}, but trainer.{of_trainer}={wanted}: Slurm has to start as many processes as "
                f"the training is; leave {key} out"
            )
    if trainer.get("accelerator") == "auto" and settings.get("gpus_per_node") is None:
        raise ConfigError(
            "trainer.accelerator=auto: it is not known here what the job will find; give trainer=gpu, "
            "trainer=cpu, or hydra.launcher.gpus_per_node"
        )
    if trainer.get("precision") == "auto":
        raise ConfigError(
            "trainer.precision=auto: the machines of a cluster may differ in it, and the jobs of a sweep "
            "must not; give trainer.precision=bf16-mixed or 32-true"
        )


def _submit(launcher: Any, settings: dict[str, Any], jobs: Sequence[tuple[int, list[str]]]) -> list[Any]:
    """Submit jobs, each with its number and overrides; return submitit's."""
    import submitit
    from hydra.core.singleton import Singleton
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher

    task = SlurmLauncher(**settings)  # runs one job, in the process of a task
    task.setup(hydra_context=launcher.context, task_function=launcher.task, config=launcher.config)
    folder, timeouts = settings.pop("submitit_folder"), settings.pop("max_num_timeout")
    shared = {"timeout_min", "cpus_per_task", "gpus_per_node", "tasks_per_node", "mem_gb", "nodes", "name"}
    settings["setup"] = [*(settings.get("setup") or []), *SETUP]
    settings = {k if k in shared | {"stderr_to_stdout"} else f"slurm_{k}": v for k, v in settings.items()}
    try:
        executor = submitit.AutoExecutor(folder, cluster="slurm", slurm_max_num_timeout=timeouts)
        executor.update_parameters(**settings)
        state = Singleton.get_state()
        given = [(overrides, "hydra.sweep.dir", number, str(number), state) for number, overrides in jobs]
        return executor.map_array(task, *zip(*given, strict=True))
    except (RuntimeError, submitit.core.utils.FailedSubmissionError) as error:
        raise ConfigError(f"hydra/launcher=submitit_slurm: {_last_words(error)}") from None


def _last_words(error: Exception) -> str:
    """Return what sbatch said, without how it was called."""
    return " ".join(str(error).split())


def _wait(jobs: Sequence[Any]) -> None:
    """Wait until each job has left a result, or is no more in Slurm's queue."""
    pending, asked, gone = list(jobs), time.monotonic(), set[str]()
    while pending:
        time.sleep(LOOK)
        pending = [job for job in pending if not _has_result(job)]
        if time.monotonic() - asked >= ASK and (queue := _queue()) is not None:
            asked = time.monotonic()
            absent = {job.job_id for job in pending} - queue
            # twice: a result may come a little after its job has gone
            pending, gone = [job for job in pending if job.job_id not in absent & gone], absent


def _has_result(job: Any) -> bool:
    return bool(job.task(0).paths.result_pickle.exists())


def _queue() -> set[str] | None:
    """Return this user's jobs that Slurm has not ended; None where it does not answer."""
    command = ["squeue", "--noheader", "--array", "--format=%i", "--user", getpass.getuser()]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    names = told.stdout.split()
    return {*names, *(f"{name}_0" for name in names)}


def _outcome(job: SweepJob, at_slurm: Any) -> Outcome:
    """Return what its first process wrote down about a job; if it could not any more, do so for it."""
    sweep, name = Sweep(job.run.path.parent), job.run.path.name
    outcome = sweep.outcomes(job.launch).get(name)
    if outcome is None:
        metrics = job.run.read_metrics()
        stderr = Path(at_slurm.task(0).paths.stderr)
        cause = metrics.get("cause") if metrics.get("status") == "failed" else None
        outcome = Outcome(
            "failed", str(cause or f"Slurm ended job {at_slurm.job_id}; its last words: {stderr}")
        )
        sweep.record(name, job.launch, outcome)
    print(f"{name}: {outcome.status}{outcome.cause and f': {outcome.cause}'}", flush=True)
    return outcome
