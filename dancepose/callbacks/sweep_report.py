"""Before and after a sweep: what is refused for all its jobs, and the table of what became of them."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import Any, ClassVar

from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf.errors import OmegaConfBaseException

from dancepose.errors import DanceposeError, without_frame
from dancepose.interrupt import in_order
from dancepose.sweeps.ledger import Sweep, check_objective
from dancepose.sweeps.outcome_table import BAD, NO_PLAN, outcome_table, plan_table
from dancepose.sweeps.traces import without_trace
from dancepose.tasks.breaking_off import raising_sigterm
from dancepose.tasks.extras import check_direction, check_dry_run, check_extras


class SweepReport(Callback):
    """Print the table of a sweep when it ends, however it ends, and write it to `sweep.txt`.

    Args:
        launch: what tells this start of the sweep from others.
        varying: keys by which the jobs differ.
    """

    unfinished: ClassVar["SweepReport | None"] = None
    planning: ClassVar[ExitStack] = ExitStack()  # a dry run; not of the object, which is sent to jobs

    def __init__(self, launch: str, varying: Sequence[str]):
        self.launch, self.varying = launch, list(varying)
        self.sweep: Sweep | None = None
        self.jobs: int | None = None
        self.dry = False
        self.rerun: str | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in the process of a job, which composes its configuration next."""
        from dancepose.resolvers import register

        register()
        self.__dict__.update(state)

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Say where the sweep goes.

        Raises:
            SystemExit: no job of it can be run: it would choose by the test part, an extra is missing, or a
                file of its folder cannot be read.
        """
        in_order()
        try:
            check_objective(config.objective)
            check_dry_run(config)
            check_extras(config.hydra.runtime.choices)
            check_direction(config)
            self.rerun = config.get("rerun")
            self.sweep, self.dry = Sweep(Path(config.hydra.sweep.dir)), bool(config.get("dry_run"))
            self.sweep.jobs()  # a broken file fails here, and not each job
            self.sweep.outcomes(self.launch)
        except (DanceposeError, OmegaConfBaseException) as error:  # Hydra makes a warning of all others
            print(f"error: {without_frame(error)}", file=sys.stderr)
            sys.exit(1)
        if self.dry:
            self.planning.enter_context(raising_sigterm())
            self.planning.enter_context(without_trace(self.sweep.path))
        self.sweep.clean()
        self.jobs = job_count(config.hydra)
        if self.dry:
            self.planning.enter_context(self.sweep.planning(self.launch))
        type(self).unfinished = self
        print(f"sweep directory: {self.sweep.path}", flush=True)

    def on_multirun_end(self, config: Any, **kwargs: Any) -> None:
        """Tell.

        Raises:
            SystemExit: 1, if there is no result of a job, or the table cannot be written; of a dry run, if a
                job cannot be run.
        """
        try:
            failed = self.tell()
        except BrokenPipeError:  # nobody reads any more: `closed_pipe` ends the command
            raise
        except (DanceposeError, OSError) as error:  # of which Hydra makes a warning, and exit status 0
            print(f"error: {without_frame(error)}", file=sys.stderr)
            sys.exit(1)
        if failed:
            sys.exit(1)

    def tell(self, broken_off: bool = False, refused: bool = False) -> bool:
        """Print and write the table; return whether a job has no result, or cannot be run.

        Args:
            broken_off: not all jobs may have begun.
            refused: the command line is wrong, so that the same command runs none of these either; where no
                job has begun there is nothing to tell beside that error.
        """
        assert self.sweep is not None
        type(self).unfinished = None
        if self.dry:
            try:
                plans = self.sweep.plans(self.launch)
            finally:
                self.planning.close()
            if plans:  # else none was looked at, for the reason that follows
                print(f"\n{plan_table(plans)}", flush=True)
            return any(plan.status in NO_PLAN for plan in plans.values())
        outcomes = self.sweep.outcomes(self.launch)
        if refused and not outcomes:
            return False
        text = outcome_table(outcomes, self.rerun)
        print(f"\n{text}", flush=True)
        if broken_off and not refused and self.jobs and (left := self.jobs - len(outcomes)) > 0:
            anew = ", which begins all jobs anew" if self.rerun == "all" else ""
            print(
                f"not begun: {left} of {self.jobs} jobs; they are run by the same command{anew}", flush=True
            )
        if outcomes:
            self.sweep.write_table(text + "\n")
        return any(outcome.status in BAD for outcome in outcomes.values())


def tell_unfinished(error: BaseException | None = None) -> None:
    """Tell of a sweep that was broken off, by an error or a signal."""
    if SweepReport.unfinished is not None:
        refused = isinstance(error, (HydraException, OmegaConfBaseException))
        SweepReport.unfinished.tell(broken_off=True, refused=refused)


def job_count(hydra: Any) -> int | None:
    """Return how many jobs a sweep has; None where it cannot be known before.

    Args:
        hydra: Hydra's configuration of the sweep.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    if "BasicSweeper" not in str(hydra.sweeper.get("_target_")):
        return None
    params = hydra.sweeper.get("params") or {}
    given = [*(f"{key}={value}" for key, value in params.items()), *hydra.overrides.task]
    last = {o.key_or_group: o for o in OverridesParser.create().parse_overrides(given)}  # wins
    try:
        return prod(len(list(o.sweep_iterator())) for o in last.values() if o.is_sweep_override())
    except HydraException:  # `glob(...)`: only the sweeper knows the options
        return None
