"""What the networks of runs cost, built again from their configs: parameters, operations, and times."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from dancepose.benchmarks.timing import side_by_side
from dancepose.build import Model, MotionModel, build
from dancepose.errors import DanceposeError
from dancepose.motion_model import example_inputs
from dancepose.networks.cost import count_macs, count_macs_of, count_parameters, measurable
from dancepose.networks.pose import MULTIPLE
from dancepose.sweeps.costs import Cost
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.results import Table

BATCHES = (1, 32)
SIDE = 224  # of a picture where a run does not say
CLASSES = ("a", "b")  # where a run does not say its own


class RunCosts:
    """Costs of the networks of runs, each network built once.

    Weights are drawn anew, and QES's centres are left at zero: what is measured depends on their shapes
    alone, not on what a run's checkpoint holds.

    Args:
        most: different networks at most; of others nothing is known.
        rounds: timed passes of each network and batch; 0 times none.
        device: on which.
        seconds: that may be spent on times; dear networks get fewer rounds, and a batch of which one round
            would not fit gets none, which is noted. None: all rounds of all.

    Attributes:
        notes: why a network's costs are not known.
    """

    def __init__(
        self, most: int, rounds: int = 0, device: torch.device | None = None, seconds: float | None = None
    ):
        self.most, self.rounds, self.device = most, rounds, device or torch.device("cpu")
        self.seconds = seconds
        self.notes: list[str] = []
        self._known: dict[str, tuple[Cost, Model | MotionModel, int] | None] = {}

    def measure(self, tables: Sequence[Table]) -> list[dict[str, Cost]]:
        """Return of each table the costs of its arms; an arm of several networks has none."""
        keys: list[dict[str, str]] = []
        for table in tables:
            of_arm = {}
            for name, arm in table.group.arms.items():
                found = {_key(job, table.classes): job for job in arm.jobs}
                if len(found) == 1:
                    (of_arm[name],) = found
                    self._count(*next(iter(found.items())), table.classes)
                else:
                    self._note(f"the runs of {name} are of {len(found)} networks: no costs stand beside it")
            keys.append(of_arm)
        counted = {key: found[0] for key, found in self._known.items() if found is not None}
        costs = self._timed() if self.rounds and counted else counted
        return [{name: costs[key] for name, key in of_arm.items() if key in costs} for of_arm in keys]

    def _count(self, key: str, job: Job, classes: Sequence[str]) -> None:
        if key in self._known:
            return
        if len(self._known) >= self.most:
            self._note(f"parameters and MACs are of the first {self.most} networks: costs=<more> counts more")
            return
        self._known[key] = None
        try:
            side = _side(job)
            model = _build(job, classes)
            self._known[key] = _cost(model, side), model, side
        except (DanceposeError, TypeError, ValueError, KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            self._note(f"the network of {job.name} cannot be built or run, its costs are not known: {reason}")

    def _note(self, words: str) -> None:
        self.notes = list(dict.fromkeys([*self.notes, words]))

    def _timed(self) -> dict[str, Cost]:
        """Time the networks side by side: the machine's own unrest falls on all of them alike."""
        known = {key: found for key, found in self._known.items() if found is not None}
        for _, model, _ in known.values():
            model.network.eval().to(self.device)
        latency: dict[str, dict[int, tuple[float, float]]] = {key: {} for key in known}
        left, sample = self.seconds, 0.0  # seconds that are left, and that all networks take for a sample
        for number, batch in enumerate(BATCHES):
            if left is not None and 2 * batch * sample > left:  # a round, and one in front to warm up
                self._note(
                    f"no times at batch {batch}: one round of all networks would take about "
                    f"{batch * sample:.0f} s. latency=true measures them all the same"
                )
                continue
            # the small batch may not take the time of the large ones
            share = None if left is None else left / 4 if number + 1 < len(BATCHES) else left
            begin = time.perf_counter()
            times = self._time_batch(known, batch, share)
            left = None if left is None else left - (time.perf_counter() - begin)
            for key, ms in times.items():
                p50, p90 = np.percentile(ms, [50, 90])
                latency[key][batch] = float(p50), float(p90)
            sample = sum(p50 for found in latency.values() for b, (p50, _) in found.items() if b == batch)
            sample /= 1e3 * batch
            if (done := min(map(len, times.values()))) < self.rounds:
                self._note(
                    f"times at batch {batch} are of {done} passes, not {self.rounds}: latency=true does all"
                )
        device = describe_device(self.device)
        return {key: replace(found[0], latency=latency[key], device=device) for key, found in known.items()}

    def _time_batch(
        self, known: Mapping[str, tuple[Cost, Model | MotionModel, int]], batch: int, seconds: float | None
    ) -> dict[str, list[float]]:
        """Return the milliseconds of the passes of each network."""
        cases = {
            key: partial(_forward, model.network, _inputs(model, side, batch, self.device))
            for key, (_, model, side) in known.items()
        }
        with ExitStack() as passing:
            for _, model, _ in known.values():
                passing.enter_context(measurable(model.network))
            return side_by_side(cases, self.rounds, self.device, 2 if seconds is None else 1, seconds)


def _cost(model: Model | MotionModel, side: int) -> Cost:
    """Return parameters and operations of a network, on a picture of this side in pixels if it takes one."""
    network = model.network
    if isinstance(model, MotionModel):
        inputs = example_inputs(model.network, model.encoder, len(model.skeleton), side)
        macs = count_macs_of(network, **inputs)
        looks = "image" in model.network.inputs
        sample = f"a person, picture of {side} x {side}" if looks else "a person's keypoints"
    else:
        macs, sample = count_macs(network, (side, side)), f"a picture of {side} x {side}"
    return Cost(count_parameters(network)[""], macs[""], sample)


def describe_device(device: torch.device) -> str:
    """Name a device as a reader of a table needs it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    capability = torch.backends.cpu.get_cpu_capability()
    version = torch.__version__.partition("+")[0]
    return f"CPU with {capability}, {threads} thread{'s' * (threads > 1)}, torch {version}"


@torch.inference_mode()
def _forward(network: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> None:
    network(**inputs)


def _inputs(
    model: Model | MotionModel, side: int, batch: int, device: torch.device
) -> dict[str, torch.Tensor]:
    if isinstance(model, MotionModel):
        made = example_inputs(model.network, model.encoder, len(model.skeleton), side, batch)
    else:
        padded = -(-side // MULTIPLE) * MULTIPLE
        made = {"images": torch.zeros(batch, 3, padded, padded)}
    return {name: value.to(device) for name, value in made.items()}


def _key(job: Job, classes: Sequence[str]) -> str:
    """Return what decides how a job's network is built."""
    kept = [job.config.get("model"), job.config.get("skeleton"), _side(job), list(classes)]
    return json.dumps(kept, sort_keys=True, default=str)


def _side(job: Job) -> int:
    data: Any = job.config.get("data")
    data = data if isinstance(data, Mapping) else {}
    side = data.get("test_size") or data.get("size") or SIDE
    return side if isinstance(side, int) else SIDE


def _build(job: Job, classes: Sequence[str]) -> Model | MotionModel:
    config: dict[str, Any] = {
        "model": {**job.config["model"], "weights": None},
        "skeleton": job.config["skeleton"],
        "seed": 0,
    }
    if not job.poses:
        config["classes"] = list(classes if len(classes) > 1 else CLASSES)
    return build(config)
