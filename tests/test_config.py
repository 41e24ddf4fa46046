"""The check of keys and values before anything starts: `config`, `config_values`, `config_reference`."""

from itertools import zip_longest

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from running import command

from dancepose.build import model_config
from dancepose.config import check_config
from dancepose.config_keys import HABITS, dotted_keys, suggest_key
from dancepose.config_reference import compose_reference
from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.resume import resume_overrides
from dancepose.targets import check_targets, instantiate


@pytest.fixture
def composed():
    """Compose `train` and check it as the entry point does."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):

        def run(*overrides: str):
            full = compose(
                "train", overrides=["data=dance", "data.root=there", *overrides], return_hydra_config=True
            )
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
    with pytest.raises(ConfigError) as error:
        composed(override)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_what_an_experiment_sets_of_another_option_is_refused_with_what_drops_it(composed):
    """`people_192` sets the milestones of its own schedule."""
    with pytest.raises(ConfigError, match=r"unknown key scheduler\.milestones: .*'~scheduler\.milestones'"):
        composed("experiment=people_192", "data.root=.", "scheduler=cosine")
    composed("experiment=people_192", "data.root=.", "scheduler=cosine", "~scheduler.milestones")


def test_a_wrong_key_in_an_experiment_file_is_refused(tmp_path, composed):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\ntrainer:\n  max_epoks: 3\n")
    with pytest.raises(ConfigError, match="max_epoks.*max_epochs"):
        composed("experiment=mine", f"hydra.searchpath=[file://{tmp_path}]")


@pytest.mark.parametrize(
    ("override", "told"),
    [("data=dance", "data.root is not set"), ("+data.rooot=.", "unknown key data.rooot.*'root'")],
    ids=["a mandatory key", "an unknown one in its place"],
)
def test_what_is_missing_is_named_after_what_is_misspelt(override, told):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        overrides = ["data=dance", override, "name=test"]
        full = compose("train", overrides=overrides, return_hydra_config=True)
        cfg = OmegaConf.masked_copy(full, [k for k in full if k != "hydra"])
        with pytest.raises(ConfigError, match=told):
            check_config(cfg, "train", full.hydra.runtime.choices)


def test_the_reference_knows_the_choices(composed):
    reference = compose_reference("train", {"optimizer": "sgd", "data": "dance", "hydra/launcher": "basic"})
    assert "momentum" in reference["optimizer"] and "betas" not in reference["optimizer"]


def test_a_config_from_a_file_runs_only_what_is_trusted():
    check_targets(
        {
            "a": {"_target_": "torch.optim.Adam"},
            "b": [{"_target_": "dancepose.callbacks.ema.EMA"}],
            "c": {"_target_": "dancepose.tasks.schedules.cosine"},
            "d": {"_target_": "lightning.pytorch.Trainer", "p": {"_target_": PROFILER}},
            "data": {"_target_": "dancepose.data.datamodules.PoseDataModule"},
        }
    )
    for bad in ("os.system", "dancepose_evil.x", "torch.load", "builtins.eval"):
        with pytest.raises(ConfigError, match="trust="):
            check_targets({"a": [{"b": {"_target_": bad}}]})
    check_targets({"_target_": "mine.Data", "inner": {"_target_": "mine.Part"}}, ("mine.",))


PROFILER = "lightning.pytorch.profilers.SimpleProfiler"


@pytest.mark.parametrize(
    "target",
    [
        "dancepose.files.os.system",
        "torch.optim.adam.torch.load",
        "torch.optim.lr_scheduler.LambdaLR",
        "lightning.pytorch.callbacks.model_checkpoint.os.system",
        "lightning.pytorch.cli.LightningCLI",
        "lightning.pytorch.seed_everything",
        "dancepose.targets.instantiate",
        "dancepose.targets.get_object",
        "dancepose.targets.OmegaConf.create",
        "dancepose.tasks.pose.PoseTask.load_from_checkpoint",
        "dancepose.data.datamodules.PoseDataModule.from_datasets",
        "dancepose.tasks.schedules._with_warmup",
        "dancepose.tasks.schedules.math.exp",
        "dancepose.tasks.schedules",
        "dancepose.nothing.There",
        "dancepose.callbacks.ema.EMA.__init__",
        "dancepose.",
        ["dancepose.callbacks.ema.EMA"],
        7,
    ],
)
def test_an_allowed_prefix_is_not_enough(target):
    with pytest.raises(ConfigError, match="a stranger's run"):
        check_targets({"optimizer": {"_target_": target}}, source="a stranger's run")


def test_data_from_a_file_makes_nothing_inside_itself():
    module = "dancepose.data.datamodules.PoseDataModule"
    inner = {"parts": {"a": {"_target_": "torch.optim.Adam"}}}
    for values in ({"_target_": module, **inner}, {"data": inner}, {"data": {"_target_": module, **inner}}):
        with pytest.raises(ConfigError, match="torch.optim.Adam"):
            check_targets(values)


def test_nothing_is_imported_before_its_name_is_allowed(tmp_path, monkeypatch):
    (tmp_path / "strange.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError):
        check_targets({"_target_": "strange.Thing"})


def test_instantiate_gives_plain_containers_and_tells_our_errors():
    node = OmegaConf.create({"_target_": "builtins.dict", "_partial_": True, "betas": [0.9, 0.99]})
    assert type(instantiate(node, b=1)(c=2)["betas"]) is list
    assert instantiate(node, b=1)(c=2, betas=3) == {"b": 1, "c": 2, "betas": 3}
    with pytest.raises(ConfigError, match="decay must lie"):
        instantiate({"_target_": "dancepose.callbacks.ema.EMA", "decay": 2})
    with pytest.raises(ConfigError, match="torch.nn.Linear cannot be made"):
        instantiate({"_target_": "torch.nn.Linear", "wrong": 2})
    with pytest.raises(ConfigError, match="^here: torch.nn.Linear cannot be made"):
        instantiate({"_target_": "torch.nn.Linear", "wrong": 2}, where="here")


@pytest.mark.parametrize("lr", [-1, "abc"])
def test_what_a_partial_refuses_later_is_told_likewise(lr):
    make = instantiate({"_target_": "torch.optim.Adam", "_partial_": True, "lr": lr}, where="optimizer")
    with pytest.raises(ConfigError, match="^optimizer: torch.optim.Adam cannot be made"):
        make([torch.nn.Parameter(torch.zeros(1))])


@pytest.mark.parametrize(
    "override, words",
    [
        ("test=no", "test='no': true or false is needed"),
        ("compile=0", "compile=0: true or false is needed"),
        ("inference.flip=no", "inference.flip='no': true or false is needed"),
        ("data.overfit=no", "data.overfit='no': true or false is needed"),
        ("trainer.sync_batchnorm=no", "trainer.sync_batchnorm='no': true or false is needed"),
        ("optimizer.lr=abc", "optimizer.lr='abc': a number is needed"),
        ("optimizer.lr=true", "optimizer.lr=True: a number is needed"),
        ("trainer.max_epochs=abc", "trainer.max_epochs='abc': a whole number is needed"),
        ("trainer.max_epochs=2.5", "trainer.max_epochs=2.5: a whole number is needed"),
        ("+trainer.limit_train_batches=few", "trainer.limit_train_batches='few': a number is needed"),
        ("trainer.precision=16bit", "trainer.precision='16bit': one of "),
        ("data.split_seed=a", "data.split_seed='a': a whole number is needed"),
        ("data.augmentation.rotation=much", "data.augmentation.rotation='much': a number is needed"),
        ("scheduler.gamma=x", "scheduler.gamma='x': a number is needed"),
        ("callbacks.ema.decay=x", "callbacks.ema.decay='x': a number is needed"),
        ("inference.scales=[1,x]", "inference.scales"),
        ("inference=3", "inference=3: a group of keys is needed"),
        ("trust=mine", "trust='mine'"),
        ("seed=abc", "seed='abc': a whole number is needed"),
        ("seed=null", "seed=None: a whole number is needed"),
        ("seed=-1", "seed=-1"),
        ("seed=4294967296", "seed=4294967296"),
        ("+trainer.plugins=[x]", "trainer.plugins"),
        ("+trainer.callbacks=[x]", "callbacks.<name>._target_="),
        ("+trainer.callbacks.x=1", "callbacks.<name>._target_="),
        ("trainer.logger=true", "logger="),
        ("+callbacks.mine._target_=dancepose.train", "callbacks.mine._target_"),
        ("+callbacks.mine._target_=builtins.dict", "callbacks.mine._target_"),
        ("+callbacks.mine._target_=7", "callbacks.mine._target_"),
        ("~logger", "logger=none"),
        ("~callbacks", "callbacks=none"),
        ("~optimizer", "optimizer"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(composed, override, words):
    with pytest.raises(ConfigError) as error:
        composed(override)
    assert words in str(error.value)


def test_an_impossible_number_is_refused(composed):
    with pytest.raises(ConfigError, match="^optimizer.lr=-1: it must be at least 0"):
        composed("optimizer.lr=-1")


@pytest.mark.parametrize("group", ["scheduler", "logger"])
def test_none_takes_no_keys(composed, group):
    with pytest.raises(ConfigError, match=f"{group}.gamma"):
        composed(f"{group}=none", f"+{group}.gamma=3")


def test_none_leaves_nothing_that_is_chosen(composed):
    cfg = composed("scheduler=none", "logger=none", "callbacks=none")
    assert cfg.scheduler == {} and list(cfg.logger) == ["csv"], "metrics.csv is always written"
    assert "scheduler" not in composed("~scheduler")


@pytest.mark.parametrize(
    "overrides",
    [
        ["data.val=none", "data.test=3"],
        ["data.val=0.2", "data.limit=4", "data.clip=folder"],
        ["data=skeletons_openpose18", "data.annotations=a.npz", "+data.labels.Seated=akimbo", "data.gap=0"],
        [
            "data=skeletons_openpose18",
            "data.annotations=a.npz",
            "~data.labels",
            "+data.labels={a: b, c: null}",
        ],
        ["data=skeletons", "data.annotations=a.npz", "data.labels={a: b, c: null}", "data.test_sources=[a]"],
        ["data=pyskl", "data.annotations=a.pkl", "data.own_split={train: a}", "data.classes=[a,b]"],
        ["data=action_folder", "data.classes=classes.txt", "data.split_by=image"],
        ["trainer.devices=[0,1]", "trainer.max_steps=5", "trainer.max_epochs=null"],
        ["trainer.devices=auto", "trainer.precision=bf16", "+trainer.profiler=simple"],
        ["trainer.precision=32", "trainer.gradient_clip_val=1", "trainer.deterministic=warn"],
        ["+trainer.val_check_interval=0.5", "+trainer.fast_dev_run=3", "+trainer.max_time=00:01:00:00"],
        ["+trainer.limit_val_batches=0.5", "+trainer.limit_test_batches=2", "+trainer.overfit_batches=1"],
        ["optimizer.lr=1", "optimizer.betas=[0,0.9]", "+optimizer.foreach=false", "optimizer.eps=1e-4"],
        ["optimizer=sgd", "optimizer.nesterov=true", "optimizer.weight_decay=0"],
        ["callbacks.ema.decay=0", "callbacks.early_stop.patience=3", "callbacks.ema=null"],
        ["logger=wandb", "logger.wandb.name=7", "logger.wandb.tags=[a,b]", "logger.wandb.log_model=all"],
        ["logger=wandb", "+logger.wandb.notes=hello", "+logger.wandb.save_code=true"],
        ["data.augmentation.rotation=12.5", "data.augmentation.flip=0", "data/augmentation=none"],
        ["scheduler.milestones=[5,10]", "scheduler.warmup=0.5"],
        ["inference.scales=[1,0.5]", "inference.flip=true", "seed=0", "which=last"],
        ["trainer.max_epochs=1", "callbacks=[default,none]"],
    ],
    ids=lambda o: o[0],
)
def test_values_of_the_right_kind_pass(composed, overrides):
    composed(*overrides)


def options() -> list[list[str]]:
    """Every option of every group; those of groups that do not touch each other share a row, to save time."""
    found: dict[str, list[str]] = {}
    for path in sorted(config_dir().glob("*/**/*.yaml")):
        group = str(path.parent.relative_to(config_dir()))
        if not group.startswith("hydra") and not path.stem.startswith("_"):
            found.setdefault(group, []).append(f"{group}={path.stem}")
    apart = ["optimizer", "scheduler", "trainer", "logger", "callbacks", "data/augmentation"]
    rows = [[o for o in row if o] for row in zip_longest(*(found.pop(group) for group in apart))]
    return rows + [[option] for group in found.values() for option in group]


@pytest.mark.parametrize("row", options(), ids="-".join)
def test_every_shipped_option_passes(composed, row):
    option = row[0]
    more = ["data.annotations=x"] if "coco" in option or "people" in option else []
    more += ["data=action_synthetic"] if "demo_motion" in option or "demo_attention" in option else []
    cfg = composed(*row, *more)
    plain = OmegaConf.to_container(cfg, resolve=False)
    check_targets(plain)  # as when the run is resumed
    model_config(plain["model"])


@pytest.mark.parametrize(
    "override",
    [
        "+data.seed=5",
        "+data.codec=3",
        "+data.skeleton=coco17",
        "+optimizer.params=[]",
        "+scheduler.epochs=10",
        "+callbacks.best.dirpath=/x",
        "+callbacks.last.dirpath=/x",
        "+callbacks.pictures.dirpath=/x",
        "+logger.csv.save_dir=/x",
        "+trainer.plugins=[]",
    ],
)
def test_what_the_program_gives_itself_is_refused(composed, override):
    key = override.removeprefix("+").partition("=")[0]
    with pytest.raises(ConfigError, match=f"{key} cannot be set"):
        composed(override)


def test_wandb_takes_what_wandb_init_takes(composed):
    with pytest.raises(ConfigError, match="logger.wandb.noets.*notes"):
        composed("logger=wandb", "+logger.wandb.noets=hello")


def test_an_experiment_of_the_searchpath_may_choose_groups_of_it(tmp_path):
    for folder in ("experiment", "callbacks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "experiment" / "exp.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /callbacks: my\n"
    )
    (tmp_path / "callbacks" / "my.yaml").write_text("ema:\n  _target_: dancepose.callbacks.ema.EMA\n")
    searchpath = [f"file://{tmp_path}"]
    given = ["data=dance", "data.root=x", "name=x", "experiment=exp", f"hydra.searchpath={searchpath}"]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        full = compose("train", overrides=given, return_hydra_config=True)
        cfg = OmegaConf.masked_copy(full, [k for k in full if k != "hydra"])
        check_config(cfg, "train", full.hydra.runtime.choices, searchpath)
    done = command("train", *given[:4], f"hydra.searchpath={searchpath}", "data.root=nowhere", cwd=tmp_path)
    assert "data.root=nowhere" in done.stderr, done.stderr


def test_suggestions():
    keys = ["optimizer", "optimizer.lr", "trainer", "trainer.max_epochs", "seed"]
    assert "'optimizer.lr'" in suggest_key("optimiser.lr", keys)
    assert "'trainer.max_epochs'" in suggest_key("max_epochs", keys)
    assert "'trainer.max_epochs'" in suggest_key("max_epoks", keys)
    assert suggest_key("zzz", keys) == ""
    assert "'resume=<run directory>'" in suggest_key("ckpt_path", [*keys, "resume"])
    assert "'data.size'" in suggest_key("imgsz", [*keys, "data.size"])
    assert suggest_key("ckpt_path", ["run", "batch_size"]) == "", "a key of another command"


def test_words_of_other_programs_lead_to_keys_that_there_are(composed):
    keys = list(dotted_keys(OmegaConf.to_container(composed(), resolve=False)))
    with pytest.raises(ConfigError, match=r"unknown key epochs: .*'trainer\.max_epochs'"):
        composed("+epochs=3")
    for word, key in HABITS.items():
        assert key.partition("=")[0] in keys and word not in keys, word


def test_resume_takes_the_overrides_of_the_run(tmp_path):
    (tmp_path / "overrides.yaml").write_text("[model=hrnet, data.root=a b]\n")
    argv = resume_overrides([f"resume={tmp_path}", "trainer.max_epochs=4"])
    assert argv == [
        "model=hrnet",
        "data.root=a b",
        "trainer.max_epochs=4",
        "hydra.mode=RUN",
        f"resume='{tmp_path}'",
        f"hydra.run.dir='{tmp_path}'",
    ]
    assert resume_overrides(argv) == argv, "a DDP child expands again"
    assert resume_overrides(["a=1", "resume=null"]) == ["a=1", "resume=null"]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no run directory"):
        resume_overrides([f"resume={tmp_path}"])
    done = command("train", f"resume={tmp_path}", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: resume=") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("optimizer", ["rmsprop", "sgd", "adam", "adamw"])
@pytest.mark.parametrize("scheduler", ["paper_halving", "paper_doubling", "multistep", "cosine"])
def test_every_optimizer_goes_with_every_schedule(composed, optimizer, scheduler):
    cfg = composed(f"optimizer={optimizer}", f"scheduler={scheduler}")
    weight = torch.nn.Parameter(torch.ones(3))
    nodes = [OmegaConf.to_container(cfg[group]) for group in ("optimizer", "scheduler")]
    made = instantiate(nodes[0], where="optimizer")([weight])
    schedule = instantiate(nodes[1], where="scheduler")(made, epochs=2.0, steps_per_epoch=1)
    for _ in range(2):
        made.zero_grad()
        weight.square().sum().backward()
        made.step()
        schedule.step()
    (group,) = made.param_groups
    falls = scheduler in ("cosine", "multistep")  # within two epochs
    assert made.state[weight] and (weight < 1).all() and (group["lr"] < group["initial_lr"]) == falls
