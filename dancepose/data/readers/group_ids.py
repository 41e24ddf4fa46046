"""The numbers of the people of Labelme files, by their group ids."""

import itertools
from collections.abc import Collection, Hashable

WORDS = 10_000  # people whose group id is a word have numbers from here


def person_numbers(group_ids: Collection[Hashable], words: dict[str, int]) -> dict[Hashable, int]:
    """Return the number of each person of a picture, in all pictures of a video the same.

    Args:
        group_ids: of the picture: a number is itself; a word gets one of its own in the whole folder; None
            (the only person of a picture) the least that nobody has.
        words: those of the folder so far, and their numbers; new ones are added.
    """
    free = next(number for number in itertools.count() if number not in group_ids)
    own = {g: words.setdefault(g, WORDS + len(words)) for g in group_ids if isinstance(g, str)}
    return {g: g if isinstance(g, int) else own.get(g, free) for g in group_ids}  # type: ignore[call-overload]
