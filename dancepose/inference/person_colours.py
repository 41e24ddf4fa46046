"""A colour for each person of a picture or video, and the colour of letters on it."""

# Of the schemes of Tol, and of Okabe and Ito: those whose least distance (CIELAB) is the largest, as all see
# them, and as people do who lack red, green or blue cones (Machado 2009). None is like the orange and blue of
# left and right. The first four are furthest apart, for most pictures have few people.
COLOURS = (
    (204, 187, 68),  # yellow
    (136, 34, 85),  # wine
    (238, 102, 119),  # salmon
    (102, 204, 238),  # cyan
    (204, 51, 17),  # red
    (221, 221, 221),  # grey
    (204, 121, 167),  # mauve
)
DARK, LIGHT = (0, 0, 0), (255, 255, 255)


def person_colour(number: int) -> tuple[int, int, int]:
    """Return the RGB colour of a person: of a number, of a track say, always the same."""
    return COLOURS[number % len(COLOURS)]


def ink_on(ground: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return black or white, whichever stands out more from an RGB ground (contrast ratio of WCAG 2)."""
    return max((DARK, LIGHT), key=lambda ink: contrast(ink, ground))


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Return the contrast ratio of two sRGB colours, 1 to 21 (WCAG 2); text wants 4.5."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: tuple[int, int, int]) -> float:
    shares = (value / 255 for value in colour)
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
