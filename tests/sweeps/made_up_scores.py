"""What made-up runs have right, for tests of comparisons and intervals."""

import numpy as np

from dancepose.sweeps.scores import AccuracyScores

CLIPS = [f"clip {i // 10}" for i in range(400)]


def arm(skill: float, seeds=8, key: int = 0, clips=CLIPS) -> AccuracyScores:
    """Runs on samples whose ease all arms share."""
    names = range(seeds) if isinstance(seeds, int) else seeds
    ease = np.random.default_rng(0).normal(0.8, 1, 400)
    noise = np.random.default_rng([1, key]).normal(size=(len(names), 400))
    return AccuracyScores(names, noise < ease + skill, clips)


def clustered(seed: int, clips: int = 40, per_clip: int = 10, mean: float = 0.8, alike: float = 0.5):
    """Hits whose clips differ: accuracies are beta-distributed, `alike` is the intraclass correlation."""
    generator = np.random.default_rng(seed)
    spread = (1 - alike) / alike
    shares = generator.beta(mean * spread, (1 - mean) * spread, clips)
    return (generator.random((clips, per_clip)) < shares[:, None]).ravel(), np.repeat(
        np.arange(clips), per_clip
    )
