"""What every entry point shares: Hydra's command line, with errors that a user can read."""

import contextlib
import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from dancepose.errors import ConfigError, DanceposeError
from dancepose.paths import config_dir
from dancepose.resume import own_trust, resume_overrides


def run(task: Callable[[Any], Any], config_name: str) -> None:
    """Run a task as a Hydra app: compose the config, check every key, call the task.

    An error that the user can mend is printed in one piece, without a traceback, with exit status 1;
    `HYDRA_FULL_ERROR=1` shows everything.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    full = os.environ.get("HYDRA_FULL_ERROR") == "1"
    given = sys.argv[1:]
    if config_name == "train":
        try:
            sys.argv[1:] = resume_overrides(given)
        except ConfigError as error:
            _fail(str(error))
    import hydra
    import yaml
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from dancepose.resolvers import register

    started = False  # has Hydra made the run's folder and called the task?
    register()

    @functools.wraps(task)
    def checked(cfg: Any) -> Any:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        nonlocal started
        started = True
        hydra_config = HydraConfig.get()
        alone = hydra_config.mode == RunMode.RUN  # in a sweep the launcher goes on with the next job
        try:
            return go(cfg, hydra_config, launching=not alone and config_name == "train")
        except Exception as error:
            status = _note(error, hydra_config.runtime.output_dir)
            if full or not alone or not isinstance(error, (DanceposeError, OmegaConfBaseException)):
                raise
            with contextlib.suppress(OSError):  # an empty folder would look like a run
                os.rmdir(hydra_config.runtime.output_dir)
            _fail(str(error), status)

    def go(cfg: Any, hydra_config: Any, launching: bool) -> Any:
        if launching:  # each job has a process, which checks what it is given
            if not full:
                os.environ.pop("HYDRA_FULL_ERROR", None)
            try:
                return task(cfg)
            finally:
                os.environ["HYDRA_FULL_ERROR"] = "1"
        from dancepose.config import check_composed
        from dancepose.targets import TRUSTED, check_targets, plain

        if cfg.get("resume"):  # before anything of the run's config is imported
            # not cfg.trust: only the user's own words count, whatever the run's overrides compose to
            check_targets(plain(cfg), (*TRUSTED, *own_trust(given)), source=f"the run {cfg.resume}")
        check_composed(cfg, hydra_config)
        if not full:
            os.environ.pop("HYDRA_FULL_ERROR", None)  # the task's own child processes decide for themselves
        try:
            return task(cfg)
        except _misconfiguration() as error:
            raise DanceposeError(f"Lightning refuses the configuration: {error}") from error
        finally:
            os.environ["HYDRA_FULL_ERROR"] = "1"

    # Hydra prints and exits by itself unless asked for the full error, which then is ours to print
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        if {"-h", "--help"} & set(given):
            from dancepose.help_text import help_text

            # not the values of flags, nor what a sweep varies
            plain = [o for o in sys.argv[1:] if re.match(r"[\w+~@/.]+=", o) and ("," not in o or "[" in o)]
            print(help_text(config_name, plain))
            return
        hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=config_name)(checked)()
    except KeyboardInterrupt:
        _tell_unfinished()
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except SystemExit:
        _tell_unfinished()
        raise
    except (DanceposeError, HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        if full:
            raise
        _fail(str(error) if isinstance(error, DanceposeError) else _translate(error, config_name))
    except OSError as error:
        if full or started:
            raise
        place, why = error.filename or "the run directory", error.strerror or error
        _fail(f"{place} cannot be written: {why}. Give another folder: output=... or hydra.run.dir=...")
    except ValueError as error:
        if not full and str(error).startswith("No trials are completed"):  # Optuna
            _tell_unfinished()
            _fail("hydra/sweeper=optuna: no job ended with an objective")
        if full or not str(error).startswith("Config group override must be a string"):
            raise
        _fail(_no_option(sys.argv[1:]) or str(error))
    finally:
        if not full:
            os.environ.pop("HYDRA_FULL_ERROR", None)


def _fail(message: str, status: int = 1) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def _note(error: Exception, run_dir: str) -> int:
    """In a job of a sweep, leave word of what went wrong; return the exit status."""
    from dancepose.tasks.child import is_job, note_failure

    return note_failure(error, run_dir) if is_job() else 1


def _tell_unfinished() -> None:
    """Print the table of a sweep that is broken off, if this is one."""
    if (report := sys.modules.get("dancepose.callbacks.sweep_report")) is not None:
        report.tell_unfinished()


def _misconfiguration() -> tuple[type[Exception], ...]:
    """Return the class of Lightning's complaints, if Lightning was imported at all."""
    module = sys.modules.get("lightning.fabric.utilities.exceptions")
    return (module.MisconfigurationException,) if module else ()


