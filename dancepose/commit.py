"""Of which commit the running code is: its version number does not change with each `git pull`."""

import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

DIGITS = 8
PATIENCE = 20.0  # seconds


@cache
def commit() -> str:
    """Return the commit of this package's code, empty where it is in no checkout of its own.

    Returns:
        The last commit that changed the package, `03d862b1`; where files have changed since, followed by
        digits that stand for the changes, `03d862b1+5f9d7b00`.
    """
    return commit_of(Path(__file__).resolve().parent)


def commit_of(folder: Path) -> str:
    """Return the commit of what lies in a folder; see `commit`."""
    try:
        last = _git(folder, "log", "-1", f"--abbrev={DIGITS}", "--format=%h")
        if not last:  # in the checkout of something else, which does not track it
            return ""
        changed = _git(folder, "status", "--porcelain")
        if not changed:
            return last
        digits = hashlib.sha256((changed + _git(folder, "diff", "HEAD")).encode()).hexdigest()[:DIGITS]
        return f"{last}+{digits}"
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):  # no git, or no checkout
        return ""


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments, "--", "."],
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    ).stdout.strip()
