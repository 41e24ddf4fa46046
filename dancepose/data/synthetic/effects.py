"""What lies between a scene and its picture: shadows, distant figures, spotlights, lens and sensor."""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dancepose.data.synthetic.backdrop import Backdrop, frontal
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.figure import Figure
from dancepose.data.synthetic.material import Light, shade
from dancepose.data.synthetic.motion import draw_motion
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.paint import noise, scale_pixels
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.shapes import Cone, Shape

SOFT = 16  # pixels that a shadow's edge goes on
BRIGHT = {
    "stage": (0.22, 0.5),
    "room": (0.35, 0.62),
    "street": (0.35, 0.62),
    "night": (0.18, 0.4),
}  # of pictures
EXPOSED = (0.6, 1.35)  # white cloth that faces the camera, however bright what is behind it
NEAR_FLOOR = 0.5  # metres: what of a body is lower darkens the floor
# half the breadth and depth of such shadows, and how far above the floor is what lies on it, metres
LOW = {
    "left_hand": (0.12, 0.1, 0.04),
    "right_hand": (0.12, 0.1, 0.04),
    "left_knee": (0.14, 0.12, 0.06),
    "right_knee": (0.14, 0.12, 0.06),
    "pelvis": (0.26, 0.22, 0.12),
    "chest": (0.24, 0.2, 0.12),
    "thorax": (0.22, 0.2, 0.12),
    "head_centre": (0.18, 0.16, 0.11),
}
MIDDLE = 0.4  # brightness that the contrast leaves as it is


