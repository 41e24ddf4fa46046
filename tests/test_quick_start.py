import subprocess
import sys

import pytest
import yaml
from hydra._internal.hydra import Hydra
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader

from dancepose.paths import config_dir
from dancepose.quick_start import compose_once, in_c, read_yaml_in_c, shows_only, without_plugins

PURE = getattr(get_yaml_loader, "__wrapped__", get_yaml_loader)()


class TestYaml:
    def test_all_shipped_files_are_read_alike(self):
        quick = in_c(PURE)
        for path in config_dir().rglob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            assert yaml.load(text, Loader=quick) == yaml.load(text, Loader=PURE), path

    @pytest.mark.parametrize(
        "text",
        [
            "a: 1e-4",
            "a: 1_000",
            "a: 2026-01-02",
            "a: .inf",
            "a: no",
            "a: ${b.c}",
            "a: ???",
            "- [x, {y: z}]",
            "",
        ],
    )
    def test_words_are_of_the_same_type(self, text):
        assert repr(yaml.load(text, Loader=in_c(PURE))) == repr(yaml.load(text, Loader=PURE))

    @pytest.mark.parametrize("text", ["a: 1\na: 2", "a: [", "a: !!python/object/apply:os.getcwd []"])
    def test_what_omegaconf_refuses_is_refused(self, text):
        for loader in (PURE, in_c(PURE)):
            with pytest.raises(yaml.YAMLError):
                yaml.load(text, Loader=loader)

    @pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML without libyaml")
    def test_omegaconf_uses_it_and_it_may_be_asked_for_twice(self, monkeypatch, tmp_path):
        import omegaconf._utils as utils

        monkeypatch.setattr(utils, "get_yaml_loader", utils.get_yaml_loader)
        read_yaml_in_c()
        read_yaml_in_c()
        assert [c.__name__ for c in utils.get_yaml_loader().__mro__].count("CParser") == 1
        path = tmp_path / "a.yaml"
        path.write_text("lr: 1e-4\n")
        assert OmegaConf.load(path).lr == 0.0001


class TestMode:
    @pytest.mark.parametrize(
        ("overrides", "asked"),
        [(["seed=1", "hydra.mode=RUN"], 0), (["seed=1"], 1), (["hydra.mode=RUN", "hydra.mode=MULTIRUN"], 1)],
    )
    def test_nothing_is_composed_to_learn_what_is_said(self, overrides, asked, monkeypatch):
        composed = []

        def get_mode(self, config_name, overrides):
            composed.append(overrides)
            return RunMode.MULTIRUN

        monkeypatch.setattr(Hydra, "get_mode", get_mode)
        compose_once()
        compose_once()
        found = Hydra.get_mode(None, "train", overrides)
        assert len(composed) == asked and found == (RunMode.MULTIRUN if asked else RunMode.RUN)


class TestPlugins:
    @pytest.mark.parametrize(
        "argv", [["--help"], ["--cfg", "job", "seed=1"], ["--cfg=job"], ["-c", "job"], ["-h", "data=dance"]]
    )
    def test_none_where_a_text_is_printed(self, argv, monkeypatch):
        monkeypatch.delitem(sys.modules, "hydra_plugins", raising=False)
        assert shows_only(argv)
        with without_plugins(argv), pytest.raises(ImportError):
            import hydra_plugins  # noqa: F401
        assert "hydra_plugins" not in sys.modules

    @pytest.mark.parametrize(
        "argv",
        [
            ["data=dance"],
            ["-m", "seed=1,2"],
            ["--cfg", "hydra"],
            ["--cfg", "job", "hydra/launcher=pool"],
            ["--cfg", "job", "--config-dir", "mine"],
        ],
    )
    def test_all_elsewhere(self, argv, monkeypatch):
        monkeypatch.delitem(sys.modules, "hydra_plugins", raising=False)
        with without_plugins(argv):
            import hydra_plugins  # noqa: F401


@pytest.mark.parametrize("code", ["import dancepose", "from dancepose.entry import run"])
def test_a_start_does_not_look_up_the_version(code):
    told = "import sys; print('importlib.metadata' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {told}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_version_is_that_of_the_package():
    import dancepose

    assert dancepose.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dancepose.nothing
