"""Truth of a drawn person: keypoints, and which of them can be seen, by what is nearest in each pixel."""

from dataclasses import dataclass

import numpy as np

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import NEAR
from dancepose.data.synthetic.raster import Raster
from dancepose.records import NOT_ANNOTATED, OCCLUDED, VISIBLE, Person
from dancepose.skeleton import Skeleton

# Least `Truth.seen` of who is labelled. Behind things, that is 15 % of what would show without them. Behind
# people alone, who do not count as hiding, it is 15 % of a body's least size: 1.5 % of the joints' box.
SEEN = 0.15
FILLED = 0.1  # share of its joints' box that a body fills at least, so that little of it is not taken for all
FEWEST = 4  # least keypoints inside the picture, of all that are drawn
FEWEST_VISIBLE = 3  # of them
# how far a joint lies beneath the surface at most, shares of the height; what is nearer by more hides it
DEPTHS = {
    **dict.fromkeys(("nose", "eye"), 0.03),
    **dict.fromkeys(("ear", "wrist", "ankle"), 0.045),
    **dict.fromkeys(("head_top", "elbow", "upper_neck"), 0.065),
    **dict.fromkeys(("knee", "shoulder"), 0.075),
    **dict.fromkeys(("hip", "pelvis", "thorax", "neck"), 0.11),
}
SIDED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
DRAWN = frozenset(
    {name for name in DEPTHS if name not in SIDED} | {f"{s}_{n}" for s in ("left", "right") for n in SIDED}
)  # names of what is drawn of a person
AROUND = 1  # pixels around a joint of which one has to be the person's own
HEAD_ASPECT = 0.8  # width to height of a head's rectangle


@dataclass(frozen=True)
class Truth:
    """What is known of a person in a picture.

    Attributes:
        points: name -> (3,) x, y and visibility; of points outside the picture nothing is known.
        box: (4,) x, y, width, height around what shows; None where nothing does.
        head_box: (4,) x1, y1, x2, y2, or None where the head is not wholly inside.
        seen: number of pixels in which the person is nearest of all, as a share of how many these would be
            without the things in front of people, or of `FILLED` of the box around all joints (in the picture
            or not) where that is more. Other people hide the same in both: of who is mostly behind them, or
            outside the picture, it is a share of the box.
    """

    points: dict[str, np.ndarray]
    box: np.ndarray | None
    head_box: np.ndarray | None
    seen: float

    @property
    def labelled(self) -> bool:
        """Whether a person would label it: enough of it shows, and enough keypoints are visible."""
        inside = sum(bool(point[2] != NOT_ANNOTATED) for point in self.points.values())
        visible = sum(bool(point[2] == VISIBLE) for point in self.points.values())
        return self.box is not None and self.seen >= SEEN and inside >= FEWEST and visible >= FEWEST_VISIBLE

    def person(self, skeleton: Skeleton, action: str | None = None, number: int | None = None) -> Person:
        """Return it as a record in the keypoints of a skeleton; unknown ones are not annotated."""
        keypoints = np.zeros((len(skeleton), 3))
        for index, name in enumerate(drawn_names(skeleton)):
            if name in self.points:
                keypoints[index] = self.points[name]
        return Person(keypoints, box=self.box, head_box=self.head_box, action=action, id=number)


def drawn_names(skeleton: Skeleton) -> list[str | None]:
    """Return under which name each keypoint of a skeleton is drawn: its own, an alias of it, or none."""
    other = {keypoint: alias for alias, keypoint in skeleton.aliases.items() if alias in DRAWN}
    return [name if name in DRAWN else other.get(name) for name in skeleton.keypoints]


def find_truth(raster: Raster, whole: int, owner: int, joints: dict[str, np.ndarray], body: Body) -> Truth:
    """Find the truth of one person.

    A joint is visible where the nearest surface is the person's own and not nearer than the flesh around the
    joint is thick.

    Args:
        raster: the whole scene.
        whole: number of the person's pixels among the other people, without the things in front of them all.
        owner: number of the person.
        joints: in the scene, see `Body.joints`.
        body: its build.
    """
    camera = raster.camera
    width, height = camera.size
    names = [name for name, value in joints.items() if value.shape == (3,)]
    places = [joints[name] for name in names]
    neck = (joints["left_shoulder"] + joints["right_shoulder"]) / 2
    seen = camera.view(np.array([*places, neck]))
    pixels = camera.project(seen)
    thick = body.height * max(1.0, body.girth)
    (down, across), shown = raster.shown(owner)
    depths = raster.depth[down, across]
    points: dict[str, np.ndarray] = {}
    for name, (x, y), depth in zip([*names, "neck"], pixels.tolist(), seen[:, 2].tolist(), strict=True):
        depth_below = DEPTHS.get(name, DEPTHS.get(name.rpartition("_")[2]))
        if depth_below is None:
            continue
        column, row = round(x), round(y)
        if depth < NEAR or not (0 <= column < width and 0 <= row < height):
            points[name] = np.zeros(3)
            continue
        near = (
            slice(max(0, row - down.start - AROUND), max(0, row - down.start + AROUND + 1)),
            slice(max(0, column - across.start - AROUND), max(0, column - across.start + AROUND + 1)),
        )
        own = shown[near] & (depths[near] > depth - depth_below * thick)
        points[name] = np.array([x, y, VISIBLE if own.any() else OCCLUDED])
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    box = None
    if len(rows):
        x1, y1, x2, y2 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        box = np.array([across.start + x1, down.start + y1, x2 - x1, y2 - y1], float)
    # how many pixels the body would fill at least if nothing hid it
    expected = FILLED * float(np.prod(np.ptp(pixels, axis=0)))
    return Truth(points, box, _head_box(points), int(shown.sum()) / max(1.0, expected, whole))


def _head_box(points: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return a rectangle of 1.25 times the head's length from corner to corner, as MPII's are."""
    neck, top = points["upper_neck"], points["head_top"]
    if NOT_ANNOTATED in (neck[2], top[2]):
        return None
    length = 1.25 * float(np.linalg.norm(top[:2] - neck[:2]))
    high = length / np.hypot(1, HEAD_ASPECT)
    half = np.array([HEAD_ASPECT * high, high]) / 2
    middle = (neck[:2] + top[:2]) / 2
    return np.concatenate([middle - half, middle + half])
