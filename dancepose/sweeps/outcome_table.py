"""The table at the end of a sweep: what each job came to."""

from collections import Counter
from collections.abc import Mapping

from dancepose.sweeps.ledger import Outcome
from dancepose.text_table import aligned

ORDER = (
    *("done", "skipped", "missing", "submitted", "interrupted", "running"),
    *("failed", "stale", "unknown", "refused"),
)
BAD = ("failed", "interrupted", "stale", "unknown")  # there is no result of what was asked for
NO_PLAN = ("refused", "unknown")  # of a dry run: could not be run
LEFT = (*NO_PLAN, "failed", "stale", "running", "submitted")  # of a dry run: not to be run, without a result
WIDEST = 120  # characters of a cause
AGAIN = "failed, by itself"  # as against: killed, or never begun
REMEDY = {
    AGAIN: "failed jobs are run again with rerun=failed",
    "failed": "failed jobs that were killed, or could not begin, are run again with the same command",
    "stale": "stale jobs, of which something named above has changed, are run anew with rerun=stale",
    "unknown": "unknown: their data cannot be read, so that nothing of them was touched; mend that first",
    "interrupted": "interrupted jobs go on with the same command",
    "submitted": "submitted jobs go on in the cluster; the same command waits for them",
    "refused": "refused: no job of this kind can be run; mend what is named above",
    "running": "running: by another launcher at this moment",
}


def outcome_table(outcomes: Mapping[str, Outcome], rerun: str | None = None) -> str:
    """Return the table as text: job, status, objective, time and cause; below it what can be done.

    Args:
        outcomes: name of each job -> how it stands.
        rerun: of the launch that is told of.
    """
    rows = [["job", "status", "objective", "time", ""]]
    for name, outcome in outcomes.items():
        rows.append(
            [
                name,
                outcome.status,
                "-" if outcome.objective is None else f"{outcome.objective:.4f}",
                _clock(outcome.seconds) if outcome.seconds else "-",
                shortened(outcome.cause),
            ]
        )
    widest = max(len(row[-1]) for row in rows)
    lines = aligned([[*row[:-1], row[-1].ljust(widest)] for row in rows], left=2)
    return "\n".join([count(outcomes), *lines, *in_full(outcomes), *remedies(outcomes, rerun)])


def plan_table(outcomes: Mapping[str, Outcome]) -> str:
    """Return the table of a dry run: how each job stands, how large its network is, how long it takes."""
    rows = [["job", "status", "parameters", "MMACs", "epochs", "steps", "s/step", "time", ""]]
    for name, outcome in outcomes.items():
        about = outcome.about or {}
        macs, step, seconds = (about.get(key) for key in ("MACs", "step", "seconds"))
        rows.append(
            [
                name,
                outcome.status,
                f"{about['parameters']:,}" if "parameters" in about else "-",
                "-" if macs is None else _mega(macs),
                *("-" if about.get(key) is None else str(about[key]) for key in ("epochs", "steps")),
                "-" if step is None else f"{step:.3g}",
                "-" if seconds is None else _clock(seconds),
                shortened(outcome.cause),
            ]
        )
    widest = max(len(row[-1]) for row in rows)
    lines = aligned([[*row[:-1], row[-1].ljust(widest)] for row in rows], left=2)
    due = [about for o in outcomes.values() if (about := o.about or {}).get("due")]
    known = [about["seconds"] for about in due if about.get("seconds") is not None]
    told = f"training steps of the {len(due)} to be run, one after the other: about {_clock(sum(known))}"
    if len(known) < len(due):
        told += f", without {len(due) - len(known)} of unknown length"
    told_last = [told, "validation and test come on top; nothing was trained"]
    if not due:
        told_last = ["nothing is to be run"]
    left = {name: o for name, o in outcomes.items() if o.status in LEFT and not (o.about or {}).get("due")}
    return "\n".join([count(outcomes), *lines, *in_full(outcomes), *told_last, *remedies(left)])


def count(outcomes: Mapping[str, Outcome]) -> str:
    """Return `4 jobs: 3 done, 1 failed`."""
    found = Counter(outcome.status for outcome in outcomes.values())
    told = ", ".join(f"{found[status]} {status}" for status in ORDER if found[status])
    return f"{len(outcomes)} job{'s' * (len(outcomes) != 1)}: {told or 'nothing was run'}"


def remedies(outcomes: Mapping[str, Outcome], rerun: str | None = None) -> list[str]:
    """Return what can be done about the jobs that are not done.

    Args:
        outcomes: name of each job -> how it stands.
        rerun: of the launch; by `all` its own command would begin anew what it has trained.
    """
    there = {AGAIN if o.status == "failed" and not o.goes_on else o.status for o in outcomes.values()}
    told = {status: words for status, words in REMEDY.items() if status in there}
    for status in ("interrupted", "failed") if rerun == "all" else ():
        if status in told:
            told[status] += " without rerun=all, which would begin them, and those that are done, anew"
    return list(told.values())


def shortened(text: str, widest: int = WIDEST) -> str:
    """Return the first line of a text, cut where it is too long."""
    line = " ".join(text.partition("\n")[0].split())
    return line if len(line) <= widest else f"{line[: widest - 3]}..."


def in_full(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return each cause that the table cuts, once, of jobs that were never begun: no log has it."""
    jobs: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        cause = " ".join(outcome.cause.split())
        if outcome.status in NO_PLAN and cause != shortened(outcome.cause):
            jobs.setdefault(cause, []).append(name)
    more = {cause: f" and {len(names) - 1} more" if names[1:] else "" for cause, names in jobs.items()}
    return [f"{names[0]}{more[cause]}: {cause}" for cause, names in jobs.items()]


def _mega(count: int) -> str:
    """Return millions; of a network of some hundred operations more digits than its row of zeros."""
    return f"{count / 1e6:,.2f}" if count >= 1e4 else f"{count / 1e6:.6f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
