"""Keypoints whose file gives names, or nothing but their number: which skeleton are they of?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dancepose.data.problems import Problems
from dancepose.errors import ConfigError, DataError, did_you_mean
from dancepose.paths import config_dir
from dancepose.records import NOT_ANNOTATED, VISIBLE
from dancepose.skeleton import Skeleton, load_skeleton


@dataclass(frozen=True)
class Columns:
    """Where the run's keypoints stand in a file.

    Attributes:
        index: (K,) column of each keypoint of the run's skeleton, -1 where the file has none.
        name: of the file's skeleton, for messages.
        keypoints: what the file's columns are, by its own names or those of that skeleton.
    """

    index: np.ndarray
    name: str
    keypoints: tuple[str, ...]

    @property
    def covered(self) -> np.ndarray:
        """(K,) bool: the run's keypoints that the file has; never a derived one."""
        return self.index >= 0

    def apply(self, xy: np.ndarray, conf: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Carry points over to the run's skeleton, all at once.

        A point is there where its confidence is above 0, without confidences where it is not (0, 0).

        Args:
            xy: (..., K', 2) of the file.
            conf: (..., K') or None.

        Returns:
            (..., K, 3) keypoints, visible or not annotated; (..., K) scores, float32 of either where that
            holds the file's numbers exactly, else float64; (..., K') bool, the points that had to be left out
            since a number is NaN or infinite.
        """
        # as exact as the file, and no larger than that needs: files are of millions of points
        points = xy.astype(np.result_type(xy, np.float32), copy=False)
        score = np.any(points != 0, axis=-1) if conf is None else conf
        score = score.astype(np.result_type(score, np.float32), copy=False)
        wrong = ~(np.isfinite(points).all(axis=-1) & np.isfinite(score))
        wrong &= ~(score == 0)  # a point that is not there may be written as NaN
        there = ~wrong & (score > 0)
        keypoints = np.zeros((*points.shape[:-1], 3), points.dtype)
        keypoints[..., :2] = np.where(there[..., None], points, 0)
        keypoints[..., 2] = np.where(there, VISIBLE, NOT_ANNOTATED)
        keypoints, score = keypoints[..., self.index, :], np.where(there, score, 0)[..., self.index]
        keypoints[..., ~self.covered, :], score[..., ~self.covered] = 0, 0
        return keypoints, score, wrong

    def tell_lost(
        self, lost: np.ndarray, xy: np.ndarray, fields: tuple[str, str], path: Path, problems: Problems
    ) -> None:
        """Record the points that were left out, by array, with the place of the first.

        Args:
            lost: (..., K') bool, as `apply` gives it.
            xy: (..., K', 2) of the file.
            fields: names of coordinates and confidences in the file.
            path: of the file.
            problems: they are added to it.
        """
        if not lost.any():
            return
        in_xy = lost & ~np.isfinite(xy).all(axis=-1)
        for field, cases in zip(fields, (in_xy, lost & ~in_xy), strict=True):
            if count := int(cases.sum()):
                place = [int(i) for i in np.unravel_index(int(cases.argmax()), cases.shape)]
                first = f", the first of {count}" if count > 1 else ""
                problems.add(
                    "not a number",
                    path,
                    f"{field}[{', '.join(map(str, place))}]",
                    detail=f"({self.keypoints[place[-1]]}{first})",
                    count=count,
                )


def named_columns(
    names: Sequence[str], run: Skeleton, source: str | None, path: Path, key: str, problems: Problems
) -> Columns:
    """Find keypoints by their names or aliases.

    The names are taken as those of one skeleton: of `source`, else the run's, else the first shipped one that
    has them all.

    Args:
        names: of the file's keypoints, in the order of its columns.
        run: the run's skeleton.
        source: name of the file's skeleton, or None.
        path: of the file.
        key: prefix of the config keys, for messages.
        problems: names that no skeleton knows are added; one that another skeleton knows is of a point that
            the run does not have, and no mistake.

    Raises:
        DataError: two names are one keypoint; a name is unknown in `source`; none is a keypoint of the run's.
    """
    shipped = [] if source is not None else _shipped()
    if source is not None:
        skeleton = _load(source, key)
        for name in names:
            if skeleton.find(name) is None:
                raise DataError(
                    f"{path}: names has '{name}', no keypoint of {key}.source_skeleton={source}."
                    f"{_meant(name, names, [skeleton])}"
                )
    else:
        known = (s for s in [run, *shipped] if all(s.find(name) is not None for name in names))
        skeleton = next(known, run)
    column = np.full(len(skeleton), -1, dtype=np.int64)
    for number, name in enumerate(names):
        index = skeleton.find(name)
        if index is None:
            if all(other.find(name) is None for other in shipped):
                hint = _meant(name, names, [skeleton, *shipped])
                subject = f"'{name}' (no keypoint of {skeleton.name}{'.' + hint if hint else ''})"
                problems.add("unknown label", path, "names", subject)
        elif column[index] >= 0:
            raise DataError(
                f"{path}: names has '{names[column[index]]}' and '{name}', which are one keypoint"
            )
        else:
            column[index] = number
    return _checked(column, tuple(names), skeleton, run, path)


def counted_columns(
    count: int, run: Skeleton, source: str | None, usual: dict[int, str], path: Path, key: str
) -> Columns:
    """Take keypoints without names as those of a skeleton, in its order.

    Args:
        count: of the file's keypoints.
        run: the run's skeleton.
        source: name of the file's skeleton, or None: that of `usual`, else the run's.
        usual: number of keypoints -> the skeleton that files of this kind mean by it.
        path: of the file.
        key: prefix of the config keys, for messages.

    Raises:
        DataError: the skeleton has another number of keypoints; names the remedy.
    """
    name = source or usual.get(count)
    skeleton = run if name is None else _load(name, key)
    if len(skeleton) != count:
        whose = f"{key}.source_skeleton={source}" if source else f"the run's skeleton {skeleton.name}"
        raise DataError(
            f"{path}: its people have {count} keypoints without names, {whose} has {len(skeleton)}: name the "
            f"file's skeleton with {key}.source_skeleton="
        )
    return _checked(np.arange(count), skeleton.keypoints, skeleton, run, path)


def _meant(name: str, names: Sequence[str], skeletons: Sequence[Skeleton]) -> str:
    """Return ` Did you mean 'x'?` for the nearest keypoint that a file does not name yet.

    Args:
        name: no keypoint.
        names: of the file.
        skeletons: where to look, in this order.
    """
    for skeleton in skeletons:
        free = set(skeleton.keypoints) - {
            skeleton.keypoints[i] for i in map(skeleton.find, names) if i is not None
        }
        aliases = [alias for alias, keypoint in skeleton.aliases.items() if keypoint in free]
        if hint := did_you_mean(name, sorted(free)) or did_you_mean(name, aliases):
            return hint
    return ""


def _checked(
    column: np.ndarray, keypoints: tuple[str, ...], skeleton: Skeleton, run: Skeleton, path: Path
) -> Columns:
    mapped = skeleton.map_to(run).index
    index = np.where(mapped >= 0, column[mapped], -1)
    if not (index >= 0).any():
        raise DataError(
            f"{path}: its keypoints ({skeleton.name}) have nothing in common with the run's skeleton, "
            f"{run.name}. Choose another with skeleton="
        )
    return Columns(index, skeleton.name, keypoints)


def _load(name: str, key: str) -> Skeleton:
    try:
        return load_skeleton(name)
    except ConfigError as error:
        raise ConfigError(f"{key}.source_skeleton: {error}") from None


def _shipped() -> list[Skeleton]:
    return [load_skeleton(path.stem) for path in sorted((config_dir() / "skeleton").glob("*.yaml"))]
