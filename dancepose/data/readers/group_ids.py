"""The numbers of the people of Labelme files, by their group ids."""

import hashlib
import itertools
from collections.abc import Collection, Hashable

WORDS = 10_000  # people whose group id is a word have numbers from here


def person_numbers(group_ids: Collection[Hashable]) -> dict[Hashable, int]:
    """Return the number of each person of a picture, in all pictures of a video the same.

    Args:
        group_ids: of the picture: a number is itself; a word makes its own, whatever other files hold, for
            hashes of labels and the draws of a sample hang on it; None (the only person of a picture) is the
            least that nobody has.
    """
    free = next(number for number in itertools.count() if number not in group_ids)
    own = {g: WORDS + _hash(g) for g in group_ids if isinstance(g, str)}
    return {g: g if isinstance(g, int) else own.get(g, free) for g in group_ids}  # type: ignore[call-overload]


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4])
