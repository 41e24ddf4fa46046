"""Keypoints of people whose pictures nobody labelled: found by a trained pose network, and kept."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from dancepose.data.dataset import EvaluationDataset, PoseLoader, collate_evaluation, prepare_worker
from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.data.sampler import EvaluationSampler
from dancepose.errors import ConfigError, DataError
from dancepose.files import write_json
from dancepose.inference.pose import to_original
from dancepose.inference.runs import find_checkpoint, load_pose, pose_predictor
from dancepose.inference.selection import in_picture
from dancepose.paths import cache_dir
from dancepose.progress import track
from dancepose.records import VISIBLE, Frame, Person, mapped_extent
from dancepose.skeleton import Skeleton

log = logging.getLogger(__name__)

RULE = 2  # of what is kept of a picture: without people in its padding; one more where it changes
BATCH = 8  # pictures at once
IN_BOXES = "in_boxes"
OVERLAP = 0.3  # intersection over union of a found person with a sample's box, at least


class PoseFiller:
    """Finds the keypoints of people that have none, with the checkpoint of a pose run.

    What is found in a picture is kept under the cache folder by the contents of checkpoint and picture, so a
    picture is looked at once. Boxes and found people are matched one to one, so that they overlap most in
    sum; a sample without a box gets the largest person that is found, if it is the only sample of its
    picture. Whom nobody is found for stays without keypoints. Who gets keypoints has no box any more, as
    nobody has in a prediction, for features would tell its height; the crop stays that of the label.

    Args:
        run: the directory of a pose run; its best checkpoint is taken, without one its last.
        skeleton: that of the samples; found people are mapped to it.
        workers: data worker processes.
        everyone: find the keypoints of people who have some, too. Nobody has a box then, as in a prediction,
            and the crop is of what was found; whom nobody is found for has no keypoints and the label's crop.
            `in_boxes`: the crop is the label's, whatever is found.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is broken or foreign.
        ConfigError: the run is none of poses, its skeleton has nothing in common, or `everyone` is unknown.
    """

    def __init__(self, run: str | Path, skeleton: Skeleton, workers: int = 0, everyone: bool | str = False):
        found = find_checkpoint(run, key="data.pose_run")
        model = load_pose(found, key="data.pose_run")
        self.map = model.skeleton.map_to(skeleton, derive=True)  # as `ActionPredictor` does
        if not self.map.covered.any():
            raise ConfigError(
                f"data.pose_run={run}: its skeleton {model.skeleton.name} has no keypoint of {skeleton.name}"
            )
        if everyone not in (False, True, IN_BOXES):
            raise ConfigError(f"data.pose_all={everyone}: choose false, true or {IN_BOXES}")
        self.model, self.workers, self.everyone = model, workers, everyone
        self.digest = hashlib.sha256(found.read_bytes()).hexdigest()[:16]  # stands for the checkpoint
        self.folder = cache_dir() / "poses" / f"{RULE}-{self.digest}"

    def fill(self, frames: Sequence[Frame]) -> list[Frame]:
        """Return the frames with keypoints for the people that have none; the given ones are unchanged.

        Raises:
            DataError: a picture is missing or broken, or what is kept of one is.
        """
        frames = [self._cleared(frame) for frame in frames] if self.everyone else frames
        wanted = [i for i, frame in enumerate(frames) if any(not p.present.any() for p in frame.people)]
        kept = {i: self._kept(frames[i]) for i in wanted}
        if missing := [i for i in wanted if not kept[i].is_file()]:
            self._find([frames[i] for i in missing], [kept[i] for i in missing])
        filled = list(frames)
        for i in wanted:
            filled[i] = self._assign(frames[i], self._read(kept[i]))
        if wanted:
            people = [p for i in wanted for p in filled[i].people]
            log.info(
                "data.pose_run: people without keypoints in %d pictures (%d of them known); %d of %d people "
                "have keypoints now",
                len(wanted),
                len(wanted) - len(missing),
                sum(bool(p.present.any()) for p in people),
                len(people),
            )
        return filled

    @staticmethod
    def _cleared(frame: Frame) -> Frame:
        """Take keypoints away; a person is found again by the box around them and the labelled one."""
        people = []
        for person in frame.people:
            box, whole = person.box, person.whole
            if whole is not None:
                low, high = whole[:2], whole[2:]
                if box is not None:
                    low, high = np.minimum(low, box[:2]), np.maximum(high, box[:2] + box[2:])
                box = np.concatenate([low, high - low])
            people.append(replace(person, keypoints=np.zeros_like(person.keypoints), box=box, extent=None))
        return replace(frame, people=people)

    def _kept(self, frame: Frame) -> Path:
        """Return the file that keeps what is found in a picture."""
        if frame.image is None:
            raise DataError(f"{frame.name}: there is no picture in which data.pose_run could find people")
        if isinstance(frame.image, np.ndarray):
            content = frame.image.tobytes()
        else:
            try:
                content = frame.image.read_bytes()
            except OSError as error:
                raise DataError(f"image {frame.image} cannot be read: {error.strerror or error}") from None
        return self.folder / f"{hashlib.sha256(content).hexdigest()[:32]}.json"

    def _find(self, frames: Sequence[Frame], files: Sequence[Path]) -> None:
        """Run the network over pictures, and keep what it finds in each."""
        predictor = pose_predictor(self.model, precision="32-true")
        dataset = EvaluationDataset(frames, predictor.geometry)
        loader = PoseLoader(
            dataset,
            batch_sampler=EvaluationSampler(dataset.input_sizes(), BATCH),
            collate_fn=collate_evaluation,
            num_workers=self.workers,
            worker_init_fn=prepare_worker,
        )
        pairs = ((len(batch["frame"]), batch) for batch in loader)
        for batch in track(pairs, len(frames), "pictures (poses)"):
            decoded = predictor.codec.decode(predictor.predict_maps(batch["image"]))
            found = zip(decoded, batch["matrix"], batch["frame"], batch["index"], strict=True)
            for people, matrix, frame, index in found:
                here = in_picture(to_original(people, np.asarray(matrix)), (0, 0, *frame.size))
                rows = [
                    {
                        "keypoints": person.keypoints.round(2).tolist(),
                        "score": float(person.score),
                    }
                    for person in here
                ]
                write_json(files[int(index)], {"skeleton": self.model.skeleton.name, "people": rows})

    @staticmethod
    def _read(path: Path) -> list[Person]:
        content = load_mapping(path)
        try:
            return [
                Person(np.array(row["keypoints"], dtype=np.float64).reshape(-1, 3), score=row["score"])
                for row in content["people"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenFile(path, f"keeps no people that were found ({error}): remove it") from None

    def _assign(self, frame: Frame, found: Sequence[Person]) -> Frame:
        """Give the samples of a frame the people that were found in it."""
        people = list(frame.people)
        boxes = np.array([_around(person) for person in found]).reshape(-1, 4)
        if len(people) == 1 and people[0].box is None and not people[0].present.any() and len(found):
            pairs = [(0, int(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).argmax()))]
        else:
            pairs = self._matched(people, boxes)
        for i, best in pairs:
            if not people[i].present.any():  # those of the others are known, and are found by nobody else
                own = np.where(found[best].present[:, None], found[best].keypoints, 0)
                keypoints = self.map.apply(own)
                keypoints[:, 2] = np.where(keypoints[:, 2] > 0, VISIBLE, 0)
                extent = mapped_extent(own, keypoints)
                people[i] = self._unboxed(replace(people[i], keypoints=keypoints, extent=extent))
        return replace(frame, people=[self._unboxed(p) for p in people] if self.everyone else people)

    def _unboxed(self, person: Person) -> Person:
        """Take a box away, which a prediction does not know and features would tell; a crop of it stays."""
        if (box := person.box) is None:
            return person
        extent = np.concatenate([box[:2], box[:2] + box[2:]])
        if person.present.any() and not self.everyone:  # the crop is of both
            low, high = np.split(_around(person), 2)
            extent = np.concatenate([np.minimum(low, extent[:2]), np.maximum(high, extent[2:])])
        stays = self.everyone is not True or not person.present.any()
        return replace(person, box=None, extent=extent if stays else person.extent)

    @staticmethod
    def _matched(people: Sequence[Person], boxes: np.ndarray) -> list[tuple[int, int]]:
        """Match people, labelled ones too, with the boxes (N, 4) of those found: pairs of their indices."""
        overlaps = np.zeros((len(people), len(boxes)))
        for row, person in zip(overlaps, people, strict=True):
            if person.box is not None:
                x, y, w, h = person.box
                row[:] = _overlaps(np.array([x, y, x + w, y + h], dtype=np.float64), boxes)
            elif person.present.any():
                row[:] = _overlaps(_around(person), boxes)
        overlaps[overlaps < OVERLAP] = 0
        pairs = zip(*linear_sum_assignment(overlaps, maximize=True), strict=True)
        return [(int(i), int(best)) for i, best in pairs if overlaps[i, best]]


def _around(person: Person) -> np.ndarray:
    """Return x1, y1, x2, y2 around a person's keypoints, 0 without any."""
    return np.zeros(4) if (whole := person.whole) is None else whole


def _overlaps(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the intersection over union of a box (4,) with others (N, 4), all x1, y1, x2, y2."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return common / np.maximum(areas - common, 1e-9)
