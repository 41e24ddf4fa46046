"""How the networks of arms differ from the papers that they are named after: what their reports say of it."""

from pathlib import Path

from dancepose.data.json_file import load_mapping
from dancepose.errors import DataError
from dancepose.paths import evaluate_again
from dancepose.sweeps.arms import Group
from dancepose.sweeps.parts import REPORT


def paper_difference(run: Path) -> str:
    """Return how a run's network differs from its paper; empty where its report says nothing, or is missing.

    Args:
        run: its folder.

    Raises:
        DataError: test.json is broken; names it and the remedy.
    """
    path = run / REPORT
    if not path.is_file():
        return ""
    told = load_mapping(path).get("difference_from_paper") or ""
    if not isinstance(told, str):
        what = f"difference_from_paper is {told!r}, and no text"
        raise DataError(f"{path} is no report of motions ({what}): write it again: {evaluate_again(run)}")
    return told


def paper_notes(group: Group) -> list[str]:
    """Return a note for each arm whose runs say how they differ from their paper.

    Args:
        group: of motions.

    Raises:
        DataError: a report is broken.
    """
    notes = []
    for name, arm in group.arms.items():
        for told in dict.fromkeys(filter(None, (paper_difference(job.tested) for job in arm.jobs))):
            notes.append(f"{name} differs from its paper: {told}")
    return notes
