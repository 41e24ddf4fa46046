"""How a data set is divided where no file says it: by clip, by picture, by source."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dancepose.data.gap import Gap
from dancepose.errors import DataError, did_you_mean
from dancepose.records import Frame

UNITS = ("clip", "image")


@dataclass(frozen=True)
class SplitRule:
    """What a split keeps to.

    Attributes:
        by: `clip`: a video's frames stay together; `image`: every picture is drawn alone, so that a video
            comes into several parts and the test is flattered: only to show by how much.
        gap: between the parts; made for the data set.
        train_sources: sources that train and validate; empty: all but those that test.
        test_sources: sources that test, whole; empty: all but those that train; both empty: it is drawn.
    """

    by: str = "clip"
    gap: Gap = field(default_factory=lambda: Gap(0, {}))
    train_sources: tuple[str, ...] = ()
    test_sources: tuple[str, ...] = ()

    @property
    def by_source(self) -> bool:
        """Whether sources say what tests."""
        return bool(self.train_sources or self.test_sources)

    def home(self, frame: Frame) -> str | None:
        """Return the part of a frame by its source, `train` (of which validation is drawn) or `test`."""
        for part, own, other in (
            ("train", self.train_sources, self.test_sources),
            ("test", self.test_sources, self.train_sources),
        ):
            if frame.source in own or (not own and frame.source not in other):
                return part
        return None

    def divide(self, frames: Sequence[Frame], key: str) -> list[str | None]:
        """Return the part of each frame by its source.

        Args:
            frames: of one data set.
            key: prefix of the config keys, for messages.

        Raises:
            DataError: the data have no such source, or nothing is left to test on.
        """
        known = list(dict.fromkeys(frame.source for frame in frames))
        for name, sources in (("train_sources", self.train_sources), ("test_sources", self.test_sources)):
            for source in sources:
                if source not in known:
                    raise DataError(
                        f"{key}.{name}: '{source}' is no source of the data, which have {', '.join(known)}."
                        f"{did_you_mean(source, known)}"
                    )
        homes = [self.home(frame) for frame in frames]
        for part in ("train", "test"):
            if part not in homes:
                raise DataError(
                    f"{key}.train_sources, {key}.test_sources: no source is left for the {part} part; the "
                    f"data have {', '.join(known)}"
                )
        return homes
