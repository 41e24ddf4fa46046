"""Drawing frames by seed: a video's stay together, and every class has its share."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from dancepose.records import Frame


def unit_of(frame: Frame) -> str:
    """Return what a split must not divide: the frame's clip, or where it is of none its own name."""
    return frame.name if frame.clip is None else f"clip {frame.clip}"


def rank(unit: str, seed: int, purpose: str) -> bytes:
    """Return by what units are sorted to draw the first of them; it depends on nothing else."""
    return hashlib.sha256(f"{seed}/{purpose}/{unit}".encode()).digest()


def draw_units(
    frames: Sequence[Frame],
    wanted: int,
    seed: int,
    purpose: str,
    spare: int = 1,
    unit_of: Callable[[Frame], str] = unit_of,
) -> set[str]:
    """Draw whole units until they hold the wanted number of frames; never all of them.

    Where sources name classes, each class is drawn as `draw_stratified` does; units in which nobody does any
    are drawn like a class of their own.

    Args:
        frames: to draw from.
        wanted: number of frames, or of groups where frames have them (`Frame.units`).
        seed: of the draw.
        purpose: of the draw, so that two draws by one seed differ.
        spare: units of each class to leave, where sources name classes.
        unit_of: what a frame's unit is.
    """
    sizes: Counter[str] = Counter()
    for frame in frames:
        sizes[unit_of(frame)] += frame.units
    sizes = +sizes  # what only trains cannot be drawn
    if wanted and any(frame.classes for frame in frames):
        held: dict[str, Counter[str]] = {}
        for frame in frames:
            actions = (person.action for person in frame.people if person.action)
            held.setdefault(unit_of(frame), Counter()).update(actions)
        for unit, counts in held.items():
            if not counts:
                counts[""] = sizes[unit]
        return draw_stratified(held, wanted / len(frames), lambda unit: rank(unit, seed, purpose), spare)
    drawn: set[str] = set()
    for unit in sorted(sizes, key=lambda unit: rank(unit, seed, purpose))[:-1]:
        if wanted <= 0:
            break
        drawn.add(unit)
        wanted -= sizes[unit]
    return drawn


def draw_stratified(
    units: Mapping[str, Mapping[str, int]], share: float, order: Callable[[str], bytes], spare: int
) -> set[str]:
    """Draw units so that of each class about a share of the samples is drawn.

    Of each class at least one unit is drawn and one is left, if there are two; the rarest come first, as in
    Sechidis et al. 2011, for units that hold several classes.

    Args:
        units: unit -> class -> samples.
        share: of the samples to draw, 0 to 1.
        order: the order in which units are taken, by their names alone.
        spare: units of each class to leave, if there are more: 2 where another draw follows.
    """
    homes: dict[str, list[str]] = {}
    for unit in sorted(units, key=order):
        for name in units[unit]:
            homes.setdefault(name, []).append(unit)
    left = {name: len(found) for name, found in homes.items()}
    keep = {name: max(1, min(spare, len(found) - 1)) for name, found in homes.items()}
    drawn: set[str] = set()
    samples: Counter[str] = Counter()
    for name in sorted(homes, key=lambda name: (len(homes[name]), name)):
        wanted = share * sum(units[unit][name] for unit in homes[name])
        for unit in homes[name]:
            if unit in drawn or any(left[other] <= keep[other] for other in units[unit]):
                continue
            if samples[name] and samples[name] + units[unit][name] / 2 > wanted:
                break
            drawn.add(unit)
            samples.update(units[unit])
            left.update({other: left[other] - 1 for other in units[unit]})
    return drawn
