"""`Pipeline`: pictures in, people and what they do out; the public interface of a trained run."""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast, overload

from dancepose.checks import at_least
from dancepose.errors import ConfigError, DataError
from dancepose.inference.actions import ActionPredictor, ActionSample
from dancepose.inference.interface import Item, Picture, PoseModel, Prediction, as_item, is_picture
from dancepose.inference.onnx_run import OnnxActionNetwork, OnnxPose
from dancepose.inference.opening import network_file, open_motion, open_pose
from dancepose.inference.selection import leave_out
from dancepose.inference.stage_times import StageTimes
from dancepose.inference.stages import NO_HEATMAPS, Stages
from dancepose.inference.stream import Stream
from dancepose.inference.tiles import Tiling
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

log = logging.getLogger(__name__)

BATCH = {"cpu": 2, "cuda": 8}  # network inputs at once


class Pipeline:
    """Finds people in pictures, and with a classifier tells what each of them does.

        pipeline = Pipeline.from_run(pose="outputs/pose", motion="outputs/motion")
        frame = pipeline("photo.jpg")
        for prediction in pipeline.stream(Path("photos").glob("*.jpg")): ...

    It is to be used from one thread at a time.

    Attributes:
        pose: finds the people.
        action: tells what they do; None: nobody asks.
        batch_size: network inputs at once.
        tiling: cuts large pictures; None leaves them whole.
        least_score: people below it are left out.
        least_size: people are left out whose larger side, of the box around their keypoints, is less, in
            pixels of the picture.
        files: `pose` and `motion` -> the file that the network was read from, as far as there is one.

    Args:
        pose: what finds the people.
        action: what tells what they do.
        batch_size: network inputs at once.
        tile: side in pixels of the tiles into which larger pictures are cut; None: no tiles.
        least_score: see above.
        least_size: see above.

    Raises:
        ConfigError: a value is impossible.
    """

    def __init__(
        self,
        pose: PoseModel,
        action: ActionPredictor | None = None,
        *,
        batch_size: int = 2,
        tile: int | None = None,
        least_score: float = 0.0,
        least_size: float = 0.0,
    ) -> None:
        at_least("batch_size", batch_size, 1)
        at_least("min_score", least_score, 0)
        at_least("min_size", least_size, 0)
        self.pose, self.action, self.batch_size = pose, action, batch_size
        self.tiling = None if tile is None else Tiling(tile)
        self.least_score, self.least_size = least_score, least_size
        self.files: dict[str, Path] = {}

    @classmethod
    def from_run(
        cls,
        pose: str | Path,
        motion: str | Path | None = None,
        *,
        which: str | None = None,
        device: str = "auto",
        precision: str | None = None,
        flip: bool | None = None,
        scales: Sequence[float] | None = None,
        size: int | None = None,
        batch_size: int | None = None,
        tile: int | None = None,
        min_score: float = 0.0,
        min_size: float = 0.0,
    ) -> "Pipeline":
        """Set up from the folders of trained runs, tested as their trainings tested but for what is given.

        Nothing in the folders is executed: of a run, checkpoint and configuration are read, as plain values.

        Args:
            pose: folder of a pose run, one of its checkpoints, or a file of `dancepose-export`.
            motion: folder of a motion run, a checkpoint, or a file of `dancepose-export`.
            which: `best` or `last` checkpoint of both; None: of each the one that its training tested.
            device: `auto`, `cpu`, `cuda` or `cuda:1`.
            precision: `32-true`, `bf16-mixed` or `16-mixed`.
            flip: also look at the mirror image.
            scales: multiples of the size to look at, 1 among them.
            size: in pixels, of the side of a picture that the training's geometry resizes.
            batch_size: network inputs at once; None: 2 on a CPU, 8 on a GPU.
            tile: side in pixels of the tiles into which larger pictures are cut; None: no tiles.
            min_score: people with less are left out.
            min_size: people whose larger side is less, in pixels of the picture, are left out.

        Raises:
            CheckpointError: a run is missing, truncated, foreign or does not fit this version.
            ConfigError: a value is wrong, a run is of the other kind, or the pose network lacks a keypoint
                that the classifier needs.
        """
        files = {"pose": network_file(pose, which, "pose")}
        predictor = open_pose(files["pose"], which, device, precision, flip, scales, size)
        action = None
        if motion is not None:
            files["motion"] = network_file(motion, which, "motion")
            model = open_motion(files["motion"], which)
            if isinstance(model.network, OnnxActionNetwork) and precision not in (None, "32-true"):
                log.warning("motion=%s runs in 32-true, whatever precision= says", motion)
            action = ActionPredictor(model, predictor.skeleton, device, precision)
        batch = BATCH.get(predictor.device.type, BATCH["cpu"]) if batch_size is None else batch_size
        made = cls(predictor, action, batch_size=batch, tile=tile, least_score=min_score, least_size=min_size)
        made.files = files
        return made

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints that are found."""
        return self.pose.skeleton

    @property
    def classes(self) -> tuple[str, ...]:
        """The actions that are told apart; none without a classifier."""
        return () if self.action is None else self.action.classes

    @overload
    def __call__(self, images: Picture) -> Frame: ...  # type: ignore[overload-overlap]  # a str is iterable

    @overload
    def __call__(self, images: Iterable[Picture]) -> Iterator[Frame]: ...

    def __call__(self, images: Picture | Iterable[Picture]) -> Frame | Iterator[Frame]:
        """Predict one picture, or one after the other.

        Args:
            images: a path, (H, W, 3) uint8 RGB or an image of Pillow, or an iterable of such.

        Returns:
            The picture's frame; of an iterable, an iterator of frames that reads on as it is asked.

        Raises:
            TypeError: `images` is none of these; names what is taken.
            DataError: a picture is missing or broken, when its turn comes (`stream` goes on instead).
            ConfigError: the classifier looks at windows of a video, which `images` is not.
        """
        if is_picture(images):
            return next(self._frames([images]))
        return self._frames(cast(Iterable[Picture], images))

    def _frames(self, images: Iterable[Picture]) -> Iterator[Frame]:
        for prediction in self.stream(images, pictures=False):
            if prediction.error is not None:
                raise DataError(prediction.error)
            yield prediction.frame

    def stream(
        self,
        items: Iterable[Item | Picture],
        *,
        pictures: bool = True,
        heatmaps: bool = False,
        actions: bool = True,
        times: StageTimes | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Generator[Prediction, None, None]:
        """Predict one picture after the other, in their order and in constant memory.

        Pictures whose network inputs have one size go through the network together; while it runs, the
        pictures to come are read and the maps that it has made are decoded. What is asked for is taken from
        the iterator at most 2 batches and 2 pictures ahead. Closing the generator ends it in order.

        Args:
            items: pictures, or objects like `Item`, which come back with their results.
            pictures: keep the pixels in the results, to be drawn on.
            heatmaps: put heatmaps into the results; not together with tiles.
            actions: let a classifier tell what people do; False: the caller does (networks over time).
            times: counts the time of the stages.
            stop: asked before each batch; from True on the network looks at no more, and the generator ends
                with the last picture that is done.

        Returns:
            A generator of a prediction for each item; one that cannot be read has an error. What else fails,
            anywhere, is raised after the predictions of all items before it.

        Raises:
            ConfigError: heatmaps are asked for that there are none of, or a classifier over time is asked
                about single pictures.
        """
        if heatmaps and self.tiling is not None:
            raise ConfigError("heatmaps=true shows one pass of the network: leave tile= out")
        if heatmaps and isinstance(self.pose, OnnxPose):
            raise ConfigError(NO_HEATMAPS)
        asks = actions and self.action is not None
        if asks and self.action is not None and self.action.frames is not None:
            raise ConfigError(
                f"motion: the classifier looks at {self.action.frames} pictures of a person at a time, and "
                "single pictures have none before or after: give a video, or a run of model=motion"
            )
        keep = pictures or (asks and self.action is not None and self.action.looks)
        finish = self._finish if asks else self._select
        stream = Stream(Stages(self.pose, finish, self.tiling, heatmaps, keep), self.batch_size)
        predictions = stream.run(map(as_item, items), times or StageTimes(), stop)
        return predictions if pictures else _without_pictures(predictions)

    def _select(self, predictions: Sequence[Prediction], times: StageTimes) -> None:
        with times("decode"):
            for prediction in predictions:
                leave_out(prediction, self.least_score, self.least_size)

    def _finish(self, predictions: Sequence[Prediction], times: StageTimes) -> None:
        """Select the people of some pictures, and ask the classifier about all of them at once."""
        self._select(predictions, times)
        assert self.action is not None
        with times("motion"):
            asked = [(p, person) for p in predictions for person in p.frame.people]
            samples = [ActionSample([person], p.frame.size, p.picture) for p, person in asked]
            actions = self.action(samples)
            people = iter(actions.given_to([person for _, person in asked]))
            reasons = iter(actions.reason)
            for prediction in predictions:
                prediction.frame.classes = actions.classes
                prediction.frame.people = [next(people) for _ in prediction.frame.people]
                for _ in prediction.frame.people:
                    if (reason := next(reasons)) is not None:
                        prediction.without_action[reason] = prediction.without_action.get(reason, 0) + 1


def _without_pictures(predictions: Generator[Prediction, None, None]) -> Generator[Prediction, None, None]:
    with contextlib.closing(predictions):
        for prediction in predictions:
            yield replace(prediction, picture=None)
