"""Predictions in the form in which MPII takes them, for the images whose labels it keeps to itself."""

import logging
from pathlib import Path

from dancepose.data.annolist_predictions import (
    FILE,
    place_entries,
    read_predicted,
    write_annolist_predictions,
)
from dancepose.data.readers.mpii_truth import read_mpii_test
from dancepose.data.readers.truth import check_truth
from dancepose.errors import ConfigError
from dancepose.skeleton import Skeleton

log = logging.getLogger(__name__)


def write_submission(
    folder: Path, pred: Path, release: Path, groups: Path | None, skeleton: Skeleton | None
) -> Path:
    """Write `pred_keypoints_mpii_multi.mat`: an entry for each group of the official test, in its order.

    Args:
        folder: to write to.
        pred: predictions: predictions.json, COCO results, or the toolkit's `pred`.
        release: MPII's annotations with `RELEASE`.
        groups: `groups_v12.mat`; None: beside `release`.
        skeleton: of the predicted people, where they name none.

    Returns:
        The file.

    Raises:
        ConfigError: `release` is another file.
        DataError: a file is missing or wrong, or `pred` speaks of no picture of the test.
    """
    if not check_truth(release):
        raise ConfigError(f"submit=true needs MPII's own .mat file with RELEASE, gt={release} is none")
    found = read_predicted(pred, skeleton, "mpii")
    reading, known = read_mpii_test(release, found.skeleton, groups, "gt")
    reading.problems.of("annotation broken").raise_fatal()
    frames = reading.frames
    if pred.suffix == ".mat":
        place_entries(found, [(f.name, number) for f in frames for number in range(len(f.groups))], frames)
    covered = found.covered(frames, known)
    people = found.people(frames, known)
    count = sum(len(frame.groups) for frame in frames)
    path = folder / FILE
    empty = write_annolist_predictions(path, people, frames, found.skeleton, "mpii")
    for note in found.notes:
        log.warning("%s", note)
    if silent := len(frames) - len(covered):
        log.warning(
            "of %d of the test's %d pictures %s is silent: nobody is submitted there",
            silent,
            len(frames),
            pred,
        )
    if beside := len(found.named) - len(covered):
        log.warning("%d pictures that %s speaks of have no group in the test: left out", beside, pred)
    if empty:
        log.warning(
            "of %d of the %d groups nobody is submitted: nobody was found near their place", empty, count
        )
    log.info("%s: %d groups of %d test pictures, in MPII's order", path, count, len(frames))
    return path
