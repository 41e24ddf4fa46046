"""What every entry point shares: Hydra's command line, with errors that a user can read."""

import contextlib
import functools
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from dancepose import interrupt
from dancepose.closed_pipe import end_if_closed, quiet_end
from dancepose.command_line_errors import check_flags, no_option, translate
from dancepose.errors import ConfigError, DanceposeError
from dancepose.paths import config_dir
from dancepose.resume import flag_values, own_trust, resume_overrides, split_flags


def run(task: Callable[[Any], Any], config_name: str) -> None:
    """Run a task as a Hydra app: compose the config, check every key, call the task.

    An error that the user can mend is printed in one piece, without a traceback, with exit status 1;
    `HYDRA_FULL_ERROR=1` shows everything. Where nobody reads the output any more (`dancepose-... | head`) the
    command ends quietly.
    """
    with quiet_end():
        _run(task, config_name)


def _run(task: Callable[[Any], Any], config_name: str) -> None:
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

    from dancepose.quick_start import compose_once, read_yaml_in_c, without_plugins
    from dancepose.resolvers import register

    started = False  # has Hydra made the run's folder and called the task?
    register()
    read_yaml_in_c()
    compose_once()

    @functools.wraps(task)
    def checked(cfg: Any) -> Any:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        nonlocal started
        started = True
        hydra_config = HydraConfig.get()
        alone = hydra_config.mode == RunMode.RUN  # in a sweep the launcher goes on with the next job
        interrupt.in_order(task.__module__ if alone else None)
        launching = not alone and config_name == "train"
        try:
            if not launching:
                _check_log(hydra_config.runtime.output_dir)
        except ConfigError as error:
            if full or not alone:
                raise
            _fail(str(error))  # without the attempt to note it in the folder, or to remove that
        try:
            return go(cfg, hydra_config, launching)
        except Exception as error:
            if isinstance(error, BrokenPipeError):
                end_if_closed()  # before Hydra tells of a job that failed
            status = _note(error, hydra_config.runtime.output_dir, cfg.get("anew"))
            if full or not alone or not isinstance(error, (DanceposeError, OmegaConfBaseException)):
                raise
            from dancepose.callbacks.own_folder import remove_empty

            remove_empty()
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
            with without_plugins(given):
                print(help_text(config_name, plain))
            return
        if "--version" in given:
            import dancepose
            from dancepose.commit import commit

            of = f", commit {commit()}" if commit() else ""
            print(f"dancepose {dancepose.__version__}{of} (Hydra {hydra.__version__})")
            return
        check_flags(sys.argv[1:], config_name)
        _check_shown(config_name, sys.argv[1:])
        app = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=config_name)(checked)
        with _unfinished_told(), without_plugins(given):
            app()
    except KeyboardInterrupt:
        interrupt.end()
    except (DanceposeError, HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        if full:
            raise
        _fail(str(error) if isinstance(error, DanceposeError) else translate(error, config_name))
    except OSError as error:
        if full or started or isinstance(error, BrokenPipeError):
            raise
        _fail(_unwritable(error.filename or "the run directory", error))
    except ValueError as error:
        if not full and str(error).startswith("No trials are completed"):  # Optuna
            _fail("hydra/sweeper=optuna: no job ended with an objective")
        if full or not str(error).startswith("Config group override must be a string"):
            raise
        _fail(no_option(sys.argv[1:]) or str(error))
    finally:
        if not full:
            os.environ.pop("HYDRA_FULL_ERROR", None)


def _check_shown(config_name: str, argv: list[str]) -> None:
    """Check what `--cfg job` prints where an unknown key may be in it; elsewhere it would only take time."""
    flags, overrides = split_flags(argv)
    folders = flag_values(flags, ("--config-dir", "-cd"))
    sweep = {"-m", "--multirun"} & {*flags}
    if flag_values(flags, ("--cfg", "-c")) == ["job"] and not sweep:
        if folders or any(override.startswith("+") for override in overrides):
            from dancepose.config import check_shown

            check_shown(config_name, overrides, folders)


def _check_log(folder: str) -> None:
    """Refuse a folder in which no log can be written, before the first message tries and anything is done."""
    log = os.path.join(folder, "log")
    try:
        if os.path.lexists(log):
            open(log, "ab").close()
        else:  # a log that stays empty would make an empty folder look like a run
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ConfigError(_unwritable(log, error)) from error


def _unwritable(place: str, error: OSError) -> str:
    why = error.strerror or error
    return f"{place} cannot be written: {why}. Give another folder: output=... or hydra.run.dir=..."


def _fail(message: str, status: int = 1) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def _note(error: Exception, run_dir: str, anew: str | None) -> int:
    """In a job of a sweep, leave word of what went wrong; return the exit status."""
    from dancepose.tasks.child import is_job, note_failure

    return note_failure(error, run_dir, anew) if is_job() else 1


@contextlib.contextmanager
def _unfinished_told() -> Iterator[None]:
    """If a sweep is broken off, by whatever, print its table."""
    try:
        yield
    except BaseException as error:
        if (report := sys.modules.get("dancepose.callbacks.sweep_report")) is not None:
            report.tell_unfinished(error)
        raise


def _misconfiguration() -> tuple[type[Exception], ...]:
    """Return the class of Lightning's complaints, if Lightning was imported at all."""
    module = sys.modules.get("lightning.fabric.utilities.exceptions")
    return (module.MisconfigurationException,) if module else ()
