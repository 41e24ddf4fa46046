"""`dancepose-benchmark`: how fast each part of the stream is, measured side by side in one run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from dancepose.benchmarks.timing import Row

log = logging.getLogger(__name__)

PARTS = (
    *("network", "data", "decode", "score", "draw", "motion", "people"),
    *("export", "compare", "claims", "mpii", "sweep"),
)
PRECISIONS = ("fp32", "bf16")


def benchmark(cfg: DictConfig) -> None:
    """Measure, print one table, and write it as `benchmark.json` and `benchmark.txt` beside each other.

    Args:
        cfg: what conf/benchmark.yaml composes to, its keys checked.

    Raises:
        ConfigError: a value is wrong.
        DataError: the data or the maps cannot be read.
    """
    import torch
    from hydra.core.hydra_config import HydraConfig

    from dancepose.benchmarks.settings import machine, settings, told
    from dancepose.benchmarks.timing import table
    from dancepose.checks import at_least, one_of
    from dancepose.errors import ConfigError
    from dancepose.files import write_json, write_text
    from dancepose.targets import plain

    for part in cfg.parts:
        one_of("parts", part, PARTS)
    for precision in cfg.precisions:
        one_of("precisions", precision, PRECISIONS)
    for key in ("rounds", "samples", "groups", "long_side", "jobs", "studies", "images"):
        if cfg[key] is not None:
            at_least(key, cfg[key], 1)
    if cfg.threads is not None:
        at_least("threads", cfg.threads, 1)
        torch.set_num_threads(cfg.threads)
    measure = {
        "network": _networks,
        "data": _pipeline,
        "decode": _decoding,
        "score": _scoring,
        "draw": _drawing,
        "motion": _motion,
        "people": _people,
        "export": _exported,
        "compare": _comparison,
        "claims": _claims,
        "mpii": _mpii,
        "sweep": _sweep,
    }
    folder, about = Path(HydraConfig.get().runtime.output_dir), machine()
    rows: list[Row] = []
    for row in (row for part in PARTS if part in cfg.parts for row in measure[part](cfg)):
        rows.append(row)  # written at once: the next network may be one that the memory does not hold
        composed = settings(plain(cfg), {row.part for row in rows})
        text = "\n".join(["", table(rows), "", told(about), "", told(composed)])
        write_text(folder / "benchmark.txt", text)
        report = {"machine": about, "settings": composed, "rows": [row.to_dict() for row in rows]}
        write_json(folder / "benchmark.json", report)
    if not rows:
        raise ConfigError(
            "nothing was measured: parts=[data] needs data.root=<folder of pictures and labels>"
        )
    log.info("%s", text)
    log.info("written to %s", folder)


def _networks(cfg: DictConfig) -> Iterator[Row]:
    import torch

    from dancepose.benchmarks.networks import LAYOUTS, Setting, time_networks
    from dancepose.build import model_config
    from dancepose.checks import one_of
    from dancepose.inference.devices import find_device, warn_of_slow_bf16

    for layout in cfg.layouts:
        one_of("layouts", layout, LAYOUTS)
    models = _models(cfg)
    for model in models.values():
        model_config(model["model"])  # a mistake in the last one is told before the first is timed
    settings = [Setting(precision, layout) for precision in cfg.precisions for layout in cfg.layouts]
    device = torch.device(find_device(cfg.device))
    for precision in cfg.precisions:
        warn_of_slow_bf16(device.type, precision, "precisions=[fp32]")
    yield from time_networks(models, settings, list(cfg.batches), cfg.size, cfg.rounds, device)


def _models(cfg: DictConfig) -> dict[str, dict[str, Any]]:
    """Return what `build` takes of each of `networks`."""
    from dancepose.targets import plain

    config = plain(cfg)
    common = {key: config[key] for key in ("skeleton", "seed")}
    return {
        name: {"model": _merged(config["model"], changes), **common}
        for name, changes in config["networks"].items()
    }


def _merged(model: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a model's keys with some changed, those of its groups one by one."""
    return model | {
        key: model[key] | value if isinstance(value, dict) else value for key, value in changes.items()
    }


def _pipeline(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.pipeline import time_pipeline
    from dancepose.build import build_codec, model_config
    from dancepose.skeleton import Skeleton
    from dancepose.targets import instantiate, plain

    if cfg.data.root is None and not cfg.data.scenes:
        log.warning("the data pipeline is left out: give data.root=<folder of pictures and labels>")
        return []
    skeleton = Skeleton.from_dict(plain(cfg.skeleton))
    codec = build_codec(model_config(plain(cfg.model)), skeleton)
    data = instantiate(cfg.data, skeleton=skeleton, codec=codec, seed=cfg.seed)
    return time_pipeline(data, cfg.samples, cfg.rounds, data.workers, cfg.long_side, cfg.jpeg)


def _decoding(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.decoding import time_decoding
    from dancepose.errors import DataError
    from dancepose.skeleton import Skeleton
    from dancepose.targets import plain

    files = [] if cfg.maps is None else sorted(Path(cfg.maps).glob("ae_parse_*.npz"))
    if cfg.maps is not None and not files:
        raise DataError(f"maps={cfg.maps} holds no ae_parse_*.npz")
    return time_decoding(Skeleton.from_dict(plain(cfg.skeleton)), cfg.size, files, cfg.rounds)


def _scoring(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.scoring import time_scoring
    from dancepose.skeleton import Skeleton
    from dancepose.targets import plain

    return time_scoring(Skeleton.from_dict(plain(cfg.skeleton)), cfg.groups, cfg.rounds)


def _drawing(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.scenes import time_drawing

    return time_drawing(cfg.rounds)


def _motion(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.motion import time_motion
    from dancepose.targets import plain

    return time_motion(plain(cfg.motions), cfg.rounds)


def _people(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.motion import time_people
    from dancepose.targets import plain

    config = plain(cfg)
    pose = {key: config[key] for key in ("model", "skeleton", "seed")}
    motion = list(config["motions"].values())[-1]
    return time_people(pose, motion, cfg.size, cfg.rounds)


def _exported(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.exported import time_exported

    return time_exported(_models(cfg), cfg.size, cfg.rounds)


def _comparison(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.claims import time_comparison
    from dancepose.benchmarks.run_directories import time_run_directories

    return time_comparison(cfg.jobs, cfg.rounds) + time_run_directories(cfg.jobs, cfg.rounds)


def _claims(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.claims import simulate_claims

    return simulate_claims(cfg.studies)


def _mpii(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.mpii import time_mpii

    return time_mpii(cfg.images, cfg.rounds)


def _sweep(cfg: DictConfig) -> list[Row]:
    from dancepose.benchmarks.sweep_costs import JOBS, time_sweeps

    return time_sweeps(JOBS, cfg.rounds)


def main() -> None:
    """Console entry point."""
    from dancepose.allocator import keep_freed_memory
    from dancepose.entry import run

    keep_freed_memory()
    run(benchmark, "benchmark")


if __name__ == "__main__":
    main()
