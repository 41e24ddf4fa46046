"""`KeypointFeatures`: what the motion classifier sees of a person's keypoints, free of place and size."""

from collections.abc import Sequence

import numpy as np

from dancepose.body import HEIGHT_IN_TORSOS, SHOULDERS_TO_TORSO
from dancepose.errors import ConfigError, did_you_mean
from dancepose.feature_layout import ANCHORS, FEATURES, SCALES, FeatureLayout
from dancepose.skeleton import Skeleton

__all__ = ["ANCHORS", "FEATURES", "SCALES", "KeypointFeatures"]

# a scale under this share of the keypoints' extent is taken for a foreshortened one; this bounds every value
# (the smallest torso among 17,423 real skeletons is 0.118 of the extent)
SMALLEST_SHARE = 0.1
LARGEST = 2**0.5 / SMALLEST_SHARE  # that any value can be
POINT = 1e-9  # pixels: an extent up to this is rounding, not size
NO_LENGTH = 1e-6  # of the scale: a limb up to this long points nowhere


class KeypointFeatures:
    """Features of a person from keypoints: positions, limb vectors, limb angles, ratios of limb lengths.

    Shen, Jiang and Teng, "Residual network based on convolution attention model and feature fusion for dance
    motion recognition", section 4.2: positions relative to the neck, limb vectors, normalised. They do not
    depend on where the person is and how large; `flip` gives those of the mirrored person.

    **Neck**: the middle of the shoulders in every skeleton; what is labelled as neck has no part in
    anything. Only a skeleton without the role `shoulders` gives its own.
    **Scale**: lengths are divided by the first of these that is there and at least a tenth of the extent:
    `torso`, mid-shoulder to mid-hip; `shoulders`, 1.5 x their distance; `one_side`, from the one shoulder
    (or neck) to the one hip (or mid-hip); `box`, the height of the person's box / 3.5; `extent`, the larger
    side of the box around the keypoints / 3.5. All are the torso's length, of a person who stands.
    **Anchor**: positions are relative to the `neck`, else the `one_shoulder` that is there, else the middle
    of the `hips` (or the one), else the `mean` of all keypoints.

    The dimensions: which scale and which anchor served (one bit set in each, none without keypoints or
    size); for each keypoint but the neck, whether it is present; then the kinds in the order given:

    - `relative_position`: x, y of each keypoint but the neck;
    - `limb_vector`: x, y from a limb's first end to its second;
    - `limb_angle`: cosine and sine of its direction, y downwards;
    - `limb_ratio`: (a - b) / (a + b) of the lengths of each two limbs that meet in a point, which is
      tanh(log(a / b) / 2): within [-1, 1], and of the other sign when the limbs change places.

    What a missing keypoint takes part in is 0, as is the direction of a limb without length; a person
    without keypoints and box is all 0. Nothing is NaN, and no value exceeds sqrt(2) / 0.1 = 14.2. A limb
    whose mirror image is not among the skeleton's limbs brings it along.

    Attributes:
        skeleton: the keypoints that are read.
        kinds: of `FEATURES`, in the order of the blocks.
        names: name of each dimension.
        dimension: their number.
    """

    def __init__(self, skeleton: Skeleton, kinds: Sequence[str] = FEATURES):
        """Lay out the dimensions.

        Raises:
            ConfigError: a kind is unknown or given twice, or there is none; the skeleton lacks the role
                `hips`, or both `shoulders` and `neck`.
        """
        _check_kinds(kinds)
        hips, shoulders = skeleton.role("hips"), skeleton.role("shoulders")
        if hips is None or (shoulders is None and skeleton.role("neck") is None):
            raise ConfigError(
                f"skeleton {skeleton.name}: features need the role {'hips' if hips is None else 'shoulders'}"
                f"{'' if hips is None else ' (or neck)'}. Add it to the 'roles' of its file"
            )
        self.skeleton = skeleton
        self.kinds: tuple[str, ...] = tuple(kinds)
        self._hips, self._shoulders, self._pelvis = hips, shoulders, skeleton.find("pelvis")
        self._layout = FeatureLayout.of(skeleton, self.kinds)
        self.names: tuple[str, ...] = self._layout.names
        self.dimension: int = len(self.names)

    def __call__(self, keypoints: np.ndarray, box_height: np.ndarray | None = None) -> np.ndarray:
        """Compute the features of any number of people.

        Args:
            keypoints: (..., K, 3) x, y in pixels, y downwards, and visibility. What has visibility 0 or less
                is missing; its x and y are not read.
            box_height: (...) height of each person's box in pixels; 0 where it is not known.

        Returns:
            (..., dimension) float32.

        Raises:
            ValueError: a shape is wrong, a number that is read is NaN or infinite, a height is negative.
        """
        people = self._people(keypoints)  # (N, K, 3)
        heights = _heights(box_height, np.shape(keypoints)[:-2])
        xy, present = people[..., :2], people[..., 2] > 0
        xy = np.where(present[..., None], xy, 0.0)
        # the trunk's ends; the middle of both keypoints, or the one that is there
        top_index = [self._layout.slot] if self._shoulders is None else self._shoulders
        top, tops = _middle(xy, present, np.asarray(top_index))
        bottom, bottoms = _middle(xy, present, self._hips)
        if self._pelvis is not None:  # where it is not labelled, as it is derived of people who are found
            derived = ~present[:, self._pelvis] & (bottoms == 2)
            xy[derived, self._pelvis] = bottom[derived]
            present[derived, self._pelvis] = True
        has_neck = tops == len(top_index)
        xy = np.concatenate([xy, top[:, None]], axis=1)  # (N, K + 1, 2), the last the neck
        present = np.concatenate([present, has_neck[:, None]], axis=1)

        points = self._layout.points
        seen = present[:, points]
        trunk = np.where((tops > 0) & (bottoms > 0), np.hypot(*(top - bottom).T), 0.0)
        whole = has_neck & (bottoms == 2)
        extent = _extent(xy, present, self._layout.slot)
        # divided, or the features of whose torso does not show were of another scale than all others
        resorts = [heights / HEIGHT_IN_TORSOS, extent / HEIGHT_IN_TORSOS]
        lengths = [np.where(whole, trunk, 0), self._width(xy, has_neck), trunk, *resorts]
        candidates = np.stack(lengths, axis=1)
        enough = candidates > np.maximum(SMALLEST_SHARE * extent, POINT)[:, None]
        enough[:, 2] &= ~whole
        scale, scale_bits = _first(candidates[..., None], enough)
        scale = np.where(scale > 0, scale, 1.0)[:, None]  # (N, 1, 1); without any, all points are one
        mean, count = _middle(xy, present, points)
        anchors = np.stack([top, top, bottom, mean], axis=1)
        anchor, anchor_bits = _first(anchors, np.stack([has_neck, tops > 0, bottoms > 0, count > 0], axis=1))

        blocks = [scale_bits, anchor_bits, seen]
        vectors, limbs_seen = self._limb_vectors(xy, present, scale)
        length = np.hypot(vectors[..., 0], vectors[..., 1])
        length = np.where(length > NO_LENGTH, length, 0.0)
        for kind in self.kinds:
            if kind == "relative_position":
                blocks.append(np.where(seen[..., None], xy[:, points] - anchor[:, None], 0.0) / scale)
            elif kind == "limb_vector":
                blocks.append(vectors)
            elif kind == "limb_angle":
                blocks.append(vectors / np.where(length > 0, length, np.inf)[..., None])
            else:
                blocks.append(self._limb_ratios(length, limbs_seen))
        flat = [block.reshape(len(xy), int(np.prod(block.shape[1:]))).astype(np.float32) for block in blocks]
        return np.concatenate(flat, axis=1).reshape(*np.shape(keypoints)[:-2], self.dimension)

    def flip(self, features: np.ndarray) -> np.ndarray:
        """Return the features of the mirrored people: left and right change places, x changes its sign.

        Args:
            features: (..., dimension), as computed.

        Raises:
            ValueError: there are not `dimension` of them.
        """
        if np.shape(features)[-1:] != (self.dimension,):
            raise ValueError(f"features of shape {np.shape(features)}: (..., {self.dimension}) is needed")
        return features[..., self._layout.mirror] * self._layout.sign.astype(features.dtype)

    def _people(self, keypoints: np.ndarray) -> np.ndarray:
        """Return checked keypoints as (N, K, 3) float64."""
        shape, needed = np.shape(keypoints), (len(self.skeleton), 3)
        if shape[-2:] != needed:
            name, count = self.skeleton.name, needed[0]
            raise ValueError(f"keypoints of shape {shape}: skeleton {name} needs (..., {count}, 3)")
        people = np.asarray(keypoints, dtype=np.float64)
        broken = ~np.isfinite(people)
        broken[..., :2] &= people[..., 2:] > 0
        if broken.any():
            *person, k, axis = np.argwhere(broken)[0].tolist()
            number, what = people[(*person, k, axis)], ("x", "y", "visibility")[axis]
            who = f" of person {', '.join(map(str, person))}" if person else ""
            name = self.skeleton.keypoints[k]
            raise ValueError(f"keypoints: {what} of {name}{who} is {number}; missing is visibility 0")
        return people.reshape(-1, *needed)

    def _width(self, xy: np.ndarray, has_neck: np.ndarray) -> np.ndarray:
        """Return (N,) torso length by the shoulders, 0 where they are not both there."""
        if self._shoulders is None:
            return np.zeros(len(xy))
        across = xy[:, self._shoulders[0]] - xy[:, self._shoulders[1]]
        return np.where(has_neck, SHOULDERS_TO_TORSO * np.hypot(*across.T), 0.0)

    def _limb_vectors(
        self, xy: np.ndarray, present: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, L, 2) limbs in scales, 0 where an end is missing, and (N, L) whether both are there."""
        first, second = self._layout.limbs.T
        seen = present[:, first] & present[:, second]
        return np.where(seen[..., None], xy[:, second] - xy[:, first], 0.0) / scale, seen

    def _limb_ratios(self, length: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return (N, R) ratios of (N, L) limb lengths."""
        first, second = self._layout.ratios.T
        a, b = length[:, first], length[:, second]
        known = seen[:, first] & seen[:, second] & (a + b > 0)
        return np.where(known, a - b, 0.0) / np.where(known, a + b, 1.0)


