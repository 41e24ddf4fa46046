"""Truth for scoring predictions, in whichever format the user has it."""

import logging
from pathlib import Path

from dancepose.data.actions import has_keypoints
from dancepose.data.readers.coco import read_coco
from dancepose.data.readers.labelme import read_labelme
from dancepose.errors import DataError
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

log = logging.getLogger(__name__)


def read_truth(path: Path, skeleton: Skeleton) -> list[Frame]:
    """Read a COCO keypoint JSON or a Labelme folder, and log what is wrong. The images need not be there.

    Raises:
        DataError: the path is neither, or its contents are wrong, be it one annotation.
    """
    path = Path(path)
    if path.is_dir():
        frames, problems = read_labelme(path, skeleton, key="gt")
        frames = [frame for frame in frames if has_keypoints(frame)]  # not those of actions alone
    elif path.suffix == ".json":
        frames, problems = read_coco(path, skeleton, path.parent, key="gt")
    else:
        raise DataError(f"gt={path} is neither a Labelme folder nor a COCO JSON file")
    problems.of("annotation broken").raise_fatal()
    if found := problems.without("image missing"):
        log.warning("gt=%s\n%s", path, found.report())
    return frames
