"""What every entry point shares: Hydra's command line, with errors that a user can read."""

import functools
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from dancepose.errors import DanceposeError
from dancepose.paths import config_dir


def run(task: Callable[[Any], Any], config_name: str) -> None:
    """Run a task as a Hydra app: compose the config, check every key, call the task.

    An error that the user can mend is printed in one piece, without a traceback, with exit status 1;
    `HYDRA_FULL_ERROR=1` shows everything.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    full = os.environ.get("HYDRA_FULL_ERROR") == "1"
    sys.argv[1:] = resume_overrides(sys.argv[1:]) if config_name == "train" else sys.argv[1:]
    import hydra
    import yaml
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    OmegaConf.register_new_resolver("run_name", _run_name, replace=True, use_cache=False)

    @functools.wraps(task)
    def checked(cfg: Any) -> Any:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        hydra_config = HydraConfig.get()
        alone = hydra_config.mode == RunMode.RUN  # in a sweep the launcher goes on with the next job
        try:
            return go(cfg, hydra_config)
        except (DanceposeError, OmegaConfBaseException) as error:
            if full or not alone:
                raise
            _fail(str(error))

    def go(cfg: Any, hydra_config: Any) -> Any:
        from dancepose.config import TRUSTED, check_config, check_targets, plain

        if cfg.get("resume"):  # before anything of the run's config is imported
            check_targets(plain(cfg), (*TRUSTED, *cfg.trust), source=f"the run {cfg.resume}")
        check_config(cfg, hydra_config.job.config_name, hydra_config.runtime.choices)
        if not full:
            os.environ.pop("HYDRA_FULL_ERROR", None)  # the task's own child processes decide for themselves
        try:
            return task(cfg)
        finally:
            os.environ["HYDRA_FULL_ERROR"] = "1"

    # Hydra prints and exits by itself unless asked for the full error, which then is ours to print
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=config_name)(checked)()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except (DanceposeError, HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        if full:
            raise
        _fail(str(error) if isinstance(error, DanceposeError) else _translate(error, config_name))
    finally:
        if not full:
            os.environ.pop("HYDRA_FULL_ERROR", None)


def _fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def _run_name() -> str:
    """Name a run after its experiment, else its model: the default of the key `name`."""
    from hydra.core.hydra_config import HydraConfig

    if not HydraConfig.initialized():
        return "run"
    choices = HydraConfig.get().runtime.choices
    return str(choices.get("experiment") or choices.get("model") or HydraConfig.get().job.config_name)


def _translate(error: Exception, config_name: str) -> str:
    """Turn Hydra's and OmegaConf's words for a wrong key or option into ours, with a suggestion."""
    text = str(error).strip()
    if error.__cause__ is not None and str(error.__cause__) not in text:
        text += f"\n{error.__cause__}"
    if match := re.search(r"Could not override '([^']+)'", text):
        key = match[1]
        from dancepose.config import suggest_key

        hint = suggest_key(key, _known_keys(config_name))
        return f"unknown key {key}: there is nothing of this name in the configuration.{hint}"
    if match := re.search(
        r"Could not find '([^']+)/([^'/]+)'.*?Available options in '[^']+':\n(.*)", text, re.S
    ):
        from dancepose.errors import did_you_mean

        options = re.findall(r"^\s+(\S+)$", match[3], re.M)
        return (
            f"{match[1]}={match[2]}: there is no such option.{did_you_mean(match[2], options)} "
            f"There are: {', '.join(options)}."
        )
    return text


def _known_keys(config_name: str) -> list[str]:
    """Return the dotted keys of the default config: what a misspelt key is compared with."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    from dancepose.config import dotted_keys

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        values = OmegaConf.to_container(compose(config_name), resolve=False)
    return list(dotted_keys(values))  # type: ignore[arg-type]


def resume_overrides(argv: list[str]) -> list[str]:
    """Expand `resume=<run directory>` into the overrides of that run, in front of those given beside it.

    Raises:
        SystemExit: the folder is no run directory.
    """
    given = next((a.split("=", 1)[1] for a in argv if a.startswith("resume=")), None)
    if given in (None, "", "null"):
        return argv
    run_dir = Path(str(given).strip("'\"")).resolve()
    path = run_dir / "overrides.yaml"
    if not path.is_file():
        _fail(f"resume={given} is no run directory: it has no overrides.yaml")
    import yaml

    saved = yaml.safe_load(path.read_text()) or []
    if not isinstance(saved, list) or not all(isinstance(o, str) for o in saved):
        _fail(f"{path} must hold a list of overrides")
    for override in saved:
        if override.lstrip("+~").startswith(("hydra", "trust", "resume")):
            _fail(f"{path} must not hold '{override}': give it on the command line")
    mine = [a for a in argv if a not in saved and not a.startswith(("resume=", "hydra.run.dir="))]
    quoted = str(run_dir).replace("'", "\\'")
    return [*saved, *mine, f"resume='{quoted}'", f"hydra.run.dir='{quoted}'"]
