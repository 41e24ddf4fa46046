"""What runs answered to each sample of the same test part: all that can be scored of them again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dancepose.errors import DataError
from dancepose.metrics.direction import OF_CLASS
from dancepose.metrics.pose_images import FILE as IMAGES
from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.metrics.single_pictures import LABELS, SinglePictures
from dancepose.paths import EVALUATION, evaluate_again
from dancepose.sweeps.jobs import Job
from dancepose.sweeps.keypoint_groups import MEAN_AP, groups_of, parted, places
from dancepose.sweeps.left_out import RESULT, LeftOut, damaged
from dancepose.sweeps.pose_scores import MeanAPScores, PCKScores
from dancepose.sweeps.scores import AccuracyScores, CalibrationScores, MacroF1Scores, Scores
from dancepose.sweeps.statistics import number_clusters

SURE = ("accuracy", "macro_F1", "ECE")  # of motions: made of what was said of each sample
KEPT = 2**28  # bytes of samples that are held from their check to the comparison; others are read again
TEXTS = 200  # of these, about, for the name of a sample and of its clip
ROUNDING = 1e-5  # of a metric: of an accuracy less than one sample of 100,000


def with_samples(jobs: Sequence[Job], poses: bool) -> tuple[list[Job], list[LeftOut]]:
    """Part the jobs that kept what they said of each test sample from those that did not.

    Without that nothing can be said of other samples, and so nothing be claimed: one job would silence all.
    A file that gives other figures than the run's own test was written by a later evaluation, with other
    settings: compared with the files of other runs it would show the settings.

    The jobs hold what was read, as far as `KEPT` goes, so that it is not read again to be compared.
    """
    name = IMAGES if poses else FILE
    load: Callable[[Path], MotionSamples | PoseImages] = PoseImages.load if poses else MotionSamples.load
    there, left_out, room = [], [], KEPT
    for job in jobs:
        if not (job.tested / name).is_file():
            cause = f"it has no {name}: write it by {evaluate_again(job.tested)}"
            left_out.append(LeftOut(job.path, "done", cause))
            continue
        try:
            samples = load(job.tested / name)
        except DataError as error:
            left_out.append(damaged(job.path, error, f"write it again: {evaluate_again(job.tested)}"))
            continue
        if told := _contradiction(job, samples):
            cause = (
                f"{name} gives {told}, as an evaluation with other settings leaves it: put it back by "
                f"{evaluate_again(job.tested)}"
            )
            left_out.append(LeftOut(job.path, "done", cause))
            continue
        size = _bytes_of(samples)
        there.append(replace(job, samples=samples) if size <= room else job)
        room -= size * (size <= room)
    return there, left_out


def _bytes_of(samples: MotionSamples | PoseImages) -> int:
    """Return about how many bytes samples take: of each besides its numbers the texts, its name and clip."""
    numbers = sum(value.nbytes for value in vars(samples).values() if isinstance(value, np.ndarray))
    singles = samples.singles if isinstance(samples, PoseImages) else None
    more = 0 if singles is None else singles.nbytes + TEXTS * len(singles)
    return numbers + TEXTS * len(samples) + more


def _contradiction(job: Job, samples: MotionSamples | PoseImages) -> str:
    """Return in what samples differ from the test of their run, but for rounding; else nothing."""
    if isinstance(samples, PoseImages):
        figures = {"mAP": float(samples.mean_ap(np.ones((1, len(samples))))[0])}
        if samples.singles is not None:
            figures |= {label: samples.singles.value(label) for label in LABELS}
    else:
        right = samples.predicted == samples.labels
        figures = {"accuracy": float(right.mean()) if len(samples) else 0.0}
    for metric, value in figures.items():
        tested = job.metrics.get(f"test/{metric}")
        if tested is None or np.isnan(value) or abs(value - tested) <= ROUNDING * max(1.0, abs(tested)):
            continue
        return f"{metric} {value:.6g}, {RESULT if job.evaluation is None else EVALUATION} {tested:.6g}"
    return ""


class MotionAnswers:
    """What runs of motions said of the same test samples.

    Args:
        jobs: the runs; one of them at least.

    Attributes:
        labels: (N,) classes.
        clips: (N,) the clip of each sample; None where there are none.
        samples: how many there are.
        classes: names.
        predicted: job's folder -> (N,) classes.
        confidence: job's folder -> (N,) top probabilities, float32.
        unit: what the samples are drawn by: clips, or samples where there are no clips.
        groups: how many of these there are.

    Raises:
        DataError: a file is broken, or two runs were tested on different samples.
    """

    def __init__(self, jobs: Sequence[Job]):
        first: MotionSamples | None = None
        self.predicted: dict[Path, np.ndarray] = {}
        self.confidence: dict[Path, np.ndarray] = {}
        for job in jobs:
            samples = _motions_of(job)
            if first is None:
                first, base = samples, job
            elif samples.ids != first.ids:
                samples = _ordered(samples, first, job, base)
            if not samples.same_test(first):
                raise _other_samples(job, base, "classes or labels")
            predicted = samples.predicted
            self.predicted[job.path] = predicted.astype(np.int16)
            self.confidence[job.path] = samples.probabilities[np.arange(len(samples)), predicted].astype(
                np.float32
            )
        assert first is not None
        self.labels, self.clips, self.classes = first.labels, first.clustered, first.classes
        self.unit = "samples" if self.clips is None else "clips"
        self.samples, self.groups = len(first), _count_groups(first.clips)
        if not len(first):
            raise DataError(f"{base.tested / FILE} holds no sample: there is nothing to compare")

    def scores(self, metric: str, jobs: Sequence[Job], seeds: Sequence[int]) -> Scores | None:
        """Return the scores of runs by one of `SURE` or `accuracy_<class>`, None of another metric."""
        name = metric.removeprefix(OF_CLASS)
        of_class = name != metric and name in self.classes and self.classes.index(name) in self.labels
        if metric not in SURE and not of_class:
            return None
        predicted = np.stack([self.predicted[job.path] for job in jobs])
        if of_class:
            own = np.flatnonzero(self.labels == self.classes.index(name))
            clips = None if self.clips is None else [self.clips[i] for i in own]
            return AccuracyScores(seeds, predicted[:, own] == self.labels[own], clips)
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
    """What runs of poses found in each of the same test images.

    Args:
        jobs: the runs; one of them at least.

    Attributes:
        images: job's folder -> what it found.
        columns: keypoint group -> its keypoints.
        without_singles: jobs of which PCK is known as one number alone, as files of earlier versions have it.
        samples: how many images there are.
        unit: what the images are drawn by: clips, or images where there are no clips.
        groups: how many of these there are.

    Raises:
        DataError: a file is missing or broken, or two runs were tested on different images.
    """

    def __init__(self, jobs: Sequence[Job]):
        self.images: dict[Path, PoseImages] = {}
        self.columns = groups_of(jobs)
        self.without_singles: list[Job] = []
        first: PoseImages | None = None
        singles: SinglePictures | None = None
        for job in jobs:
            images = _images_of(job)
            if first is None:
                first, base = images, job
            elif not images.same_test(first):
                raise _other_samples(job, base, "images or labels")
            if images.singles is None:
                self.without_singles.append(job)
            elif singles is None:
                singles, single_base = images.singles, job
            elif not images.singles.same_test(singles):
                raise _other_samples(job, single_base, "images of one person or their labels")
            self.images[job.path] = images
        assert first is not None
        self.unit = "clips" if any(clip is not None for clip in first.clips) else "images"
        self.samples, self.groups = len(first), _count_groups(first.clips)

    def scores(self, metric: str, jobs: Sequence[Job], seeds: Sequence[int]) -> Scores | None:
        """Return the scores of runs by mAP, PCK or these of a group, None where not known of each image."""
        runs = [self.images[job.path] for job in jobs]
        label, group = parted(metric)
        joints = places(self.columns.get(group, ()), runs[0].keypoints) if group else None
        if group and not joints:
            return None
        if label == MEAN_AP:
            return MeanAPScores(seeds, runs, joints)
        singles = [run.singles for run in runs if run.singles is not None]
        return PCKScores(seeds, singles, label, joints) if len(singles) == len(runs) else None


def _motions_of(job: Job) -> MotionSamples:
    return job.samples if isinstance(job.samples, MotionSamples) else MotionSamples.load(job.tested / FILE)


def _images_of(job: Job) -> PoseImages:
    return job.samples if isinstance(job.samples, PoseImages) else PoseImages.load(job.tested / IMAGES)


def _count_groups(clips: Sequence[str | None]) -> int:
    """Return how many clips there are, one of no clip counting as its own."""
    return number_clusters(clips, len(clips))[1]


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
