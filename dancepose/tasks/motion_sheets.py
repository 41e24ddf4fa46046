"""Sheets of what a classifier said: samples of every class, and its surest mistakes."""

from collections.abc import Callable, Sequence

import numpy as np

from dancepose.inference.action_drawing import draw_pose
from dancepose.inference.drawing import contact_sheet
from dancepose.inference.failures import picture_failure_told
from dancepose.metrics.samples import MotionSamples
from dancepose.records import Person
from dancepose.skeleton import Skeleton

TILE = 256  # pixels of a sample


def sample_sheet(
    samples: MotionSamples,
    count: int,
    crop: Callable[[int], np.ndarray | None] | None = None,
    people: Sequence[Person] | None = None,
    skeleton: Skeleton | None = None,
) -> np.ndarray | None:
    """Draw samples of every class in turn, right or wrong; None where nothing can be shown.

    Those of a class lie evenly over the part, so that nothing of what was said decides which are shown.

    Args:
        samples: all of them.
        count: samples at most.
        crop: the picture of a sample by its place; where there is none, or it cannot be read, which is told,
            keypoints are drawn.
        people: the person of each sample.
        skeleton: of the people.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    of_class = [np.flatnonzero(samples.labels == label) for label in range(len(samples.classes))]
    there = [places for places in of_class if len(places)]
    each = -(-count // max(1, len(there)))
    spread = [p[np.linspace(0, len(p) - 1, min(each, len(p))).round().astype(int)].tolist() for p in there]
    turns = [places[i] for i in range(each) for places in spread if i < len(places)][:count]
    shown = len(turns)
    title = f"label, -> predicted where it is mistaken, probability: {shown} of {len(samples)} samples"
    return _sheet(samples, turns, title, crop, people, skeleton)


def mistake_sheet(
    samples: MotionSamples,
    count: int,
    crop: Callable[[int], np.ndarray | None] | None = None,
    people: Sequence[Person] | None = None,
    skeleton: Skeleton | None = None,
) -> np.ndarray | None:
    """Draw the mistakes of which the classifier was surest; None where nothing can be shown.

    Of each clip there is one at most: frames of a video are mistaken alike, and would be one picture many
    times. A sample of no clip stands for itself.

    Args:
        samples: all of them.
        count: mistakes at most.
        crop: as in `sample_sheet`.
        people: the person of each sample.
        skeleton: of the people.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    predicted = samples.predicted
    wrong = np.flatnonzero(predicted != samples.labels)
    sure = samples.probabilities[wrong, predicted[wrong]]
    surest: dict[object, int] = {}
    for place in wrong[np.argsort(-sure, kind="stable")].tolist():
        clip = samples.clips[place]
        surest.setdefault((place,) if clip is None else clip, place)  # no clip is called by a tuple
    shown = list(surest.values())[:count]
    if samples.clustered is None:
        what = f"{len(shown)} of {len(wrong)} mistakes, the surest first"
    else:
        what = f"the surest of {len(shown)} clips, of {len(wrong)} mistakes"
    return _sheet(samples, shown, f"label -> predicted, probability: {what}", crop, people, skeleton)


def _sheet(
    samples: MotionSamples,
    places: Sequence[int],
    title: str,
    crop: Callable[[int], np.ndarray | None] | None,
    people: Sequence[Person] | None,
    skeleton: Skeleton | None,
) -> np.ndarray | None:
    predicted, images, captions = samples.predicted, [], []
    for i in places:
        image = None
        if crop is not None:
            with picture_failure_told(f"the picture of {samples.ids[i]}"):
                image = crop(i)
        if image is None and people is not None and skeleton is not None:
            image = draw_pose(people[i], skeleton, TILE)
        if image is None:
            continue
        images.append(image)
        names = dict.fromkeys((samples.classes[samples.labels[i]], samples.classes[predicted[i]]))
        share = samples.probabilities[i, predicted[i]]
        captions.append(f"{' -> '.join(names)}, {share:.2f}\n{samples.ids[i]}")
    if not images:
        return None
    columns = max(2, min(4, len(images)))  # the title needs two tiles
    return contact_sheet(images, captions, columns if len(images) > 1 else 1, TILE, title)
