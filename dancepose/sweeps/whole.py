"""The jobs that can be compared: whose files are all whole. They are read before anything is computed."""

from collections.abc import Sequence

from dancepose.errors import DataError
from dancepose.paths import evaluate_again
from dancepose.sweeps.answers import with_samples
from dancepose.sweeps.evaluations import with_evaluation
from dancepose.sweeps.jobs import Job, read_jobs, refuse_mixed
from dancepose.sweeps.learning import FILE as LOG
from dancepose.sweeps.learning import REMEDY, check_log
from dancepose.sweeps.left_out import LeftOut, damaged
from dancepose.sweeps.paper_differences import paper_difference
from dancepose.sweeps.parts import check_report

TOLD = 3  # jobs of which each is told why it is left out, where none is left


def comparable_jobs(
    sweeps: Sequence[str], evaluation: str | None = None
) -> tuple[list[Job], list[LeftOut], bool]:
    """Read the jobs of sweeps that can be compared.

    Args:
        sweeps: their folders.
        evaluation: name of the one that they are compared by; None: the trainings' own tests.

    Returns:
        They, those that are left out, and whether they are of poses.

    Raises:
        DataError: none can be compared, or they were evaluated by different settings; tells why.
        DanceposeError: some are of poses, and others of motions.
    """
    jobs, left_out = read_jobs(sweeps, tested=evaluation is None)
    if evaluation is not None:
        jobs, more = with_evaluation(jobs, evaluation)
        left_out += more
    poses = False
    if jobs:
        poses = refuse_mixed(jobs)
        jobs, more = whole_jobs(jobs, poses)
        left_out += more
    if not jobs:
        causes = "; ".join(f"{one.path}: {one.cause}" for one in left_out[:TOLD])
        if len(left_out) > TOLD:
            causes += f"; and {len(left_out) - TOLD} more"
        raise DataError(f"no job of {', '.join(sweeps)} can be compared: {causes}")
    return jobs, left_out, poses


def whole_jobs(jobs: Sequence[Job], poses: bool) -> tuple[list[Job], list[LeftOut]]:
    """Part the jobs with whole files of their samples, their report and their log from the others.

    Args:
        jobs: finished ones.
        poses: their family.
    """
    there, left_out = with_samples(jobs, poses)
    whole = []
    for job in there:
        try:
            check_log(job.path)
            if poses:
                check_report(job.tested)
            else:
                paper_difference(job.tested)
        except DataError as error:
            remedy = REMEDY if LOG in str(error) else f"write it again: {evaluate_again(job.tested)}"
            left_out.append(damaged(job.path, error, remedy))
        else:
            whole.append(job)
    return whole, left_out
