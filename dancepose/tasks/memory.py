"""Out of memory, in a step or in a data worker: one message that says what to lower, in order."""

import errno
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from dancepose.errors import DanceposeError

FULL = re.compile(
    r"out of memory|DefaultCPUAllocator: (can't allocate|not enough) memory|_STATUS_ALLOC_FAILED", re.I
)
WORKER = re.compile(r"DataLoader worker \(pid|unable to \w+ shared memory|\(shm\)|unable to .*</torch_")
IN_WORKER = "in DataLoader worker process"  # torch's words where it hands an error of the worker on
EVALUATING = ("evaluation_loop.py", "tasks/evaluation.py", "tasks\\evaluation.py")  # files of the code
PREDICTING = ("dancepose/predict.py", "dancepose\\predict.py")


@contextmanager
def memory_told(advise: Callable[[str, BaseException], str]) -> Iterator[None]:
    """Tell an error of memory as one message; every other error passes as it is.

    Args:
        advise: takes `training`, `evaluation`, `prediction` or `worker` (a data worker died, or could not
            hand over its samples) and the error; returns what to lower, as lines.

    Raises:
        DanceposeError: the memory of device or machine is full; says where and what to lower.
    """
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as error:
        where = find_where(error)
        if where is None:
            raise
        heads = {
            "training": "out of memory while training",
            "evaluation": "out of memory while evaluating",
            "prediction": "out of memory while predicting",
            "worker": "a data worker process died or found no shared memory: so it is where the machine's "
            "memory, or its shared memory (/dev/shm), is full; data.workers=0 shows any other cause",
        }
        cause = " ".join(str(error).split()).partition(" If reserved")[0]
        cause = re.sub(r"^.*?(?=DefaultCPUAllocator)", "", cause) or type(error).__name__
        raise DanceposeError(f"{heads[where]}: {cause[:300]}\n{advise(where, error)}") from error


def find_where(error: BaseException) -> str | None:
    """Return what ran out of memory; None if that is not the error. See `memory_told`."""
    text = str(error)
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    predicting = any(file.endswith(PREDICTING) for file in files)  # there are no workers
    no_memory = isinstance(error, OSError) and error.errno == errno.ENOMEM  # a worker cannot be started
    if not predicting and (no_memory or (isinstance(error, RuntimeError) and WORKER.search(text))):
        return "worker"
    full = no_memory or isinstance(error, (torch.OutOfMemoryError, MemoryError))
    if not full and not (isinstance(error, RuntimeError) and FULL.search(text)):
        return None
    if IN_WORKER in text:
        return "worker"
    if predicting:
        return "prediction"
    return "evaluation" if any(file.endswith(EVALUATING) for file in files) else "training"


def advise_training(config: Mapping[str, Any], datamodule: Any) -> Callable[[str, BaseException], str]:
    """Return what to lower in a training.

    Args:
        config: the run's, plain.
        datamodule: its data; their trainer knows the number of devices.
    """

    def advise(where: str, error: BaseException) -> str:
        data, trainer = config["data"], config["trainer"]
        if where == "worker":
            return _advise_workers("data.workers", data["workers"], "data.batch_size")
        devices = getattr(datamodule.trainer, "world_size", 1)
        batch, steps = data["batch_size"], trainer["accumulate_grad_batches"]
        share = batch // (devices * steps)
        lines = []
        if where == "training":
            now = (
                f"data.batch_size={batch} ({devices} device{'s' * (devices > 1)} x {steps} "
                f"step{'s' * (steps > 1)} x {share} pictures) data.size={data['size']}"
            )
            more = _next_steps(batch, devices, steps)
            if more is not None:
                at_once = batch // (devices * more)
                lines += [
                    f"trainer.accumulate_grad_batches={more} (the same batch of {batch}, {at_once} at once)"
                ]
            if share > 1:
                lines += [f"data.batch_size={devices * steps * (share // 2)}"]
            lines += _smaller("data.size", data["size"])
        else:
            now_size = data.get("test_size") or data["size"]
            held = data.get("test_batch_size") or share
            now = f"data.test_batch_size={held} data.test_size={now_size}"
            if held > 1:
                lines += [f"data.test_batch_size={held // 2}"]
            if len(config["inference"]["scales"]) > 1 or max(config["inference"]["scales"]) > 1:
                lines += ["inference.scales=[1.0]"]
            lines += _smaller("data.test_size", now_size)
        return _told(now, lines, "trainer.precision", trainer.get("precision"), error)

    return advise


def advise_evaluation(
    batch_size: int, workers: int, precision: str, scales: list[float]
) -> Callable[[str, BaseException], str]:
    """Return what to lower in `dancepose-evaluate`.

    Args:
        batch_size: pictures at once.
        workers: data worker processes.
        precision: of the network.
        scales: of the pictures.
    """

    def advise(where: str, error: BaseException) -> str:
        if where == "worker":
            return _advise_workers("workers", workers, "batch_size")
        now = f"batch_size={batch_size} scales={scales}"
        lines = [f"batch_size={batch_size // 2}"] if batch_size > 1 else []
        if len(scales) > 1 or max(scales) > 1:
            lines += ["scales=[1.0]"]
        return _told(now, lines, "precision", precision, error)

    return advise


def advise_prediction(
    batch_size: int, size: int, scales: Sequence[float], flip: bool, precision: str | None
) -> Callable[[str, BaseException], str]:
    """Return what to lower in `dancepose-predict`.

    Args:
        batch_size: network inputs at once.
        size: of the side of a picture that is resized, in pixels.
        scales: of the pictures.
        flip: whether the mirror image is looked at, too.
        precision: that was asked for.
    """

    def advise(where: str, error: BaseException) -> str:
        now = f"batch_size={batch_size} size={size} scales={list(scales)} flip={str(flip).lower()}"
        lines = [f"batch_size={batch_size // 2}"] if batch_size > 1 else []
        if len(scales) > 1 or max(scales) > 1:
            lines += ["scales=[1.0]"]
        lines += ["flip=false"] if flip else []
        lines += _smaller("size", size)
        return _told(now, lines, "precision", "null" if precision is None else precision, error)

    return advise


def _told(now: str, lines: list[str], key: str, precision: Any, error: BaseException) -> str:
    """Return current values and remedies; mixed precision where the memory is a GPU's."""
    on_cpu = "DefaultCPUAllocator" in str(error) or isinstance(error, MemoryError)
    if str(precision) in ("32-true", "32") and not on_cpu:
        lines = [*lines, f"{key}=bf16-mixed"]
    if key.startswith("trainer") or not lines:
        lines = [*lines, "a smaller network (model.width)"]
    return f"Now {now} {key}={precision}. Lower, in this order: {'; or '.join(lines)}"


def _next_steps(batch: int, devices: int, steps: int) -> int | None:
    """Return the next number of accumulated steps by which the global batch can be divided."""
    return next((n for n in range(steps + 1, batch + 1) if batch % (devices * n) == 0), None)


def _smaller(key: str, size: int) -> list[str]:
    """Return three quarters of a size in pixels, as a multiple of 64."""
    smaller = size * 3 // 4 // 64 * 64
    return [f"{key}={smaller}"] if smaller >= 64 else []


def _advise_workers(key: str, now: int, batch_key: str) -> str:
    lower = f"{key}={now // 2}"
    none = "" if now < 2 else f", {key}=0 makes the samples in the main process"
    return (
        f"Lower {key} (now {now}): {lower}{none}; or {batch_key}; or raise the shared memory (a container: "
        "docker run --shm-size=8g, or --ipc=host)"
    )
