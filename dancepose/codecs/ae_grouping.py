"""Grouping of keypoint candidates by their tags, in plain numpy (Newell et al. 2017, section 3.2).

Both rules go through the keypoints from the torso outwards, match each keypoint's candidates to the people
found so far by an optimal assignment, and begin a new person with each candidate that has no match. A
person's tag is the mean over its keypoints. They take and return the same arrays:

- scores (K, M): the candidates' heat, highest first; candidates with 0 do not exist.
- tags (K, M, T).
- result (P, K) int64: for each person which candidate of each keypoint it has, -1 for none.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

TIE = 1e-6  # weight of what breaks ties: too little to outweigh any difference of the published cost


@dataclass(frozen=True)
class Grouping:
    """The default rule.

    It differs from the published one where that invents people:

    - The match maximises the sum of heat * (1 - d^2 / tag_threshold^2) * n / (n + 1) over pairs with tag
      distance d < tag_threshold, where n is the number of keypoints that the person has. Nothing is rounded,
      so there are no ties, and a pair out of reach is worth nothing rather than a large cost: the published
      cost shifts whole chains of people by one in order to save one far pair. n / (n + 1) is the trust in a
      mean over n tags (a new tag's variance about it is 1 + 1 / n times that of a tag); it keeps a stray
      from drawing keypoints away from a person.
    - Tags are weighted by heat in a person's mean.
    - Afterwards people without enough evidence are dropped, and all candidates are matched once more to the
      people that are left, now that all are known; this mends errors that came from the keypoints' order.

    Evidence is the sum of a person's heat over the median heat of a grouped keypoint in the image: about the
    number of keypoints. Being relative, it means the same for a network whose peaks are low.

    Attributes:
        order: (K,) keypoint indices, from the torso outwards.
        tag_threshold: tags farther apart than this are two people.
        max_people: people returned at most.
        person_evidence: evidence that a person needs. 0.75 is met by one ordinary peak or by a few weak ones,
            but not by one weak peak.
        split_evidence: evidence that a person needs whose tag is within the threshold of a stronger person's:
            one more likely to be made of that person's second peaks, of which a network that is not sure
            where a limb is gives several at once.
    """

    order: np.ndarray
    tag_threshold: float = 1.0
    max_people: int = 30
    person_evidence: float = 0.75
    split_evidence: float = 6.0

    def __call__(self, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Group the candidates of one image; people come out strongest first."""
        return self.everybody(scores, tags)[: self.max_people]

    def everybody(self, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Return also those of whom `max_people` leaves no room, at the end."""
        people = self._credible(self._grow(scores, tags), scores, tags)
        return self._credible(self._match_all(people, scores, tags), scores, tags)

    def _grow(self, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Go through the keypoints once; unmatched candidates begin people."""
        room = int((scores > 0).sum())
        people = np.full((room, len(scores)), -1)
        sums, heat = np.zeros((room, tags.shape[2])), np.zeros(room)  # of tags weighted by heat, and of heat
        begun = 0
        for joint in self.order:
            count = int((scores[joint] > 0).sum())
            if not count:
                continue
            score, tag = scores[joint, :count], tags[joint, :count]
            worth = (people[:begun] >= 0).sum(axis=1)
            candidate, person = self._match(score, tag, sums[:begun] / heat[:begun, None], worth)
            unmatched = np.ones(count, dtype=bool)
            unmatched[candidate] = False
            alone = np.flatnonzero(unmatched)
            candidate = np.concatenate([candidate, alone])
            person = np.concatenate([person, begun + np.arange(len(alone))])
            begun += len(alone)
            people[person, joint] = candidate
            heat[person] += score[candidate]
            sums[person] += score[candidate, None] * tag[candidate]
        return people[:begun]

    def _match_all(self, people: np.ndarray, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Match all candidates to the mean tags of the given people; nobody is begun."""
        means, worth = person_tags(people, scores, tags), (people >= 0).sum(axis=1)
        matched = np.full_like(people, -1)
        for joint, score in enumerate(scores):
            count = int((score > 0).sum())
            candidate, person = self._match(score[:count], tags[joint, :count], means, worth)
            matched[person, joint] = candidate
        return matched[(matched >= 0).any(axis=1)]

    def _match(
        self, score: np.ndarray, tag: np.ndarray, means: np.ndarray, worth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return matched candidates and their people: the assignment of the largest sum."""
        gain = 1 - squared_distances(tag, means) / self.tag_threshold**2
        gain = gain.clip(min=0) * score[:, None] * (worth / (worth + 1))
        rows, columns = linear_sum_assignment(gain, maximize=True)
        real = gain[rows, columns] > 0
        return rows[real], columns[real]

    def _credible(self, people: np.ndarray, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Drop people without enough evidence and sort the rest, strongest first."""
        if not len(people):
            return people
        heat = member_scores(people, scores)
        evidence = heat.sum(axis=1) / np.median(heat[heat > 0])
        order = np.argsort(-evidence, kind="stable")
        people, evidence = people[order], evidence[order]
        means = person_tags(people, scores, tags)
        near = squared_distances(means, means) < self.tag_threshold**2
        kept: list[int] = []
        for index in range(len(people)):
            needed = self.split_evidence if near[index, kept].any() else self.person_evidence
            if evidence[index] >= needed:
                kept.append(index)
        return people[kept]


@dataclass(frozen=True)
class PublishedGrouping:
    """The published rule: assignment of least cost round(d) * 100 - heat, a match kept if d < tag_threshold.

    Such assignments have ties, which published code leaves to its solver: different releases of one return
    different people, all equally right. Here the fewest pairs with round(d) > 0 decide: most ties are between
    a chain of people each shifted by one and a single pair that is too far apart to be kept anyway.

    Attributes:
        order: (K,) keypoint indices, from the torso outwards.
        tag_threshold: largest tag distance d within a person.
        max_people: only this many people, the first begun, are offered to candidates.
    """

    order: np.ndarray
    tag_threshold: float = 1.0
    max_people: int = 30

    def __call__(self, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Group the candidates of one image; people come out in the order in which they were begun."""
        people: list[np.ndarray] = []
        members: list[list[np.ndarray]] = []  # tags of each person
        for joint in self.order:
            count = int((scores[joint] > 0).sum())
            if not count:
                continue
            score, tag = scores[joint, :count], tags[joint, :count]
            offered = len(members[: self.max_people])
            means = np.array([np.mean(m, axis=0) for m in members[:offered]]).reshape(offered, tags.shape[2])
            distance = np.sqrt(squared_distances(tag, means))
            cost = published_cost(distance, score)
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if column < offered and distance[row, column] < self.tag_threshold:
                    people[column][joint] = row
                    members[column].append(tag[row])
                    continue
                # people are known by their first tag, so a new one with an equal tag takes the old one's
                # place
                same = [p for p, m in enumerate(members) if m[0][0] == tag[row, 0]]
                if same:
                    members[same[0]] = [tag[row]]
                else:
                    people.append(np.full(len(scores), -1))
                    members.append([tag[row]])
                people[same[0] if same else -1][joint] = row
        return np.array(people, dtype=np.int64).reshape(len(people), len(scores))

    def everybody(self, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Return the same: this rule drops nobody."""
        return self(scores, tags)


def published_cost(distance: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return (n, max(n, P)) costs of the published assignment of n candidates to P people, ties broken.

    If there are more candidates than people, columns of 0 take those that are left over.

    Args:
        distance: (n, P) between tags.
        score: (n,) heat.
    """
    rounded = np.round(distance).astype(np.float64)
    cost = rounded * 100 - score[:, None] + TIE * (rounded > 0)
    missing = max(0, distance.shape[0] - distance.shape[1])
    return np.pad(cost, ((0, 0), (0, missing)))


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the (n, m) squared distances between the tags a (n, T) and b (m, T)."""
    return np.square(a[:, None] - b[None]).sum(axis=2)


def member_scores(people: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the (P, K) heat of the keypoints of people (P, K), 0 where there is none."""
    return np.where(people >= 0, scores[np.arange(len(scores)), people], 0)


def person_tags(people: np.ndarray, scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Return the (P, T) mean tags of people (P, K), weighted by heat."""
    heat = member_scores(people, scores)
    chosen = np.where((people >= 0)[..., None], tags[np.arange(len(tags)), people], 0)  # (P, K, T)
    return (heat[..., None] * chosen).sum(axis=1) / heat.sum(axis=1)[:, None]
