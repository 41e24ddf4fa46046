"""Progress of a loop outside training: a live bar in a terminal, a line now and then in a log file."""

import logging
import time
from collections.abc import Generator, Iterable
from datetime import timedelta
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

log = logging.getLogger(__name__)
T = TypeVar("T")


def track(
    items: Iterable[tuple[int, T]], total: int | None, label: str, seconds: float = 10.0
) -> Generator[T, None, None]:
    """Pass items through and show how many units are done, the rate and the time left.

    Args:
        items: pairs of a count of units (images, say) and the item that holds them.
        total: all units, as far as known; None where they have no end.
        label: what is being done.
        seconds: least time between two lines where there is no terminal.
    """
    begin = last = time.perf_counter()
    done = 0
    if Console().is_terminal:
        columns: tuple[str | ProgressColumn, ...] = ("{task.description}", BarColumn(), MofNCompleteColumn())
        columns += (TimeRemainingColumn(),) if total is not None else ()
        with Progress(*columns, TextColumn("{task.fields[rate]}"), transient=True) as progress:
            bar = progress.add_task(label, total=total, rate="")
            for count, item in items:
                yield item
                done += count
                rate = done / (time.perf_counter() - begin)
                progress.update(bar, advance=count, rate=f"{rate:.1f}/s")
        return
    told = 0
    for count, item in items:
        yield item
        done += count
        now = time.perf_counter()
        if done > told and (now - last >= seconds or done == total):  # an empty item adds nothing to tell
            last, told = now, done
            rate = done / (now - begin)
            if total is None:
                log.info("%s  %d  %.1f/s", label, done, rate)
                continue
            left = timedelta(seconds=max(0, round((total - done) / rate)))  # a total may be an estimate
            log.info("%s  %d/%d  %.1f/s  time left %s", label, done, total, rate, left)
