"""What OKS average precision keeps of each frame: a row for each labelled and each predicted person."""

from collections.abc import Sequence

import numpy as np

from dancepose.metrics.head_size import EXTENT_MINIMUM, bounding_boxes
from dancepose.metrics.people import UNSCORED, labelled_mask, stack_people
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

BODY_SHARE = 0.53  # of its box that a person fills: stands in for COCO's segment area (CrowdPose)
NARROWEST = 0.25  # the short side of a keypoint box counts as at least this share of the long one
SMALLEST_AREA = 32.0**2  # px^2, for an ignored person of whom little is known

# columns of the truth table before the keypoints
IGNORED, CROWD, FROM_BOX, FROM_EXTENT, AREA, BOX, TRUTH_COLUMNS = 0, 1, 2, 3, 4, 5, 9


def truth_rows(frame: Frame, skeleton: Skeleton) -> np.ndarray:
    """Return a row of the truth table for each person and ignore region of which anything is known.

    People of no group of a frame that has groups are ignored.
    """
    points = stack_people(frame.people, skeleton, frame)
    annotated = (points[..., 2] > 0) & labelled_mask(skeleton, frame)
    keypoints = np.where(annotated[..., None], points, 0).reshape(-1, 3 * len(skeleton))
    extents = bounding_boxes(points, annotated)
    rows = []
    members = {i for group in frame.groups for i in group.members}
    for i, (person, shown, flat, (x1, y1, x2, y2)) in enumerate(
        zip(frame.people, annotated.sum(axis=1), keypoints, extents, strict=True)
    ):
        if person.box is not None:
            place = [float(v) for v in person.box]
            area, guess, few = BODY_SHARE * place[2] * place[3], [True, False], shown == 0
        elif shown > 0:
            sides = np.array([x2 - x1, y2 - y1])
            place = [x1, y1, *sides]
            area = BODY_SHARE * float(np.prod(np.maximum(sides, NARROWEST * sides.max())))
            guess, few = [False, True], shown < EXTENT_MINIMUM
            area = max(area, SMALLEST_AREA) if few else area
        else:
            continue
        if person.area is not None:
            area, guess, few = person.area, [False, False], shown == 0
        head = [few or (bool(frame.groups) and i not in members), False, *guess, area, *place]
        rows.append(np.concatenate([np.array(head, dtype=np.float64), flat]))
    for region in frame.ignore:
        corners = np.concatenate(region)
        corner, end = corners.min(axis=0), corners.max(axis=0)
        w, h = end - corner
        head = [True, True, False, False, w * h, *corner, w, h]
        rows.append(np.concatenate([np.array(head, dtype=np.float64), np.zeros(3 * len(skeleton))]))
    return np.array(rows).reshape(-1, TRUTH_COLUMNS + 3 * len(skeleton))


def prediction_rows(people: Sequence[Person], frame: Frame, skeleton: Skeleton) -> np.ndarray:
    """Return score and keypoints of each predicted person; a missing one lies at 0, 0 as in COCO files."""
    points = stack_people(people, skeleton, frame)
    keypoints = np.where((points[..., 2] > 0)[..., None], points, 0).reshape(-1, 3 * len(skeleton))
    scores = np.array([person.score for person in people], dtype=np.float64).reshape(-1, 1)
    return np.concatenate([np.where(np.isnan(scores), UNSCORED, scores), keypoints], axis=1)
