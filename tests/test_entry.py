import re
import resource
import shlex
import subprocess
import sys

import hydra
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from running import command

import dancepose
from dancepose.command_line_errors import check_flags, translate
from dancepose.commit import commit
from dancepose.composed_keys import experiments_with, options_with
from dancepose.errors import ConfigError, without_frame
from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.resume import own_trust, resume_overrides
from dancepose.tasks import extras


def save(folder, *overrides: str):
    folder.mkdir(exist_ok=True)
    (folder / "overrides.yaml").write_text(yaml.safe_dump(list(overrides)), encoding="utf-8")
    return folder


def value_of(override: str):
    return OverridesParser.create().parse_override(override).value()


class TestForeignCharacters:
    """What Hydra's lexer does not know is named, with the quoted form to type; that form is read."""

    @pytest.mark.parametrize("value", ["Tänzer.jpg", "~/photos", "a~b", "a#b.jpg", "a;b", "it's", "ä'b"])
    def test_they_are_named(self, value):
        with pytest.raises(OverrideParseException) as caught:
            OverridesParser.create().parse_overrides([f"source={value}"])
        told = translate(caught.value, "predict")
        if value == "it's":  # a quote that is not closed is another matter
            assert "need quotes within quotes" in told and "^" not in told
            return
        letter = next(letter for letter in value if letter in "ä~#;")
        typed = shlex.split(told.rpartition(": ")[2])
        assert told.startswith(f"source={value}: {letter} needs quotes") and len(typed) == 1
        assert "^" not in told and "Lexer" not in told and value_of(typed[0]) == value

    def test_within_a_list(self):
        with pytest.raises(OverrideParseException) as caught:
            OverridesParser.create().parse_overrides(["data.files=[a,ä.json]"])
        assert "ä needs quotes around its word" in translate(caught.value, "train")

    def test_nothing_is_made_of_a_key(self):
        with pytest.raises(OverrideParseException) as caught:
            OverridesParser.create().parse_overrides(["quälle=a"])
        told = translate(caught.value, "predict")
        assert told.startswith("quälle=a cannot be read: ") and "^" not in told


class TestHydraItself:
    """What is wrong about Hydra's own keys and options is told as of ours."""

    def told(self, monkeypatch, *argv: str) -> str:
        register()
        monkeypatch.setattr(sys, "argv", ["dancepose-train", *argv])
        with (
            hydra.initialize_config_dir(str(config_dir()), version_base="1.3"),
            pytest.raises(hydra.errors.HydraException) as caught,
        ):
            hydra.compose("train", [*argv], return_hydra_config=True)
        return translate(caught.value, "train")

    @pytest.mark.parametrize(
        ("argv", "meant"),
        [
            (("hydra/launcher=pool", "hydra.launcher.n_job=1"), "hydra.launcher.n_jobs"),
            (("hydra.launcher.n_job=1",), ""),
            (("hydra.sweep.dirr=x",), "hydra.sweep.dir"),
        ],
    )
    def test_a_key_is_named_with_the_one_that_is_meant(self, argv, meant, monkeypatch):
        told = self.told(monkeypatch, *argv)
        assert told.startswith(f"unknown key {argv[-1].partition('=')[0]}: ")
        assert meant in told if meant else "nothing of this name" in told

    def test_an_option_whose_extra_is_not_installed_names_it(self, monkeypatch):
        monkeypatch.setattr(extras, "find_spec", lambda module: None)
        told = self.told(monkeypatch, "hydra/sweeper=optuna")
        assert "is not installed" in told and "'.[optuna]'" in told

    def test_of_an_error_of_ours_in_a_resolver_our_words_are_told(self):
        cfg = OmegaConf.create({"sweep": "../x", "dir": "${sweep_name:${sweep},{},[],null}"})
        register()
        with pytest.raises(OmegaConfBaseException) as caught:
            _ = cfg.dir
        assert without_frame(caught.value).startswith("sweep=../x: a folder's name is needed")
        assert "full_key" not in without_frame(caught.value)