def _translate(error: Exception, config_name: str) -> str:
    """Turn Hydra's and OmegaConf's words for a wrong key or option into ours, with a suggestion."""
    text = str(error).strip()
    if error.__cause__ is not None and str(error.__cause__) not in text:
        text += f"\n{error.__cause__}"
    if (refused := getattr(error, "override", None)) is not None:  # of Hydra's OverrideParseException
        lines = [line for line in text.splitlines() if not line.startswith(("Error parsing", "See http"))]
        return _not_parsed(refused, " ".join(lines))
    if match := re.search(r"Could not override '([^']+)'", text):
        key = match[1]
        from dancepose.config import suggest_key

        known = _known_keys(config_name)
        if group := _not_chosen(key, known, sys.argv[1:]):
            options = sorted(path.stem for path in (config_dir() / group).glob("[!_]*.yaml"))
            ways = " or ".join(f"{group}={option}" for option in options)
            own = _own_key(key, known, config_name)
            return f"{key}: nothing is chosen of {group} yet: give {ways}{own}"
        if key in known:
            return f"{key}: {_choice(key, sys.argv[1:])} has no such key"
        hint = suggest_key(key, known)
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


def _not_parsed(argument: str, reason: str) -> str:
    """Return what to say of an argument of the command line that Hydra cannot read, for its reason."""
    key, equals, value = argument.partition("=")
    if not (key and equals and value):
        return (
            f"{argument}: options are given as key=value, without spaces, data.root=my/folder for instance; "
            "--help shows them"
        )
    return (
        f"{argument} cannot be read: {reason}. Brackets, commas, equal signs and spaces that belong to a "
        f"value need quotes within quotes: {key}='\"...\"'"
    )


def _own_key(key: str, known: list[str], config_name: str) -> str:
    """Return `; or root=... (what it is)` if the last word of a key is one at the top, else nothing."""
    own = key.rpartition(".")[2]
    if own not in known:
        return ""
    from dancepose.key_comments import key_comments

    comment = key_comments(config_name, {}).get(own)
    return f"; or {own}=...{f' ({comment})' if comment else ''}"


def _not_chosen(key: str, known: list[str], argv: list[str]) -> str:
    """Return the group of a dotted key if neither default nor command line chooses an option of it."""
    group = key.partition(".")[0]
    chosen = any(name.startswith(f"{group}.") for name in known)
    chosen |= any(argument.lstrip("+").startswith(f"{group}=") for argument in argv)
    return "" if chosen or not (config_dir() / group).is_dir() else group


def _choice(key: str, argv: list[str]) -> str:
    """Return in words which option of a key's group was chosen: `optimizer=sgd` for `optimizer.betas`."""
    parts = key.split(".")
    groups = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    for group in groups:
        for argument in reversed(argv):
            if argument.startswith(f"{group}="):
                return argument
    known = [group for group in groups if (config_dir() / group).is_dir()]
    return f"the chosen option of {known[0]}" if known else "the configuration"


def _no_option(argv: list[str]) -> str:
    """Return what to say of `group=null` or `=x`, which Hydra refuses without naming it; empty if none is."""
    for argument in argv:
        group, _, value = argument.lstrip("+").partition("=")
        if not group:
            return _not_parsed(argument, "")
        if (config_dir() / group).is_dir() and re.fullmatch(
            r"null|true|false|[-+.\de]+", value.strip(), re.I
        ):
            none = (config_dir() / group / "none.yaml").is_file()
            instead = f"{group}=none" if none else f"leave it out, or ~{group}"
            return f"{argument}: the name of an option of {group} is needed; to have none: {instead}"
    return ""


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
