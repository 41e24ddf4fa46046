"""What runs answered to each sample of the same test part: all that can be scored of them again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.pose_images import FILE as IMAGES
from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.sweeps.jobs import Job, LeftOut
from dancepose.sweeps.scores import AccuracyScores, CalibrationScores, MacroF1Scores, MeanAPScores, Scores

SURE = ("accuracy", "macro_F1", "ECE")  # of motions: made of what was said of each sample


def with_samples(jobs: Sequence[Job], poses: bool) -> tuple[list[Job], list[LeftOut]]:
    """Part from the others the jobs of motions that did not keep what they said of each sample."""
    if poses:
        return list(jobs), []
    there, left_out = [], []
    for job in jobs:
        if (job.path / FILE).is_file():
            there.append(job)
        else:
            cause = f"it has no {FILE}: evaluate it again (dancepose-evaluate run=...)"
            left_out.append(LeftOut(job.path, "done", cause))
    return there, left_out


class MotionAnswers:
    """What runs of motions said of the same test samples.

    Args:
        jobs: the runs; one of them at least.

    Attributes:
        labels: (N,) classes.
        clips: (N,) the clip of each sample; None where there are none.
        classes: names.
        predicted: job's folder -> (N,) classes.
        confidence: job's folder -> (N,) top probabilities, float32.

    Raises:
        DataError: a file is broken, or two runs were tested on different samples.
    """

    def __init__(self, jobs: Sequence[Job]):
        first: MotionSamples | None = None
        self.predicted: dict[Path, np.ndarray] = {}
        self.confidence: dict[Path, np.ndarray] = {}
        for job in jobs:
            samples = MotionSamples.load(job.path / FILE)
            if first is None:
                first, base = samples, job
            elif samples.ids != first.ids:
                samples = _ordered(samples, first, job, base)
            if samples.classes != first.classes or (samples.labels != first.labels).any():
                raise _other_samples(job, base, "classes or labels")
            predicted = samples.predicted
            self.predicted[job.path] = predicted.astype(np.int16)
            self.confidence[job.path] = samples.probabilities[np.arange(len(samples)), predicted].astype(
                np.float32
            )
        assert first is not None
        self.labels, self.clips, self.classes = first.labels, first.clustered, first.classes
        if not len(first):
            raise DataError(f"{base.path / FILE} holds no sample: there is nothing to compare")

    def scores(self, metric: str, jobs: Sequence[Job], seeds: Sequence[int]) -> Scores | None:
        """Return the scores of runs by one of `SURE`, None of another metric."""
        if metric not in SURE:
            return None
        predicted = np.stack([self.predicted[job.path] for job in jobs])
        if metric == "accuracy":
            return AccuracyScores(seeds, predicted == self.labels, self.clips)
        if metric == "macro_F1":
            return MacroF1Scores(seeds, self.labels, predicted, len(self.classes), self.clips)
        confidence = np.stack([self.confidence[job.path] for job in jobs])
        return CalibrationScores(seeds, confidence, predicted == self.labels, self.clips)

    def confusion(self, jobs: Sequence[Job]) -> np.ndarray:
        """Return the (C, C) matrix of runs together, labels by row."""
        count = len(self.classes)
        places = sum(
            np.bincount(self.labels * count + self.predicted[j.path], minlength=count**2) for j in jobs
        )
        return np.asarray(places).reshape(count, count)

    def recalls(self, job: Job) -> dict[str, float | None]:
        """Return the accuracy of each class, None of one without samples."""
        count = len(self.classes)
        all_of = np.bincount(self.labels, minlength=count)
        right = np.bincount(self.labels[self.predicted[job.path] == self.labels], minlength=count)
        return {n: float(r / a) if a else None for n, r, a in zip(self.classes, right, all_of, strict=True)}


class PoseAnswers:
    """What runs of poses found in each of the same test images, where they kept it.

    Args:
        jobs: the runs.

    Attributes:
        images: job's folder -> what it found; empty unless every run kept it.
        notes: what must be said where they did not.

    Raises:
        DataError: a file is broken, or two runs were tested on different images.
    """

    def __init__(self, jobs: Sequence[Job]):
        self.images: dict[Path, PoseImages] = {}
        self.notes: list[str] = []
        lacking = [job for job in jobs if not (job.path / IMAGES).is_file()]
        if lacking:
            told = f"{lacking[0].name} and {len(lacking) - 1} more" if lacking[1:] else lacking[0].name
            self.notes.append(
                f"no interval over other images: {told} has no {IMAGES} "
                "(dancepose-evaluate run=... writes one)"
            )
            return
        first = None
        for job in jobs:
            images = PoseImages.load(job.path / IMAGES)
            if first is None:
                first, base = images, job
            elif not images.same_test(first):
                raise _other_samples(job, base, "images or labels")
            self.images[job.path] = images

    def scores(self, metric: str, jobs: Sequence[Job], seeds: Sequence[int]) -> Scores | None:
        """Return the scores of runs by mAP, None of another metric or where it is not known of each image."""
        if metric != "mAP" or not self.images:
            return None
        return MeanAPScores(seeds, [self.images[job.path] for job in jobs])


def _ordered(samples: MotionSamples, first: MotionSamples, job: Job, base: Job) -> MotionSamples:
    places = {name: i for i, name in enumerate(samples.ids)}
    if places.keys() != set(first.ids):
        raise _other_samples(job, base, f"{len(samples)} and {len(first)} samples")
    return samples.select([places[name] for name in first.ids])


def _other_samples(job: Job, base: Job, what: str) -> DataError:
    return DataError(
        f"{job.name} and {base.name} were tested on different samples ({what}): runs are compared on "
        "the same. Give both the same data, split and classes, or compare them in tables of their own: "
        "split=[split]"
    )
