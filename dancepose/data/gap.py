"""`data.gap`: clips beside one of another part are left out, where clips are pieces of one recording."""

from collections.abc import Iterable, Mapping, Sequence

from dancepose.records import Frame

Places = dict[str, tuple[str, int]]  # clip -> its source and its place among the source's clips


def clip_places(frames: Iterable[Frame]) -> Places:
    """Say which clips are neighbours: those that follow each other in the data, within one source."""
    places: Places = {}
    counts: dict[str, int] = {}
    for frame in frames:
        if frame.clip is not None and frame.clip not in places:
            number = counts[frame.source] = counts.get(frame.source, -1) + 1
            places[frame.clip] = frame.source, number
    return places


class Gap:
    """Leaves a gap between the parts of a split.

    The order of a data set is that of its file, taken before labels are left out: a block of a left-out label
    parts the two beside it as well as any.

    Args:
        width: number of clips on either side of a part's that no other part may have; 0: no gap.
        places: of the clips.
    """

    def __init__(self, width: int, places: Mapping[str, tuple[str, int]]):
        self.width, self._places = width, places
        self._clips = {place: clip for clip, place in places.items()}

    def near(self, frames: Iterable[Frame]) -> set[str]:
        """Return the clips that lie within the gap of those of some frames, these themselves not counted."""
        own = {frame.clip for frame in frames if frame.clip is not None}
        found = set()
        for clip in own:
            source, number = self._places[clip]
            for step in range(1, self.width + 1):
                found |= {self._clips.get((source, number + side)) for side in (-step, step)}
        return {clip for clip in found - own if clip is not None}

    def leave(self, frames: Sequence[Frame], *others: Sequence[Frame]) -> list[Frame]:
        """Return the frames whose clips do not lie within the gap of another part's."""
        if not self.width:
            return list(frames)
        near = set().union(*(self.near(other) for other in others))
        return [frame for frame in frames if frame.clip is None or frame.clip not in near]