class TestGroups:
    """A misspelt group is compared with the groups that there are, as they are written."""

    told = TestHydraItself.told

    @pytest.mark.parametrize(
        ("argument", "meant"),
        [
            ("model/attenton=cbam1", "model/attention"),
            ("modl/attention=cbam1", "model/attention"),
            ("data/augmentaton=none", "data/augmentation"),
            ("hydra/launchr=pool", "hydra/launcher"),
            ("hydra/sweepr=optuna", "hydra/sweeper"),
        ],
    )
    def test_is_told_with_the_one_that_is_meant(self, argument, meant, monkeypatch):
        told = self.told(monkeypatch, argument)
        assert told.startswith(f"unknown group {argument.partition('=')[0]}: ")
        assert told.endswith(f" Did you mean '{meant}'?")

    def test_one_at_the_top_is_no_key_but_is_suggested(self, monkeypatch):
        assert self.told(monkeypatch, "experiments=demo").endswith(" Did you mean 'experiment'?")

    def test_like_no_other(self, monkeypatch):
        told = self.told(monkeypatch, "what/ever=x")
        assert told.startswith("unknown group what/ever: ") and "mean" not in told

    def test_one_that_the_choice_has_no_place_for(self, monkeypatch):
        told = self.told(monkeypatch, "model=motion", "model/codec=heatmap")
        assert told == "model/codec: model=motion has no such group"


class TestChoices:
    """A misspelt key is compared with the keys of what the command line chooses."""

    def told(self, monkeypatch, *argv: str, job: list[str] | None = None) -> str:
        register()
        monkeypatch.setattr(sys, "argv", ["dancepose-train", *argv])
        with (
            hydra.initialize_config_dir(str(config_dir()), version_base="1.3"),
            pytest.raises(hydra.errors.HydraException) as caught,
        ):
            hydra.compose("train", [*argv] if job is None else job, return_hydra_config=True)
        return translate(caught.value, "train")

    @pytest.mark.parametrize(
        ("argv", "meant"),
        [
            (("experiment=motion_paper", "data=skeletons", "model.branchs=[keypoints]"), "model.branches"),
            (("model=motion_1d", "model.frame=8"), "model.frames"),
            (("data=action_folder", "data.holdot=0.1"), "data.holdout"),
            (("model.width_=8",), "model.width"),
        ],
        ids=lambda value: value[-1] if isinstance(value, tuple) else "",
    )
    def test_the_nearest_key_is_one_of_them(self, argv, meant, monkeypatch):
        assert self.told(monkeypatch, *argv).endswith(f"Did you mean '{meant}'?")

    def test_in_a_sweep_the_first_choice_counts(self, monkeypatch):
        argv = ("-m", "experiment=motion_paper,motion_1d", "model.branchs=[keypoints]")
        job = ["experiment=motion_paper", "model.branchs=[keypoints]"]
        assert self.told(monkeypatch, *argv, job=job).endswith("Did you mean 'model.branches'?")

    def test_an_option_of_the_users_own_folder(self, monkeypatch, tmp_path):
        (tmp_path / "experiment").mkdir()
        (tmp_path / "experiment/mine.yaml").write_text(
            "# @package _global_\ndefaults:\n  - override /model: motion_1d\n"
        )
        argv = ("experiment=mine", "model.frame=8")
        job = [f"hydra.searchpath=['file://{tmp_path}']", *argv]
        told = self.told(monkeypatch, f"--config-dir={tmp_path}", *argv, job=job)
        assert told.endswith("Did you mean 'model.frames'?")

    def test_a_choice_that_lacks_the_key_is_named(self, monkeypatch):
        told = self.told(monkeypatch, "optimizer=sgd", "optimizer.betas=[0,0]")
        assert told.startswith(
            "optimizer.betas: optimizer=sgd has no such key; it is a key of optimizer=adam, "
        )

    @pytest.mark.parametrize(
        ("argv", "lacking", "having"),
        [
            (
                ("data=action", "model.branches=[image]"),
                "the chosen option of model",
                ["model=motion", "model=motion_keypoints", "motion_paper"],
            ),
            (("data=coco", "data.scenes.train=3"), "data=coco", ["data=dance_synthetic", "demo"]),
        ],
    )
    def test_a_key_of_another_option_names_it_and_who_chooses_it(self, argv, lacking, having, monkeypatch):
        told = self.told(monkeypatch, *argv)
        assert told.startswith(f"{argv[-1].partition('=')[0]}: {lacking} has no such key; it is a key of ")
        named = re.split(r"[ ,();]+|experiment=", told)
        assert set(having) <= set(named) and "model=hrnet" not in named

    def test_keys_within_a_group_of_a_group_count_there(self):
        assert options_with("model.attention.order", "train") == [
            f"model/attention={name}" for name in ("cbam0", "cbam1", "cbam2", "none")
        ]
        assert options_with("model.attention.nothing", "train") == []
        assert experiments_with(["model/attention=cbam2"]) == []

    def test_a_mapping_for_one_that_is_there_says_how_to_replace_it(self, monkeypatch):
        argv = ("experiment=motion_paper", "data=skeletons_openpose18", "data.labels={bow: other}")
        told = self.told(monkeypatch, *argv)
        assert told.startswith("data.labels: data=skeletons_openpose18 has a mapping there, of Yoga_")
        assert ", wave, " in told
        assert "'~data.labels' '+data.labels={...}'" in told and "+data.labels.<name>=" in told

    def test_a_choice_that_is_not_there_is_no_obstacle(self):
        argv = ["--sed", "3", "data=nosuch"]
        with pytest.raises(ConfigError, match="--sed: options are given as key=value.* Did you mean 'seed'"):
            check_flags(argv, "train")

    def test_parts_of_options_are_no_options(self, monkeypatch):
        told = self.told(monkeypatch, "data=nosuch")
        assert "action_folder" in told and "_base" not in told and "_motion" not in told


