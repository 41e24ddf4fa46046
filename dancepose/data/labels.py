"""`data.labels`: which labels of the data become which class of the run, and which are left out."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from dancepose.data.actions import class_names
from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.records import Frame

WILD = re.compile(r"[*?]")


@dataclass
class Relabelled:
    """Frames after `relabel`.

    Attributes:
        frames: with the run's classes; those in which nobody does any of them are gone.
        left_out: label -> number of samples that were left out.
    """

    frames: list[Frame]
    left_out: dict[str, int] = field(default_factory=dict)


def check_labels(labels: Any, key: str) -> dict[str, str | None]:
    """Check a mapping of labels.

    Args:
        labels: label, or pattern with `*` and `?` -> class, or None to leave it out.
        key: of the config, for messages.

    Raises:
        ConfigError: it is no mapping, is empty, or maps to something else than names.
    """
    if not isinstance(labels, Mapping) or not labels:
        raise ConfigError(f"{key}={labels!r}: give {{label: class, ...}}; null leaves a label out")
    for label, name in labels.items():
        if name is not None and (not isinstance(name, str) or not name):
            raise ConfigError(f"{key}.{label}={name!r}: give the name of a class, or null to leave it out")
    return {str(label): name for label, name in labels.items()}


def resolve(labels: Mapping[str, str | None], found: Sequence[str], key: str) -> dict[str, str | None]:
    """Say what becomes of each label.

    A name comes before a pattern, of patterns the one with more characters that are no `*` or `?`, wherever
    they stand. A label that nothing fits keeps its name.

    Args:
        labels: as `check_labels` gives them.
        found: the labels of the data.
        key: of the config, for messages.

    Returns:
        Label -> class or None, those of `found` in its order.

    Raises:
        DataError: an entry fits no label.
        ConfigError: two patterns that are equally near say different things of a label.
    """
    for entry in labels:
        if not any(_fits(label, entry) for label in found):
            hint = did_you_mean(entry, found)
            have = ", ".join(found) or "none: nobody in the data does anything"
            raise DataError(
                f"{key}: '{entry}' is no label of the data.{hint} They have {have}. Where the entries are "
                f"those of other data, {key}=null keeps the labels' own names, and "
                f"'~{key}' '+{key}={{a: b}}' gives others"
            )
    classes: dict[str, str | None] = {}
    for label in found:
        near = sorted((e for e in labels if _fits(label, e)), key=lambda e: (e != label, -_literal(e)))
        classes[label] = labels[near[0]] if near else label
        for other in near[1:]:
            tie = label != near[0] and _literal(other) == _literal(near[0])
            if tie and labels[other] != labels[near[0]]:
                raise ConfigError(
                    f"{key}: '{near[0]}' and '{other}' both fit '{label}', one as much as the other: name it"
                )
    return classes


def relabel(frames: Sequence[Frame], labels: Mapping[str, str | None], key: str) -> Relabelled:
    """Give frames the run's classes instead of the data's labels.

    A person whose label is left out stays in its frame, doing nothing that is known; a frame in which nobody
    does anything else is left out, unless its clip goes on after it: over time a clip has no holes. The
    classes come in the order in which `labels` names them, after them labels that keep their names, in the
    order of the data.

    Args:
        frames: of one data set.
        labels: as `check_labels` gives them.
        key: of the config, for messages.

    Raises:
        DataError: an entry fits no label of the data, or no sample is left.
        ConfigError: it is not clear what becomes of a label.
    """
    acted = (person.action for frame in frames for person in frame.people if person.action)
    classes = resolve(labels, list(dict.fromkeys([*class_names(frames), *acted])), key)
    used = [name for name in classes.values() if name is not None]
    vocabulary = tuple(dict.fromkeys([*(name for name in labels.values() if name in used), *used]))
    left_out: Counter[str] = Counter()
    kept, empty = [], []
    ends: dict[str, tuple[int, int]] = {}  # clip -> the first and the last of its frames with something left
    for number, frame in enumerate(frames):
        actions = [person.action for person in frame.people if person.action]
        lost = [action for action in actions if classes[action] is None]
        left_out.update(lost)
        empty.append(bool(actions) and len(lost) == len(actions))
        if not empty[-1] and frame.clip is not None:
            ends[frame.clip] = ends.get(frame.clip, (number,))[0], number
    for number, frame in enumerate(frames):
        first, last = ends.get(frame.clip or "", (0, 0))
        if empty[number] and not first < number < last:
            continue
        people = [replace(p, action=classes[p.action]) if p.action else p for p in frame.people]
        kept.append(replace(frame, people=people, classes=vocabulary if frame.classes else ()))
    if not kept or not used:
        raise DataError(f"{key} leaves out every label of the data ({told(left_out)}): map some to a class")
    return Relabelled(kept, dict(left_out))


def labels_of(labels: Mapping[str, str | None], classes: Sequence[str]) -> list[str]:
    """Return the entries of `data.labels` that make some classes, and the classes that no entry makes.

    Args:
        labels: label or pattern -> class.
        classes: of the run.
    """
    entries = [label for label, name in labels.items() if name in classes]
    return entries + [name for name in classes if name not in labels.values()]


def told(counts: Mapping[str, int], most: int = 4) -> str:
    """Name labels with the number of their samples, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = f", {len(ranked) - most} more" if len(ranked) > most else ""
    return ", ".join(f"{label} {count}" for label, count in ranked[:most]) + more


def _fits(label: str, entry: str) -> bool:
    return label == entry or fnmatchcase(label, entry.replace("[", "[[]"))


def _literal(entry: str) -> int:
    return len(WILD.sub("", entry))
