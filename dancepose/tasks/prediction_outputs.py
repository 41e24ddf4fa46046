"""What a prediction leaves: pictures, JSON, JSON lines, CSV, Labelme files, heatmaps."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from dancepose.checks import at_least
from dancepose.data.prediction_writer import PredictionsWriter, image_to_plain
from dancepose.data.predictions import ImagePredictions
from dancepose.data.readers.labelme import write_labelme
from dancepose.files import Appended, json_bytes, unwritable
from dancepose.inference.action_drawing import draw_boxes
from dancepose.inference.canvas import LONGEST, fit, write_image
from dancepose.inference.drawing import draw_people
from dancepose.inference.heat import draw_heatmap_grid
from dancepose.inference.interface import Prediction
from dancepose.inference.selection import IN_PADDING
from dancepose.inference.stage_times import StageTimes
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton
from dancepose.tasks.output_paths import OutputPaths
from dancepose.tasks.people_table import Row, csv_header, csv_rows, csv_text

Beside = Callable[[Prediction, Sequence[Row], contextlib.ExitStack], None]


@dataclass(frozen=True)
class Outputs:
    """Which files a prediction leaves, beside `predictions.json`.

    Attributes:
        draw: `pictures/`: the pictures with people drawn on them.
        draw_min_score: who has less is in all files, but not drawn. A score is the mean heat over all
            keypoints; 0.1, the least heat of a peak (`model.codec.detection_threshold`), is what somebody has
            of whom all keypoints are barely seen.
        jsonl: `predictions.jsonl`: a line for each picture, written at once.
        csv: `predictions.csv`: a row for each person.
        labelme: `labelme/`: a Labelme file for each picture.
        heatmaps: `heatmaps/`: what the network sees, a tile for each keypoint.
        activation: `activation/`: where features are strong, and the gates, see `ActivationWriter`.
    """

    draw: bool = True
    draw_min_score: float = 0.1
    jsonl: bool = False
    csv: bool = False
    labelme: bool = False
    heatmaps: bool = False
    activation: bool = False

    def __post_init__(self) -> None:
        at_least("draw_min_score", self.draw_min_score, 0)

    @property
    def drawn(self) -> list[str]:
        """The folders of what is drawn of each picture."""
        asked = {"pictures": self.draw, "heatmaps": self.heatmaps, "activation": self.activation}
        return [folder for folder, wanted in asked.items() if wanted]

    @property
    def least_drawn(self) -> float:
        """The score below which people are not drawn; 0 where nothing is."""
        return self.draw_min_score if self.draw else 0.0

    @property
    def keep_pictures(self) -> bool:
        """Whether the pixels of the pictures are needed."""
        return self.draw or self.labelme or self.activation


class OutputWriter:
    """Writes what was found in pictures, one after the other; a context manager.

    Pictures and Labelme files are written at once, whole or not at all. Lines of `predictions.jsonl` and
    `predictions.csv` are written at once, too, so that another program can follow them. `predictions.json`
    appears when the context ends, by whatever: it holds all that was written until then.

    Args:
        folder: of the files.
        outputs: which files.
        skeleton: of the people.
        classes: that are told apart; none without a classifier.
        paths: where the files of a picture go; None: into the folder, with nothing to look out for.
        made_by: which networks, and how (`provenance`); stands in `predictions.json`.

    Raises:
        ConfigError: a file would replace one that was given.
        DanceposeError: a file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        outputs: Outputs,
        skeleton: Skeleton,
        classes: Sequence[str] = (),
        paths: OutputPaths | None = None,
        made_by: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.outputs = Path(folder), outputs
        self.paths, self.made_by = paths or OutputPaths(folder), made_by
        self.skeleton, self.classes = skeleton, tuple(classes)
        self._stack = contextlib.ExitStack()
        self._lines: Appended | None = None
        self._table: Appended | None = None

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._json = stack.enter_context(
                PredictionsWriter(
                    self.folder / "predictions.json", self.skeleton, keep=True, made_by=self.made_by
                )
            )
            if self.outputs.jsonl:
                self._lines = _opened(self.folder / "predictions.jsonl", stack)
                head = {"skeleton": self.skeleton.name, "keypoints": list(self.skeleton.keypoints)}
                self._line(head | {"classes": list(self.classes)})
            if self.outputs.csv:
                self._table = _opened(self.folder / "predictions.csv", stack)
                self._table.append(csv_text([csv_header(self.skeleton, self.classes)]))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised: Any) -> bool | None:
        return self._stack.__exit__(*raised)

    def write(
        self,
        prediction: Prediction,
        times: StageTimes,
        time: float | None = None,
        beside: Beside = lambda prediction, rows, back: None,
    ) -> None:
        """Write what was found in a picture; where something cannot be written, no list holds the picture.

        Args:
            prediction: without an error.
            times: counts what drawing and writing take.
            time: seconds since the begin of a video.
            beside: writes what else there is of it, by the prediction, its rows of `predictions.csv`, and a
                stack that is closed where something cannot be written.
        """
        with contextlib.ExitStack() as back:
            with times("write"):
                rows = self._lists(prediction.frame, time, back)
            self._pictures(prediction, times)
            beside(prediction, rows, back)
            back.pop_all()

    def _lists(self, frame: Frame, time: float | None, back: contextlib.ExitStack) -> Sequence[Row]:
        entry, rows = ImagePredictions(frame.name, frame.people, size=frame.size), list[Row]()
        self._json.write(entry)
        back.callback(self._json.take_back)
        if self._lines is not None:
            self._line(({} if time is None else {"time": time}) | image_to_plain(entry))
            back.callback(self._lines.take_back)
        if self._table is not None:
            rows = csv_rows(frame, self.classes, time)
            self._table.append(csv_text(rows))
            back.callback(self._table.take_back)
        return rows

    def _pictures(self, prediction: Prediction, times: StageTimes) -> None:
        frame = prediction.frame
        if self.outputs.labelme:
            with times("write"):
                self._labelme(prediction)
        if self.outputs.draw and prediction.picture is not None:
            with times("draw"):
                least = self.outputs.draw_min_score
                drawn = draw_prediction(prediction.picture, frame.people, self.skeleton, least)
            with times("write"):
                self._picture(self.paths.drawn("pictures", frame.name), drawn)
        if prediction.heatmaps is not None and prediction.heated is not None:
            with times("draw"):
                grid = draw_heatmap_grid(prediction.heated, prediction.heatmaps, self.skeleton)
            with times("write"):
                self._picture(self.paths.drawn("heatmaps", frame.name), grid)

    def _picture(self, path: Path, picture: np.ndarray) -> None:
        self.paths.originals.check(path)
        write_image(path, fit(picture, LONGEST) if max(picture.shape) > LONGEST else picture)

    def _line(self, content: dict[str, Any]) -> None:
        assert self._lines is not None
        self._lines.append(json_bytes(content) + b"\n")

    def _labelme(self, prediction: Prediction) -> None:
        frame = prediction.frame
        path = self.paths.labelme(frame.name)
        if not isinstance(frame.image, Path):  # of a video: there has to be a file for Labelme to show
            assert prediction.picture is not None
            beside = path.with_suffix(".jpg")
            self._picture(beside, prediction.picture)
            frame = replace(frame, image=beside)
        elif not frame.image.is_absolute():
            frame = replace(frame, image=frame.image.absolute())
        tracks = [person.track for person in frame.people]
        numbers = list(range(len(tracks))) if None in tracks else tracks  # of a video the same for somebody
        people = [replace(p, id=number) for p, number in zip(frame.people, numbers, strict=True)]
        # else somebody is there who is not in the file
        complete = not prediction.left_out.keys() - {IN_PADDING}
        frame = replace(frame, people=people, complete=complete)
        write_labelme(frame, self.skeleton, path.absolute())


