"""Tables as aligned text."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return a line for each row, its cells as wide as the widest of their column.

    Args:
        rows: of equal length.
        left: how many columns stand at the left of their space, as words do; the rest at the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return ["  ".join(cells).rstrip() for cells in lines]


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 person`, `3 people`; `many` where it is more than an s at the end."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
