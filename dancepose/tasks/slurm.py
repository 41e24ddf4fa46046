"""Jobs of a sweep in a Slurm cluster: which are submitted, with what, and what became of them."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, configure_log, setup_globals

from dancepose.errors import ConfigError
from dancepose.sweeps.ledger import Outcome
from dancepose.tasks.child import Ended, handing_on
from dancepose.tasks.launching import plan_all, prepare
from dancepose.tasks.slurm_queue import ask_for_orphans, find, intent, is_intent, new_mark, with_mark
from dancepose.tasks.slurm_queue import in_queue as _queue
from dancepose.tasks.sweep_job import SweepJob, outcome_of, raise_signal

log = logging.getLogger(__name__)

LOOK, ASK = 1.0, 5.0  # seconds between two looks for results, and between two questions to Slurm
SUBMITTING, SUBMITS = ".submitting", 300.0  # the lock of who submits; seconds to wait for it
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
        SystemExit: likewise, by SIGTERM.
    """
    setup_globals()
    config, settings = launcher.config, dict(launcher.settings)
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    if config.dry_run:
        return plan_all(launcher, job_overrides, first)
    with handing_on() as received:
        told, waiting = _look(launcher, job_overrides, first, received)
        submitted: dict[int, Any] = {}
        if waiting and not received:
            sweep = next(iter(waiting.values())).sweep
            with sweep.holding(SUBMITTING, SUBMITS):  # or a second launcher would take this one for killed
                submitted = _submitted(launcher, settings, job_overrides, first, waiting)
            _wait(list(submitted.values()), received)
    if received:
        if submitted:
            names = " ".join(sorted({job.job_id.partition("_")[0] for job in submitted.values()}))
            log.info(
                "the jobs go on in Slurm, and the same command waits for them; to end them: scancel %s", names
            )
        raise_signal(received[0])
    for index, job in waiting.items():
        at_slurm = submitted.get(index)
        told[index].return_value = job.finish() if at_slurm is None else _outcome(job, at_slurm).objective
    return told


def _look(
    launcher: Any, job_overrides: Sequence[Sequence[str]], first: int, received: Sequence[int]
) -> tuple[list[JobReturn], dict[int, SweepJob]]:
    """Look at all jobs; return what is known of each, and by their places those to be run or waited for."""
    told, waiting = [], {}
    for index, overrides in enumerate(job_overrides):
        if received:
            break
        one = prepare(launcher, first + index, overrides)
        told.append(one)
        if isinstance(job := one._return_value, SweepJob):
            running = job.outcome is not None and job.outcome.status == "running"
            if job.outcome is None or (running and job.sweep.queued(job.run.path.name)):
                waiting[index] = job
            else:
                one.return_value = job.finish()
    return told, waiting


def _submitted(
    launcher: Any,
    settings: dict[str, Any],
    job_overrides: Sequence[Sequence[str]],
    first: int,
    jobs: Mapping[int, SweepJob],
) -> dict[int, Any]:
    """Submit jobs, less those that an earlier launcher has submitted and that have not ended.

    Returns:
        Submitit's record of each; of one that runs by a launcher of another kind none.

    Raises:
        ConfigError: they cannot be; nothing was changed by it.
    """
    found: dict[int, Any] = {}
    known = {index: name for index, job in jobs.items() if (name := job.sweep.queued(job.run.path.name))}
    if given := {index: name for index, name in known.items() if is_intent(name)}:
        listed = ask_for_orphans()
        known |= {index: find(name, settings["submitit_folder"], listed) for index, name in given.items()}
        known = {index: name for index, name in known.items() if name}
        for index in given.keys() & known.keys():
            jobs[index].sweep.submit({jobs[index].run.path.name: known[index]}, jobs[index].launch)
    if known:
        queue = _queue()  # where Slurm does not answer, better to wait than to submit twice
        known = {index: name for index, name in known.items() if queue is None or name in queue}
        found = {index: _known(name, settings) for index, name in known.items()}
        log.info("Waiting for %d jobs that were submitted before: %s", len(known), ", ".join(known.values()))
    new = {index: job for index, job in jobs.items() if index not in known and job.outcome is None}
    if not new:
        return found
    one, mark = next(iter(new.values())), new_mark()
    names = [job.run.path.name for job in new.values()]
    try:
        for job in new.values():
            check_tasks(settings, job.trainer)
        work = [(first + index, [*job_overrides[index], *job.handed_on]) for index, job in new.items()]
        # by the mark they are found in the queue if this launcher is killed before it knows their names
        one.sweep.submit({name: intent(mark, number) for number, name in enumerate(names)}, one.launch)
        made = _submit(launcher, with_mark(settings, mark), work)
    except ConfigError as error:
        for job in new.values():
            job.tell(Outcome("failed", str(error), goes_on=True))
        raise
    ids = [at_slurm.job_id for at_slurm in made]
    one.sweep.submit(dict(zip(names, ids, strict=True)), one.launch)
    log.info("Submitted %d of %d jobs: %s", len(made), len(job_overrides), ", ".join(ids))
    return found | dict(zip(new, made, strict=True))


def _known(name: str, settings: Mapping[str, Any]) -> Any:
    """Return submitit's record of a job that was submitted before."""
    import submitit

    return submitit.SlurmJob(settings["submitit_folder"], name, tasks=[0])


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


def _wait(jobs: Sequence[Any], received: Sequence[int] = ()) -> None:
    """Wait until each job has left a result, or is no more in Slurm's queue; or until a signal has come."""
    pending, asked, gone = list(jobs), time.monotonic(), set[str]()
    while pending and not received:
        time.sleep(LOOK)
        pending = [job for job in pending if not _has_result(job)]
        if time.monotonic() - asked >= ASK and (queue := _queue()) is not None:
            asked = time.monotonic()
            absent = {job.job_id for job in pending} - queue
            # twice: a result may come a little after its job has gone
            pending, gone = [job for job in pending if job.job_id not in absent & gone], absent


def _has_result(job: Any) -> bool:
    return bool(job.task(0).paths.result_pickle.exists())


def _outcome(job: SweepJob, at_slurm: Any) -> Outcome:
    """Return what its first process wrote down about a job; if it could not any more, do so for it."""
    name = job.run.path.name
    outcome = job.sweep.last_outcome(name)
    if outcome is None or outcome.status == "submitted":  # it could not even tell that it began
        ended = Ended(1, cause=f"Slurm ended job {at_slurm.job_id}; its last words: {_stderr(at_slurm)}")
        outcome = outcome_of(ended, job.run, job.sweep)
        metrics = job.run.read_metrics()
        if metrics.get("status") == "failed" and not job.run.makes_way:
            outcome = Outcome("failed", str(metrics.get("cause")))
    job.tell(outcome)
    return outcome


def _stderr(at_slurm: Any) -> Path:
    return Path(at_slurm.task(0).paths.stderr)
