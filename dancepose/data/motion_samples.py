"""What a motion network is asked about: a person in a picture, or over a stretch of its clip."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dancepose.data.actions import sequences
from dancepose.data.draw import draw_units, unit_of
from dancepose.errors import DataError
from dancepose.records import Frame, Person

Step = tuple[Frame, Person]
# what is asked of a step: what the person does; or where it is from, to see how far that shows
TARGETS: dict[str, Callable[[Frame, Person], str | None]] = {
    "action": lambda frame, person: person.action,
    "source": lambda frame, person: frame.source if person.action else None,
}


@dataclass(frozen=True)
class MotionSample:
    """One question to the network.

    Attributes:
        id: names the sample in reports: `<picture>#<person>`, or `<clip>#<person>@<first picture>`.
        clip: the video that it is from, or None.
        label: index of its action among the run's classes.
        steps: the person in one picture, or in the pictures of a window, in the order of time.
    """

    id: str
    clip: str | None
    label: int
    steps: tuple[Step, ...]

    @property
    def middle(self) -> Step:
        """The step that stands for all: its picture is looked at, its action is the label."""
        return self.steps[len(self.steps) // 2]

    @property
    def keypoints(self) -> np.ndarray:
        """(T, K, 3) keypoints of the steps, in pixels of their pictures."""
        return np.stack([person.keypoints for _, person in self.steps])

    @property
    def is_blind(self) -> bool:
        """Whether no step has a keypoint."""
        return not self.keypoints[..., 2].any()

    @property
    def has_pictures(self) -> bool:
        """Whether each step has a picture, in which keypoints could be found."""
        return all(frame.image is not None for frame, _ in self.steps)

    @property
    def pictures(self) -> int:
        """How many of the steps are pictures of their own; a short clip's last one stands for the rest."""
        last = self.steps[-1]
        return sum(step is not last for step in self.steps) + 1

    @property
    def box_height(self) -> np.ndarray:
        """(T,) heights of the person's boxes in pixels, 0 where none is known."""
        return np.array([0.0 if p.box is None else float(p.box[3]) for _, p in self.steps])


def frame_samples(
    frames: Iterable[Frame], classes: Sequence[str], target: str = "action"
) -> list[MotionSample]:
    """Return a sample for every person of whom the data say what it does.

    Args:
        frames: of one part.
        classes: of the run.
        target: one of `TARGETS`.
    """
    index = {name: number for number, name in enumerate(classes)}
    found = []
    for frame in frames:
        for number, person in enumerate(frame.people):
            answer = TARGETS[target](frame, person)
            if answer in index:
                name = number if person.id is None else person.id
                label = index[answer]
                found.append(MotionSample(f"{frame.name}#{name}", frame.clip, label, ((frame, person),)))
    return found


def window_samples(
    frames: Iterable[Frame], classes: Sequence[str], length: int, step: int, target: str = "action"
) -> list[MotionSample]:
    """Cut each person's stretch of a clip into windows of equal length.

    A window begins every `step` pictures; where at least half a step is left at the end of a clip, one more
    ends with the clip. A clip that is shorter than a window is filled up with its last picture. Windows never
    reach over two clips. The label of a window is that of its middle picture; one whose middle has none is
    left out. Pictures in which a person has no keypoints are passed over, as in a prediction, whose tracks
    have none, unless the person has none in any.

    Args:
        frames: of clips in the order of time.
        classes: of the run.
        length: pictures of a window.
        step: pictures from the start of one window to that of the next.
        target: one of `TARGETS`.

    Raises:
        DataError: none of the pictures is of a clip.
    """
    frames = list(frames)
    index = {name: number for number, name in enumerate(classes)}
    people = sequences(frames)
    if frames and not people:
        raise DataError(
            f"none of the {len(frames)} pictures is of a clip, and a network over time needs clips: say with "
            "data.clip (folder, or a regular expression) which pictures are one video, or take model=motion"
        )
    found = []
    for person in people:
        known = [step for step in person.steps if step[1].present.any()] or person.steps
        last = max(len(known) - length, 0)
        starts = [*range(0, last + 1, step)]
        if 2 * (last - starts[-1]) >= step:
            starts.append(last)
        for start in starts:
            steps = known[start : start + length]
            steps = steps + [steps[-1]] * (length - len(steps))
            label = TARGETS[target](*steps[length // 2])
            if label in index:
                name = f"{person.clip}#{person.person}@{start}"
                found.append(MotionSample(name, person.clip, index[label], tuple(steps)))
    return found


def hold_out(frames: Sequence[Frame], share: float, seed: int) -> tuple[list[Frame], list[Frame]]:
    """Take a share of the training frames away, by whole clips and class by class.

    The `confusion` sampler measures on them; they are held out for every sampler alike, so that samplers
    compare on equal training data. `data.gap` is not kept around them: that would take training
    samples from every sampler, for an estimate that steers the weights of one.

    Args:
        frames: of the training part.
        share: to hold out, 0 to below 1.
        seed: of the draw, that of the split.

    Returns:
        The frames that are left, and those held out, both in the order given.
    """
    wanted = max(1, round(share * len(frames))) if share and frames else 0
    drawn = draw_units(frames, wanted, seed, "holdout") if wanted else set()
    left = [frame for frame in frames if unit_of(frame) not in drawn]
    return left, [frame for frame in frames if unit_of(frame) in drawn]
