"""Forward pass and training step of networks, as shares of what a plain convolution reaches."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from dancepose.benchmarks.made_up import made_up_frame
from dancepose.benchmarks.timing import Row, side_by_side
from dancepose.build import Model, build, expect

# The yardstick: a 3x3 convolution of 256 channels on 64 x 64, batch 4
CHANNELS, SIDE, BATCH = 256, 64, 4
PEOPLE = 3  # in each made-up picture of a training step
LAYOUTS = ("contiguous", "channels_last", "compiled")


@dataclass(frozen=True)
class Setting:
    """How networks are run.

    Attributes:
        precision: `fp32`, or `bf16` (autocast).
        layout: memory format of weights and images, run eagerly; `compiled` is channels_last with the network
            compiled in place.
    """

    precision: str
    layout: str = "channels_last"

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.precision} {self.layout}"

    def autocast(self, device: torch.device) -> Any:
        """Return the context that a pass runs in."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(device.type, torch.bfloat16)

    @property
    def memory_format(self) -> torch.memory_format:
        """What weights and images are put into."""
        return torch.contiguous_format if self.layout == "contiguous" else torch.channels_last


def time_networks(
    models: Mapping[str, Mapping[str, Any]],
    settings: list[Setting],
    batches: list[int],
    size: int,
    rounds: int,
    device: torch.device,
) -> Iterator[Row]:
    """Time the yardstick, and forward pass and training step of each network, all in turn.

    Args:
        models: name -> what `build` takes.
        settings: how to run them.
        batches: images at once.
        size: side of the square images.
        rounds: repetitions.
        device: where.

    Yields:
        Rows with threads, shape of the input, width and depth of the network, GFLOP, GFLOP/s, the share of
        the yardstick in the same precision, images/s, and for a training step the memory that its backward
        pass keeps; those of a setting and batch once they are timed.
    """
    for setting in settings:
        for batch in batches:
            yield from _time_setting(models, setting, batch, size, rounds, device)


def _time_setting(
    models: Mapping[str, Mapping[str, Any]],
    setting: Setting,
    batch: int,
    size: int,
    rounds: int,
    device: torch.device,
) -> list[Row]:
    cases: dict[str, Callable[[], Any]] = {"yardstick": _yardstick(setting, device)}
    modes: dict[str, Callable[[], Any]] = {}  # switching a network of some hundred modules takes its time
    work = {"yardstick": 2 * CHANNELS**2 * 9 * SIDE**2 * BATCH / 1e9}
    images = {"yardstick": BATCH}
    about: dict[str, dict[str, float | str]] = {"yardstick": {"shape": f"{BATCH}x{CHANNELS}x{SIDE}x{SIDE}"}}
    kept: dict[str, float] = {}
    for name, config in models.items():
        model = expect(build(config), Model)
        network = model.network.to(device)
        forward, step, memory = _passes(model, setting, batch, size, device)
        for kind, run, mode in (
            ("forward", forward, network.eval),
            ("training step", step, network.train),
        ):
            label = f"{name}, {kind}"
            mode()
            with FlopCounterMode(display=False) as counter:
                run()
            work[label], images[label], cases[label] = counter.get_total_flops() / 1e9, batch, run
            modes[label] = mode
            about[label] = {"shape": f"{batch}x3x{size}x{size}", **size_of(model)}
        kept[f"{name}, training step"] = memory
        if setting.layout == "compiled":
            network.compile()  # type: ignore[no-untyped-call]
    times = side_by_side(cases, rounds, device, ready=modes)
    rows = [Row("network", f"{setting.name}, batch {images[name]}: {name}", ms) for name, ms in times.items()]
    speeds = {name: work[name] / row.median * 1e3 for name, row in zip(times, rows, strict=True)}
    for name, row in zip(times, rows, strict=True):
        layout = "channels_last" if name == "yardstick" else setting.layout
        row.figures = {"threads": float(torch.get_num_threads()), **about[name], "layout": layout}
        row.figures |= {"GFLOP": work[name], "GFLOP/s": speeds[name]}
        if name != "yardstick":
            share = f"{speeds[name] / speeds['yardstick']:.0%}"
            row.figures |= {"of yardstick": share, "images/s": batch / row.median * 1e3}
            first = next(iter(models))
            kind = name.rpartition(", ")[2]
            base = next(r for n, r in zip(times, rows, strict=True) if n == f"{first}, {kind}")
            row.figures["time / first"] = row.median / base.median
        if name in kept:
            row.figures["kept MiB"] = kept[name]
    return rows


def size_of(model: Model) -> dict[str, float | str]:
    """Return width and depth of a pose network, for the table."""
    return {key: model.config["model"][key] for key in ("width", "depth")}


def _yardstick(setting: Setting, device: torch.device) -> Callable[[], Any]:
    convolution = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False).to(device)
    convolution.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    features = torch.randn(BATCH, CHANNELS, SIDE, SIDE, device=device)
    features = features.contiguous(memory_format=torch.channels_last)
    if setting.precision == "bf16":
        convolution, features = convolution.bfloat16(), features.bfloat16()

    @torch.inference_mode()
    def run() -> Any:
        return convolution(features)

    return run


def _passes(
    model: Model, setting: Setting, batch: int, size: int, device: torch.device
) -> tuple[Callable[[], Any], Callable[[], Any], float]:
    """Return a forward pass as the predictor runs it, a training step, and the MiB that this one keeps.

    The network must be in the mode of a pass when it runs; it is left in that of training.
    """
    network = model.network.to(device).train()
    network.to(memory_format=setting.memory_format)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8, generator=generator)
    images = images.to(device).contiguous(memory_format=setting.memory_format)
    frames = [made_up_frame(model.skeleton, (size, size), PEOPLE, seed) for seed in range(batch)]
    encoded = [model.codec.encode(frame, frame.size) for frame in frames]
    targets, weights = (
        {name: torch.stack([torch.as_tensor(one[kind][name]) for one in encoded]).to(device) for name in many}
        for kind, many in enumerate(encoded[0])
    )
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)

    @torch.inference_mode()
    def forward() -> Any:
        with setting.autocast(device):
            return network(images)

    def loss() -> Tensor:
        with setting.autocast(device):
            outputs = network(images)
        return torch.stack(list(model.codec.loss(outputs, targets, weights).values())).sum()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    kept = kept_memory(loss, network.parameters())
    return forward, step, kept / 2**20


def kept_memory(loss: Callable[[], Tensor], parameters: Iterable[Tensor] = ()) -> float:
    """Return the bytes that autograd keeps for the backward pass.

    Each storage is counted once, those of the parameters not at all.
    """
    own = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    storages: dict[int, tuple[Tensor, int]] = {}

    def keep(tensor: Tensor) -> int:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = (tensor, storage.nbytes())  # held, so that no address comes twice
        return storage.data_ptr()  # and by the graph no tensor, which would hold the graph in its turn

    def unpack(address: int) -> Tensor:
        raise RuntimeError("this graph is for no backward pass")

    with torch.autograd.graph.saved_tensors_hooks(keep, unpack):
        loss()
    total = sum(size for address, (_, size) in storages.items() if address not in own)
    storages.clear()  # the graph's hook holds it
    return float(total)
