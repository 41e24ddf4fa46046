"""`PoseImages`: what was found in each test image of a pose run, and `per_image.npz`, where the run keeps it.

It is all that the mAP and PCK are made of, image by image, so that other collections of these images can be
scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.array_file import read_arrays, write_arrays
from dancepose.metrics.matching import Protocol, score_frames
from dancepose.metrics.single_pictures import KINDS as SINGLE_KINDS
from dancepose.metrics.single_pictures import LABELS, SinglePictures
from dancepose.metrics.table import scored_keypoints
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

FILE = "per_image.npz"
KINDS = {  # array of the file -> kind of its type
    "image": "U",
    "clip": "U",
    "keypoints": "U",
    "truth": "iu",
    "place": "iu",
    "keypoint": "iu",
    "score": "f",
    "correct": "b",
}
TINY = 1e-300
AT_ONCE = 2**16  # weighed detections at once: the tables of a step stay within a processor's cache


@dataclass(frozen=True, eq=False)
class PoseImages:
    """Detections of keypoints in the images of one part, matched with the truth (`score_frames`).

    Attributes:
        names: (N,) of the images; none twice, since comparisons of runs pair them by it.
        clips: (N,) the video that each is from, None of no video.
        keypoints: the J scored ones.
        truth: (N, J) int64 annotated keypoints.
        places: (D,) int64 image of each detection, rising.
        joints: (D,) int64 keypoint of each detection.
        scores: (D,) float64.
        correct: (D,) bool.
        singles: what PCK is made of; None where no picture is of one person, or in files of an earlier
            version.

    Raises:
        DataError: lengths differ, a name comes twice, or a detection is of no image or keypoint.
    """

    names: list[str]
    clips: list[str | None]
    keypoints: tuple[str, ...]
    truth: np.ndarray
    places: np.ndarray
    joints: np.ndarray
    scores: np.ndarray
    correct: np.ndarray
    singles: SinglePictures | None = None

    def __post_init__(self) -> None:
        images, found = len(self.names), len(self.scores)
        shapes = (self.truth.shape, self.places.shape, self.joints.shape, self.correct.shape)
        if len(self.clips) != images or shapes != ((images, len(self.keypoints)), *[(found,)] * 3):
            raise DataError(
                f"{images} images, {len(self.clips)} clips, {len(self.keypoints)} keypoints, {found} scores; "
                f"truth, places, keypoints and marks of detections of shapes {shapes}: they must fit"
            )
        if len(set(self.names)) < images:
            twice = next(name for i, name in enumerate(self.names) if name in self.names[:i])
            raise DataError(f"image '{twice}' comes twice: images of a run must be told apart")
        if found and not (
            0 <= self.places[0]
            and self.places[-1] < images
            and (np.diff(self.places) >= 0).all()
            and 0 <= self.joints.min()
            and self.joints.max() < len(self.keypoints)
        ):
            raise DataError("detections are of no image or keypoint, or not in the order of the images")
        if (self.truth < 0).any() or not np.isfinite(self.scores).all():
            raise DataError("annotated keypoints below 0, or scores that are no numbers")
        if self.singles is not None and self.singles.joints != len(self.keypoints):
            raise DataError(
                f"{self.singles.joints} joints in pictures of one person, {len(self.keypoints)} keypoints: "
                "they must fit"
            )

    def __len__(self) -> int:
        return len(self.names)

    def same_test(self, other: "PoseImages") -> bool:
        """Return whether another run was tested on the same images and labels, in the same order."""
        mine = (self.names, self.clips, self.keypoints)
        return mine == (other.names, other.clips, other.keypoints) and np.array_equal(self.truth, other.truth)

    @cached_property
    def _ranked(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Image and correctness of the detections of each keypoint, the highest score first."""
        found = []
        for joint in range(len(self.keypoints)):
            own = np.flatnonzero(self.joints == joint)
            own = own[np.argsort(-self.scores[own], kind="stable")]
            found.append((self.places[own], self.correct[own]))
        return found

    def mean_ap(self, weights: np.ndarray, joints: Sequence[int] | None = None) -> np.ndarray:
        """Return the mAP of weighted images, in percent: (R,), NaN where no keypoint has truth.

        An image of weight k counts as if it stood k times in the data set; of equal scores in an image, the
        copies of one detection stand beside each other in the ranking. With weights of 1 it is the figure of
        `MPIIMeanAP`.

        Args:
            weights: (R, N), 0 or more.
            joints: places of the keypoints that the mean is of; None: of all.
        """
        own = list(range(len(self.keypoints)) if joints is None else joints)
        columns = np.ascontiguousarray(np.asarray(weights, np.float64).T)  # (N, R)
        truth = self.truth.T[own].astype(np.float64) @ columns  # (J, R)
        areas = np.zeros_like(truth)
        for joint, (places, correct) in enumerate(self._ranked[i] for i in own):
            step = max(1, AT_ONCE // max(1, len(places)))
            for start in range(0, len(weights), step):
                part = slice(start, start + step)
                areas[joint, part] = _weighted_steps(columns[:, part][places], correct)
        there = truth > 0
        areas = np.divide(areas, truth, out=np.zeros_like(truth), where=there)
        count = there.sum(axis=0)
        return 100 * np.divide(areas.sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0)

    def save(self, path: Path) -> None:
        """Write plain arrays without pickles, whole or not at all.

        The arrays are image, clip ("" of no clip), keypoints, truth, and of the detections place, keypoint,
        score and correct; and of pictures of one person, where there are any, single_image, single_clip and
        for PCK@0.2 and PCKh@0.5 which joints count and which were found: see `SinglePictures`.

        Raises:
            DanceposeError: the file cannot be written.
        """
        arrays = {
            "image": np.array(self.names, np.str_),
            "clip": np.array([clip or "" for clip in self.clips], np.str_),
            "keypoints": np.array(self.keypoints, np.str_),
            "truth": self.truth.astype(np.int32),
            "place": self.places.astype(np.int32),
            "keypoint": self.joints.astype(np.int16),
            "score": self.scores.astype(np.float64),
            "correct": self.correct,
        }
        write_arrays(path, arrays if self.singles is None else arrays | self.singles.to_arrays())

    @classmethod
    def load(cls, path: Path) -> "PoseImages":
        """Read what `save` wrote.

        Raises:
            DataError: the file is missing, cut off or holds something else; names file and array.
        """
        arrays = read_arrays(path, KINDS, "images", "pose", together=SINGLE_KINDS)
        for name, kinds in (KINDS | SINGLE_KINDS).items():
            if name not in arrays:
                continue
            if arrays[name].dtype.kind not in kinds:
                raise DataError(f"{path}: array '{name}' is of type {arrays[name].dtype}")
            if arrays[name].ndim != (2 if name == "truth" or name.startswith(LABELS) else 1):
                raise DataError(f"{path}: array '{name}' is of shape {arrays[name].shape}")
        try:
            singles = SinglePictures.from_arrays(arrays) if "single_image" in arrays else None
            return cls(
                arrays["image"].tolist(),
                [clip or None for clip in arrays["clip"].tolist()],
                tuple(arrays["keypoints"].tolist()),
                arrays["truth"].astype(np.int64),
                arrays["place"].astype(np.int64),
                arrays["keypoint"].astype(np.int64),
                arrays["score"].astype(np.float64),
                arrays["correct"],
                singles,
            )
        except DataError as error:
            raise DataError(f"{path}: {error}") from None


def match_images(
    people: Mapping[str, Sequence[Person]],
    frames: Sequence[Frame],
    skeleton: Skeleton,
    protocol: Protocol = "mpii",
) -> PoseImages:
    """Match predicted people with the truth of each image, by the rules of the metric.

    Args:
        people: name of the frame -> predicted people, original pixels.
        frames: the truth, in the data set's order, which ranks equal scores; those that the protocol passes
            over (`Frame.evaluated`) are left out.
        skeleton: of both.
        protocol: `mpii` or `posetrack`.

    Raises:
        DataError: see `score_frames`, or two frames have one name.
    """
    keypoints = tuple(scored_keypoints(skeleton))
    frames = [frame for frame in frames if frame.evaluated]
    matched = score_frames([people.get(frame.name, []) for frame in frames], frames, skeleton, protocol)
    rows = [np.concatenate([np.zeros((0, 3)), *result.detections]) for result in matched]
    joints, scores, correct = np.concatenate([np.zeros((0, 3)), *rows]).T
    return PoseImages(
        names=[frame.name for frame in frames],
        clips=[frame.clip for frame in frames],
        keypoints=keypoints,
        truth=np.array([result.truth for result in matched], np.int64).reshape(len(frames), len(keypoints)),
        places=np.repeat(np.arange(len(frames)), [len(row) for row in rows]),
        joints=joints.astype(np.int64),
        scores=scores.astype(np.float64),
        correct=correct > 0,
    )


def _weighted_steps(weights: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Return the sum of the monotone precisions at the true detections: (R,).

    The highest precision from a place on stands at a true detection, so that only these are looked at. One of
    weight 0 has the precision of the detection before it, which changes no maximum.

    Args:
        weights: (D, R) of the ranked detections; sums run down the columns, many side by side.
        correct: (D,) bool.
    """
    true = np.flatnonzero(correct)
    own = weights[true]
    ranked = np.cumsum(weights, axis=0)[true]
    precision = np.cumsum(own, axis=0)
    precision /= np.maximum(ranked, TINY)  # before the first detection of a resample: 0
    np.maximum.accumulate(precision[::-1], axis=0, out=precision[::-1])
    return np.einsum("dr,dr->r", own, precision)
