"""The check of a composed configuration before anything starts.

Hydra refuses an unknown key on the command line, but swallows it behind `+` and in an experiment file. Here
every key has to have a reader: a node with `_target_` is checked against that constructor's signature and
hints, `model` and `skeleton` against their dataclasses, and every other node against what the shipped
configuration composes to for the same choices.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException

from dancepose.config_keys import dotted_keys, refuse_unknown
from dancepose.config_reference import compose_reference
from dancepose.config_values import compare
from dancepose.errors import ConfigError
from dancepose.key_comments import key_comments
from dancepose.limits import check_limits
from dancepose.resolvers import register

register()

MAY_BE_LEFT_OUT = ("scheduler",)  # by `~`


def check_composed(cfg: DictConfig, hydra: Any) -> None:
    """Check what a command line composed to, and whether the data that it names are there.

    See `check_config`.

    Args:
        cfg: the configuration, without the `hydra` node.
        hydra: that node.
    """
    searchpath = [
        f"{source.schema}://{source.path}"
        for source in hydra.runtime.config_sources
        if source.provider.startswith("hydra.searchpath")
    ]
    check_config(cfg, hydra.job.config_name, hydra.runtime.choices, searchpath, places=True)


def check_shown(config_name: str, overrides: Sequence[str], config_dirs: Sequence[str]) -> None:
    """Refuse what `--cfg job` would print though nothing reads it; values may still be missing.

    Args:
        config_name: the entry point's config, `train` for instance.
        overrides: of the command line.
        config_dirs: the user's folders of configs, of `--config-dir`.

    Raises:
        ConfigError: names the key, and the nearest known one or what its value must be.
        HydraException: the overrides do not compose.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.types import Quote, QuotedString

    from dancepose.paths import config_dir

    paths = [f"file://{Path(folder).resolve()}" for folder in config_dirs]
    quoted = [QuotedString(path, Quote.single).with_quotes() for path in paths]
    own = [f"hydra.searchpath=[{','.join(quoted)}]"] if quoted else []
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose(config_name, overrides=[*overrides, *own], return_hydra_config=True)
        choices = cfg.hydra.runtime.choices
        cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
        check_config(cfg, config_name, choices, paths, shown=True)


def check_config(
    cfg: DictConfig,
    config_name: str,
    choices: Mapping[str, Any],
    searchpath: Sequence[str] = (),
    shown: bool = False,
    places: bool = False,
) -> None:
    """Refuse missing values, keys that nothing would read, values of the wrong type and impossible numbers.

    Args:
        cfg: the composed configuration, without the `hydra` node.
        config_name: the entry point's config, `train` for instance.
        choices: group -> chosen option, as in `hydra.runtime.choices`.
        searchpath: where the user's own groups lie, as in `hydra.searchpath`.
        shown: the configuration is only printed: values that are missing are no mistake yet.
        places: also refuse data that are not where it says (`check_places`).

    Raises:
        ConfigError: names the key, and the nearest known one or what its value must be.
        DataError: the data are not there.
    """
    if shown:
        cfg = _with_missing(cfg)
    try:
        values: Any = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        _refuse_missing(cfg, config_name, choices)
        raise ConfigError(f"the configuration cannot be resolved: {error}") from None
    assert isinstance(values, dict)
    # what can be said without the classes behind the configuration, whose import takes seconds, comes first
    reference = compose_reference(config_name, choices, searchpath)
    for key in reference:
        if key not in values and key not in MAY_BE_LEFT_OUT:
            raise ConfigError(f"{key} is left out, but is read.{_none_option(str(key))}")
    for key in values:
        if key not in reference:
            refuse_unknown(str(key), str(key), reference)
    named = {key for key in dotted_keys(values) if not key.startswith("data.parts.")}  # by the user
    if not shown and named <= {*dotted_keys(reference)}:
        _refuse_missing(cfg, config_name, choices)
        if places and values.get("root") is None:  # which says where a run's data lie now
            from dancepose.data.places import check_places

            check_places(values.get("data"))
    if "model" in values:
        from dancepose.build import model_config

        model_config(values["model"])
    if isinstance(values.get("skeleton"), dict):
        from dancepose.skeleton import Skeleton

        Skeleton.from_dict(values["skeleton"])
    compare(values, reference, "")
    if shown:
        return
    _refuse_missing(cfg, config_name, choices)  # after the unknown ones: it may be misspelt among them
    check_limits(values)


def _with_missing(cfg: DictConfig) -> DictConfig:
    """Return a configuration in which what refers to a missing value is missing, too."""
    cfg = deepcopy(cfg)

    def settle(node: Any) -> None:
        for key in list(node) if isinstance(node, DictConfig) else range(len(node)):
            if OmegaConf.is_missing(node, key):
                continue
            try:
                value = node[key]
            except InterpolationToMissingValueError:
                node[key] = MISSING
                continue
            if OmegaConf.is_config(value) and not OmegaConf.is_interpolation(node, key):
                settle(value)

    settle(cfg)
    return cfg


def _refuse_missing(cfg: DictConfig, config_name: str, choices: Mapping[str, Any]) -> None:
    for key in sorted(OmegaConf.missing_keys(cfg)):
        comment = key_comments(config_name, choices).get(str(key))
        told = f" ({comment})" if comment else ""
        raise ConfigError(f"{key} is not set: give {key}=... on the command line{told}")


def _none_option(group: str) -> str:
    """Return how to switch a group off, if it has the option `none`."""
    from dancepose.paths import config_dir

    return f" To have none: {group}=none" if (config_dir() / group / "none.yaml").is_file() else ""
