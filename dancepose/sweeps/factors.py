"""Factors: in what the jobs of a sweep differ, found from their overrides and choices of groups."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dancepose.errors import ConfigError, did_you_mean
from dancepose.run_keys import NOT_HASHED_ANYWHERE, PATH_KEYS, keys_not
from dancepose.sweeps.jobs import IDENTITY, Job

NO_FACTORS = keys_not("factor")  # by seeds a run is repeated, the rest does not change what it computes
NOT_SET, DEFAULT = "(not set)", "(default)"


@dataclass(frozen=True, eq=False)
class Factors:
    """The settings by which jobs can be told apart.

    Attributes:
        jobs: all of them.
    """

    jobs: Sequence[Job]

    @cached_property
    def levels(self) -> dict[str, list[str]]:
        """Factor -> its levels, of all keys in which the jobs differ."""
        keys: dict[str, None] = {}
        for job in self.jobs:
            keys.update(dict.fromkeys([*job.overrides, *job.choices]))
        varied = {}
        same_data = len({job.identity.get("data_hash") for job in self.jobs}) == 1
        for key in keys:
            parts = key.replace("/", ".").split(".")
            deciding = not same_data and parts[-1] in PATH_KEYS  # the place of the data tells which they are
            if parts[0] in NO_FACTORS or (parts[-1] in NOT_HASHED_ANYWHERE and not deciding):
                continue
            found = dict.fromkeys(self.of(job, key) for job in self.jobs)
            if len(found) > 1:
                varied[key] = in_order(found)
        return varied

    def of(self, job: Job, factor: str) -> str:
        """Return the level of a job."""
        known = self._level[id(job)]
        if factor not in known:
            known[factor] = level_of(job, factor)
        return known[factor]

    @cached_property
    def _level(self) -> dict[int, dict[str, str]]:
        return {id(job): {} for job in self.jobs}

    def check(self, key: str, names: Sequence[str]) -> list[str]:
        """Check names of factors.

        Args:
            key: of the command that names them, for the message.
            names: of factors, `split`, `version` or `data_hash`.

        Returns:
            The names, none twice.

        Raises:
            ConfigError: a name is none; tells what there is.
        """
        for name in names:
            if name in self.levels or name in IDENTITY:
                continue
            same = {level_of(job, name) for job in self.jobs}
            if name == "seed":
                told = "by seeds a run is repeated, they are no factor"
            elif same - {NOT_SET, DEFAULT}:
                told = f"all jobs have {name}={next(iter(same))}"
            else:
                told = "no job says it"
            raise ConfigError(
                f"{key}={name}: {told}.{did_you_mean(name, [*self.levels, *IDENTITY])} {self.told()}"
            )
        return list(dict.fromkeys(names))

    def told(self) -> str:
        """Say which factors there are, with their levels."""
        if not self.levels:
            return "The jobs differ in nothing but their seeds"
        return "The jobs differ in " + "; ".join(
            f"{factor} ({', '.join(_few(levels))})" for factor, levels in self.levels.items()
        )


def level_of(job: Job, factor: str) -> str:
    """Return what a job has for a factor: the option of a group, or the value of a key, as it is typed."""
    if factor in IDENTITY:
        return printable(job.identity.get(factor, "unknown"))
    if factor in job.choices:
        return printable(job.choices[factor])
    value = _looked_up(job.config, factor)
    if value is not _ABSENT and not isinstance(value, Mapping):
        return printable(told_value(value))
    typed = job.overrides.get(factor)
    if typed is not None:
        return printable(typed)
    return NOT_SET if value is _ABSENT and "/" not in factor else DEFAULT


def printable(text: str) -> str:
    """Return text of a file as a terminal may be given it, in one line: it may hold commands for it."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


_ABSENT = object()


def _looked_up(config: Mapping[str, Any], key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def told_value(value: Any) -> str:
    """Return a value as it is typed on the command line."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return f"[{','.join(told_value(item) for item in value)}]"
    return json.dumps(value, default=str)


def as_number(level: str) -> float | None:
    """Return the number that a level is, None of a word."""
    try:
        number = float(level)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def in_order(levels: Iterable[str]) -> list[str]:
    """Return levels each once, numbers as they rise, and in front of words, which go by the alphabet."""
    return sorted(set(levels), key=place_of)


def place_of(level: str) -> tuple[bool, float, str]:
    """Return by what levels are sorted."""
    number = as_number(level)
    return number is None, number or 0.0, level


def _few(levels: Sequence[str], most: int = 12) -> list[str]:
    return [*levels[:most], *([f"and {len(levels) - most} more"] if len(levels) > most else [])]


def differences(
    one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str, str]]:
    """Yield the dotted keys in which two configurations differ, with both values, but for `NO_FACTORS`."""
    for key in dict.fromkeys([*one, *other]):
        if not prefix and key in NO_FACTORS:
            continue
        ours, theirs = one.get(key, _ABSENT), other.get(key, _ABSENT)
        if ours is theirs or ours == theirs or key in NOT_HASHED_ANYWHERE:
            continue
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            yield from differences(ours, theirs, f"{prefix}{key}.")
        else:
            told = (NOT_SET if value is _ABSENT else told_value(value) for value in (ours, theirs))
            yield (f"{prefix}{key}", *told)  # type: ignore[misc]
