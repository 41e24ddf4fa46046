"""What the shipped configuration says of runs and sweeps by `${...:}`."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError

from dancepose.paths import config_dir
from dancepose.resolvers import _run_tags, register

register()


@pytest.fixture
def hydra():
    """Compose with Hydra's own node."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        yield lambda *overrides: compose("train", overrides=list(overrides), return_hydra_config=True)


def test_the_jobs_of_a_sweep_have_its_names_and_their_own(hydra):
    """As Hydra does it: a job's configuration gets the cache of the sweep's."""
    sweep = hydra("experiment=motion_paper", "seed=0", "output=there")
    sweep.hydra.overrides.task = ["experiment=motion_paper", "seed=0,1", "output=there"]
    folder, launch = sweep.hydra.sweep.dir, sweep.hydra.callbacks.sweep.launch
    assert folder.startswith("there/sweeps/motion_paper-") and sweep.hydra.callbacks.sweep.varying == ["seed"]
    job = hydra("experiment=motion_paper", "seed=1", "output=there")
    OmegaConf.copy_cache(from_config=sweep, to_config=job)
    assert (job.hydra.sweep.dir, job.hydra.callbacks.sweep.launch) == (folder, launch)
    assert job.hydra.sweep.subdir.startswith("seed-1_")
    assert hydra("seed=1").hydra.callbacks.sweep.launch != launch


def test_a_sweep_may_be_named(hydra):
    assert hydra("sweep=mine").hydra.sweep.dir == "outputs/sweeps/mine"
    with pytest.raises(InterpolationResolutionError, match="sweep=a/b: a folder's name is needed"):
        assert hydra("sweep=a/b").hydra.sweep.dir


def test_the_tags_of_a_run(hydra, monkeypatch):
    assert _run_tags() == []
    full = hydra("experiment=motion_paper", "model/attention=cbam2")
    monkeypatch.setattr(HydraConfig.instance(), "cfg", full)
    assert _run_tags() == [
        *("experiment=motion_paper", "model=motion", "attention=cbam2", "data=action_synthetic"),
    ]
