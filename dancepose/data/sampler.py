"""The order of samples: training by (seed, epoch), evaluation by size; each process takes its own share."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler


class SampleKey(NamedTuple):
    """What a data set is asked for.

    Attributes:
        epoch: of training; part of every random draw.
        index: of the frame.
        occurrence: how often the frame has come before in the epoch (a heavily weighted part of a mix).
    """

    epoch: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    occurrence: int = 0


def draw_seed(*parts: object) -> int:
    """Return a 64-bit seed that stands for the parts: of the same parts the same, on any machine."""
    text = "\0".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class TrainSampler(Sampler[SampleKey]):
    """Shuffle each epoch by (seed, epoch) and deal the samples out to the processes.

    The epoch's order is one list, whatever the number of processes; only whole batches of it are used, and
    each process takes every `world_size`-th sample. So step n is made of the same samples on one device and
    on eight.

    Args:
        sizes: number of frames of each data set part; the frames are numbered through.
        weights: of each part: how often each of its frames comes up, relative to those of the others. Equal
            weights: every frame once an epoch. An epoch has as many samples as there are frames; a part's
            share of them is proportional to size x weight, drawn without repeats until all its frames have
            come up equally often.
        batch_size: of all devices and accumulated steps together; an incomplete last batch is left out.
        seed: of the run.
        rank: number of this process.
        world_size: number of processes; divides the batch size.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        weights: Sequence[float],
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ):
        if batch_size % world_size:
            raise ValueError(f"a batch of {batch_size} cannot be dealt out to {world_size} processes")
        self.sizes, self.weights = tuple(sizes), tuple(weights)
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (the trainer does it); it decides order and augmentation."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of this process's samples in an epoch."""
        return sum(self.sizes) // self.batch_size * self.batch_size // self.world_size

    def __iter__(self) -> Iterator[SampleKey]:
        """Yield this process's samples of the chosen epoch."""
        keys = self.order(self.epoch)
        keys = keys[: len(keys) // self.batch_size * self.batch_size]
        yield from keys[self.rank :: self.world_size]

    def order(self, epoch: int) -> list[SampleKey]:
        """Return all samples of an epoch, in order, for all processes together."""
        random = np.random.Generator(np.random.PCG64(draw_seed("order", self.seed, epoch)))
        keys, start = [], 0
        for size, count in zip(self.sizes, self._counts(), strict=True):
            for occurrence in range(-(-count // size) if size else 0):
                drawn = random.permutation(size)[: count - occurrence * size]
                keys += [SampleKey(epoch, start + int(index), occurrence) for index in drawn]
            start += size
        return [keys[i] for i in random.permutation(len(keys))]

    def _counts(self) -> list[int]:
        """Return the number of samples of each part, by largest remainders."""
        total = sum(self.sizes)
        if not total:
            return list(self.sizes)
        mass = np.array(self.sizes) * np.array(self.weights, dtype=np.float64)
        share = mass / mass.sum() * total
        counts = np.floor(share + 1e-9).astype(int)
        for part in np.argsort(counts - share, kind="stable")[: total - counts.sum()]:
            counts[part] += 1
        return counts.tolist()


class EvaluationSampler(Sampler[list[SampleKey]]):
    """Batches of frames whose network inputs have one size, each frame exactly once over all processes.

    A batch of one size needs no padding beyond a frame's own, so that no result depends on the batch size,
    the number of processes, or which frames come together. Every process gets as many batches as the one
    that has
    most, the last of them perhaps empty: DistributedDataParallel talks to the others in each forward pass,
    so that a process which ended early would leave them waiting.

    Args:
        sizes: width and height of each frame's network input.
        batch_size: of this process.
        rank: number of this process; it takes every `world_size`-th frame.
        world_size: number of processes.
    """

    def __init__(self, sizes: Sequence[tuple[int, int]], batch_size: int, rank: int = 0, world_size: int = 1):
        shares = [_batches_of_one_size(sizes, batch_size, r, world_size) for r in range(world_size)]
        most = max(len(share) for share in shares)
        self._batches = shares[rank] + [[]] * (most - len(shares[rank]))

    def __len__(self) -> int:
        """Number of this process's batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        """Yield this process's batches."""
        yield from self._batches


def _batches_of_one_size(
    sizes: Sequence[tuple[int, int]], batch_size: int, rank: int, world_size: int
) -> list[list[SampleKey]]:
    groups: dict[tuple[int, int], list[SampleKey]] = {}
    for index in range(rank, len(sizes), world_size):
        groups.setdefault(sizes[index], []).append(SampleKey(0, index))
    return [group[i : i + batch_size] for group in groups.values() for i in range(0, len(group), batch_size)]
