"""MPII Human Pose, as the official files give it: one frame for each image, with its groups."""

from pathlib import Path

import numpy as np

from dancepose.data.problems import Problems
from dancepose.data.readers.mpii_cache import Sizes, load_release, picture_sizes
from dancepose.data.readers.mpii_groups import Groups, find_groups, find_test_groups, person_boxes
from dancepose.data.readers.mpii_release import Release, release_problems
from dancepose.data.readers.points import find_outside, rectangle
from dancepose.data.readers.request import Reading
from dancepose.errors import DataError
from dancepose.records import Frame, Group, Person, Region
from dancepose.skeleton import Skeleton, load_skeleton

FILE = "mpii_human_pose_v1_u12_1.mat"
GROUPS_FILE = "groups_v12.mat"
IMAGES = "images"
MISSING = 0.01  # share of its labelled pictures that a download may lack: MPII's own lacks a few


def read_mpii(annotations: Path, skeleton: Skeleton, root: Path, key: str = "data") -> Reading:
    """Read MPII's images, people and groups.

    A frame is an image with the people who have points. Those without are regions to ignore; where not even
    their place is known the frame is incomplete. Both mask the training alone: as in MPII's own toolkit they
    excuse nothing in the evaluation (`Frame.excuses`). `Frame.groups` are those that are
    evaluated; an image without any, of single people for instance, trains only (`Frame.evaluated`).

    The public file has no points of the official test images. As long as most of these lack them, they are
    left out and nothing is set apart for the test. A few labelled pictures that are not in the download are
    left out before anything is divided (`picture not in the download`).

    Args:
        annotations: `mpii_human_pose_v1_u12_1.mat`; `groups_v12.mat` is looked for beside it and in `root`.
        skeleton: the run's; mpii16 loses nothing, mpii15 the thorax.
        root: the folder that holds `images/`, or the folder of the images itself.
        key: prefix of the config keys, for messages.

    Raises:
        DataError: a file is missing, damaged or foreign, there is no folder of images, more than `MISSING`
            of the labelled images are not there, or no image has people with points; names file, field and
            remedy.
    """
    root, annotations = Path(root), Path(annotations)
    if not annotations.is_file():
        raise DataError(f"{key}.annotations={annotations} is no file: give {FILE} of the official download")
    folder = root / IMAGES if (root / IMAGES).is_dir() else root
    found = next((p for p in (annotations.parent / GROUPS_FILE, root / GROUPS_FILE) if p.is_file()), None)
    release = load_release(annotations, found, f"{key}.annotations")
    sizes = picture_sizes(folder, release.names.tolist())
    if not any(name in sizes for name in release.names.tolist()):
        raise DataError(
            f"{key}.root={root}: none of the {len(release.names)} pictures of {annotations.name} is in "
            f"{root / IMAGES}: unpack the images there"
        )
    problems = release_problems(release, annotations)
    groups = find_groups(release)
    official = _official_test(release)
    wanted = _labelled(release) & (release.train | official)
    missing = _missing(release, wanted, sizes)
    if missing.sum() > MISSING * wanted.sum():
        raise DataError(
            f"{key}.root={root}: {missing.sum()} of the {wanted.sum()} labelled pictures of "
            f"{annotations.name} are not in {folder}, more than {MISSING:.0%}, "
            f"{release.names[missing][0]} for instance: unpack the images again"
        )
    for i in np.flatnonzero(missing).tolist():
        where = f"RELEASE.annolist({i + 1}).image.name"
        problems.add("picture not in the download", annotations, where, detail=str(folder / release.names[i]))
    maker = FrameMaker(release, groups, skeleton, annotations, folder, sizes, problems)
    frames = maker.frames(wanted & ~missing)
    if not frames:
        raise DataError(f"{annotations}: nobody in its training images has points (annorect.annopoints)")
    test = frozenset(release.names[official & ~missing].tolist())
    without = len(set(release.names.tolist()) - {""} - set(release.names[missing].tolist())) - len(frames)
    notes, tested = (groups_note(found),), _test_note(release, official & ~missing)
    return Reading(frames, problems, without_keypoints=without, test=test, notes=notes, test_note=tested)


def _labelled(release: Release) -> np.ndarray:
    """Return (N,) bool: the images in which anybody has points."""
    return np.bincount(release.image, release.annotated, len(release.names)) > 0


def _missing(release: Release, wanted: np.ndarray, sizes: Sizes) -> np.ndarray:
    """Return (N,) bool: the wanted images whose picture is not there."""
    there = [not name or name in sizes for name in release.names.tolist()]  # no name: told as broken
    return wanted & ~np.array(there)


def _official_test(release: Release) -> np.ndarray:
    """Return (N,) bool: the official test images with points; none while most people's have none."""
    people = np.bincount(release.image, minlength=len(release.names)) > 0
    pointed = _labelled(release)
    test = ~release.train & people
    return test & pointed & (2 * int((test & pointed).sum()) >= int(test.sum()))


def groups_note(file: Path | None) -> str:
    """Say where the groups are from."""
    if file is not None:
        return f"groups: of {file}"
    return f"groups: people whose boxes touch, since there is no {GROUPS_FILE}; figures are not comparable"