class TestSavedOverrides:
    @pytest.mark.parametrize(
        "saved",
        [
            "trust=[os.]",
            "++trust=[os.]",
            "hydra.job_logging.root.level=INFO",
            "+hydra.callbacks.x._target_=os.system",
            "hydra/launcher=joblib",
            "resume=other",
            "--experimental-rerun=evil.pickle",
            "--config-dir=evil",
            "--config-name=evil",
            "-m",
            "-cn",
            "callbacks@hydra.callbacks=default",
            "+callbacks@_global_.hydra=default",
            "optimizer@trust=adam",
            "experiment=../../evil",
            "+experiment/../../evil=x",
            "callbacks=[default,../../evil]",
            "experiment=${oc.env:HOME}",
            "a=1\n--config-dir=evil",
            "/hydra/launcher=joblib",
        ],
    )
    def test_what_steers_hydra_or_trust_is_refused(self, saved, tmp_path):
        save(tmp_path, saved)
        with pytest.raises(ConfigError) as caught:
            resume_overrides([f"resume={tmp_path}"])
        error = str(caught.value)
        assert str(tmp_path / "overrides.yaml") in error and repr(saved) in error
        assert len(error.splitlines()) == 1

    @pytest.mark.parametrize(
        "saved",
        [
            "model/attention=cbam1",
            "data.root=../there/a b",
            "output=../runs",
            "+trainer.limit_train_batches=2",
            "~callbacks.ema",
            "++data.split=null",
            "callbacks=[default,early_stop]",
            "data.parts={mine: {kind: dance, root: ../x}}",
            "+logger.wandb.resume=must",
            "name='a b'",
            "inference.scales=[1.0,0.5]",
        ],
    )
    def test_what_a_run_saves_is_taken(self, saved, tmp_path):
        assert resume_overrides([f"resume={save(tmp_path, saved)}"])[0] == saved

    def test_no_code_of_a_strangers_run_is_run(self, tmp_path):
        run = save(tmp_path / "run", "--experimental-rerun=evil.pickle")
        (tmp_path / "evil.pickle").write_bytes(b"cos\nsystem\n(S'touch was_here'\ntR.")
        done = command("train", "resume=run", cwd=tmp_path)
        assert done.returncode == 1 and done.stderr.startswith("error: ")
        save(run, "data.root=.", "+callbacks.x._target_=os.system", "+callbacks.x.command=touch was_here")
        done = command("train", "resume=run", cwd=tmp_path)
        assert done.returncode == 1 and "os.system" in done.stderr and "trust=" in done.stderr
        assert not (tmp_path / "was_here").exists()

    @pytest.mark.parametrize(
        "content", [b"[a: b: c", b"\xff\xfe\x00a", b"a: 1", b"[1, 2]", b"[" * 3000, b"\x00"]
    )
    def test_a_broken_file_gets_one_clear_error(self, content, tmp_path):
        (tmp_path / "overrides.yaml").write_bytes(content)
        with pytest.raises(ConfigError, match="overrides.yaml"):
            resume_overrides([f"resume={tmp_path}"])

    def test_a_checkpoint_in_place_of_its_run_is_told(self, tmp_path):
        save(tmp_path / "run")
        (tmp_path / "run" / "checkpoints").mkdir()
        (tmp_path / "run" / "checkpoints" / "last.ckpt").touch()
        for given in ("run/checkpoints/last.ckpt", "run/checkpoints"):
            with pytest.raises(ConfigError, match=r"no overrides\.yaml\. Give the run itself: resume=.*run$"):
                resume_overrides([f"resume={tmp_path / given}"])
        with pytest.raises(ConfigError, match=r"no overrides\.yaml$"):
            resume_overrides([f"resume={tmp_path / 'elsewhere' / 'deep' / 'x.ckpt'}"])

    def test_a_saved_file_with_umlauts_is_read(self, tmp_path):
        (tmp_path / "overrides.yaml").write_bytes("[data.root=Tänze]".encode())
        assert resume_overrides([f"resume={tmp_path}"])[0] == "data.root=Tänze"


