"""`Cast`: the identities of a part of a data set, each a build with clothes."""

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.scene_set import PARTS

LEAST = {"train": 400, "val": 60, "test": 120}  # identities of each part; none is in two


class Cast(Mapping[int, tuple[Body, Outfit]]):
    """Identities by their numbers, drawn when they are asked for.

    Args:
        seed: of the data set.
        part: one of `PARTS`.
        count: how many there are.
    """

    def __init__(self, seed: int, part: str, count: int) -> None:
        self._seed = seed, PARTS.index(part), 1
        self._count = count
        self._drawn: dict[int, tuple[Body, Outfit]] = {}

    def __getitem__(self, number: int) -> tuple[Body, Outfit]:
        """Return an identity.

        Raises:
            KeyError: no such number.
        """
        if not 0 <= number < self._count:
            raise KeyError(number)
        if number not in self._drawn:
            random = np.random.default_rng((*self._seed, number))
            self._drawn[number] = Body.draw(random), Outfit.draw(random)
        return self._drawn[number]

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._count))

    def __len__(self) -> int:
        return self._count


@cache
def draw_cast(seed: int, part: str, train: int = 0) -> Cast:
    """Return the identities of a part.

    Args:
        seed: of the data set.
        part: one of `PARTS`.
        train: scenes of the training part, which has as many identities if they are more than its least.
    """
    return Cast(seed, part, max(LEAST[part], train if part == "train" else 0))
