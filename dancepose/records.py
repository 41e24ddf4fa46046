"""The records that every reader makes and everything after a reader works on."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

NOT_ANNOTATED, OCCLUDED, VISIBLE = 0, 1, 2

Region = list[np.ndarray]  # a part of a picture: one polygon (N, 2) in pixels, or several


def extent_of(keypoints: np.ndarray) -> np.ndarray | None:
    """Return (4,) x1, y1, x2, y2 around the annotated ones of keypoints (K, 3); None without any."""
    points = keypoints[keypoints[:, 2] > 0, :2].astype(np.float64)
    return np.concatenate([points.min(axis=0), points.max(axis=0)]) if len(points) else None


def mapped_extent(own: np.ndarray, mapped: np.ndarray) -> np.ndarray | None:
    """Return `Person.extent` of a person whose keypoints are carried over to another skeleton.

    Args:
        own: (K', 3) of the source.
        mapped: (K, 3) of the frame's skeleton.
    """
    extent, left = extent_of(own), extent_of(mapped)
    return None if extent is None or (left is not None and np.array_equal(extent, left)) else extent


@dataclass
class Person:
    """One person in a frame, labelled or predicted.

    Attributes:
        keypoints: (K, 3) x, y in original pixels (pixel centres at integers) and visibility: 0 not annotated
            or not predicted (x and y are then 0), 1 occluded, 2 visible. Where the frame has no picture, x
            and y are in the units of its file.
        scores: (K,) score of each predicted keypoint; None for a label.
        score: score of the whole person; 1 for a label.
        box: (4,) x, y, width, height in pixels.
        area: px^2 of the person's outline, where the source has one (COCO); None elsewhere.
        head_box: (4,) x1, y1, x2, y2 of the annotated head rectangle.
        id: number of the person within its frame; of action data, the same in all frames of its clip.
        track: number of the person's track in a video.
        action: name of the action, labelled or predicted.
        probabilities: (classes,) of the action, predicted.
        group: place in `Frame.groups` of the group that a person was predicted for; None: of any.
        extent: (4,) x1, y1, x2, y2 around all keypoints that the data label or a network finds, where some of
            them are none of the frame's skeleton; None: `keypoints` are all.
    """

    keypoints: np.ndarray
    scores: np.ndarray | None = None
    score: float = 1.0
    box: np.ndarray | None = None
    area: float | None = None
    head_box: np.ndarray | None = None
    id: int | None = None
    track: int | None = None
    action: str | None = None
    probabilities: np.ndarray | None = None
    group: int | None = None
    extent: np.ndarray | None = None

    @property
    def present(self) -> np.ndarray:
        """(K,) bool: the keypoints that are annotated, visible or occluded, or predicted."""
        return self.keypoints[:, 2] > 0

    @property
    def whole(self) -> np.ndarray | None:
        """(4,) x1, y1, x2, y2 around all of its keypoints, those of `extent` among them; None without any."""
        return extent_of(self.keypoints) if self.extent is None else self.extent


@dataclass
class Group:
    """A group of people in one image, the unit of the MPII multi-person protocol.

    Attributes:
        members: indices into `Frame.people`.
        box: (4,) x1, y1, x2, y2 around the members' rough positions, or None where no place is known.
        scale: mean scale of the members (a person of height 200 px has scale 1), or None.
    """

    members: list[int]
    box: np.ndarray | None = None
    scale: float | None = None


@dataclass
class Frame:
    """One image and all that is known of the people in it, in the keypoints of one skeleton.

    Attributes:
        image: path of the image file, or the (H, W, 3) uint8 RGB array itself; None where the source has
            keypoints alone and no pictures.
        size: width and height in pixels; (0, 0) where it is unknown, which only a frame without picture or
            with a broken one is.
        people: the people, labelled or predicted.
        skeleton: name of the skeleton whose keypoints the people have.
        name: what splits and reports call the image: its path below the data set's folder.
        labelled: (K,) bool: which keypoints the frame's source labels at all; None means all.
        complete: whether every person in the picture is labelled or lies in an ignore region.
        ignore: regions whose contents are neither truth nor error; a COCO crowd in several parts is one.
        clip: name of the video that the frame is from; splits keep a clip together.
        groups: evaluation groups; empty means that all people are one group.
        source: where the frame is from, for reports: as its file says, else the name of the data set part.
        id: number of the image in a COCO file, by which COCO results name it.
        classes: the actions that the frame's source tells apart, in its order; empty where it names none.
        evaluated: whether it may be drawn for validation and test; if not it only trains (MPII's pictures
            without a group of people).
        excuses: whether a prediction in an ignore region, or far from everybody who is labelled, may be no
            error in the MPII protocol. MPII's own toolkit knows nothing of the kind.
    """

    image: Path | np.ndarray | None
    size: tuple[int, int]
    people: list[Person]
    skeleton: str
    name: str = ""
    labelled: np.ndarray | None = None
    complete: bool = True
    ignore: list[Region] = field(default_factory=list)
    clip: str | None = None
    groups: list[Group] = field(default_factory=list)
    source: str = ""
    id: int | None = None
    classes: tuple[str, ...] = ()
    evaluated: bool = True
    excuses: bool = True

    @property
    def units(self) -> int:
        """How many images it counts as when a split is drawn: its groups, as MPII's protocol counts them."""
        return max(1, len(self.groups)) if self.evaluated else 0

    @property
    def ignored_polygons(self) -> list[np.ndarray]:
        """The polygons (N, 2) of all ignore regions, for those to whom it is one which region they are of."""
        return [polygon for region in self.ignore for polygon in region]

    def keypoint_array(self) -> np.ndarray:
        """Return the keypoints of all people as one (P, K, 3) float64 array; (0, 0, 3) without people."""
        if not self.people:
            return np.zeros((0, 0, 3))
        return np.stack([person.keypoints for person in self.people]).astype(np.float64)
