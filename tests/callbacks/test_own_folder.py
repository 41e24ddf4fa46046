"""A default run directory of each command's own: `own_folder`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from dancepose.callbacks.own_folder import OwnFolder, claim, remove_empty
from dancepose.paths import config_dir
from dancepose.resolvers import register


def begun(command: str, *overrides: str) -> str:
    """Return the folder of a command that begins at noon."""
    register()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        OmegaConf.register_new_resolver("now", lambda pattern: "12-00-00", replace=True)
        cfg = compose(command, overrides=list(overrides), return_hydra_config=True)
    OmegaConf.set_readonly(cfg.hydra, True)
    OwnFolder().on_run_start(cfg)
    return cfg.hydra.run.dir


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["predict", "train", "export", "evaluate"])
def test_commands_of_the_same_second_have_a_default_folder_each(command):
    folders = [begun(command) for _ in range(3)]
    first = folders[0]
    assert first.endswith("12-00-00") and folders == [first, f"{first}_2", f"{first}_3"]
    assert all(Path(folder).is_dir() for folder in folders), "made, so that no other can make them"


@pytest.mark.parametrize(
    ("command", "override", "folder"),
    [("train", "hydra.run.dir=mine", "mine"), ("compare", "sweeps=[]", "outputs/comparison")],
)
def test_a_folder_that_is_named_is_taken_as_it_is(command, override, folder):
    assert begun(command, override) == folder and not Path(folder).exists()
    Path(folder).mkdir(parents=True)
    assert begun(command, override) == folder


@pytest.mark.parametrize(
    ("override", "folder"),
    [
        ("experiment=motion_paper", "motion_paper"),
        ("model=pose_improved", "pose_improved"),
        ("name=mine", "mine"),
    ],
)
def test_a_training_is_named_after_its_experiment_else_its_model(override, folder, monkeypatch):
    """The folder is claimed before Hydra tells its configuration to the resolvers."""
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    assert begun("train", override) == f"outputs/{folder}/12-00-00"
    assert HydraConfig.instance().cfg is None, "left to Hydra"


def test_of_many_that_begin_at_once_each_gets_its_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(claim, [str(tmp_path / "out")] * 8))
    assert len(set(given)) == 8 == len(list(tmp_path.iterdir()))


def test_what_cannot_be_made_is_left_to_hydra(tmp_path):
    (tmp_path / "file").touch()
    assert claim("file/a") == "file/a"


@pytest.mark.parametrize("variable", ["RANK", "LOCAL_RANK", "SLURM_STEP_NUM_TASKS"])
def test_processes_of_one_training_share_theirs(monkeypatch, variable):
    monkeypatch.setenv(variable, "2")
    folder = begun("train")
    Path(folder).mkdir(parents=True)  # by the first of them
    assert begun("train") == folder


@pytest.mark.parametrize("override", ["name=mine", "hydra.run.dir=outputs/mine/a/b"])
def test_a_folder_that_stays_empty_goes_with_those_that_were_made_for_it(override, tmp_path):
    Path("outputs").mkdir()
    folder = Path(begun("train", override))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log").touch()
    remove_empty()
    assert folder.is_dir(), "something is in it"
    (folder / "log").unlink()
    remove_empty()
    assert [path.name for path in tmp_path.rglob("*")] == ["outputs"], "which was there before"


def test_what_another_command_of_the_same_second_has_made_stays(tmp_path):
    first, second = Path(begun("train")), Path(begun("train"))
    remove_empty()
    assert first.is_dir() and not second.exists()


def test_an_empty_folder_that_was_there_stays():
    Path("mine").mkdir()
    begun("train", "hydra.run.dir=mine")
    remove_empty()
    assert Path("mine").is_dir()
