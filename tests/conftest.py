"""Fixtures shared by all tests."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

# before torch is imported: one thread per test process, and nothing that reaches for the network
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_ERROR_REPORTING"] = "false"
os.environ["WANDB_SILENT"] = "true"

import numpy as np
import pytest
from factories import make_labelme
from forked import Server, shared_server
from hypothesis import settings

from dancepose.quick_start import read_yaml_in_c

read_yaml_in_c()  # as the commands do
settings.register_profile("dancepose", deadline=None, derandomize=True, max_examples=50, database=None)
settings.load_profile("dancepose")


def pytest_collection_finish() -> None:
    """What is imported by now stays: the garbage collector need not walk through it in every test."""
    gc.collect()
    gc.freeze()


SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data beside the project; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real data and golden files), which is absent")
    return SHARED


@pytest.fixture(scope="session")
def labelme(tmp_path_factory) -> Path:
    """A Labelme folder of ten pictures; tests that change it copy it first."""
    root = tmp_path_factory.mktemp("labelme")
    make_labelme(root, frames=10)
    return root


@pytest.fixture(scope="session")
def server() -> Server:
    """Runs `dancepose-train` many times without the time of many imports."""
    return shared_server()


@pytest.fixture(scope="session")
def golden(shared: Path) -> Callable[[str], dict[str, np.ndarray]]:
    """Load a golden file by name; float16 arrays, a saving of space, come back as float32."""

    def load(name: str) -> dict[str, np.ndarray]:
        with np.load(shared / "golden" / f"{name}.npz") as arrays:
            return {k: a.astype(np.float32) if a.dtype == np.float16 else a for k, a in arrays.items()}

    return load
