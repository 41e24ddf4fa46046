"""Where the shipped configuration lies, where what is made once is kept, and commands that make it again."""

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
CACHE = "DANCEPOSE_CACHE"  # of the environment: the cache's folder
EVALUATIONS = "evaluations"  # of a run: the folder of what `dancepose-evaluate evaluation=<name>` leaves
EVALUATION = "evaluation.json"  # in the folder of such an evaluation


def config_dir() -> Path:
    """Return the folder of the shipped Hydra configs: the installed package's own, else the checkout's.

    Raises:
        FileNotFoundError: neither is there, which means that the installation is broken.
    """
    for folder in (PACKAGE / "conf", PACKAGE.parent / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(
        f"no conf/train.yaml in {PACKAGE} or {PACKAGE.parent}: install dancepose again "
        "(pip install -e . or the wheel)"
    )


def cache_dir() -> Path:
    """Return the folder of drawn scenes and found poses: $DANCEPOSE_CACHE, else ~/.cache/dancepose."""
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "dancepose").expanduser()


def evaluate_again(tested: str | Path) -> str:
    """Return the command that puts all files of a test back.

    Args:
        tested: folder of the test: a run, which is tested as its training did, or an evaluation in one.
    """
    folder = Path(tested)
    run = folder.parent.parent
    if folder.parent.name == EVALUATIONS and (run / "config.yaml").is_file():  # not a run in such a folder
        try:
            settings = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))["settings"]
            return evaluate_by_name(run, folder.name, dict(settings))
        except (OSError, ValueError, KeyError, TypeError):  # damaged
            return evaluate_by_name(run, folder.name)
    return f"dancepose-evaluate {_typed('run', tested)} {_typed('hydra.run.dir', tested)}"


def evaluate_by_name(run: str | Path, name: str, settings: Mapping[str, Any] | None = None) -> str:
    """Return the command that makes an evaluation of a run.

    Args:
        run: its folder.
        name: of the evaluation.
        settings: keys of `dancepose-evaluate` -> values; None where they are not known.
    """
    more = told_settings(settings or {})
    return f"dancepose-evaluate {_typed('run', run)} {_typed('evaluation', name)} {more}".rstrip()


def told_settings(settings: Mapping[str, Any]) -> str:
    """Return settings as they are typed: `which=last flip=true 'scales=[1.0]'`."""
    return " ".join(
        shlex.quote(f"{key}={value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))}")
        for key, value in settings.items()
    )


def _typed(key: str, value: str | Path) -> str:
    text = str(value)
    if re.fullmatch(r"[\w./-]+", text):
        return f"{key}={text}"
    quoted = "'" + text.replace("'", r"\'") + "'"  # for Hydra; then for the shell
    return shlex.quote(f"{key}={quoted}")
