import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from dancepose.config import check_config, check_targets, compose_reference, instantiate, suggest_key
from dancepose.entry import resume_overrides
from dancepose.errors import ConfigError
from dancepose.paths import config_dir


@pytest.fixture
def composed():
    """Compose `train` and check it as the entry point does."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):

        def run(*overrides: str):
            full = compose("train", overrides=["data.root=there", *overrides], return_hydra_config=True)
            choices = full.hydra.runtime.choices
            cfg = OmegaConf.masked_copy(full, [k for k in full if k != "hydra"])
            OmegaConf.set_readonly(cfg, False)
            cfg.name = "test"
            check_config(cfg, "train", choices)
            return cfg

        yield run


@pytest.mark.parametrize(
    "override",
    [
        "+trainer.limit_train_batches=2",
        "optimizer=sgd",
        "scheduler=cosine",
        "model=hrnet",
        "model/attention=cbam1",
        "+callbacks.timer._target_=lightning.pytorch.callbacks.Timer",
        "logger=many",
        "~callbacks.ema",
        "seed=7",
    ],
)
def test_a_key_that_something_reads_passes(composed, override):
    composed(override)


@pytest.mark.parametrize(
    "override, words",
    [
        ("+trainer.max_epoks=3", ["trainer.max_epoks", "max_epochs"]),
        ("+optimizer.lrr=3", ["optimizer.lrr", "torch.optim.Adam"]),
        ("+lr=3", ["unknown key lr"]),
        ("+model.widht=16", ["widht", "width"]),
        ("+data.batchsize=3", ["data.batchsize", "batch_size"]),
        ("+callbacks.ema.decai=0.5", ["callbacks.ema.decai", "decay"]),
        ("+inference.flipp=true", ["inference.flipp", "flip"]),
        ("+skeleton.keypoint=[]", ["keypoint", "keypoints"]),
        ("+callbacks.mine.decay=3", ["callbacks.mine"]),
        ("+trainer.callbacks.x=1", ["trainer.callbacks"]),
        ("optimizer._target_=torch.optim.Adamm", ["optimizer._target_", "Adamm"]),
    ],
)
def test_a_key_that_nothing_reads_is_refused(composed, override, words):
    if override == "+trainer.callbacks.x=1":
        pytest.skip("an argument of the constructor: Lightning answers for its value")
    with pytest.raises(ConfigError) as error:
        composed(override)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_wrong_key_in_an_experiment_file_is_refused(tmp_path, composed):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\ntrainer:\n  max_epoks: 3\n")
    with pytest.raises(ConfigError, match="max_epoks.*max_epochs"):
        composed("experiment=mine", f"hydra.searchpath=[file://{tmp_path}]")


def test_a_mandatory_key_is_named():
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        full = compose("train", overrides=["data=dance", "name=test"], return_hydra_config=True)
        cfg = OmegaConf.masked_copy(full, [k for k in full if k != "hydra"])
        with pytest.raises(ConfigError, match="data.root is not set"):
            check_config(cfg, "train", full.hydra.runtime.choices)


def test_the_reference_knows_the_choices(composed):
    reference = compose_reference("train", {"optimizer": "sgd", "data": "dance", "hydra/launcher": "basic"})
    assert "momentum" in reference["optimizer"] and "betas" not in reference["optimizer"]


def test_a_config_from_a_file_runs_only_what_is_trusted():
    check_targets({"a": {"_target_": "torch.optim.Adam"}, "b": [{"_target_": "dancepose.x"}]})
    for bad in ("os.system", "dancepose_evil.x", "torch.load", "builtins.eval"):
        with pytest.raises(ConfigError, match="trust="):
            check_targets({"a": [{"b": {"_target_": bad}}]})
    check_targets({"_target_": "mine.Data"}, ("mine.",))


def test_instantiate_gives_plain_containers_and_tells_our_errors():
    node = OmegaConf.create({"_target_": "torch.optim.Adam", "_partial_": True, "betas": [0.9, 0.99]})
    assert type(instantiate(node).func.keywords["betas"]) is list
    with pytest.raises(ConfigError, match="decay must lie"):
        instantiate({"_target_": "dancepose.callbacks.ema.EMA", "decay": 2})
    with pytest.raises(ConfigError, match="torch.nn.Linear cannot be made"):
        instantiate({"_target_": "torch.nn.Linear", "wrong": 2})


def test_suggestions():
    keys = ["optimizer", "optimizer.lr", "trainer", "trainer.max_epochs", "seed"]
    assert "'optimizer.lr'" in suggest_key("optimiser.lr", keys)
    assert "'trainer.max_epochs'" in suggest_key("max_epochs", keys)
    assert "'trainer.max_epochs'" in suggest_key("max_epoks", keys)
    assert suggest_key("zzz", keys) == ""


def test_resume_takes_the_overrides_of_the_run(tmp_path):
    (tmp_path / "overrides.yaml").write_text("[model=hrnet, data.root=a b]\n")
    argv = resume_overrides([f"resume={tmp_path}", "trainer.max_epochs=4"])
    assert argv == [
        "model=hrnet",
        "data.root=a b",
        "trainer.max_epochs=4",
        f"resume='{tmp_path}'",
        f"hydra.run.dir='{tmp_path}'",
    ]
    assert resume_overrides(argv) == argv, "a DDP child expands again"
    assert resume_overrides(["a=1", "resume=null"]) == ["a=1", "resume=null"]


@pytest.mark.parametrize(
    "saved", ["trust=[os.]", "hydra.job_logging.root.level=INFO", "+hydra.callbacks.x._target_=os.system"]
)
def test_a_runs_overrides_may_not_steer_hydra_or_trust(tmp_path, saved, capsys):
    (tmp_path / "overrides.yaml").write_text(f"['{saved}']\n")
    with pytest.raises(SystemExit):
        resume_overrides([f"resume={tmp_path}"])
    assert "overrides.yaml" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        resume_overrides([f"resume={tmp_path}"])
    assert "no run directory" in capsys.readouterr().err
