"""`Stages`: what a stream does to a picture beside the network: read it, cut it, decode what was seen."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.errors import ConfigError, DataError
from dancepose.image_files import read_image
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.interface import Item, PoseModel, Prediction
from dancepose.inference.pose import to_original
from dancepose.inference.selection import IN_PADDING, in_picture
from dancepose.inference.stage_times import StageTimes
from dancepose.inference.tiles import Rectangle, Tiling, merge_views
from dancepose.records import Frame, Person

NO_HEATMAPS = "heatmaps=true: this network's file gives none, take the run that it is of"


@dataclass
class View:
    """What the network is shown of a picture: the whole of it, or a tile.

    Attributes:
        rectangle: of the picture.
        size: width and height of the network's input.
        matrix: (2, 3), input -> original pixels.
    """

    rectangle: Rectangle
    size: tuple[int, int]
    matrix: np.ndarray


@dataclass(eq=False)
class Job:
    """An item on its way: what the network is shown of it, and what was found in each view.

    Attributes:
        prediction: what becomes of it.
        views: that the network is shown; none of a picture that cannot be read.
        picture: from which tiles are still to be cut.
        inputs: by number of the view, of those that are made and not yet decoded.
        found: people by number of the view, in original pixels.
        beyond: people of whom the codec's limit left no room.
        in_padding: people who were found beside the picture.
        done: the prediction is complete.
        failure: why it never will be.
    """

    prediction: Prediction
    views: list[View] = field(default_factory=list)
    picture: np.ndarray | None = None
    inputs: dict[int, Future[np.ndarray]] = field(default_factory=dict)
    found: dict[int, list[Person]] = field(default_factory=dict)
    beyond: int = 0
    in_padding: int = 0
    done: bool = False
    failure: Exception | None = None

    @classmethod
    def of(cls, item: Item, skeleton: str) -> "Job":
        """Return the job of an item, nothing done."""
        image = Path(item.image) if isinstance(item.image, str) else item.image
        name, clip = getattr(item, "name", ""), getattr(item, "clip", None)
        return cls(Prediction(item, Frame(image, (0, 0), [], skeleton, name, clip=clip)))


Batch = Sequence[tuple[Job, int]]  # jobs and the numbers of their views


class Stages:
    """The work on pictures before and after the network; each method may be called in a thread of its own.

    Args:
        pose: the network.
        finish: makes the predictions of some items complete; called by `decode`.
        tiling: cuts large pictures; None leaves them whole.
        heatmaps: keep them in the predictions.
        pictures: keep the pixels in the predictions.
    """

    def __init__(
        self,
        pose: PoseModel,
        finish: Callable[[Sequence[Prediction], StageTimes], None],
        tiling: Tiling | None,
        heatmaps: bool,
        pictures: bool,
    ) -> None:
        self.pose, self.finish = pose, finish
        self.tiling, self.heatmaps, self.pictures = tiling, heatmaps, pictures

    def load(self, job: Job, times: StageTimes) -> Job:
        """Read a picture and say what the network is shown of it; what cannot be read is done."""
        item, frame = job.prediction.item, job.prediction.frame
        try:
            if error := getattr(item, "error", None):
                raise DataError(error)
            with times("read"):
                picture = read_image(item.image)
                _check(picture, frame.name)
                height, width = picture.shape[:2]
                frame.size = (width, height)
                rectangles = [(0, 0, width, height)]
                if self.tiling is not None:
                    rectangles = self.tiling.rectangles(width, height)
                for x, y, w, h in rectangles:
                    plan = self.pose.geometry.plan(w, h)
                    matrix = plan.matrix.copy()
                    matrix[:, 2] += (x, y)
                    job.views.append(View((x, y, w, h), plan.size, matrix))
                if len(rectangles) == 1:
                    job.inputs[0] = Future()
                    job.inputs[0].set_result(self.pose.geometry.warp(picture)[0])
                else:
                    job.picture = picture
            if self.pictures:
                job.prediction.picture = picture
        except DataError as error:
            job.prediction.error, job.inputs, job.done = " ".join(str(error).split()), {}, True
            job.views = []
        return job

    def tile(self, job: Job, view: View, times: StageTimes) -> np.ndarray:
        """Return the network's input of one view of a large picture."""
        assert job.picture is not None
        x, y, w, h = view.rectangle
        with times("read"):
            return self.pose.geometry.warp(job.picture[y : y + h, x : x + w])[0]

    def decode(self, batch: Batch, maps: Any, times: StageTimes) -> None:
        """Turn the maps of a batch into people, and complete the items whose last input was among them."""
        with times("decode"):
            found = self.pose.people(maps)
            heat = self.pose.heatmaps(maps) if self.heatmaps else None
            if self.heatmaps and heat is None:
                raise ConfigError(NO_HEATMAPS)
            complete = []
            for place, (job, number) in enumerate(batch):
                view = job.views[number]
                people = to_original(found[place].people, view.matrix)
                job.found[number] = in_picture(people, view.rectangle)
                if number == 0:  # of the whole; beside a tile may be somebody whom another tile shows
                    job.in_padding += len(people) - len(job.found[number])
                if number or len(job.views) == 1:  # whom the whole has no room for, a tile may have
                    job.beyond += found[place].beyond
                if heat is not None:
                    _keep_heat(job.prediction, heat[place], job.inputs[number].result(), self.pose.geometry)
                del job.inputs[number]  # its memory
                if len(job.found) == len(job.views):
                    job.picture = None
                    views = [job.found[i] for i in range(len(job.views))]
                    frame = job.prediction.frame
                    frame.people, job.prediction.joined = merge_views(views, self.pose.skeleton)
                    if job.beyond:
                        job.prediction.left_out["more than max_people"] = job.beyond
                    if job.in_padding:
                        job.prediction.left_out[IN_PADDING] = job.in_padding
                    complete.append(job)
        self.finish([job.prediction for job in complete], times)
        for job in complete:
            job.done = True


def _check(picture: np.ndarray, name: str) -> None:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise DataError(
            f"picture {name or 'without a name'}: uint8 (H, W, 3) RGB is needed, this is {picture.dtype} "
            f"{picture.shape}"
        )


def _keep_heat(
    prediction: Prediction, heat: np.ndarray, network_input: np.ndarray, geometry: TestGeometry
) -> None:
    """Cut (K, h, w) heatmaps and their input to the part that shows the picture, in whole cells."""
    stride = network_input.shape[0] // heat.shape[1]
    columns, rows = (-(-side // stride) for side in geometry.plan(*prediction.frame.size).content)
    prediction.heatmaps = heat[:, :rows, :columns].copy()
    prediction.heated = network_input[: rows * stride, : columns * stride].copy()
