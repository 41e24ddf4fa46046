"""`Stream`: the order of work of a pipeline: read ahead, batch by size, decode beside the network."""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from dancepose.inference.interface import Item, Prediction
from dancepose.inference.stage_times import StageTimes
from dancepose.inference.stages import Batch, Job, Stages

DECODING = 2  # batches of maps that wait for the decoder, at most

_Waiting = dict[tuple[int, int], deque[tuple[Job, int]]]  # size of input -> job and view, in order


class Stream:
    """One pass over items; the caller's thread runs the network, one thread reads, one decodes.

    Of a picture that is cut into tiles, inputs are made a batch ahead of the network, by one more thread.

    Args:
        stages: what is done beside the network.
        batch_size: network inputs at once.
    """

    def __init__(self, stages: Stages, batch_size: int) -> None:
        self.stages, self.batch_size = stages, batch_size
        self.window = 2 * batch_size + 2  # items between the first unfinished one and the last that was taken
        # views of a picture so far, at most; before a first is read, it may have any number of tiles
        self._most: int | None = 1 if stages.tiling is None else None

    def run(
        self, items: Iterable[Item], times: StageTimes, stop: Callable[[], bool] = lambda: False
    ) -> Generator[Prediction, None, None]:
        """Yield a prediction for each item, in their order; see `Pipeline.stream`.

        Whatever fails, of the iterable, in a thread or in the network, is raised where the prediction would
        have come: those of earlier batches are given first, and no further item is taken.
        """
        source = iter(items)
        jobs: deque[Job] = deque()  # taken and not yielded, in order
        loading: deque[tuple[Job, Future[Job]]] = deque()
        waiting: _Waiting = {}
        decoding: deque[Future[None]] = deque()
        exhausted = False
        with contextlib.ExitStack() as threads:
            reader, cutter, decoder = (
                threads.enter_context(_thread(name)) for name in ("read", "cut", "decode")
            )
            while True:
                while True:
                    exhausted = exhausted or any(job.failure is not None for job in jobs)
                    while not exhausted and self._room(jobs, loading, waiting):
                        job = self._next(source)
                        if job is not None:
                            jobs.append(job)
                        if job is None or job.failure is not None:
                            exhausted = True
                            break
                        loading.append((job, reader.submit(self.stages.load, job, times)))
                    if not loading or not (loading[0][1].done() or not self._full(waiting)):
                        break
                    job, loaded = loading.popleft()
                    with _failing([job]):
                        loaded.result()
                        if job.views:
                            self._most = max(self._most or 1, len(job.views))
                        for number, view in enumerate(job.views):
                            waiting.setdefault(view.size, deque()).append((job, number))
                if not jobs:
                    return
                if stop():
                    for decoded in decoding:
                        decoded.result()
                    yield from _finished(jobs)
                    for job in jobs:
                        if job.failure is not None:
                            raise job.failure
                    return
                if batch := self._take(waiting, jobs):
                    with _failing(job for job, _ in batch):
                        self._cut(batch, cutter, times)
                        inputs = [job.inputs[number].result() for job, number in batch]
                        for queue in waiting.values():
                            self._cut(islice(queue, self.batch_size), cutter, times)
                        with times("network"):
                            maps = self.stages.pose.run(np.stack(inputs))
                        decoding.append(decoder.submit(self._decode, batch, maps, times))
                        del maps, inputs
                while decoding and (decoding[0].done() or len(decoding) > DECODING or not batch):
                    decoding.popleft().result()
                yield from _finished(jobs)

    def _next(self, source: Iterator[Item]) -> Job | None:
        """Take an item; None at the end. What the iterable raises is the failure of the job in its place."""
        skeleton = self.stages.pose.skeleton.name
        try:
            item = next(source, None)
        except Exception as error:
            job = Job.of(Item(None), skeleton)
            job.failure = error
            return job
        return None if item is None else Job.of(item, skeleton)

    def _room(self, jobs: deque[Job], loading: Sized, waiting: _Waiting) -> bool:
        """Tell whether one more item may be taken: of cut pictures, a few have enough inputs for all."""
        if len(jobs) >= self.window:
            return False
        inputs = sum(map(len, waiting.values()))
        if not loading and inputs <= self.window:
            return True
        return self._most is not None and inputs + (len(loading) + 1) * self._most <= self.window

    def _full(self, waiting: _Waiting) -> bool:
        return any(len(queue) >= self.batch_size for queue in waiting.values())

    def _take(self, waiting: _Waiting, jobs: deque[Job]) -> Batch:
        """Take a batch of inputs of one size: a full one, else those beside the oldest item's."""
        if not waiting:
            return []
        full = [size for size, queue in waiting.items() if len(queue) >= self.batch_size]
        place = {id(job): i for i, job in enumerate(jobs)}
        # the size whose first input is of the oldest item; the items of a queue are in order
        size = min(full or waiting, key=lambda size: place[id(waiting[size][0][0])])
        queue = waiting[size]
        batch = [queue.popleft() for _ in range(min(self.batch_size, len(queue)))]
        if not queue:
            del waiting[size]
        return batch

    def _cut(self, batch: Iterable[tuple[Job, int]], cutter: ThreadPoolExecutor, times: StageTimes) -> None:
        """Have those inputs made that are not made yet."""
        for job, number in batch:
            if number not in job.inputs:
                job.inputs[number] = cutter.submit(self.stages.tile, job, job.views[number], times)

    def _decode(self, batch: Batch, maps: Any, times: StageTimes) -> None:
        with _failing(job for job, _ in batch):
            self.stages.decode(batch, maps, times)


def _finished(jobs: deque[Job]) -> Iterator[Prediction]:
    """Take what is done off the front and give it; raise what failed when its turn comes."""
    while jobs and (jobs[0].done or jobs[0].failure is not None):
        job = jobs.popleft()
        if job.failure is not None:
            raise job.failure
        yield job.prediction


@contextlib.contextmanager
def _failing(jobs: Iterable[Job]) -> Iterator[None]:
    """Note an error as the failure of jobs, whose turn it is to raise it."""
    try:
        yield
    except Exception as error:
        for job in jobs:
            job.failure = error


@contextlib.contextmanager
def _thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """Give a thread, which begins with its first work; at the end what waits for it is dropped."""
    pool = ThreadPoolExecutor(1, f"dancepose-{name}")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