class TestExpansion:
    def test_an_override_that_stands_earlier_in_the_saved_list_counts(self, tmp_path):
        save(tmp_path, "trainer.max_epochs=2", "trainer.max_epochs=4")
        argv = resume_overrides([f"resume={tmp_path}", "trainer.max_epochs=2"])
        assert argv[:3] == ["trainer.max_epochs=2", "trainer.max_epochs=4", "trainer.max_epochs=2"]
        assert resume_overrides(argv) == argv, "a DDP child expands again"

    @pytest.mark.parametrize("given", ["+resume={}", "++resume={}", "resume={}", 'resume="{}"'])
    def test_every_way_to_give_the_run(self, given, tmp_path):
        save(tmp_path, "model=hrnet")
        argv = resume_overrides([given.format(tmp_path)])
        place = [f"resume='{tmp_path}'", f"hydra.run.dir='{tmp_path}'"]
        assert argv == ["model=hrnet", "hydra.mode=RUN", *place]

    @pytest.mark.parametrize("name", ["it's", "a b", "x=y,z", "back\\slash", 'say "so"', "(1)", "end\\"])
    def test_odd_paths_survive_a_second_expansion(self, name, tmp_path):
        run = save(tmp_path / name, "model=hrnet")
        once = resume_overrides([f"resume={run}"])
        assert resume_overrides(once) == once
        assert [value_of(o) for o in once[-2:]] == [str(run), str(run)]

    @pytest.mark.parametrize(
        "flags",
        [
            ["-m"],
            ["--multirun"],
            ["--config-dir", "x"],
            ["-cd", "x", "-m"],
            ["--config-dir=x"],
            ["--cfg", "job", "--resolve"],
            ["--info", "searchpath"],
            ["--info"],
        ],
    )
    def test_flags_come_first_with_their_values(self, flags, tmp_path):
        save(tmp_path, "model=hrnet")
        alone = [] if {"-m", "--multirun"} & {*flags} else ["hydra.mode=RUN"]
        rest = ["model=hrnet", "seed=1", *alone, f"resume='{tmp_path}'", f"hydra.run.dir='{tmp_path}'"]
        assert resume_overrides([*flags, f"resume={tmp_path}", "seed=1"]) == [*flags, *rest]
        argv = resume_overrides([f"resume={tmp_path}", "seed=1", *flags])
        assert argv == [*flags, *rest]
        assert resume_overrides(argv) == argv

    def test_trust_is_read_from_the_command_line(self):
        assert own_trust(["a=1", "trust=[mine.,'yours.']"]) == ["mine.", "yours."]
        assert own_trust(["++trust=[a.]", "trust=null"]) == []
        assert own_trust(["model=hrnet"]) == []


