"""What the keys of a data set leave out, in words for its summary."""

from collections.abc import Mapping, Sequence

from dancepose.data.labels import told
from dancepose.data.loaded_part import LoadedPart


def left_out(loaded: LoadedPart, key: str) -> list[str]:
    """Return a line for each key that leaves something out, one for frames without pictures, and notes.

    Args:
        loaded: one data set.
        key: prefix of its config keys.
    """
    lines = []
    if counts := loaded.labels_left_out:
        lines.append(f"left out by {key}.labels: {number(sum(counts.values()), 'sample')} ({told(counts)})")
    if counts := loaded.sources_left_out:
        lines.append(f"of sources that neither train nor test ({key}): frames of {told(counts)}")
    if loaded.config.gap:
        gap = f"{key}.gap={loaded.config.gap}"
        lines.append(f"left out by {gap}, clips beside one of another part: {_in_clips(loaded.gap_left_out)}")
    bare = {frame.name for frames in loaded.parts.values() for frame in frames if frame.image is None}
    if bare:
        lines.append(f"without pictures ({loaded.name}): {number(len(bare), 'frame')}")
    return [*lines, *loaded.notes]


def _in_clips(counts: Mapping[str, int]) -> str:
    """Say how many frames of how many clips a gap costs, and how short these are: so narrow may it be."""
    frames = number(sum(counts.values()), "frame")
    if not counts:
        return frames
    least, most = min(counts.values()), max(counts.values())
    sizes = f"{least} to {most}" if least < most else str(least)
    short = f" ({sizes} each, a clip counts however short)" if len(counts) > 1 else ""
    return f"{frames} of {number(len(counts), 'clip')}{short}"


def all_left_out(loaded: Sequence[LoadedPart], mixed: bool, divided_by: Sequence[str] | None) -> list[str]:
    """Return the lines of all data sets of a run, and one for clips that are torn.

    Args:
        loaded: the data sets.
        mixed: whether the config keys begin with the data set's name.
        divided_by: see `PoseData.divided_by`.
    """
    lines = []
    for one in loaded:
        lines += left_out(one, f"data.parts.{one.name}" if mixed else "data")
        lines += () if one.official and divided_by is not None else one.division
        lines += one.empty
    if any(one.official for one in loaded):
        lines += divided_by or ()
    if torn := sum(len(one.problems.of("clip in several parts")) for one in loaded):
        lines.append(
            f"clips with frames in several parts: {torn}. What the test part shows then is no measure of new "
            "videos"
        )
    return lines


def beside_figures(loaded: Sequence[LoadedPart], mixed: bool) -> tuple[list[str], list[str]]:
    """Return what must stand beside figures of data with official lists, and beside those of the test part.

    Args:
        loaded: the data sets.
        mixed: whether each line begins with the data set's name.
    """
    heads = [f"{one.name}: " if mixed else "" for one in loaded]
    notes = [head + note for head, one in zip(heads, loaded, strict=True) for note in one.notes]
    divided = [
        head + note for head, one in zip(heads, loaded, strict=True) if one.official for note in one.division
    ]
    return notes, divided


def number(count: int, unit: str) -> str:
    """Return `1 frame` or `3 frames`."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