@dataclass(frozen=True)
class Effects:
    """Spotlights, lens and sensor.

    Attributes:
        spots: centre x, y, radius (shares of the picture's size) and colour (3,) of each spotlight.
        blur: deviation of the lens's blur, pixels.
        motion: length of the motion blur, pixels; and its angle, radians.
        noise: deviation of the sensor's noise.
        vignette: how much darker the corners are.
        exposure: factor of all light.
        contrast: factor around the middle.
        quality: of the JPEG file.
    """

    spots: Sequence[tuple[float, float, float, np.ndarray]]
    blur: float
    motion: tuple[int, float]
    noise: float
    vignette: float
    exposure: float
    contrast: float
    quality: int

    @classmethod
    def draw(cls, random: np.random.Generator, hard: float, backdrop: Backdrop) -> "Effects":
        """Draw effects; `hard` from 0 to 1."""
        kind = backdrop.kind
        spots = []
        for _ in range(int(random.integers(0, 4)) if kind in ("stage", "night") else 0):
            colour = np.array(colorsys.hsv_to_rgb(random.random(), random.uniform(0, 0.3 + 0.5 * hard), 1.0))
            place = (random.random(), random.uniform(0.2, 0.9), random.uniform(0.15, 0.5))
            spots.append((*place, random.uniform(0.3, 1.0) * colour))
        wanted = random.uniform(*BRIGHT[kind]) / float(backdrop.image[::8, ::8].mean())
        least, most = np.array(EXPOSED) / frontal(backdrop.light)
        moving = random.random() < 0.1 + 0.25 * hard
        return cls(
            spots=spots,
            blur=random.uniform(0.3, 0.45 + 0.3 * hard),
            motion=(int(random.integers(3, 5 + int(5 * hard))) if moving else 0, random.uniform(0, np.pi)),
            noise=random.uniform(0.003, 0.01 + 0.025 * hard),
            vignette=random.uniform(0, 0.35),
            exposure=float(np.clip(wanted, least, most)),
            contrast=random.uniform(0.95, 1.5),
            quality=int(random.integers(92 - int(40 * hard), 97)),
        )

    def apply(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Turn a picture (H, W, 3) of float32 into one of uint8."""
        height, width = image.shape[:2]
        x = np.linspace(0, 1, width, dtype=np.float32)
        y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        gain = np.float32(255 * self.contrast * self.exposure)
        glow = gain * (1 - 2 * self.vignette * (y - 0.5) ** 2) - np.repeat(
            gain * 2 * self.vignette * (x - 0.5) ** 2, 3
        )
        if self.spots:
            light = np.ones_like(glow)
            for cx, cy, radius, colour in self.spots:  # a spot is a product of what it is across and down
                across, down = np.exp(-(((x - cx) / radius) ** 2)), np.exp(-(((y - cy) / radius) ** 2) / 2)
                light += down * np.outer(across, colour.astype(np.float32)).ravel()
            glow *= light
        # whole numbers from here on: a third of the time of floating ones
        image = cv2.multiply(image, glow.reshape(image.shape), dtype=cv2.CV_16S)
        taps = 2 * int(np.ceil(2.5 * self.blur)) + 1
        image = cv2.GaussianBlur(image, (taps, taps), self.blur)
        length, angle = self.motion
        if length > 1:
            kernel = np.zeros((length, length), np.float32)
            middle = (length - 1) / 2
            dx, dy = middle * np.cos(angle), middle * np.sin(angle)
            ends = [(round(middle + s * dx), round(middle + s * dy)) for s in (-1, 1)]
            cv2.line(kernel, ends[0], ends[1], 1.0, 1)
            image = cv2.filter2D(image, -1, kernel / kernel.sum())
        # the sensor's noise is one of brightness: of its colour little is left in a JPEG file
        grains = noise(
            random, (width, height), 255 * self.noise, 255 * MIDDLE * (1 - self.contrast), np.dtype(np.int16)
        )
        return cv2.add(image, cv2.merge([grains] * 3), dtype=cv2.CV_8U)


def shadows(
    image: np.ndarray, camera: Camera, people: Sequence[dict[str, np.ndarray]], things: Sequence[Shape] = ()
) -> None:
    """Darken the floor under feet and under things.

    Args:
        image: (H, W, 3), changed.
        camera: of the picture.
        people: their joints, see `Body.joints`.
        things: that stand or hang near the floor.
    """
    height, width = image.shape[:2]
    shade_ = np.ones((height // 2, width // 2), np.float32)  # soft things need half the resolution
    top = height
    # place, half its breadth and depth, and how far it is above the floor
    spots = [
        ((joints[f"{side}_ankle"] + joints[f"{side}_toe"]) / 2, 0.2, 0.16, 0.06)
        for joints in people
        for side in ("left", "right")
    ]
    # hands on the floor, and who lies, sits or stands on the head there; nobody else
    spots += [
        (joints[name], broad, deep, own)
        for joints in people
        for name, (broad, deep, own) in LOW.items()
        if joints[name][1] < NEAR_FLOOR
    ]
    for thing in things:
        place = thing.start if isinstance(thing, Cone) else thing.centre
        radius = float(thing.radii[0])
        if place[1] < 0.5:
            spots.append((place, radius + 0.05, radius + 0.05, radius))
    for place, broad, deep, own in spots:
        ground = camera.view(np.array([place[0], 0.0, place[2]]))
        if ground[2] < 0.3:
            continue
        size = camera.focal / ground[2]
        x, y = camera.project(ground)
        if not (-200 < x < width + 200 and -200 < y < height + 200):
            continue
        flat = max(1, int(size * deep * abs(camera.position[1]) / ground[2]) + 2)
        strength = 0.5 / (1 + 6 * max(0.0, float(place[1]) - own))
        middle, axes = (int(8 * x), int(8 * y)), (int(8 * (int(size * broad) + 2)), 8 * flat)
        cv2.ellipse(shade_, middle, axes, 0, 0, 360, 1 - strength, -1, cv2.LINE_AA, 4)
        top = min(top, int(y) - flat - SOFT)
    top = max(top, 0)
    soft = cv2.resize(cv2.GaussianBlur(shade_, (0, 0), SOFT / 8), (width, height))
    scale_pixels(image[top:], soft[top:])


def poster(
    random: np.random.Generator, image: np.ndarray, floor: int, cast: Mapping[int, tuple[Body, Outfit]]
) -> None:
    """Hang a poster with a printed person on the wall: one that no label names."""
    high = int(random.integers(60, min(200, floor - 10)))
    wide = int(high * random.uniform(0.55, 0.8))
    camera = Camera(np.array([0.0, 0.9, 0.0]), 0.0, high * 1.5, (wide, high))
    body, outfit = cast[int(random.choice(sorted(cast)))]
    motion = draw_motion(str(random.choice(ACTIONS)), random, body)
    joints = body.joints(motion.pose(random.uniform(0, 2)))
    placed = {k: v if k.startswith("frame_") else v + np.array([0, 0, -3.2]) for k, v in joints.items()}
    raster = Raster(camera)
    raster.add({0: Figure(body, outfit).shapes(placed)})
    light = Light(np.full(3, 0.6), [(np.array([-0.4, -0.6, -0.8]), np.full(3, 0.4))])
    paper = np.empty((high, wide, 3), np.float32)
    paper[:] = random.uniform(0.2, 0.95, 3)
    surfaces = raster.surfaces()
    paper.reshape(-1, 3)[surfaces.pixels] = shade(surfaces, outfit.materials, light)
    cv2.rectangle(paper, (0, 0), (wide - 1, high - 1), random.uniform(0.1, 0.9, 3).tolist(), 3)
    y = int(random.integers(0, floor - high))
    x = int(random.integers(0, image.shape[1] - wide))
    image[y : y + high, x : x + wide] = np.clip(paper, 0, 1) * random.uniform(0.6, 1.0)


def crowd(random: np.random.Generator, image: np.ndarray, floor: int) -> None:
    """Paint a faint, blurred crowd along the wall."""
    size = random.uniform(8, 22)
    band = image[max(0, floor - int(5 * size)) : floor + int(4 * size)]
    floor -= max(0, floor - int(5 * size))
    layer, cover = np.zeros_like(band), np.zeros(band.shape[:2], np.float32)
    for _ in range(int(random.integers(10, 60))):
        x, y = random.uniform(0, image.shape[1]), floor - random.uniform(0.2, 2.0) * size
        colour = (random.uniform(0.05, 0.5) * random.uniform(0.6, 1, 3)).tolist()
        for target, value in ((layer, colour), (cover, 1.0)):
            cv2.ellipse(target, (int(x), int(y)), (int(size * 0.3), int(size * 0.38)), 0, 0, 360, value, -1)
            body = (int(x), int(y + size))
            cv2.ellipse(target, body, (int(size * 0.6), int(size * 0.8)), 0, 0, 360, value, -1)
    soft = size / 8 + 0.5
    blurred = cv2.GaussianBlur(cover, (0, 0), soft)[..., None]
    colours = cv2.GaussianBlur(layer, (0, 0), soft) / np.maximum(blurred, 1e-3)
    band += blurred * random.uniform(0.4, 0.8) * (colours - band)
