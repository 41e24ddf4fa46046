"""Run an entry point inside the test's process, with the configuration that its command would compose."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf, open_dict

from dancepose.config import check_config
from dancepose.paths import config_dir

# a network and pictures small enough for a test, in the shape of the real ones
SMALL = [
    "data=dance",
    "model.width=8",
    "data.size=64",
    "data.test_size=64",
    "data.batch_size=2",
    "data.workers=0",
    "trainer=cpu",
    "trainer.max_epochs=2",
]


def run_task(task: Any, config_name: str, run_dir: Path, *overrides: str) -> Any:
    """Compose, check and call a task as `dancepose.entry.run` does, without a process of its own."""
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


def command(module: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m dancepose.<module>` as a user would."""
    return subprocess.run(
        [sys.executable, "-m", f"dancepose.{module}", *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