def _check_kinds(kinds: Sequence[str]) -> None:
    known = ", ".join(FEATURES)
    if isinstance(kinds, str) or not len(kinds):
        raise ConfigError(f"features: a list of some of {known} is needed, not {kinds!r}")
    for i, kind in enumerate(kinds):
        if kind not in FEATURES:
            hint = did_you_mean(str(kind), FEATURES)
            raise ConfigError(f"features: there is no kind '{kind}'.{hint} There are {known}")
        if kind in kinds[:i]:
            raise ConfigError(f"features: '{kind}' stands there twice")


def _heights(box_height: np.ndarray | None, people: tuple[int, ...]) -> np.ndarray:
    """Return checked box heights as (N,) float64, 0 where unknown."""
    if box_height is None:
        return np.zeros(int(np.prod(people)))
    if np.shape(box_height) != people:
        raise ValueError(f"box_height of shape {np.shape(box_height)}: {people} is needed, as keypoints have")
    heights = np.asarray(box_height, dtype=np.float64).reshape(-1)
    if (wrong := ~np.isfinite(heights) | (heights < 0)).any():
        raise ValueError(f"box_height: {heights[wrong][0]} is no height; unknown is 0")
    return heights


def _middle(xy: np.ndarray, present: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, 2) the middle of those of some points that are present, and (N,) their number."""
    mask = present[:, index]
    count = mask.sum(axis=1)
    return (xy[:, index] * mask[..., None]).sum(axis=1) / np.maximum(count, 1)[:, None], count


def _extent(xy: np.ndarray, present: np.ndarray, slot: int | None) -> np.ndarray:
    """Return (N,) the larger side of the box around the present points, 0 where there are none."""
    mask = present.copy()
    if slot is not None:
        mask[:, slot] = False  # a labelled neck counts only as the derived one
    high = np.where(mask[..., None], xy, -np.inf).max(axis=1)
    low = np.where(mask[..., None], xy, np.inf).min(axis=1)
    return np.maximum(high - low, 0.0).max(axis=1)


def _first(values: np.ndarray, applies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose for each person the first of (N, R, D) values that applies.

    Returns:
        (N, D) values, 0 where none applies, and (N, R) bool: which one it is.
    """
    chosen = applies & (np.cumsum(applies, axis=1) == 1)
    return np.where(chosen[..., None], values, 0.0).sum(axis=1), chosen
