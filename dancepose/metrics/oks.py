"""OKS average precision and recall, COCO's keypoint figure, through faster-coco-eval."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from faster_coco_eval import COCO, COCOeval_faster
from torch import Tensor

from dancepose.metrics.groups import people_of_any_group
from dancepose.metrics.oks_tables import (
    AREA,
    BOX,
    CROWD,
    FROM_BOX,
    FROM_EXTENT,
    IGNORED,
    TRUTH_COLUMNS,
    prediction_rows,
    truth_rows,
)
from dancepose.metrics.people import check_frames
from dancepose.metrics.state import FrameMetric
from dancepose.metrics.table import ResultRow
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

log = logging.getLogger(__name__)

STATISTICS = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
PERSON = 1  # category id


class OKSAveragePrecision(FrameMetric):
    """AP and AR over object keypoint similarity .50:.95, at most 20 people an image, in percent.

    COCO keypoint challenge (Lin et al. 2014, Microsoft COCO): exp(-d^2 / (2 area (2 sigma)^2)), mean over the
    annotated keypoints, sigmas of the skeleton. All keypoints count, whether or not they stand in a report
    column.

    Area: of the person's outline where the source gives it (`Person.area`, COCO's rule); else 0.53 x its box,
    else 0.53 x the box around its annotated keypoints, whose short side counts as at least a quarter of the
    long one. With these two figures differ a little from published ones: the row tells of how many people.

    Ignored the COCO way (neither truth nor a source of false ones): people with a box but no annotated
    keypoint, and `Frame.ignore` regions, as crowds, by the box around them; beyond COCO also people without
    area and box and with fewer than four annotated keypoints, for their size is unknown. Frames marked
    incomplete get no grace here; the row says how many there are.

    Where frames have groups, as MPII's, the figure is of the same people as that of `MPIIMeanAP`: frames
    without a group are passed over, labelled people of no group are ignored, and who is predicted near no
    group is dropped. So it is the same whether predictions are of whole images or of groups.

    Args:
        skeleton: of truth and predictions.
    """

    incomplete: Tensor
    ungrouped: Tensor

    def __init__(self, skeleton: Skeleton) -> None:
        keypoints = 3 * len(skeleton)
        super().__init__(skeleton, {"people": TRUTH_COLUMNS + keypoints, "predictions": 1 + keypoints})
        for name in ("incomplete", "ungrouped"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self,
        predictions: Sequence[Sequence[Person]],
        frames: Sequence[Frame],
        indices: Sequence[int] | None = None,
    ) -> None:
        """Add frames.

        Args:
            predictions: predicted people of each frame, original pixels.
            frames: the truth, original pixels.
            indices: each frame's place in the data set, see `FrameMetric.frame_keys`.

        Raises:
            DataError: keypoints of another shape or without a finite place, or a frame of another skeleton.
        """
        check_frames(self.skeleton, predictions, frames)
        keys = self.frame_keys(frames, indices)
        self.ungrouped += sum(not frame.evaluated for frame in frames)
        scored = [i for i, frame in enumerate(frames) if frame.evaluated]
        keys, frames = keys[scored], [frames[i] for i in scored]
        near = people_of_any_group([predictions[i] for i in scored], frames, self.skeleton)
        tables = [
            {
                "people": truth_rows(frame, self.skeleton),
                "predictions": prediction_rows(people, frame, self.skeleton),
            }
            for people, frame in zip(near, frames, strict=True)
        ]
        self.incomplete += sum(not frame.complete for frame in frames)
        if not tables:
            return
        for name in self.tables:
            rows = [table[name] for table in tables]
            self.append(name, np.repeat(keys, [len(r) for r in rows], axis=0), np.concatenate(rows))

    def compute(self) -> ResultRow:
        """Return the figure over all frames of all processes: AP to ARL in percent, None without truth."""
        people, predictions = self.table("people"), self.table("predictions")
        truth, found = people[:, 2:], predictions[:, 2:]
        ignored = truth[:, IGNORED] > 0
        crowd = truth[:, CROWD] > 0
        counts = {
            "images": int(self.images),
            "images_without_group": int(self.ungrouped),
            "incomplete_images": int(self.incomplete),
            "people": int((~crowd).sum()),
            "ignored_people": int((ignored & ~crowd).sum()),
            "ignore_regions": int(crowd.sum()),
            "without_area": int(truth[:, FROM_BOX].sum()),
            "without_box": int(truth[:, FROM_EXTENT].sum()),
            "predictions": len(found),
        }
        values: list[float | None] = [None] * len(STATISTICS)
        if not ignored.all():
            serials, image_ids = np.unique(
                np.concatenate([people[:, 1], predictions[:, 1]]), return_inverse=True
            )
            order = _dataset_order(serials, people, predictions)
            image_ids = order[image_ids]
            truth_ids, found_ids = image_ids[: len(people)], image_ids[len(people) :]
            values = _coco_statistics(truth, truth_ids, found, found_ids, self.skeleton)
        return ResultRow(
            metric="OKS",
            columns=dict(zip(STATISTICS, values, strict=True)),
            total="AP",
            counts=counts,
            notes=[*_notes(counts), *self._missed(truth, found)],
        )

    def _missed(self, truth: np.ndarray, found: np.ndarray) -> list[str]:
        """Name annotated keypoints that no predicted person has, as of a system that never predicts them."""
        annotated = (truth[:, TRUTH_COLUMNS + 2 :: 3] > 0).any(axis=0)
        never = annotated & ~(found[:, 3::3] > 0).any(axis=0)
        if not len(found) or not never.any():
            return []
        names = ", ".join(np.array(self.skeleton.keypoints)[never])
        return [f"keypoints that nobody who was predicted has, missed in each person: {names}"]


def _dataset_order(serials: np.ndarray, people: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return each image's id, from 1, in the data set's order."""
    places = np.zeros(len(serials))
    for table in (people, predictions):
        places[np.searchsorted(serials, table[:, 1])] = table[:, 0]
    ids = np.empty(len(serials), dtype=np.int64)
    ids[np.lexsort((serials, places))] = np.arange(1, len(serials) + 1)
    return ids


