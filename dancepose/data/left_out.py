"""What the keys of a data set leave out, in words for its summary."""

from dancepose.data.labels import told
from dancepose.data.loaded_part import LoadedPart


def left_out(loaded: LoadedPart, key: str) -> list[str]:
    """Return a line for each key that leaves something out, one for frames without pictures, and the notes.

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
        count = number(loaded.gap_left_out, "frame")
        lines.append(f"left out by {gap}, clips beside one of another part: {count}")
    bare = {frame.name for frames in loaded.parts.values() for frame in frames if frame.image is None}
    if bare:
        lines.append(f"without pictures ({loaded.name}): {number(len(bare), 'frame')}")
    return [*lines, *loaded.notes]


def number(count: int, unit: str) -> str:
    """Return `1 frame` or `3 frames`."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
