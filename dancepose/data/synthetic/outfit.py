"""`Outfit`: clothes, hair and skin of a drawn person."""

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from dancepose.data.synthetic.material import Front, Material

# sRGB, 0 to 1; from light to dark
SKIN = np.array(
    [
        [0.98, 0.84, 0.74],
        [0.94, 0.76, 0.63],
        [0.86, 0.66, 0.5],
        [0.72, 0.5, 0.36],
        [0.5, 0.33, 0.23],
        [0.3, 0.19, 0.13],
    ]
)
HAIR = np.array(
    [
        [0.07, 0.06, 0.06],
        [0.2, 0.13, 0.09],
        [0.36, 0.22, 0.12],
        [0.7, 0.53, 0.3],
        [0.55, 0.2, 0.1],
        [0.62, 0.62, 0.62],
    ]
)
# clothes: black, greys, white, denim, navy, beige, brown
PLAIN = np.array(
    [
        [0.1, 0.1, 0.1],
        [0.15, 0.15, 0.16],
        [0.33, 0.33, 0.34],
        [0.58, 0.58, 0.58],
        [0.9, 0.9, 0.9],
        [0.82, 0.82, 0.84],
        [0.25, 0.34, 0.48],
        [0.4, 0.5, 0.64],
        [0.13, 0.16, 0.28],
        [0.76, 0.67, 0.53],
        [0.42, 0.32, 0.24],
    ]
)
PATTERNS = ("plain", "plain", "plain", "stripes", "bands", "checks", "dots")
HAIR_STYLES = ("short", "short", "long", "tail", "bun", "cap", "bald")
BOTTOMS = ("trousers", "trousers", "shorts", "skirt", "gown")
FRONTS = ("zip", "logo", "buttons", "open", "bib", "none")


@dataclass(frozen=True)
class Outfit:
    """Clothes, hair and skin of a person.

    Attributes:
        skin: material.
        face: material, of the same colour.
        hair: material.
        style: one of `HAIR_STYLES`.
        top: material of the chest and the sleeves.
        sleeves: how far sleeves go: 0 none, 1 to the elbow, 2 to the wrist.
        bottom: material of the hips.
        legs: one of `BOTTOMS`.
        hem: how far a skirt goes down the legs, 1 to the knee.
        shoes: material.
        loose: breadth of the sleeves, 1: close to the arms.
        wide: of the trousers' legs.
    """

    skin: Material
    face: Material
    hair: Material
    style: str
    top: Material
    sleeves: float
    bottom: Material
    legs: str
    hem: float
    shoes: Material
    loose: float = 1.0
    wide: float = 1.0

    @classmethod
    def draw(cls, random: np.random.Generator) -> "Outfit":
        """Draw an outfit."""
        tone = random.uniform(0, len(SKIN) - 1)
        low = int(tone)
        skin = SKIN[low] + (tone - low) * (SKIN[min(low + 1, len(SKIN) - 1)] - SKIN[low])
        hair = HAIR[random.integers(len(HAIR))] * random.uniform(0.7, 1.2)
        while 0.6 < hair.mean() / skin.mean() < 1.5:  # or a head would look the same from all sides
            hair = HAIR[random.integers(len(HAIR))] * random.uniform(0.7, 1.2)
        style = str(random.choice(HAIR_STYLES))
        head = _cloth(random) if style == "cap" else hair
        legs = str(random.choice(BOTTOMS))
        top = _cloth(random)
        front = Front(
            kind=str(random.choice(FRONTS)),
            colour=_other_cloth(random, top),
            under=skin,
            neck=random.uniform(0.4, 0.65),
            pocket=bool(random.random() < 0.3),
        )
        bottom = top if legs == "gown" or random.random() < 0.1 else _cloth(random)
        return cls(
            skin=Material(skin),
            face=Material(skin, second=np.clip(hair, 0, 1), pattern="face"),
            hair=Material(np.clip(head, 0, 1), second=np.clip(head * 0.7, 0, 1), pattern="strands", scale=9),
            style=style,
            top=_material(random, top, front),
            sleeves=float(random.choice([0.0, 0.55, 0.8, 1.5, 1.95, 1.95])),
            bottom=_material(random, bottom, Front("trousers")),
            legs=legs,
            hem=random.uniform(0.6, 1.8) if legs == "gown" else random.uniform(0.5, 1.1),
            shoes=_shoes(random),
            loose=1 + 0.5 * random.random() ** 2,
            wide=1 + 0.6 * random.random() ** 2,
        )

    @property
    def materials(self) -> list[Material]:
        """What the shapes' material numbers mean."""
        front = self.top.front
        waist = None if front is None else replace(front, neck=1.0, pocket=False, short=True)
        return [
            self.skin,
            self.face,
            self.hair,
            self.top,
            replace(self.top, front=waist),
            self.bottom,
            self.shoes,
        ]


def _cloth(random: np.random.Generator) -> np.ndarray:
    """Draw a colour of clothes: mostly black, white, grey, denim or beige, else anything."""
    if random.random() < 0.65:
        return PLAIN[random.integers(len(PLAIN))] * random.uniform(0.85, 1.1) * random.uniform(0.95, 1.05, 3)
    return np.array(
        colorsys.hsv_to_rgb(random.random(), random.uniform(0.2, 0.75), random.uniform(0.25, 0.9))
    )


def _other_cloth(random: np.random.Generator, colour: np.ndarray) -> np.ndarray:
    """Draw a colour of clothes that is seen on another."""
    other = _cloth(random)
    while np.abs(other - colour).max() < 0.35:
        other = _cloth(random)
    return other


def _material(random: np.random.Generator, colour: np.ndarray, front: Front) -> Material:
    return Material(
        np.clip(colour, 0, 1),
        second=np.clip(_cloth(random), 0, 1),
        pattern=str(random.choice(PATTERNS)),
        scale=random.uniform(2, 7),
        front=front,
        folds=random.uniform(0.03, 0.22),
    )


def _shoes(random: np.random.Generator) -> Material:
    """Draw shoes, most with a cap on the toes that shows where they point."""
    colour = _cloth(random) * random.uniform(0.3, 1)
    return Material(
        colour, _other_cloth(random, colour), pattern="toecap" if random.random() < 0.7 else "plain"
    )


# numbers of the materials
SKIN_M, FACE_M, HAIR_M, TOP_M, WAIST_M, BOTTOM_M, SHOES_M = range(7)
