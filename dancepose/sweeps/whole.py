"""The jobs whose files are all whole: what a comparison reads of each is read once before, file by file."""

from collections.abc import Sequence

from dancepose.errors import DataError
from dancepose.paths import evaluate_again
from dancepose.sweeps.answers import with_samples
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.learning import FILE as LOG
from dancepose.sweeps.learning import REMEDY, check_log
from dancepose.sweeps.left_out import LeftOut, damaged
from dancepose.sweeps.parts import check_report


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
                check_report(job.path)
        except DataError as error:
            remedy = REMEDY if LOG in str(error) else f"write it again: {evaluate_again(job.path)}"
            left_out.append(damaged(job.path, error, remedy))
        else:
            whole.append(job)
    return whole, left_out
