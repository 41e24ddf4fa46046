"""Lens, sensor and file: each effect does to a picture what its number says, and is as strong as asked."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image
from plain_scenes import GREY, plain_backdrop, plain_effects, plain_scene, rendered, stander
from scipy.ndimage import gaussian_filter

from dancepose.data.images import read_image
from dancepose.data.synthetic import dataset
from dancepose.data.synthetic.backdrop import KINDS
from dancepose.data.synthetic.effects import Effects
from dancepose.data.synthetic.scene_set import SceneSet

HIGH, WIDE = 65, 97
TEXTURE = np.random.default_rng(0).uniform(0.2, 0.8, (HIGH, WIDE, 3)).astype(np.float32)
FLAT = np.full((HIGH, WIDE, 3), GREY, np.float32)


def taken(image: np.ndarray, seed: int = 0, **changed) -> np.ndarray:
    """A picture with these effects alone, as floating numbers."""
    picture = plain_effects(**changed).apply(image.copy(), np.random.default_rng(seed))
    assert picture.dtype == np.uint8 and picture.shape == image.shape
    return picture.astype(float)


def test_without_effects_a_picture_stays_as_it_is():
    assert np.abs(taken(TEXTURE) - 255 * TEXTURE).max() <= 0.51


@pytest.mark.parametrize("blur", [0.4, 0.75])
def test_the_lens_blurs_by_its_deviation(blur):
    picture, sharp = taken(TEXTURE, blur=blur), taken(TEXTURE)
    expected = gaussian_filter(sharp, (blur, blur, 0))
    assert np.abs(picture - expected)[4:-4, 4:-4].max() < 2
    steps = [np.abs(np.diff(each, axis=1)).mean() for each in (picture, sharp)]
    assert steps[0] < (0.9 if blur < 0.5 else 0.6) * steps[1]


@pytest.mark.parametrize(
    ("angle", "step", "reach"),
    [(0.0, (0, 1), 3), (np.pi / 2, (1, 0), 3), (np.pi / 4, (1, 1), 2), (3 * np.pi / 4, (1, -1), 2)],
)
def test_motion_smears_a_dot_along_its_angle(angle, step, reach):
    image = np.zeros((HIGH, WIDE, 3), np.float32)
    image[30, 40] = 0.9
    picture = taken(image, motion=(7, angle))[..., 0]
    line = {(30 + k * step[0], 40 + k * step[1]) for k in range(-reach, reach + 1)}
    assert set(zip(*np.nonzero(picture), strict=True)) == line
    assert picture.sum() == pytest.approx(0.9 * 255, abs=len(line)) and np.ptp(picture[picture > 0]) <= 1


@pytest.mark.parametrize("noise", [0.01, 0.035])
def test_the_sensor_s_noise_has_its_deviation_and_is_one_of_brightness(noise):
    image = np.full((240, 320, 3), GREY, np.float32)
    grains = taken(image, noise=noise) - 255 * GREY
    assert grains.std() == pytest.approx(255 * noise, rel=0.03) and abs(grains.mean()) < 0.1
    assert (grains == grains[..., :1]).all()
    for a, b in ((grains[1:], grains[:-1]), (grains[:, 1:], grains[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.02
    assert (taken(image, 1, noise=noise) - 255 * GREY != grains).any()


def test_the_corners_are_darker_by_the_vignette():
    picture = taken(FLAT, vignette=0.3)[..., 1]
    middle, corner = picture[HIGH // 2, WIDE // 2], picture[0, -1]
    assert middle == round(255 * GREY) and corner == pytest.approx(0.7 * middle, abs=1)
    assert corner < picture[0, WIDE // 2] < middle and corner < picture[HIGH // 2, 0] < middle


def test_exposure_is_a_factor_of_all_light():
    assert taken(0.5 * TEXTURE, exposure=1.5) == pytest.approx(0.75 * 255 * TEXTURE, abs=0.51)


def test_contrast_leaves_the_middle_and_takes_what_is_off_it_further():
    picture = taken(TEXTURE, contrast=1.2)
    assert picture == pytest.approx(np.clip(255 * (GREY + 1.2 * (TEXTURE - GREY)), 0, 255), abs=1.01)


def test_a_spotlight_adds_its_colour_where_it_is():
    spots = [(0.25, 0.5, 0.1, np.array([1.0, 0.5, 0.0]))]
    gain = taken(FLAT, spots=spots) / (255 * GREY)
    x, y = (WIDE - 1) // 4, (HIGH - 1) // 2
    assert gain[y, x] == pytest.approx([2.0, 1.5, 1.0], abs=0.01)
    beside = gain[y, round(0.35 * (WIDE - 1)), 0]
    assert beside == pytest.approx(1 + np.exp(-1), abs=0.05)
    assert gain[:, WIDE // 2 + 10 :] == pytest.approx(1, abs=0.01) and (gain[..., 2] == gain[0, 0, 2]).all()
    both = taken(FLAT, spots=[*spots, (0.75, 0.5, 0.1, np.array([0.0, 0.0, 1.0]))]) / (255 * GREY)
    assert both[y, x] == pytest.approx(gain[y, x]) and both[y, 3 * x] == pytest.approx([1, 1, 2], abs=0.01)


def test_a_file_is_as_coarse_as_its_quality_says(tmp_path, monkeypatch):
    sizes, errors = [], []
    for quality in (95, 75, 55):
        scene = plain_scene(stander(0.0, -3.0), effects=plain_effects(noise=0.02, quality=quality))
        monkeypatch.setattr(dataset, "draw_scene", lambda *arguments, scene=scene: scene)
        root = dataset.write_scenes(SceneSet(1, 0, 0), tmp_path / str(quality), workers=1)
        path = root / "train_00000.jpg"
        _, data = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert Image.open(path).quantization == Image.open(BytesIO(data.tobytes())).quantization
        grains = read_image(path) - rendered(plain_scene(stander(0.0, -3.0)))
        blocks = grains[..., 0].reshape(60, 8, 80, 8).std((1, 3))  # what is left of the noise in each block
        sizes.append(path.stat().st_size)
        errors.append(np.median(blocks))
    assert sizes[0] > 2 * sizes[1] > 2.5 * sizes[2] and errors[0] > errors[1] > errors[2]


def drawn(hard: float, kind: str = "room") -> list[Effects]:
    randoms = [np.random.default_rng((3, seed)) for seed in range(100)]
    return [Effects.draw(random, hard, plain_backdrop(kind=kind)) for random in randoms]


@pytest.mark.parametrize("hard", [0.0, 0.4, 1.0])
def test_every_effect_is_drawn_stronger_the_harder_the_scene(hard):
    found = drawn(hard)
    ranges = {
        "blur": (0.3, 0.45 + 0.3 * hard),
        "noise": (0.003, 0.01 + 0.025 * hard),
        "vignette": (0.0, 0.35),
        "contrast": (0.95, 1.5),
        "quality": (92 - 40 * hard, 97),
    }
    for name, (least, most) in ranges.items():
        values = np.array([getattr(effects, name) for effects in found])
        assert least <= values.min() < least + 0.15 * (most - least) + (name == "quality"), name
        assert most >= values.max() > most - 0.15 * (most - least) - (name == "quality"), name
    moving = np.array([effects.motion for effects in found if effects.motion[0]])
    assert len(moving) / len(found) == pytest.approx(0.1 + 0.25 * hard, abs=0.1)
    assert moving[:, 0].min() == 3 and moving[:, 0].max() == 4 + int(5 * hard)
    assert 0 <= moving[:, 1].min() < 0.8 and np.pi > moving[:, 1].max() > np.pi - 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_stages_and_nights_have_spotlights_and_nothing_else_has(kind):
    counts = [len(effects.spots) for effects in drawn(1.0, kind)]
    assert set(counts) == ({0, 1, 2, 3} if kind in ("stage", "night") else {0})


def test_spotlights_are_of_more_colour_the_harder_the_scene():
    def saturation(hard: float) -> float:
        colours = np.array([spot[3] for effects in drawn(hard, "stage") for spot in effects.spots])
        return float(np.mean(np.ptp(colours, axis=1) / colours.max(1)))

    assert 0.1 < saturation(0.0) < 0.2 and 0.35 < saturation(1.0) < 0.45
