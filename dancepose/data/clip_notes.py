"""What `data.clip` made of pictures that may be frames of videos, in words where that is doubtful."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from dancepose.data.parts import FOLDER
from dancepose.files import by_number
from dancepose.records import Frame

SERIES = 10  # pictures whose names run on, from which they may be a video
BY_NAME = "^(.*?)_?[0-9]+[.]"  # the rule for v1_0001.jpg, v1_0002.jpg, v2_0001.jpg, ...
Series = tuple[str, str, str]  # folder, and what stands before and behind the number


def told_clips(frames: Sequence[Frame], rule: str | None, class_folders: int, key: str) -> list[str]:
    """Say in a sentence what is doubtful about the clips of pictures of which no file names the clip.

    Args:
        frames: those of which no file does.
        rule: of `data.clip`.
        class_folders: how many levels of folders are no videos.
        key: prefix of the data's config keys.
    """
    if len(frames) < 2:
        return []
    if rule is None and class_folders:
        return _told_folders([frame.name for frame in frames], class_folders, key)
    if rule is None:
        return _told_series([frame.name for frame in frames], key)
    sizes = Counter(frame.clip for frame in frames if frame.clip is not None)
    alone = [frame for frame in frames if frame.clip is None]
    told, count = f"{key}.clip={rule}", len(frames)
    if alone and not class_folders:
        some = "no picture's name" if not sizes else f"{len(alone)} of {count} pictures' names"
        negated = "fits" if not sizes else "does not fit"
        return [f"{told} {negated} {some}, {alone[0].name} say: each of these is a clip of its own"]
    if len(sizes) == 1 and not alone:
        return [
            f"{told} makes one clip of all {count} pictures, and a clip is not divided: put the frames of "
            f"each video into a folder of its own, or give {key}.clip a regular expression whose (group) is "
            "the video"
        ]
    if sizes and max(sizes.values()) == 1:
        return [
            f"{told} makes a clip of each of {count} pictures, as if no two were of one video: it must keep "
            "what the names of a video's frames share"
        ]
    return []


def _told_folders(names: Sequence[str], class_folders: int, key: str) -> list[str]:
    """Say how many folders below those of the classes hold several pictures, which may be videos."""
    parents = Counter(PurePosixPath(name).parent for name in names)
    folders = [parent for parent, count in parents.items() if len(parent.parts) > class_folders and count > 1]
    if not folders:
        return []
    count, first = sum(parents[folder] for folder in folders), min(map(str, folders), key=by_number)
    where = f"{len(folders)} folders" if len(folders) > 1 else "a folder"
    return [
        f"{count} of {len(names)} pictures lie in {where} below those of the classes ({first}): if such a "
        f"folder is a video, {key}.clip={FOLDER} keeps it in one part; now each picture is drawn alone"
    ]


def _told_series(names: Sequence[str], key: str) -> list[str]:
    """Say where pictures are named like the frames of videos, and nothing keeps these together."""
    numbers: dict[Series, list[int]] = {}
    for name in names:
        path = PurePosixPath(name)
        if found := re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", path.stem):
            series = (path.parent.as_posix(), found[1], found[3])
            numbers.setdefault(series, []).append(int(found[2]))
    videos = {series: sorted(found) for series, found in numbers.items() if _runs_on(sorted(found))}
    count = sum(map(len, videos.values()))
    if 2 * count < len(names) or not videos:
        return []
    folders = {folder for folder, _, _ in videos}
    rule = FOLDER if len(folders) == len(videos) else f"'\"{BY_NAME}\"'"
    first = sorted(names, key=by_number)[:2]
    return [
        f"{count} of {len(names)} pictures have names that run on ({', '.join(first)}, ...): if they are "
        f"frames of videos, {key}.clip={rule} keeps each video in one part; now each picture is drawn alone"
    ]


def _runs_on(numbers: Sequence[int]) -> bool:
    """Tell whether numbers have nearly always the same step."""
    steps = Counter(b - a for a, b in zip(numbers, numbers[1:], strict=False))
    return len(numbers) >= SERIES and steps.most_common(1)[0][1] >= 0.9 * (len(numbers) - 1)
