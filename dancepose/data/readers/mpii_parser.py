"""MPII's official MATLAB files, read into a `Release`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.json_file import BrokenFile
from dancepose.data.mat_file import Struct, read_mat, structs
from dancepose.data.problems import Problems
from dancepose.data.readers.mpii_people import read_groups, single_people
from dancepose.data.readers.mpii_release import Release
from dancepose.records import OCCLUDED, VISIBLE

JOINTS = 16  # of skeleton mpii16, in the order of its ids
NOWHERE = np.nan
FLAGS = {"1": VISIBLE, "1.0": VISIBLE, "0": OCCLUDED, "0.0": OCCLUDED}  # is_visible: text or number


def parse_release(path: Path, groups: Path | None, key: str = "") -> Release:
    """Read the official files.

    A person or an image that cannot be read is recorded (`annotation broken`), the others are read.

    Args:
        path: `mpii_human_pose_v1_u12_1.mat`, or another file that holds a `RELEASE`.
        groups: `groups_v12.mat`, if there is one.
        key: the config key that names `path`, for messages.

    Raises:
        BrokenFile: a file is missing, damaged, or not of this kind; names file, field and remedy.
    """
    return _Parser(path, key).parse(groups)


class _Parser:
    """Collects lists of plain numbers, from which the arrays are made at once."""

    def __init__(self, path: Path, key: str):
        self.path, self.key = path, key
        self.problems = Problems()
        self.image: list[int] = []
        self.number: list[int] = []
        self.rows: list[tuple[float, ...]] = []  # head, place, scale
        self.points: list[tuple[int, int, float, float, float]] = []  # person, id, x, y, visibility

    def parse(self, groups: Path | None) -> Release:
        release = self._release()
        annolist = self._structs(release.get("annolist"), "RELEASE.annolist")
        if not annolist:
            raise self._error("is missing: not MPII's annotations", "RELEASE.annolist")
        videos = release.get("video_list")
        videos = videos if isinstance(videos, list) else []
        names, clips = [], []
        for i, entry in enumerate(annolist):
            where = f"RELEASE.annolist({i + 1})"
            try:
                names.append(self._name(entry, where))
                clips.append(self._clip(entry.get("vididx"), videos, f"{where}.vididx"))
                rects = self._structs(entry.get("annorect"), f"{where}.annorect")
            except BrokenFile as error:
                self.problems.add_broken(error)
                del names[i:], clips[i:]
                names.append("")
                clips.append("")
                continue
            for j, rect in enumerate(rects):
                self._person(i, j, rect, f"{where}.annorect({j + 1})")
        count = len(names)
        listed = release.get("img_train")
        flags = np.ravel([] if isinstance(listed, list) else np.asarray(listed))
        if len(flags) != count or flags.dtype.kind not in "biuf":
            what = f"must be {count} numbers, 1 for each training image and 0 for the others"
            raise self._error(what, "RELEASE.img_train")
        head, place, scale = np.split(np.array(self.rows, np.float64).reshape(-1, 7), [4, 6], axis=1)
        image, number = np.array(self.image, np.int64), np.array(self.number, np.int64)
        return Release(
            names=np.array(names, np.str_),
            train=flags != 0,
            clips=np.array(clips, np.str_),
            activities=self._activities(release.get("act"), count),
            image=image,
            number=number,
            points=self._point_array(),
            head=head - 1,
            place=place - 1,
            scale=scale[:, 0],
            single=single_people(self.path, release.get("single_person"), image, number, count),
            **read_groups(groups, np.bincount(image, minlength=count).tolist(), self.problems),
            problems=_rows(self.problems),
        )

    def _release(self) -> Struct:
        found = self._structs(read_mat(self.path, ["RELEASE"], self.key)["RELEASE"], "RELEASE")
        if len(found) != 1:
            raise self._error("must be one struct: not MPII's annotations", "RELEASE")
        return found[0]

    def _error(self, what: str, field: str) -> BrokenFile:
        return BrokenFile(self.path, what, field, self.key)

    def _structs(self, value: Any, field: str) -> list[Struct]:
        try:
            return structs(value)
        except TypeError:
            raise self._error("must be a struct or an array of structs", field) from None

    def _name(self, entry: Mapping[str, Any], where: str) -> str:
        image = self._structs(entry.get("image"), f"{where}.image")
        name = image[0].get("name") if image else None
        if not isinstance(name, str):
            raise self._error("is missing: the name of a picture", f"{where}.image.name")
        return name.strip()

    def _clip(self, number: Any, videos: list[Any], field: str) -> str:
        if number is None:
            return ""
        whole = _whole(number)
        if whole is None or whole < 1:
            raise self._error(f"{number!r} must be the number of a video, from 1", field)
        name = videos[whole - 1] if whole <= len(videos) else None
        return name if isinstance(name, str) else f"video {whole}"

    def _activities(self, value: Any, count: int) -> np.ndarray:
        acts = self._structs(value, "RELEASE.act")
        if len(acts) != count:
            return np.full(count, "", "<U1")
        kinds = (act.get("cat_name") for act in acts)
        return np.array([kind if isinstance(kind, str) else "" for kind in kinds], np.str_)

    def _person(self, image: int, number: int, rect: Struct, where: str) -> None:
        try:
            row = [self._number(rect.get(name), where, name) for name in ("x1", "y1", "x2", "y2")]
            spot = self._structs(rect.get("objpos"), f"{where}.objpos")
            row += [self._number(spot[0].get(c), where, f"objpos.{c}") if spot else NOWHERE for c in "xy"]
            row.append(self._number(rect.get("scale"), where, "scale"))
            if infinite := sum(abs(value) == np.inf for value in row):
                self.problems.add("not a number", self.path, where, count=infinite)
                row = [NOWHERE if abs(value) == np.inf else value for value in row]
            annopoints = self._structs(rect.get("annopoints"), f"{where}.annopoints")
            found = (
                self._structs(annopoints[0].get("point"), f"{where}.annopoints.point") if annopoints else []
            )
            points = list(self._read_points(found, where))
        except BrokenFile as error:
            self.problems.add_broken(error)
            row, points = [NOWHERE] * 7, []
        person = len(self.rows)
        self.image.append(image)
        self.number.append(number)
        self.rows.append(tuple(row))
        self.points += [(person, *point) for point in points]

    def _number(self, value: Any, where: str, field: str) -> float:
        if type(value) is float or type(value) is int:
            return float(value)
        if value is None:
            return NOWHERE
        raise self._error(f"{value!r} must be a number", f"{where}.{field}")

    def _read_points(self, found: list[Struct], where: str) -> Iterator[tuple[int, float, float, float]]:
        """Yield id, x, y and visibility of the points that have a place."""
        seen = set()
        for k, point in enumerate(found):
            get = point.get
            x, y, joint = get("x"), get("y"), _whole(get("id"))
            field = f"annopoints.point({k + 1})"
            if joint is None or not 0 <= joint < JOINTS:
                raise self._error(f"{get('id')!r} must be a joint's number, 0 to 15", f"{where}.{field}.id")
            x, y = self._number(x, where, f"{field}.x"), self._number(y, where, f"{field}.y")
            if not (abs(x) < np.inf and abs(y) < np.inf):  # NaN too
                self.problems.add("not a number", self.path, f"{where}.{field}")
            elif joint in seen:
                self.problems.add("duplicate point", self.path, f"{where}.{field}", f"id {joint}")
            else:
                seen.add(joint)
                yield joint, x, y, self._visibility(get("is_visible"), f"{where}.{field}.is_visible")

    def _visibility(self, value: Any, field: str) -> float:
        """Return visible where nothing is said: head and neck never have the flag."""
        if value is None:
            return VISIBLE
        if type(value) in (int, float, str) and str(value) in FLAGS:
            return FLAGS[str(value)]
        raise self._error(f"{value!r} must be 0 or 1", field)

    def _point_array(self) -> np.ndarray:
        points = np.zeros((len(self.rows), JOINTS, 3))
        if self.points:
            flat = np.array(self.points, np.float64)
            person, joint = flat[:, :2].astype(np.int64).T
            points[person, joint] = flat[:, 2:] - [1, 1, 0]
        return points


def _whole(value: Any) -> int | None:
    """Return a whole number as an int, None for anything else."""
    if type(value) is int:
        return value
    return int(value) if type(value) is float and value.is_integer() else None


def _rows(problems: Problems) -> np.ndarray:
    rows = [(p.kind, p.field, p.subject, p.detail, str(p.count)) for p in problems]
    return np.array(rows, np.str_).reshape(-1, 5)
