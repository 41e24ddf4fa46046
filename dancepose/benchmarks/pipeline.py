"""The training data: samples a second through one worker, and where the time of a sample goes."""

import time
from pathlib import Path

import numpy as np
import torch

from dancepose.benchmarks.timing import Row, one_thread, shape_of
from dancepose.data.datamodules import PoseDataModule
from dancepose.data.dataset import PoseDataset, PoseLoader, as_key, prepare_worker, to_channels_first
from dancepose.data.sampler import SampleKey, draw_seed
from dancepose.data.transforms import generators
from dancepose.errors import ConfigError

JPEG = (".jpg", ".jpeg")
EPOCHS = 1000  # more than any benchmark reads


def time_pipeline(
    data: PoseDataModule,
    samples: int,
    rounds: int,
    workers: int,
    long_side: int | None = None,
    jpeg: bool = False,
) -> list[Row]:
    """Time the training samples of a data module.

    Args:
        data: whose training part is read; its pictures are in the file cache after the first round.
        samples: of each round.
        rounds: repetitions.
        workers: worker processes of the loader.
        long_side: only pictures whose longer side has so many pixels.
        jpeg: only JPEG files.

    Returns:
        The loader with samples/s, whose workers and whose drawing of the maps, in this process, go on at the
        same time; then the steps of a sample one by one, in this process on one thread; then what is a part
        of the transform; and last all steps in one go. Its share is of their sum, so that it says how well
        they add up. They do not hold how a worker hands its batches over, nor the loader's own code.

    Raises:
        ConfigError: there are no training pictures.
        DataError: annotations or training pictures are broken or missing.
    """
    data.setup("train")
    dataset = data.train_dataset()
    dataset.frames = [
        frame
        for frame in dataset.frames
        if long_side in (None, max(frame.size))
        and (not jpeg or Path(str(frame.image)).suffix.lower() in JPEG)
    ]
    if not dataset.frames:
        asked = [f"long_side={long_side}"] * (long_side is not None) + ["jpeg=true"] * jpeg
        raise ConfigError(f"data.root has no training pictures{' with ' if asked else ''}{' '.join(asked)}")
    loader = _loader(data, dataset, samples, rounds, workers)
    loader.figures["threads"] = float(torch.get_num_threads())
    with one_thread():
        *steps, seeding, whole = _steps(dataset, samples, rounds, data.batch_size)
    total = sum(row.median for row in steps)
    for row in (*steps, seeding, whole):
        row.figures = {"samples/s": 1e3 / row.median, "share": f"{row.median / total:.0%}", "threads": 1.0}
    rows = [loader, *steps, seeding, whole]
    loader.figures["pictures"] = len(dataset)
    for row in rows:
        row.figures["shape"] = shape_of(dataset[0]["image"])
    return rows


class _Endless(torch.utils.data.Sampler[SampleKey]):
    def __init__(self, count: int):
        self.count = count

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (SampleKey(epoch, index) for epoch in range(EPOCHS) for index in range(self.count))


def _loader(data: PoseDataModule, dataset: PoseDataset, samples: int, rounds: int, workers: int) -> Row:
    loader = PoseLoader(
        dataset,
        data.batch_size,
        sampler=_Endless(len(dataset)),
        num_workers=workers,
        collate_fn=dataset.collate,
        worker_init_fn=prepare_worker,
    )
    batches = iter(loader)
    steps = max(1, samples // data.batch_size)
    row = Row("data", f"loader, {workers} worker{'s' * (workers != 1)}, batch {data.batch_size}")
    for number in range(-1, rounds):  # the first round starts the workers and reads the files
        start = time.perf_counter()
        for _ in range(steps):
            data.codec.unpack(next(batches)["packed"])  # the training process draws the targets
        if number >= 0:
            row.milliseconds.append(1e3 * (time.perf_counter() - start) / (steps * data.batch_size))
    row.figures = {"samples/s": 1e3 / row.median}
    return row


STEPS = ("read and decode the file", "transform", "channels first", "pack the targets")  # of a sample
OF_BATCH = ("join the batch", "draw the maps")


def _steps(dataset: PoseDataset, samples: int, rounds: int, batch: int) -> list[Row]:
    """Time one by one the steps of `PoseDataset.__getitem__`, of its `collate`, and of the training process.

    Returns:
        A row for each, milliseconds for each sample; the seeding, a part of the transform; and all of it.
    """
    rows = [Row("data", name) for name in (*STEPS, *OF_BATCH)]
    seeding, whole = Row("data", "of the transform, seeding"), Row("data", "all of it, undivided")
    count = max(1, samples // batch) * batch
    for number in range(-1, rounds):
        spent = np.zeros(len(rows))
        joined = []
        for n in range(count):
            epoch, index, _ = as_key((number + 1, n % len(dataset)))
            frame = dataset.frames[index]
            clock = [time.perf_counter()]
            image = dataset.read(frame.image)
            clock.append(time.perf_counter())
            crop, seen = dataset.transform(image, frame, draw_seed(dataset.seed, epoch, frame.name))
            clock.append(time.perf_counter())
            planes = to_channels_first(crop)
            clock.append(time.perf_counter())
            packed = dataset.codec.pack(seen, seen.size)
            clock.append(time.perf_counter())
            spent[: len(STEPS)] += np.diff(clock)
            joined.append({"image": planes, "packed": packed, "index": index})
            if len(joined) == batch:
                clock = [time.perf_counter()]
                collated = dataset.collate(joined)
                clock.append(time.perf_counter())
                dataset.codec.unpack(collated["packed"])
                clock.append(time.perf_counter())
                spent[len(STEPS) :] += np.diff(clock)
                joined = []
        if number >= 0:
            for row, seconds in zip(rows, spent, strict=True):
                row.milliseconds.append(1e3 * seconds / count)
            seeding.milliseconds.append(1e3 * _seed(dataset, count, number + 1) / count)
            whole.milliseconds.append(1e3 * _undivided(dataset, count, batch, number + 1) / count)
    return [*rows, seeding, whole]


def _undivided(dataset: PoseDataset, samples: int, batch: int, epoch: int) -> float:
    """Return the seconds that samples take with no clock read between."""
    start = time.perf_counter()
    for first in range(0, samples, batch):
        keys = [(epoch, n % len(dataset)) for n in range(first, first + batch)]
        dataset.codec.unpack(dataset.collate([dataset[key] for key in keys])["packed"])
    return time.perf_counter() - start


def _seed(dataset: PoseDataset, samples: int, epoch: int) -> float:
    """Return the seconds in which so many samples are given random numbers of their own."""
    start = time.perf_counter()
    for n in range(samples):
        generators(draw_seed(dataset.seed, epoch, dataset.frames[n % len(dataset)].name))
    return time.perf_counter() - start
