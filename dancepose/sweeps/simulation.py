"""Do comparisons hold what they promise? Made-up studies whose truth is known, put through `compare`.

A test sample is right if its ease, the skill of the arm, what arm and clip have for each other, the luck of
the run, and noise of its own sum up to more than 0. Ease is shared by all runs, and in part by the samples of
a clip: the test set's own noise, from which a comparison must not conclude.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest

from dancepose.sweeps.cluster_sizes import effective_count
from dancepose.sweeps.paired import Difference, compare
from dancepose.sweeps.scores import AccuracyScores

PILOT = 200  # studies that tell how far paired differences scatter
BASE, BETTER = "none", "arm 1"  # where there is a difference it is of the latter


@dataclass(frozen=True)
class Study:
    """What is simulated. Spreads are standard deviations on the probit scale: a sample's own noise has 1.

    Attributes:
        seeds: runs of each arm.
        comparisons: arms besides the one that they are compared with.
        clips: of the test part.
        per_clip: test samples of each clip, one number or one for each clip; 1: there are no clips.
        right: share of the test samples that is right on average.
        ease: spread of the samples' ease.
        clip_ease: spread of the clips' ease.
        lean: spread of what arm and clip have for each other: it makes arms differ on these very clips that
            do not differ on others.
        luck: spread of the runs' skills.
        effect: true difference of the first arm, in standard deviations of the paired difference.
    """

    seeds: int
    comparisons: int = 3
    clips: int = 1000
    per_clip: int | tuple[int, ...] = 1
    right: float = 0.75
    ease: float = 1.0
    clip_ease: float = 0.5
    lean: float = 0.0
    luck: float = 0.05
    effect: float = 0.0

    @property
    def samples(self) -> int:
        """How many test samples there are."""
        return int(self.sizes.sum())

    @property
    def sizes(self) -> np.ndarray:
        """(clips,) test samples of each clip."""
        return np.broadcast_to(self.per_clip, self.clips)

    @property
    def clustered(self) -> bool:
        """Whether there are clips."""
        return self.per_clip != 1

    @property
    def words(self) -> str:
        """Return what sets this study apart."""
        few, many = int(self.sizes.min()), int(self.sizes.max())
        told = f"{few} to {many}, as {effective_count(self.sizes):.1f} equal" if few < many else f"{many}"
        clips = f"{self.clips} clips of {told}" if self.clustered else f"{self.clips} images"
        lean = f", arms lean to clips by {self.lean:g}" if self.lean else ""
        effect = f", true difference {self.effect:.3g} sd" if self.effect else ""
        return f"{self.seeds} seeds, {self.comparisons} pairs, {clips}{lean}{effect}"


@dataclass(frozen=True)
class Outcome:
    """How often something came out of many studies.

    Attributes:
        study: what was simulated.
        hits: studies in which it did.
        studies: how many there were.
    """

    study: Study
    hits: int
    studies: int

    @property
    def share(self) -> float:
        """The share of the studies."""
        return self.hits / self.studies

    @property
    def upper(self) -> float:
        """The upper 95 % bound of the share (Clopper and Pearson 1934), one-sided."""
        return float(binomtest(self.hits, self.studies, alternative="less").proportion_ci(0.95).high)

    @property
    def lower(self) -> float:
        """The lower 95 % bound of the share (Clopper and Pearson 1934), one-sided."""
        return float(binomtest(self.hits, self.studies, alternative="greater").proportion_ci(0.95).low)


def count_false_claims(study: Study, studies: int, resamples: int = 1000, seed: int = 0) -> Outcome:
    """Count studies of arms without any difference in which at least one is claimed.

    Args:
        study: what is simulated; its effect is left out.
        studies: how many.
        resamples: of the bootstraps in each.
        seed: of the first study.
    """
    null = replace(study, effect=0.0)
    made = _studies(null, studies, resamples, seed)
    return Outcome(null, sum(any(d.claim is not None for d in found.values()) for found in made), studies)


def count_found(study: Study, studies: int, resamples: int = 1000, seed: int = 0) -> Outcome:
    """Count studies in which the one arm that is truly better is claimed to be.

    Args:
        study: what is simulated, with its effect; the other arms do not differ.
        studies: how many.
        resamples: of the bootstraps in each.
        seed: of the first study.
    """
    made = _studies(study, studies, resamples, seed)
    return Outcome(study, sum(found[BETTER].claim == "better" for found in made), studies)


def typical_detectable(study: Study, studies: int, resamples: int = 1000, seed: int = 0) -> float:
    """Return the median of the smallest detectable differences that studies without any difference tell.

    Args:
        study: what is simulated; its effect is left out.
        studies: how many.
        resamples: of the bootstraps in each.
        seed: of the first study.
    """
    made = _studies(replace(study, effect=0.0), studies, resamples, seed)
    told = [found[BETTER].detectable for found in made]
    return float(np.median([value for value in told if value is not None]))


def _studies(study: Study, studies: int, resamples: int, seed: int) -> Iterator[dict[str, Difference]]:
    """Make up studies and compare the arms of each; the resamples are the same in all of them."""
    skill = find_skill(study, study.effect * paired_spread(study, seed)) if study.effect else 0.0
    for number in range(studies):
        yield _compare(study, skill, resamples, [seed, number])


def find_skill(study: Study, difference: float) -> float:
    """Return by how much an arm's skill must be larger for a true difference of accuracy."""
    return float((ndtri(study.right + difference) - ndtri(study.right)) * _total(study))


def paired_spread(study: Study, seed: int = 0) -> float:
    """Return the standard deviation of the paired difference over seeds, on the same test samples."""
    variances = []
    for number in range(PILOT):
        right = draw_study(replace(study, comparisons=1), 0.0, np.random.default_rng([seed, number]))
        variances.append(np.var(np.subtract(*right.mean(axis=2)), ddof=1))
    return float(np.sqrt(np.mean(variances)))


def draw_study(study: Study, skill: float, generator: np.random.Generator) -> np.ndarray:
    """Draw which test samples are right: (arms, seeds, samples) bool; the first arm is `none`.

    Args:
        study: what is simulated.
        skill: of the second arm, beyond the others'.
        generator: of the draws.
    """
    arms, normal = study.comparisons + 1, generator.standard_normal
    ease = study.ease * normal(study.samples)
    ease += np.repeat(study.clip_ease * normal(study.clips), study.sizes)
    lean = np.repeat(study.lean * normal((arms, study.clips)), study.sizes, axis=1)
    skills = study.luck * normal((arms, study.seeds))
    skills[1] += skill
    mean = float(ndtri(study.right)) * _total(study)
    chance = ndtr(mean + (ease + lean)[:, None] + skills[..., None])
    return generator.random(chance.shape) < chance


def _total(study: Study) -> float:
    """Return the standard deviation of all that decides whether a sample is right."""
    return float(np.sqrt(1 + study.ease**2 + study.clip_ease**2 + study.lean**2 + study.luck**2))


def _compare(study: Study, skill: float, resamples: int, key: Sequence[int]) -> dict[str, Difference]:
    """Make up one study and compare its arms."""
    right = draw_study(study, skill, np.random.default_rng(key))
    clips = None
    if study.clustered:
        clips = [str(i) for i in np.repeat(np.arange(study.clips), study.sizes)]
    seeds = range(study.seeds)
    names = [BASE, *(f"arm {i}" for i in range(1, study.comparisons + 1))]
    arms = {name: AccuracyScores(seeds, of_arm, clips) for name, of_arm in zip(names, right, strict=True)}
    return compare(arms, BASE, resamples=resamples)
