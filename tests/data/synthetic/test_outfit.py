"""Outfits and faces: front and back, left and right can be told by the pixels."""

from dataclasses import replace

import numpy as np
import pytest

from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.camera import Camera
from dancepose.data.synthetic.figure import Figure
from dancepose.data.synthetic.material import FRONT_KINDS, KINDS, Front, Light, Material, shade
from dancepose.data.synthetic.motion import Motion
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.pose import Pose
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.scene import Actor
from dancepose.data.synthetic.shapes import Ellipsoid

BODY = Body(1.7, 0.22, 1.0, 1.0, 1.0, 1.0)
LIGHT = Light(np.full(3, 0.5), [(np.array([0, -0.5, -1.0]), np.full(3, 0.5))])


def portrait(outfit: Outfit, yaw: float, tall: int = 100) -> np.ndarray:
    """(H, W, 3) of someone who stands upright, NaN around; 0.4 times as wide as high."""
    camera = Camera(np.array([0, 0.85, 0]), 0.0, 10 * tall / 1.7, (int(0.5 * tall), int(1.1 * tall)))
    actor = Actor(BODY, outfit, "other", Motion(lambda time: Pose(), 1.0), np.array([0.0, -10.0]), yaw)
    raster = Raster(camera)
    raster.add({0: Figure(BODY, outfit).shapes(actor.joints(0))})
    surfaces = raster.surfaces()
    picture = np.full((camera.size[1], camera.size[0], 3), np.nan, np.float32)
    picture.reshape(-1, 3)[surfaces.pixels] = shade(surfaces, outfit.materials, LIGHT)
    return picture


def test_nobody_looks_the_same_from_behind_as_from_the_front():
    shares = []
    for seed in range(40):
        outfit = Outfit.draw(np.random.default_rng(seed))
        front, back = portrait(outfit, 0.0), portrait(outfit, np.pi)[:, ::-1]
        both = ~np.isnan(front[..., 0]) & ~np.isnan(back[..., 0])
        head = np.zeros_like(both)
        head[: int(0.2 * len(head))] = True
        differs = np.nanmax(np.abs(front - back), -1, where=both[..., None], initial=0) > 0.1
        shares.append((differs[both & head].mean(), differs[both].mean()))
    assert np.quantile(shares, 0.05, axis=0)[0] > 0.25  # heads
    assert np.min(shares, axis=0)[1] > 0.04 and np.median(shares, axis=0)[1] > 0.08


def painted(front: Front) -> np.ndarray:
    """(H, W) red of a grey ball seen from its front, its own left to the right; NaN around."""
    camera = Camera(np.array([0, 0, 0]), 0.0, 100.0, (101, 101))
    raster = Raster(camera)
    raster.add({0: [Ellipsoid(np.array([0, 0, -5.0]), np.eye(3), np.full(3, 2.0), 0)]})
    surfaces = raster.surfaces()
    colours = shade(surfaces, [Material(np.full(3, 0.5), front=front)], Light(np.full(3, 1.0), []))
    picture = np.full(101 * 101, np.nan)
    picture[surfaces.pixels] = colours[:, 0] - colours[:, 1]
    return picture.reshape(101, 101)


@pytest.mark.parametrize("kind", ["zip", "logo", "buttons", "open", "bib"])
@pytest.mark.parametrize("short", [False, True])
def test_what_a_front_bears_is_on_the_chest_and_goes_on_below_where_it_is_long(kind, short):
    picture = painted(Front(kind, colour=np.array([1.0, 0, 0]), short=short))
    red = picture > 0.2
    assert red.any() == (not short or kind != "logo")
    assert np.abs(red[:, 51:].sum() - red[:, :50].sum()) < 5  # in the middle


def test_the_pocket_is_on_the_left_and_the_neckline_on_top():
    red = painted(Front(colour=np.array([1.0, 0, 0]), pocket=True)) > 0.2
    assert red[:, 51:].sum() > 20 and not red[:, :50].any()
    bare = painted(Front(under=np.array([1.0, 0, 0]), neck=0.5)) > 0.2
    assert bare[:35].sum() > 20 and not bare[40:].any()


def test_most_clothes_are_of_muted_colours():
    tops = np.array([Outfit.draw(np.random.default_rng(seed)).top.colour for seed in range(200)])
    saturation = np.ptp(tops, axis=1) / tops.max(1)
    assert 0.35 < (saturation < 0.3).mean() < 0.65 and saturation.max() > 0.6


def test_clothes_may_be_wider_than_arms_and_legs():
    outfit = replace(
        Outfit.draw(np.random.default_rng(3)), legs="trousers", sleeves=1.95, loose=1.0, wide=1.0
    )
    sizes = [
        (~np.isnan(portrait(worn, 0.0)[..., 0])).sum()
        for worn in (outfit, replace(outfit, loose=1.5), replace(outfit, wide=1.6))
    ]
    assert sizes[0] < sizes[1] and 1.05 * sizes[0] < sizes[2]
    drawn = [Outfit.draw(np.random.default_rng(seed)) for seed in range(50)]
    assert {each.wide > 1.2 for each in drawn} == {each.loose > 1.2 for each in drawn} == {True, False}


def test_cloth_has_folds_and_skin_has_none():
    outfit = replace(Outfit.draw(np.random.default_rng(3)), legs="trousers")
    plain = [replace(getattr(outfit, name), pattern="plain", folds=0.0) for name in ("top", "bottom")]
    smooth = replace(outfit, top=plain[0], bottom=plain[1])
    folded = replace(smooth, top=replace(plain[0], folds=0.2), bottom=replace(plain[1], folds=0.2))
    changed = portrait(folded, 0.0) / portrait(smooth, 0.0)
    assert 0.79 < np.nanmin(changed) < 0.9 and 1.1 < np.nanmax(changed) < 1.21
    assert outfit.skin.folds == outfit.face.folds == 0 < outfit.top.folds


def test_materials_are_of_known_kinds():
    for seed in range(60):
        outfit = Outfit.draw(np.random.default_rng(seed))
        for material in outfit.materials:
            assert material.pattern in KINDS and (
                material.front is None or material.front.kind in FRONT_KINDS
            )
