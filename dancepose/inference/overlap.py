"""Work beside other work: taking ahead of need, and doing behind one's back; both within bounds."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T], count: int) -> Generator[T, None, None]:
    """Yield items that a thread takes from an iterable, at most `count` of them before they are asked for.

    What the iterable raises is raised where its item would have come. Closing the generator ends the thread.
    """
    iterator, end = iter(items), object()
    pool = ThreadPoolExecutor(1, "dancepose-ahead")
    try:
        waiting: deque[Future[Any]] = deque(pool.submit(next, iterator, end) for _ in range(count))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, iterator, end))
            yield item
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Behind:
    """Makes calls one after the other in a thread, at most `count` late; a context manager.

    What a call raises is raised by a later one, or at the end; no further call is then made. Where another
    error ends the context, the calls that wait are still made; after Ctrl-C they are not.

    Args:
        count: calls that may wait.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(1, "dancepose-behind")
        self._waiting: deque[Future[Any]] = deque()
        self._failed = False  # set and read by the thread alone

    def __call__(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Have a call made; waits while too many wait already."""
        while self._waiting and (self._waiting[0].done() or len(self._waiting) >= self.count):
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._make, call, *arguments))

    def _make(self, call: Callable[..., Any], *arguments: Any) -> None:
        if self._failed:
            return
        try:
            call(*arguments)
        except BaseException:
            self._failed = True
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: Any) -> None:
        try:
            while kind is None and self._waiting:
                self._waiting.popleft().result()
        finally:
            broken_off = kind is not None and not issubclass(kind, Exception)
            self._pool.shutdown(wait=True, cancel_futures=broken_off)