def _test_note(release: Release, used: np.ndarray) -> str:
    """Say where the test part is from; `used` (N,) bool are the pictures set apart for it."""
    tested = ~release.train
    if used.any():
        # without groups there is no list of pictures that the test is of, and `groups_note` says enough
        wanted = np.unique(find_test_groups(release).image) if release.has_groups[0] else np.flatnonzero(used)
        if used[wanted].all():
            return "test: the official list"
        there = f"{used[wanted].sum()} of the {len(wanted)} pictures"
        return f"test: {there} of the official list that have a group; figures are not comparable"
    bare = int((tested & ~_labelled(release)).sum())
    if not tested.any():
        return "test: held out, since the file names no test images; figures are not comparable"
    return (
        f"test: held out of the training images, since {bare} of the {tested.sum()} official test images "
        "have no points; figures are not comparable with those of the official test"
    )


class FrameMaker:
    """Makes the frames of a release.

    Args:
        release: the annotations.
        groups: those that are evaluated.
        skeleton: of the frames.
        path: of the annotations, for messages.
        folder: of the pictures.
        sizes: of the pictures that are there.
        problems: what is found wrong is added.

    Raises:
        DataError: the skeleton has none of MPII's joints.
    """

    def __init__(
        self,
        release: Release,
        groups: Groups,
        skeleton: Skeleton,
        path: Path,
        folder: Path,
        sizes: Sizes,
        problems: Problems,
    ):
        self.release, self.groups, self.skeleton = release, groups, skeleton
        self.path, self.folder, self.sizes, self.problems = path, folder, sizes, problems
        mapping = load_skeleton("mpii16").map_to(skeleton)
        self.labelled = mapping.covered
        if not self.labelled.any():
            raise DataError(f"{path}: its joints have nothing in common with skeleton {skeleton.name}")
        self.points = mapping.apply(release.points)
        self.points[:, ~self.labelled] = 0  # what is derived is never trained on or scored
        self.known = np.any(self.points[..., 2] > 0, axis=1)
        self.boxes = person_boxes(release, self.known)  # of the others the whole body is masked

    def frames(self, chosen: np.ndarray) -> list[Frame]:
        """Return a frame for each chosen image in which anybody has points.

        Args:
            chosen: (N,) bool.
        """
        release, groups = self.release, self.groups
        count = len(release.names)
        first = np.searchsorted(release.image, np.arange(count + 1)).tolist()
        group_first = np.searchsorted(groups.image, np.arange(count + 1)).tolist()
        known = self.known
        has_head = ~np.isnan(release.head).any(axis=1)
        names, clips, acts = (v.tolist() for v in (release.names, release.clips, release.activities))
        pointed = np.bincount(release.image, known, count) > 0
        low, high = self._reach()
        frames: dict[str, Frame] = {}
        for i in np.flatnonzero(chosen & pointed).tolist():
            name = names[i]
            if not name or name in frames:
                if name:
                    self.problems.add("duplicate image", self.path, f"RELEASE.annolist({i + 1})", detail=name)
                continue
            people: list[Person] = []
            index: dict[int, int] = {}
            ignore: list[Region] = []
            complete = True
            for p in range(first[i], first[i + 1]):
                if known[p]:
                    index[p] = len(people)
                    head = release.head[p] if has_head[p] else None
                    people.append(Person(self.points[p], head_box=head, id=int(release.number[p])))
                elif not np.isnan(self.boxes[p]).any():
                    x1, y1, x2, y2 = self.boxes[p]
                    ignore.append([rectangle(x1, y1, x2, y2)])
                elif not np.isnan(np.r_[release.place[p], release.scale[p]]).all():
                    complete = False
                    where = f"RELEASE.annolist({i + 1}).annorect({release.number[p] + 1})"
                    self.problems.add("no place", self.path, where)
            own = [self._group(g, index) for g in range(group_first[i], group_first[i + 1])]
            own = [group for group in own if group.members]
            if any(group.box is None for group in own):
                self.problems.add("group without place", self.path, f"RELEASE.annolist({i + 1})")
            frames[name] = Frame(
                self.folder / name,
                self.sizes.get(name, (0, 0)),
                people,
                self.skeleton.name,
                name,
                self.labelled,
                complete,
                ignore,
                clips[i] or None,
                own,
                acts[i],
                id=i + 1,
                evaluated=bool(own),
                excuses=False,
            )
            self._find_wrong(frames[name], i, low[i] < 0 or high[i] > min(frames[name].size))
        return list(frames.values())

    def _group(self, g: int, index: dict[int, int]) -> Group:
        members = [index[p] for p in self.groups.members[g].tolist() if p in index]
        scale = float(self.groups.scale[g])
        if np.isnan(scale):
            return Group(members)
        return Group(members, self.groups.box[g], scale)

    def _reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (N,) the lowest and the highest coordinate in each image, of all at once."""
        low, high = np.full(len(self.release.names), np.inf), np.full(len(self.release.names), -np.inf)
        image, places = self.release.image[self.known], self.points[self.known][..., :2]
        np.minimum.at(low, image, places.min(axis=(1, 2)))
        np.maximum.at(high, image, places.max(axis=(1, 2)))
        return low, high

    def _find_wrong(self, frame: Frame, i: int, reaches: bool) -> None:
        where = f"RELEASE.annolist({i + 1})"
        if frame.name not in self.sizes:
            self.problems.add("image missing", self.path, f"{where}.image.name", detail=str(frame.image))
            return
        if 0 in frame.size or not reaches:  # broken: told by what looks at the images of the parts in use
            return
        for person in frame.people:
            field = f"{where}.annorect({(person.id or 0) + 1})"
            find_outside(person.keypoints, frame.size, self.path, field, frame.name, self.problems)
