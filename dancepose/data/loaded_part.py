"""`LoadedPart`: one part of a data set, read and divided."""

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dancepose.data.actions import class_names, for_poses, has_keypoints
from dancepose.data.gap import Gap
from dancepose.data.images import refuse_without_pictures
from dancepose.data.labels import labels_of
from dancepose.data.parts import PartConfig
from dancepose.data.problems import Problems
from dancepose.data.readers.sources import NeverLabelled
from dancepose.data.split_file import PARTS
from dancepose.data.splits import Parts, pick
from dancepose.errors import DataError
from dancepose.override_keys import as_key
from dancepose.records import Frame


@dataclass
class LoadedPart:
    """One part, read and divided.

    Attributes:
        name: of the part.
        config: where it lies.
        parts: train, val and test.
        problems: what was found wrong.
        left_out: number of frames with fewer people than the user wants, which are in none of `parts`.
        without_keypoints: number of frames left out since nobody in them has keypoints.
        gap: between its parts; its clips have the names of the frames.
        gap_left_out: clip -> number of its frames, of clips left out for it.
        labels_left_out: label -> number of samples that `labels` leaves out.
        sources_left_out: source -> number of its frames, of sources that neither train nor test.
        set_apart: names of frames that the data set apart for the test.
        notes: what the reader says besides, a line each; stands beside figures, too.
        division: what divides it, a line each.
        official: whether the data set says itself what tests: then figures need the division beside them.
        empty: of parts that are asked for and have nothing to score, of doubtful clips and small limits, a
            line each.
        never_labelled: see `Reading`.
    """

    name: str
    config: PartConfig
    parts: Parts
    problems: Problems = field(default_factory=Problems)
    left_out: int = 0
    without_keypoints: int = 0
    gap: Gap = field(default_factory=lambda: Gap(0, {}))
    gap_left_out: dict[str, int] = field(default_factory=dict)
    labels_left_out: dict[str, int] = field(default_factory=dict)
    sources_left_out: dict[str, int] = field(default_factory=dict)
    set_apart: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    division: tuple[str, ...] = ()
    official: bool = False
    empty: tuple[str, ...] = ()
    never_labelled: NeverLabelled = field(default_factory=dict)

    def in_gap(self, others: Iterable[Frame]) -> dict[str, int]:
        """Return clip -> number of its frames, of those of the frames in no part which the gap leaves out."""
        held = self.gap.near(frame for part in ("val", "test") for frame in self.parts[part])
        return dict(Counter(frame.clip for frame in others if frame.clip is not None and frame.clip in held))

    def came_later(self, others: Iterable[Frame]) -> list[Frame]:
        """Return those of the frames that are in no part which nothing in the configuration leaves out."""
        if self.config.own_split is not None:
            return []
        others = list(others)
        near = self.in_gap(others)
        drawn = {frame.clip for part in ("val", "test") for frame in self.parts[part] if frame.clip}
        return [
            frame
            for frame in others
            if frame.clip not in near
            and frame.source not in self.sources_left_out
            and frame.name not in self.set_apart
            and (frame.clip not in drawn or (frame.evaluated and not self.set_apart))
        ]


def limit_part(
    loaded: LoadedPart, min_people: int, limits: Mapping[str, int], seed: int, whole_clips: bool
) -> None:
    """Leave out, in place, frames of few people, and of each part those beyond its limit.

    Args:
        loaded: one data set.
        min_people: frames with fewer are left out.
        limits: part -> frames at most; nothing of a part without a limit.
        seed: of the draw.
        whole_clips: see `pick`.
    """
    for part, frames in loaded.parts.items():
        kept = [frame for frame in frames if len(frame.people) >= min_people]
        loaded.left_out += len(frames) - len(kept)
        most = limits.get(part)
        loaded.parts[part] = pick(kept, most, seed, whole_clips) if most else kept
        count = len(loaded.parts[part])
        if most and count > most:
            more = f"data.limit={most} holds less than a clip of each class, and a clip is not cut: {part}"
            loaded.empty += (f"{more} has {count} pictures",)
        if part == "test" and loaded.official and count < len(frames):
            some = f"only {count} of its {len(frames)} pictures are tested"
            loaded.division += (f"{some} (data.limit, data.min_people): figures are not comparable",)


def pose_part(loaded: LoadedPart, key: str) -> LoadedPart:
    """Leave out what shows people, but no keypoints.

    Args:
        loaded: one data set.
        key: prefix of its config keys, for messages.

    Raises:
        DataError: nothing is left, or there are no pictures.
    """
    parts = {part: [for_poses(f) for f in found if has_keypoints(f)] for part, found in loaded.parts.items()}
    refuse_without_pictures(
        (frame for found in loaded.parts.values() for frame in found),
        f"{key}.kind={loaded.config.kind} ({loaded.config.annotations or loaded.config.root})",
        "a network for poses",
    )
    before, after = (sum(map(len, found.values())) for found in (loaded.parts, parts))
    if before and not after:
        config = loaded.config
        raise DataError(
            f"{key}.root={config.root}: in none of its {before} pictures has anybody keypoints"
            f"{f' ({config.annotations})' if config.annotations else ''}: there are no poses to learn or to "
            "test. Give data with keypoints"
        )
    return replace(loaded, parts=parts, without_keypoints=loaded.without_keypoints + before - after)


def leaving_out(loaded: Iterable[LoadedPart], classes: Sequence[str], mixed: bool) -> list[str]:
    """Return what leaves classes out of all parts: overrides as the shell takes them.

    Where the command line takes no such label, one with an umlaut for instance, it is what a file holds.

    Args:
        loaded: the data sets; those that have none of the classes need no override.
        classes: of the run.
        mixed: whether the data sets are named.
    """
    overrides = []
    for one in loaded:
        key = f"data.parts.{one.name}.labels" if mixed else "data.labels"
        named = class_names(frame for part in PARTS for frame in one.parts[part])
        if labels := labels_of(one.config.labels or {}, [name for name in classes if name in named]):
            overrides.append(_to_null(key, labels))
    return overrides


def _to_null(key: str, labels: Sequence[str]) -> str:
    """Return what makes null of some entries of a mapping."""
    keys = [as_key(label) for label in labels]
    if all(keys):
        return shlex.quote(f"{key}={{{', '.join(f'{label}: null' for label in keys)}}}")
    entries = ", ".join(f"{json.dumps(label, ensure_ascii=False)}: null" for label in labels)
    path = key.split(".")[1:]
    return (
        f"{': {'.join(path)}: {{{entries}}}{'}' * (len(path) - 1)} in a file data/mine.yaml of a folder of "
        "your own, below 'defaults: [<option of data>]', and --config-dir <that folder> data=mine"
    )
