"""What sweeps and their jobs are called: names that can be read, and the same whenever a job comes again."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dancepose.run_keys import NOT_HASHED_ANYWHERE, PROCESS_KEYS, keys_not

DIGITS = 8  # of a hash in a name
LONGEST = 200  # bytes of a name; file systems allow 255, and files beside the folder get endings
UNREADABLE = re.compile(r"[^A-Za-z0-9._]+")  # all else means something to a shell, to Hydra or to a path


def key_of(override: str) -> str:
    """Return the key of an override: `model/attention` of `+model/attention=cbam1`."""
    return override.partition("=")[0].lstrip("+~")


def lasting(overrides: Iterable[str], without: Sequence[str] = keys_not("named")) -> list[str]:
    """Return the overrides that make a job what it is, without those that only start it.

    Args:
        overrides: of the command line.
        without: keys at the top that are left out, with all below them.
    """
    return [o for o in overrides if re.split(r"[./@:]", key_of(o))[0] not in without]


def deciding(
    overrides: Iterable[str], varying: Iterable[str] = (), without: Sequence[str] = NOT_HASHED_ANYWHERE
) -> list[str]:
    """Return the overrides that decide on a job's result, and those by which its sweep tells jobs apart.

    Where its data lie, and how many processes read them, does not: a job is the same on another machine. Only
    a sweep over such a key has jobs that differ in nothing else.

    Args:
        overrides: of a job.
        varying: keys by which the jobs of the sweep differ.
        without: last words of keys that decide nothing.
    """
    kept = set(varying)
    return [o for o in overrides if key_of(o) in kept or re.split(r"[./@:]", key_of(o))[-1] not in without]


def digest(overrides: Iterable[str]) -> str:
    """Return hexadecimal digits that stand for the lasting ones of some overrides, in whatever order."""
    text = json.dumps(sorted(lasting(overrides)))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def sweep_name(
    base: str, overrides: Sequence[str], params: Mapping[str, Any] | None, varying: Iterable[str] = ()
) -> str:
    """Name a sweep after its experiment or model, and all that its jobs are made of: `motion_paper-1a2b3c4d`.

    Other data are another sweep, though each of its jobs would be called the same.

    Args:
        base: experiment or model.
        overrides: of the command line.
        params: the sweeper's, key -> values.
        varying: keys by which its jobs differ.
    """
    given = [*overrides, *(f"{key}={value}" for key, value in (params or {}).items())]
    return f"{_readable(base)[:LONGEST]}-{digest(deciding(given, varying, PROCESS_KEYS))}"


def job_name(overrides: Sequence[str], varying: Iterable[str] = ()) -> str:
    """Name a job after its overrides: `attention-cbam0_seed-3_1a2b3c4d`.

    Args:
        overrides: of the job.
        varying: keys by which the jobs of the sweep differ; only these are told. None: all are.

    Returns:
        A folder's name of letters, digits and `._-`, of 200 bytes at most. The digits at its end stand for
        all overrides that decide on the result, whatever is told of them.
    """
    keys = set(varying)
    overrides = deciding(overrides, keys)
    kept = lasting(overrides)
    told = [o for o in kept if not keys or key_of(o) in keys] or kept
    words = _short_keys([key_of(override) for override in told])
    values = (_readable(override.partition("=")[2]) for override in told)
    slug = "_".join(f"{w}-{v}".rstrip("-") for w, v in zip(words, values, strict=True))
    slug = slug.encode("ascii", "ignore")[: LONGEST - DIGITS - 1].decode().strip("._-") or "job"
    return f"{slug}_{digest(overrides)}"


def place(sweep: Path, overrides: Sequence[str], varying: Iterable[str] = ()) -> str:
    """Return the name of a job's folder in a sweep: the one that it has already, else `job_name`.

    By the digits alone: a sweep that goes on with one more seed tells other keys of the same job. Those of
    all overrides are looked for, too: a sweep over a key that decides nothing has them in its names.
    """
    try:
        names = sorted(os.listdir(sweep))  # for each job: a tenth of the time of `Path.iterdir`
    except OSError:
        names = []
    for known in (deciding(overrides, varying), overrides):
        ending = f"_{digest(known)}"
        for name in names:
            if name.endswith(ending) and (sweep / name).is_dir():
                return name
    return job_name(overrides, varying)


def _short_keys(keys: Sequence[str]) -> list[str]:
    """Return the last word of each key, and as many before it as tell it from the others."""
    parts = [re.split(r"[./@:]", key) for key in keys]
    short = []
    for own in parts:
        length = 1
        while length < len(own) and sum(other[-length:] == own[-length:] for other in parts) > 1:
            length += 1
        short.append(_readable("-".join(own[-length:])))
    return short


def _readable(text: str) -> str:
    """Return letters, digits, dots and underscores of a text, and `-` for what is between them."""
    negative = re.sub(r"(?<![\w.])-(?=[\d.])", "minus", text.replace("e+", "e"))  # 1e+30 is not 1e-30
    return UNREADABLE.sub("-", negative).strip("-._")
