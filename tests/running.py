"""Run an entry point inside the test's process, with the configuration that its command would compose."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from forked import inherited_environment, shared_server
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from matplotlib.backends.backend_agg import FigureCanvasAgg
from omegaconf import OmegaConf, open_dict

from dancepose.config import check_config
from dancepose.paths import config_dir

# a network and pictures small enough for a test, in the shape of the real ones
SMALL = [
    "data=dance",
    "model.width=8",
    "model.depth=small",
    "data.size=64",
    "data.test_size=64",
    "data.batch_size=2",
    "data.workers=0",
    "trainer=cpu",
    "trainer.max_epochs=2",
]


def run_task(task: Any, config_name: str, run_dir: Path, *overrides: str, drawn: bool = False) -> Any:
    """Compose, check and call a task as `dancepose.entry.run` does, without a process of its own.

    Args:
        task: the entry point's function.
        config_name: its config.
        run_dir: its folder.
        overrides: of the command line.
        drawn: whether charts are painted; else they are empty: painting takes longer than a small training.
    """
    with nullcontext() if drawn else mock.patch.object(FigureCanvasAgg, "draw", _unpainted):
        return _run_task(task, config_name, run_dir, *overrides)


def _unpainted(canvas: FigureCanvasAgg) -> None:
    canvas.get_renderer()  # which makes an empty picture


def _run_task(task: Any, config_name: str, run_dir: Path, *overrides: str) -> Any:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        full = compose(
            config_name, overrides=["name=test", "hydra.mode=RUN", *overrides], return_hydra_config=True
        )
        with open_dict(full):
            full.hydra.runtime.output_dir = str(run_dir)
        HydraConfig.instance().set_config(full)
        run_dir.mkdir(parents=True, exist_ok=True)
        cfg = OmegaConf.masked_copy(full, [key for key in full if key != "hydra"])
        check_config(cfg, config_name, full.hydra.runtime.choices)
        try:
            return task(cfg)
        finally:
            HydraConfig.instance().cfg = None


@contextmanager
def eager_compile() -> Iterator[list[torch.nn.Module]]:
    """Let `compile=true` trace networks, but leave out the slow making of kernels; yield what is compiled."""
    compile_network, calls = torch.nn.Module.compile, []

    def eager(network: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        calls.append(network)
        return compile_network(network, *args, backend="eager", **kwargs)

    with mock.patch("torch.nn.Module.compile", eager):
        yield calls


def command(module: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `dancepose-<module>` as a user would, but as a fork of a process that has imported everything."""
    return shared_server().command(module, *arguments, cwd=cwd, **environment)


def fresh_command(
    module: str, *arguments: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m dancepose.<module>` as a user would, in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-m", f"dancepose.{module}", *arguments],
        cwd=cwd,
        env={**inherited_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
