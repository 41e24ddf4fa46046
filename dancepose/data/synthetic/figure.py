"""`Figure`: the solid shapes that a dressed body is drawn as."""

import numpy as np

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.flesh import trunk
from dancepose.data.synthetic.outfit import (
    BOTTOM_M,
    FACE_M,
    HAIR_M,
    SHOES_M,
    SKIN_M,
    TOP_M,
    WAIST_M,
    Outfit,
)
from dancepose.data.synthetic.pose import SIDES
from dancepose.data.synthetic.shapes import Cone, Ellipsoid, Shape

# of the limbs, shares of the height at girth 1
UPPER_ARM, ELBOW, WRIST = 0.026, 0.021, 0.016
THIGH, KNEE, ANKLE = 0.045, 0.031, 0.021


class Figure:
    """The shapes of a dressed body.

    Args:
        body: its build.
        outfit: its clothes.
        first: number of its first material in the picture's list.
    """

    def __init__(self, body: Body, outfit: Outfit, first: int = 0) -> None:
        self.body, self.outfit, self.first = body, outfit, first

    def shapes(self, joints: dict[str, np.ndarray]) -> list[Shape]:
        """Return the shapes around joints that stand in the scene (see `Body.joints`)."""
        height, girth = self.body.height, self.body.girth
        found: list[Shape] = [*self._trunk(joints), *self._head(joints)]
        outfit = self.outfit
        for side in SIDES:
            shoulder, elbow, wrist, hand = (
                joints[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist", "hand")
            )
            fat = height * girth
            found += self._sleeved(
                shoulder, elbow, (UPPER_ARM * 1.12 * fat, ELBOW * fat), outfit.sleeves, TOP_M, outfit.loose
            )
            found += self._sleeved(
                elbow, wrist, (ELBOW * fat, WRIST * fat), outfit.sleeves - 1, TOP_M, outfit.loose, lower=True
            )
            found.append(self._cone(wrist, hand, 0.017 * height, 0.02 * height, SKIN_M))
            hip, knee, ankle, toe = (joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "toe"))
            # under a skirt that lies short over bent legs the same cloth shows
            cover = {"trousers": 1.95, "shorts": 0.75}.get(outfit.legs, 0.9 * min(outfit.hem, 1.0))
            found += self._sleeved(hip, knee, (THIGH * fat, KNEE * fat), cover, BOTTOM_M, outfit.wide)
            found += self._sleeved(
                knee, ankle, (KNEE * 1.08 * fat, ANKLE * fat), cover - 1, BOTTOM_M, outfit.wide, lower=True
            )
            found.append(self._cone(joints[f"{side}_heel"], toe, 0.024 * height, 0.018 * height, SHOES_M))
        return found

    def _cone(self, a: np.ndarray, b: np.ndarray, ra: float, rb: float, material: int) -> Cone:
        return Cone(a, b, (ra, rb), self.first + material)

    def _sleeved(
        self,
        a: np.ndarray,
        b: np.ndarray,
        radii: tuple[float, float],
        cover: float,
        cloth: int,
        wide: float,
        lower: bool = False,
    ) -> list[Shape]:
        """Return a limb of which the first `cover` of its length is in cloth, `wide` at its lower end."""
        ra, rb = radii
        top, foot = (1 + share * (wide - 1) for share in ((0.6, 1.0) if lower else (0.3, 0.6)))
        if cover >= 0.97:
            return [self._cone(a, b, ra * 1.08 * top, rb * 1.12 * foot, cloth)]
        bare = self._cone(a, b, ra, rb, SKIN_M)
        if cover <= 0.03:
            return [bare]
        middle = a + cover * (b - a)
        return [bare, self._cone(a, middle, ra * 1.1 * top, (ra + cover * (rb - ra)) * 1.15 * foot, cloth)]

    def _trunk(self, joints: dict[str, np.ndarray]) -> list[Shape]:
        body, outfit = self.body, self.outfit
        height, girth = body.height, body.girth
        pelvis, thorax, pelvis_frame = joints["pelvis"], joints["thorax"], joints["frame_pelvis"]
        solids = zip(trunk(body, joints, outfit.loose), (TOP_M, WAIST_M, BOTTOM_M), strict=True)
        found: list[Shape] = [
            *(Ellipsoid(*solid, self.first + material) for solid, material in solids),
            self._cone(
                thorax + 0.1 * (joints["upper_neck"] - thorax),
                joints["upper_neck"] + 0.15 * (joints["head_centre"] - joints["upper_neck"]),
                0.033 * height * girth**0.5,
                0.03 * height * girth**0.5,
                SKIN_M,
            ),
        ]
        # from the shoulders to the neck
        for side in SIDES:
            found.append(
                self._cone(
                    joints[f"{side}_shoulder"],
                    thorax + 0.25 * (joints["upper_neck"] - thorax),
                    0.03 * height * girth**0.5,
                    0.028 * height,
                    TOP_M,
                )
            )
        if outfit.legs in ("skirt", "gown"):
            hips = (joints["left_hip"] + joints["right_hip"]) / 2
            knees = (joints["left_knee"] + joints["right_knee"]) / 2
            ankles = (joints["left_ankle"] + joints["right_ankle"]) / 2
            low = (
                hips + outfit.hem * (knees - hips)
                if outfit.hem <= 1
                else knees + (outfit.hem - 1) * (ankles - knees)
            )
            spread = np.linalg.norm(joints["left_knee"] - joints["right_knee"]) / 2 * min(outfit.hem, 1.2)
            waist = pelvis + pelvis_frame @ np.array([0, 0.07 * height, 0])
            broad = 0.085 * height * girth**0.5
            # over legs that are drawn up or split it lies short: it does not stand off like a balloon
            reach = 0.7 * float(np.linalg.norm(low - waist))
            broad, hem = min(broad, reach), min(float(spread) + 0.075 * height * girth**0.5, reach)
            found.append(Cone(waist, low, (broad, hem), self.first + BOTTOM_M, open=True))
        return found

    def _head(self, joints: dict[str, np.ndarray]) -> list[Shape]:
        size, frame, style = self.body.head, joints["frame_head"], self.outfit.style
        centre = joints["head_centre"]

        def at(x: float, y: float, z: float) -> np.ndarray:
            return centre + frame @ (np.array([x, y, z]) * size)

        found: list[Shape] = [
            Ellipsoid(centre, frame, np.array([0.36, 0.5, 0.43]) * size, self.first + FACE_M),
            Ellipsoid(at(0, -0.14, 0.42), frame, np.array([0.06, 0.1, 0.09]) * size, self.first + SKIN_M),
        ]
        for x in (0.37, -0.37):
            found.append(
                Ellipsoid(
                    at(x, -0.06, -0.03), frame, np.array([0.05, 0.12, 0.08]) * size, self.first + SKIN_M
                )
            )
        hairline = np.array([0.0, -0.42, 0.9, 0.12 if style == "cap" else 0.3])
        if style == "bald":  # what is left of the hair goes around the back
            hairline = np.array([0.0, 0.75, 0.66, -0.12])
        found.append(
            Ellipsoid(
                at(0, 0.06, -0.06), frame, np.array([0.41, 0.5, 0.46]) * size, self.first + HAIR_M, hairline
            )
        )
        if style == "cap":  # its visor
            found.append(
                Ellipsoid(at(0, 0.22, 0.42), frame, np.array([0.3, 0.04, 0.24]) * size, self.first + HAIR_M)
            )
        elif style == "long":
            found.append(self._cone(at(0, 0, -0.28), at(0, -0.85, -0.32), 0.34 * size, 0.26 * size, HAIR_M))
        elif style == "tail":
            found.append(self._cone(at(0, 0.2, -0.48), at(0, -0.5, -0.7), 0.13 * size, 0.07 * size, HAIR_M))
        elif style == "bun":
            found.append(Ellipsoid(at(0, 0.36, -0.42), frame, np.full(3, 0.19) * size, self.first + HAIR_M))
        return found