def draw_prediction(
    picture: np.ndarray, people: Sequence[Person], skeleton: Skeleton, least: float = 0.0
) -> np.ndarray:
    """Draw people, and of each a box with what is known of him, in a colour of his own (figures 6 and 7).

    Args:
        picture: (H, W, 3) uint8 RGB; unchanged.
        people: in its pixels.
        skeleton: of the people.
        least: people whose score is less are not drawn; the others keep their numbers and colours.
    """
    shown = [(place, person) for place, person in enumerate(people) if person.score >= least]
    texts = [told_person(place, person) for place, person in shown]
    drawn = [p if p.track is not None or p.id is not None else replace(p, id=place) for place, p in shown]
    return draw_boxes(draw_people(picture, drawn, skeleton), drawn, texts)


def told_person(place: int, person: Person) -> str:
    """Return what a picture says of a person, "3: wave 0.91, score 0.85".

    Args:
        place: among the people of the picture: the number of who has no track.
        person: with an action or without.
    """
    number = place if person.track is None else person.track
    if person.action is None:
        return f"{number}: score {person.score:.2f}"
    likely = "" if person.probabilities is None else f" {float(np.max(person.probabilities)):.2f}"
    return f"{number}: {person.action}{likely}, score {person.score:.2f}"


def _opened(path: Path, stack: contextlib.ExitStack) -> Appended:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Appended(path, stack.enter_context(path.open("wb")))
    except OSError as error:
        raise unwritable(path, error) from error
