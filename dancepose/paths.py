"""Where the shipped configuration lies, and where what is made once is kept."""

import os
import re
import shlex
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CACHE = "DANCEPOSE_CACHE"  # of the environment: the cache's folder


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


def evaluate_again(run: str | Path) -> str:
    """Return the command that tests a run as its training did and puts all files of the test back into it."""
    text = str(run)
    if re.fullmatch(r"[\w./-]+", text):
        return f"dancepose-evaluate run={text} hydra.run.dir={text}"
    quoted = "'" + text.replace("'", r"\'") + "'"  # for Hydra; then for the shell
    return f"dancepose-evaluate {shlex.quote(f'run={quoted}')} {shlex.quote(f'hydra.run.dir={quoted}')}"
