"""A pipeline over the frames of a video: people with tracks, steady keypoints, actions over time."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from dancepose.errors import ConfigError
from dancepose.inference.actions import NONE_OF_THEM
from dancepose.inference.clip_actions import ClipActions
from dancepose.inference.interface import Item, Prediction
from dancepose.inference.overlap import ahead
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.smoothing import ActionSmoother, KeypointSmoother, ScoreSmoother
from dancepose.inference.stage_times import StageTimes
from dancepose.inference.tracking import Tracker
from dancepose.inference.video import TimedImage

log = logging.getLogger(__name__)

AHEAD = 4  # frames that are decoded before they are needed


@dataclass(frozen=True)
class VideoOptions:
    """What is done with people over time.

    Attributes:
        track: number people, the same from frame to frame (`Tracker`).
        track_gap: seconds for which somebody may be out of sight and keep the number.
        smooth: steady the keypoints of each track (`KeypointSmoother`).
        smooth_cutoff: Hz, its `min_cutoff`.
        smooth_beta: its `beta`.
        action_smooth: seconds over which what somebody does is averaged (`ActionSmoother`); 0: each frame by
            itself; None: likewise, but of a network that keeps a score (`ScoreSmoother`).
    """

    track: bool = True
    track_gap: float = 1.0
    smooth: bool = False
    smooth_cutoff: float = 1.0
    smooth_beta: float = 2.0
    action_smooth: float | None = None


@dataclass
class VideoItem(Item):
    """A frame that is asked about.

    Attributes: those of `Item`, and
        number: of the frame in the video, from 0.
        time: seconds after the first frame.
    """

    number: int = 0
    time: float = 0.0


def stream_video(
    pipeline: Pipeline,
    frames: Iterable[TimedImage],
    name: str,
    options: VideoOptions | None = None,
    *,
    pictures: bool = True,
    heatmaps: bool = False,
    times: StageTimes | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Prediction, None, None]:
    """Predict the frames of a video, one after the other, in constant memory.

    While the network runs, frames to come are decoded. A classifier over time (model=motion_1d) is asked
    about windows of each track, and its frames come out half a window later.

    Args:
        pipeline: of the networks.
        frames: of the video, as `open_video` gives them.
        name: of the video; frame 12 is called `<name>/000012`.
        options: what is done over time; None is `VideoOptions()`.
        pictures: keep the pixels in the results, to be drawn on.
        heatmaps: put heatmaps into the results.
        times: counts the time of the stages.
        stop: from True on no further frame is looked at; see `Pipeline.stream`.

    Returns:
        A generator of a prediction for each frame, whose `item` is a `VideoItem`.

    Raises:
        ConfigError: options do not go together, or a number is out of its range.
        DataError: when its turn comes: no frame can be decoded.
    """
    options, times = options or VideoOptions(), times or StageTimes()
    over_time = pipeline.action is not None and pipeline.action.frames is not None
    follow = _Followed(pipeline, options, over_time)
    items = ahead(_items(frames, name, times), AHEAD)
    stream = pipeline.stream(
        items, pictures=pictures, heatmaps=heatmaps, actions=not over_time, times=times, stop=stop
    )
    return follow.run(items, stream, times)


class _Followed:
    """What happens to people after each frame by itself is done."""

    def __init__(self, pipeline: Pipeline, options: VideoOptions, over_time: bool) -> None:
        wishes = {"smooth": options.smooth, "action_smooth": bool(options.action_smooth)}
        for wish in (key for key, wished in wishes.items() if wished and not options.track):
            raise ConfigError(
                f"{wish}={str(getattr(options, wish)).lower()} needs to know who is who: leave track=true"
            )
        if over_time and not options.track:
            raise ConfigError("motion: the classifier looks at a person over time: leave track=true")
        gap = options.track_gap
        self.tracker = Tracker(pipeline.skeleton, gap=gap) if options.track else None
        self.steady: KeypointSmoother | None = None
        if options.smooth:
            self.steady = KeypointSmoother(options.smooth_cutoff, options.smooth_beta, gap=gap)
        self.averaged: ActionSmoother | ScoreSmoother | None = None
        if options.action_smooth:
            self.averaged = ActionSmoother(pipeline.classes, options.action_smooth, gap)
        elif options.action_smooth is None and pipeline.action is not None and pipeline.action.scored:
            if options.track:
                self.averaged = ScoreSmoother(pipeline.classes, gap)
            else:
                log.info(
                    "track=false: each frame stands by itself, without the score that the classifier keeps "
                    "of a track"
                )
        self.clips = ClipActions(pipeline.action) if over_time and pipeline.action is not None else None

    def run(
        self,
        items: Generator[VideoItem, None, None],
        stream: Generator[Prediction, None, None],
        times: StageTimes,
    ) -> Generator[Prediction, None, None]:
        with closing(items), closing(stream):
            predictions: Iterator[Prediction] = self._tracked(stream)
            if self.clips is not None:
                predictions = self.clips(predictions, times)
            for prediction in predictions:
                self._steady_actions(prediction)
                yield prediction

    def _steady_actions(self, prediction: Prediction) -> None:
        if self.averaged is None:
            return
        before = prediction.frame.people
        people = prediction.frame.people = self.averaged(before, _time(prediction))
        told = sum(a.action is None and b.action is not None for a, b in zip(before, people, strict=True))
        if told:  # rejected in this frame, and still at what the score says
            counts = prediction.without_action
            counts[NONE_OF_THEM] -= told
            if not counts[NONE_OF_THEM]:
                del counts[NONE_OF_THEM]

    def _tracked(self, stream: Iterable[Prediction]) -> Iterator[Prediction]:
        for prediction in stream:
            people, time = prediction.frame.people, _time(prediction)
            if self.tracker is not None:
                people = self.tracker(people, time)
            if self.steady is not None:
                people = self.steady(people, time)
            prediction.frame.people = people
            yield prediction


def _items(frames: Iterable[TimedImage], name: str, times: StageTimes) -> Generator[VideoItem, None, None]:
    iterator = iter(frames)
    while True:
        with times("read"):
            frame = next(iterator, None)
        if frame is None:
            return
        label = f"{name}/{frame.number:06d}"
        yield VideoItem(frame.image, label, clip=name, number=frame.number, time=frame.time)


def _time(prediction: Prediction) -> float:
    assert isinstance(prediction.item, VideoItem)
    return prediction.item.time