class TestMessages:
    """What a user sees."""

    @pytest.mark.parametrize(
        "arguments, words",
        [
            (["scheduler=null"], ["scheduler=none"]),
            (["callbacks=null"], ["callbacks=none"]),
            (["logger=null"], ["logger=none"]),
            (["experiment=null"], ["experiment=null", "leave it out"]),
            (["callbacks=none", "callbacks.ema.decay=0.5"], ["callbacks.ema.decay", "callbacks=none has no"]),
            (["optimizer=sgd", "optimizer.betas=[0,0]"], ["optimizer.betas", "optimizer=sgd has no"]),
            (["test=no"], ["test='no'", "true or false"]),
            (["seed=abc"], ["seed='abc'"]),
            (["foo"], ["foo: options are given as key=value", "data.root=my/folder"]),
            (["name", "=", "x"], ["name: options are given as key=value, without spaces"]),
            (["=3"], ["=3: options are given as key=value"]),
            (["--seed", "3"], ["--seed: options are given as key=value", "did you mean seed=3? --help"]),
            (["--dry-run"], ["did you mean dry_run=...?"]),
            (["--name=a b"], ["--name: options are given as key=value", "did you mean name=a b?"]),
            (["--cfg=key"], ["--cfg/-c: invalid choice: 'key'", "--hydra-help shows"]),
            (["output=[a"], ["output=[a cannot be read: ", "quotes"]),
            (["output=a=b"], ["output=a=b cannot be read: ", "output='\"...\"'"]),
        ],
        ids=lambda v: v[-1],
    )
    def test_a_mistake_gets_one_clear_error(self, arguments, words, tmp_path):
        done = command("train", "data.root=.", *arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr and done.stderr.startswith("error: "), done.stderr
        assert all(word in done.stderr for word in words), done.stderr
        assert "Did you mean" not in done.stderr

    def test_a_key_of_a_group_of_which_nothing_is_chosen_asks_for_the_group(self, tmp_path):
        done = command("evaluate", "ckpt=x.ckpt", "data.root=.", cwd=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "data.root: nothing is chosen of data yet" in done.stderr and "data=dance" in done.stderr

    def test_where_the_data_of_a_run_lie_now_is_a_key_of_its_own(self, tmp_path):
        done = command("evaluate", "run=there", "data.root=.", cwd=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "; or root=... (with run= and sweep=: where the run's data lie now" in done.stderr

    @pytest.mark.parametrize(
        "name", ["train", "evaluate", "browse", "benchmark", "synthesize", "compare", "export"]
    )
    def test_a_folder_that_cannot_be_written_is_one_clear_error(self, name, tmp_path):
        (tmp_path / "file").write_text("no folder")
        root = {
            "evaluate": [],
            "export": ["run=."],
            "synthesize": ["root=set"],
            "compare": ["sweeps=[.]"],
        }.get(name, ["data.root=."])
        for folder in ("output=file", "hydra.run.dir=/proc/nowhere/run"):
            done = command(name, *root, folder, cwd=tmp_path)
            assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
            assert "cannot be written" in done.stderr and "output=..." in done.stderr
        done = command("train", "-m", "data.root=.", "seed=1,2", "hydra.sweep.dir=file/sweep", cwd=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr and "cannot be written" in done.stderr

    def test_a_folder_that_is_there_and_takes_no_file_is_one_clear_error(self, tmp_path):
        (tmp_path / "run" / "log").mkdir(parents=True)
        for folder in ("/proc/self/fdinfo", "run"):
            done = command("predict", "pose=.", "source=.", f"hydra.run.dir={folder}", cwd=tmp_path)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
            assert re.match(r"error: \S+/log cannot be written: .*hydra\.run\.dir=", done.stderr), done.stderr

    def test_the_version_is_this_programs_and_its_commits(self, tmp_path):
        done = command("evaluate", "--version", cwd=tmp_path)
        of = f", commit {commit()}" if commit() else ""
        assert done.stdout == f"dancepose {dancepose.__version__}{of} (Hydra {hydra.__version__})\n"

    def test_help_beside_other_flags_and_a_sweep(self, tmp_path):
        flags = ["--config-dir", str(tmp_path), "-m", "seed=1,2", "optimizer=sgd"]
        done = command("train", "--help", *flags, cwd=tmp_path)
        assert done.returncode == 0 and "optimizer" in done.stdout and "momentum: 0.9" in done.stdout

    @pytest.mark.parametrize(
        "arguments, words",
        [
            (["data=dance", "+trainer.max_epoks=3"], ["unknown key trainer.max_epoks", "max_epochs"]),
            (["+foo=1", "--resolve"], ["unknown key foo"]),
            (["--config-dir", "conf", "experiment=mine"], ["unknown key seeed", "'seed'"]),
            (["+trainer.limit_train_batches=many"], ["trainer.limit_train_batches='many'"]),
        ],
        ids=lambda v: v[-1],
    )
    def test_what_nothing_reads_is_not_printed_as_a_configuration(self, arguments, words, tmp_path):
        (tmp_path / "conf/experiment").mkdir(parents=True)
        (tmp_path / "conf/experiment/mine.yaml").write_text("# @package _global_\nseeed: 3\n")
        done = command("train", "--cfg", "job", *arguments, cwd=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert all(word in done.stderr for word in words) and not done.stdout, done

    @pytest.mark.parametrize("more", [[], ["--config-dir", "."], ["data=mix"]], ids=str)
    def test_a_configuration_is_printed_before_all_is_set(self, more, tmp_path):
        done = command("train", "--cfg", "job", "+trainer.limit_train_batches=2", *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "limit_train_batches: 2" in done.stdout

    @pytest.mark.slow
    def test_a_misconfiguration_found_by_lightning_is_one_clear_error(self, tmp_path):
        (tmp_path / "task.py").write_text(
            "import sys\n"
            "from dancepose.entry import run\n"
            "def task(cfg):\n"
            "    from lightning.fabric.utilities.exceptions import MisconfigurationException\n"
            "    raise MisconfigurationException('no such device')\n"
            "run(task, 'train')\n"
        )
        done = subprocess.run(
            [sys.executable, "task.py", "data.root=.", "hydra.run.dir=."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert "error: " in done.stderr and "no such device" in done.stderr

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (["data=dance"], "data.root is not set"),
            (
                ["data=mix", "data.parts={a: {kind: dance, root: .}, b: {kind: dance, root: no}}"],
                "data.parts.b.root=no is no folder",
            ),
            (["data=mpii", "data.root=nowhere"], "data.root=nowhere is no folder: give the folder with mpii"),
            (["data=mpii", "data.root=."], "data.annotations=mpii_human.* is no file: give the mpii_human"),
            (["data=dance", "data.root=.", "data.split=no.json"], "no.json is no file: neither"),
            (["+foo=3"], "unknown key foo"),
            (["skeleton=my/own.yaml"], "an option is named, not given as a file.* skeleton=own$"),
            (["skeleton=/my/own.yaml"], "an option is named, not given as a file.* skeleton=own$"),
        ],
    )
    def test_a_plain_mistake_is_told_before_anything_heavy_is_imported(self, arguments, message, tmp_path):
        code = (
            "import sys\n"
            "from dancepose.train import main\n"
            "try:\n"
            "    main()\n"
            "finally:\n"
            "    print(sorted({'torch', 'lightning', 'albumentations'} & {*sys.modules}))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 1 and re.search(message, done.stderr.strip()), done.stderr
        assert done.stdout.splitlines()[-1] == "[]"

    @pytest.mark.parametrize("flag", [["--help"], ["--cfg", "job"]], ids=["help", "cfg"])
    def test_help_is_quick(self, flag, tmp_path):
        """Processor time, in that of the imports alone: about .3 s, so that a second is not reached."""
        imports = [sys.executable, "-c", "import hydra, hydra.core.global_hydra, omegaconf, rich"]
        commands = (imports, [sys.executable, "-m", "dancepose.train", *flag])
        times: list[list[float]] = [[], []]
        for number in (0, 1) * 4:  # in turn: both see the machine as busy as it is
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(commands[number], cwd=tmp_path, check=True, capture_output=True, timeout=100)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times[number].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert min(times[1]) < 3 * min(times[0]), times
