"""What is asked of frames whose people do something: which actions there are, how many, and over time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dancepose.data.draw import unit_of
from dancepose.records import Frame, Person
from dancepose.text_table import aligned

Counts = dict[str, dict[str, dict[str, int]]]  # class -> part -> samples, clips


def class_names(frames: Iterable[Frame]) -> tuple[str, ...]:
    """Return the actions that the frames' sources tell apart, in their order."""
    vocabularies = dict.fromkeys(frame.classes for frame in frames)
    return tuple(dict.fromkeys(name for classes in vocabularies for name in classes))


@dataclass
class PersonClip:
    """One person in one clip, as a network over time is fed it.

    Attributes:
        clip: name of the video.
        person: number of the person in it.
        steps: the frames that it is in, in the order of time, and its record in each. A person may be missing
            from a frame between two, and may change its action.
    """

    clip: str
    person: int | None
    steps: list[tuple[Frame, Person]] = field(default_factory=list)


def sequences(frames: Iterable[Frame]) -> list[PersonClip]:
    """Put each person's records of a clip together.

    Args:
        frames: those of a clip in the order of time, as readers give them. Pictures of no clip have no time
            and are left out.

    Returns:
        In the order in which the people first appear.
    """
    found: dict[tuple[str, int | None], PersonClip] = {}
    for frame in frames:
        if frame.clip is None:
            continue
        for person in frame.people:
            sequence = found.setdefault((frame.clip, person.id), PersonClip(frame.clip, person.id))
            sequence.steps.append((frame, person))
    return list(found.values())


def action_counts(
    parts: Mapping[str, Sequence[Frame]],
    names: Sequence[str] | None = None,
    answer: Callable[[Frame, Person], str | None] = lambda frame, person: person.action,
) -> Counts:
    """Count samples (a person in a picture) and clips of each class and part.

    A picture of no clip counts as a clip of its own, and a clip in which several classes occur for each of
    them.

    Args:
        parts: `train`, `val`, `test` -> frames; those whose source names no classes are passed over.
        names: the classes; None: the actions that the sources name.
        answer: the class of a person in a frame; None is counted nowhere.

    Returns:
        Class -> part -> `samples` and `clips`; empty where no source names classes.
    """
    if names is None:
        names = class_names(frame for frames in parts.values() for frame in frames)
    found = {
        part: [(answer(f, person), unit_of(f)) for f in frames if f.classes for person in f.people]
        for part, frames in parts.items()
    }
    return class_counts(found, names)


def class_counts(parts: Mapping[str, Iterable[tuple[str | None, str]]], names: Sequence[str]) -> Counts:
    """Count samples of which class and clip are known.

    Args:
        parts: part -> class and clip of each sample.
        names: the classes that are counted, in their order.
    """
    samples = {name: dict.fromkeys(parts, 0) for name in names}
    clips: dict[str, dict[str, set[str]]] = {name: {part: set() for part in parts} for name in names}
    for part, found in parts.items():
        for name, clip in found:
            if name in samples:
                samples[name][part] += 1
                clips[name][part].add(clip)
    return {
        name: {part: {"samples": samples[name][part], "clips": len(clips[name][part])} for part in parts}
        for name in names
    }


def action_table(counts: Counts, clips: bool = True, unit: str = "samples") -> str:
    """Return counts of classes as text: a row for each class, a column for each part; empty without classes.

    Args:
        counts: of `action_counts` or `class_counts`.
        clips: whether any sample is of a clip; else none are told.
        unit: what a sample is called, in the plural.
    """
    if not counts:
        return ""
    parts = list(next(iter(counts.values())))
    rows = [[f"{unit} (clips)" if clips else unit, *parts]]
    for name, row in counts.items():
        ends = [f" ({row[part]['clips']})" if clips else "" for part in parts]
        cells = [f"{row[part]['samples']}{end}" for part, end in zip(parts, ends, strict=True)]
        rows.append([name, *cells])
    rows.append(["all", *(str(sum(row[part]["samples"] for row in counts.values())) for part in parts)])
    return "\n".join(aligned(rows))


def has_keypoints(frame: Frame) -> bool:
    """Tell whether a network for poses can learn from a frame: somebody has keypoints, or nobody is there."""
    return not frame.people or any(person.present.any() for person in frame.people)


def for_poses(frame: Frame) -> Frame:
    """Return a frame as a network for poses sees it: people without keypoints are regions to ignore.

    Where such a person has no box it cannot be told where it is; the frame is then incomplete as it is.
    """
    unknown = [person for person in frame.people if not person.present.any()]
    if not unknown:
        return frame
    boxes = [np.asarray(person.box, float) for person in unknown if person.box is not None]
    regions = [[np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])] for x, y, w, h in boxes]
    known = [person for person in frame.people if person.present.any()]
    return replace(frame, people=known, ignore=[*frame.ignore, *regions], complete=False)
