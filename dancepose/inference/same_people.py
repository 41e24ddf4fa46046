"""Do two ways of running a network find the same people? For checks of an exported one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from dancepose.records import Person

NEAR = 0.5  # pixels of the input: keypoints farther apart are not the same
FAR = 1e6  # stands for no pair


@dataclass
class Agreement:
    """What a comparison of people found, over all pictures so far.

    Attributes:
        pictures: that were compared.
        people: of the first way.
        differing: people of either way without the same person in the other: with equal keypoints present,
            none of them farther apart than half a pixel.
        pixels: largest distance between the same keypoints of people who are the same.
        score: largest difference of their scores, of a person or of a keypoint.
    """

    pictures: int = 0
    people: int = 0
    differing: int = 0
    pixels: float = 0.0
    score: float = 0.0

    def add(self, first: Sequence[Person], second: Sequence[Person]) -> None:
        """Compare the people of one picture, given in pixels of the network's input, in any order."""
        self.pictures += 1
        self.people += len(first)
        if not first or not second:
            self.differing += len(first) + len(second)
            return
        a, b = (np.stack([person.keypoints for person in people]) for people in (first, second))
        alike = ((a[:, None, :, 2] > 0) == (b[None, :, :, 2] > 0)).all(axis=-1)
        distance = np.linalg.norm(a[:, None, :, :2] - b[None, :, :, :2], axis=-1).max(axis=-1)
        same = alike & (distance <= NEAR)
        rows, columns = linear_sum_assignment(np.where(same, distance, FAR))
        pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if same[r, c]]
        self.differing += len(first) + len(second) - 2 * len(pairs)
        for row, column in pairs:
            one, other = first[row], second[column]
            self.pixels = max(self.pixels, float(distance[row, column]))
            scores = [abs(one.score - other.score)]
            if one.scores is not None and other.scores is not None:
                scores.append(float(np.abs(one.scores - other.scores).max()))
            self.score = max(self.score, *scores)

    def __str__(self) -> str:
        if self.differing:
            return f"{self.differing} people of {self.pictures} pictures differ (PyTorch found {self.people})"
        return (
            f"the same {self.people} people in {self.pictures} pictures; largest difference "
            f"{self.pixels:.2g} px of a keypoint in the network's input, {self.score:.2g} of a score"
        )
