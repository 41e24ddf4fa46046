"""What the shipped configuration says of runs and sweeps by `${...:}`."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError

from dancepose import resolvers
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


@pytest.fixture
def another_process(monkeypatch):
    """Forget the folders that this process has made, as another process does not know of them."""

    def forget():
        monkeypatch.setattr(resolvers, "_OWN", {})
        monkeypatch.setattr(resolvers, "_MADE", [])

    return forget


def test_commands_of_the_same_second_have_a_default_folder_each(another_process, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = []
    for _ in range(3):
        another_process()
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            cfg = compose("predict", return_hydra_config=True)
        shipped = OmegaConf.to_container(cfg.hydra.run, resolve=False)["dir"]
        cfg.hydra.run.dir = shipped.replace("${now:%Y-%m-%d_%H-%M-%S}", "12-00-00")
        given.append((cfg.hydra.run.dir, OmegaConf.select(cfg.copy(), "hydra.run.dir")))
        assert Path(given[-1][0]).is_dir(), "it is made, so that no other can make it"
    names = [f"outputs/predict/12-00-00{end}" for end in ("", "_2", "_3")]
    assert given == [(name, name) for name in names]


def test_only_an_empty_default_folder_is_removed_at_the_end(another_process, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    another_process()
    assert [resolvers._own_folder(name) for name in ("out/a", "out/b")] == ["out/a", "out/b"]
    (tmp_path / "out" / "b" / "log").touch()
    resolvers.remove_unused()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]
    another_process()
    assert [resolvers._own_folder(name) for name in ("new/deep/a", "new/b")] == ["new/deep/a", "new/b"]
    resolvers.remove_unused()
    assert not (tmp_path / "new").exists()


def test_a_default_folder_that_cannot_be_made_is_left_to_hydra(another_process, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    another_process()
    (tmp_path / "file").touch()
    assert resolvers._own_folder("file/a") == "file/a" and not resolvers._OWN


@pytest.mark.parametrize("variable", ["RANK", "LOCAL_RANK", "SLURM_STEP_NUM_TASKS"])
def test_processes_of_one_training_share_a_default_folder(another_process, monkeypatch, tmp_path, variable):
    monkeypatch.chdir(tmp_path)
    another_process()
    monkeypatch.setenv(variable, "2")
    (tmp_path / "out").mkdir()  # by the first of them
    assert resolvers._own_folder("out") == "out"