def _coco_statistics(
    truth: np.ndarray, truth_ids: np.ndarray, found: np.ndarray, found_ids: np.ndarray, skeleton: Skeleton
) -> list[float | None]:
    """Run the COCO evaluation and return its ten statistics in percent, None where COCO says -1."""
    annotations: list[dict[str, Any]] = []
    for number, (image, row) in enumerate(zip(truth_ids.tolist(), truth, strict=True), start=1):
        keypoints = row[TRUTH_COLUMNS:]
        annotations.append(
            {
                "id": number,
                "image_id": image,
                "category_id": PERSON,
                "iscrowd": int(row[CROWD]),
                # 0 makes COCO ignore the person, while the keypoints, if any, still place it
                "num_keypoints": 0 if row[IGNORED] else int((keypoints[2::3] > 0).sum()),
                "area": float(row[AREA]),
                "bbox": row[BOX:TRUTH_COLUMNS].tolist(),
                "keypoints": keypoints.tolist(),
            }
        )
    results = [
        {
            "image_id": image,
            "category_id": PERSON,
            "score": float(row[0]),
            "keypoints": row[1:].tolist(),
        }
        for image, row in zip(found_ids.tolist(), found, strict=True)
    ]
    images = [{"id": i} for i in np.unique(np.concatenate([truth_ids, found_ids])).tolist()]
    categories = [{"id": PERSON, "name": "person", "keypoints": list(skeleton.keypoints)}]
    # deep copies, for the evaluation writes into what it is given
    coco = COCO({"images": images, "annotations": annotations, "categories": categories}, use_deepcopy=True)
    evaluation = COCOeval_faster(
        coco,
        coco.loadRes(results),
        iouType="keypoints",
        kpt_oks_sigmas=np.array(skeleton.sigmas),
        print_function=log.debug,
    )
    evaluation.run()
    return [100 * float(value) if value >= 0 else None for value in evaluation.stats]


def _notes(counts: dict[str, int]) -> list[str]:
    notes = []
    if ungrouped := counts["images_without_group"]:
        notes.append(f"pictures without a group of people, passed over: {ungrouped}")
    if boxed := counts["without_area"]:
        notes.append(f"area not given, 0.53 x the box in its place: {boxed} of {counts['people']} people")
    if unboxed := counts["without_box"]:
        notes.append(
            "neither area nor box given, area from the keypoints' extent: "
            f"{unboxed} of {counts['people']} people"
        )
    if incomplete := counts["incomplete_images"]:
        notes.append(
            f"images not completely labelled: {incomplete}; "
            "predictions on their unlabelled people count as false"
        )
    return notes
