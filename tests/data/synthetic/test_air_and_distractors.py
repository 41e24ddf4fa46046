"""Haze, light, shadows, mirrors, posters and crowds: what is around people, and no label names."""

import cv2
import numpy as np
import pytest
from plain_scenes import (
    BODY,
    CAMERA,
    GREY,
    WALL,
    WHITE,
    plain_backdrop,
    plain_outfit,
    plain_scene,
    rendered,
    stander,
)

from dancepose.data.synthetic import staging
from dancepose.data.synthetic.annotations import annotate
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.effects import crowd, poster, shadows
from dancepose.data.synthetic.figure import Figure
from dancepose.data.synthetic.material import Light
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.pose import Arm
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.scene import SIZE, Actor
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.data.synthetic.staging import Difficulty, draw_scene


def pixel(actor: Actor, joint: str) -> tuple[int, int]:
    """Row and column of a joint."""
    x, y = CAMERA.project(CAMERA.view(actor.joints(0.0)[joint])).round().astype(int)
    return y, x


def silhouette(actor: Actor) -> np.ndarray:
    """(H, W) bool: where someone is in the picture."""
    raster = Raster(CAMERA)
    raster.add({0: Figure(actor.body, actor.outfit).shapes(actor.joints(0.0))})
    return raster.number >= 0


def test_haze_draws_what_is_far_towards_its_colour_and_what_is_near_less():
    near, far = stander(-0.6, -2.5), stander(0.8, -5.0)
    colour = np.array([0.0, 0.1, 1.0])
    clear, hazy = (
        rendered(plain_scene(near, far, backdrop=plain_backdrop(haze=colour, thickness=thickness)))
        for thickness in (0.0, 0.5)
    )
    places = [pixel(near, "chest"), pixel(far, "chest"), (60, 320)]
    shares = [((hazy - clear)[place] / (255 * colour - clear[place])).mean() for place in places]
    assert shares == pytest.approx([1 - np.exp(-0.05 * depth) for depth in (2.4, 4.9, WALL)], abs=0.01)
    assert 0.05 < shares[0] < shares[1] - 0.05 < shares[2]


def test_coloured_light_falls_on_people_from_where_it_comes_and_on_nothing_else():
    actor = stander(0.0, -3.0)
    lamp = (np.array([1.0, 0.0, -0.2]), np.array([0.5, 0.0, 0.0]))  # from the picture's right, red
    dim = Light(np.full(3, 0.5), [])
    plain, lit = (
        rendered(plain_scene(actor, backdrop=plain_backdrop(light=light)))
        for light in (dim, Light(dim.ambient, [lamp]))
    )
    brighter, body = lit - plain, silhouette(actor)
    assert not brighter[~body].any() and not brighter[..., 1:].any()
    columns = np.nonzero(body)[1]
    right = body & (np.arange(SIZE[0]) > np.median(columns))
    assert (
        brighter[right, 0].mean() > 1.5 * brighter[body & ~right, 0].mean() and brighter[right, 0].mean() > 10
    )


def darkened(*people: dict[str, np.ndarray]) -> np.ndarray:
    """(H, W): what shadows leave of a white floor."""
    image = np.ones((SIZE[1], SIZE[0], 3), np.float32)
    shadows(image, CAMERA, people)
    assert (image == image[..., :1]).all()
    return image[..., 0]


def test_feet_darken_the_floor_and_hands_where_they_are_on_it():
    actor = stander(0.0, -3.0)
    joints = actor.joints(0.0)
    floor = darkened(joints)
    row, column = pixel(actor, "left_toe")
    assert (
        floor[row, column] < 0.85 and (floor[:, column + 120 :] == 1).all() and (floor[: row - 60] == 1).all()
    )
    around = ~silhouette(actor)
    in_scene = rendered(plain_scene(actor))[around, 0] / (255 * GREY)
    assert floor[around].min() < 0.75 and in_scene == pytest.approx(floor[around], abs=0.01)
    hand = np.array([1.2, 0.03, -3.0])
    x, y = CAMERA.project(CAMERA.view(np.array([1.2, 0.0, -3.0]))).round().astype(int)
    assert darkened({**joints, "left_hand": hand})[y, x] < 0.8
    assert darkened({**joints, "left_hand": hand + np.array([0, 0.6, 0])})[y, x] == 1
    jumping = {n: v if n.startswith("frame_") else v + np.array([0, 0.6, 0]) for n, v in joints.items()}
    assert floor.min() + 0.2 < darkened(jumping).min() < 1


MIRROR = np.array([250, 120, 410, 310])  # x1, y1, x2, y2
ASIDE = Arm(np.array([1.0, 0.0, 0.0]), 0.99)


def test_a_mirror_shows_who_stands_before_it_from_behind_and_gives_no_label():
    """The reflection is where one stands who faces away behind the wall, with left and right exchanged."""
    red = plain_outfit((0.9, 0.1, 0.1))
    actor = stander(1.2, -4.0, 0.0, red, arms={"left": Arm(), "right": ASIDE})
    image_of = stander(1.2, 4.0 - 2 * WALL, np.pi, red, arms={"left": ASIDE, "right": Arm()})
    plain, mirrored = plain_scene(actor), plain_scene(actor, mirror=MIRROR)
    (before, truths), (after, others) = (s.render(0.0, np.random.default_rng(0)) for s in (plain, mirrored))
    np.testing.assert_equal([vars(truth) for truth in others], [vars(truth) for truth in truths])
    assert len(others) == 1

    x1, y1, x2, y2 = MIRROR
    outside = np.ones(after.shape[:2], bool)
    outside[y1 - 3 : y2 + 4, x1 - 3 : x2 + 4] = False
    assert (after == before)[outside].all(), "nothing but the mirror is changed"
    empty = rendered(plain_scene(stander(30.0, -4.0), mirror=MIRROR))
    inside = (slice(y1 + 3, y2 - 3), slice(x1 + 3, x2 - 3))
    in_front = cv2.dilate(silhouette(actor).astype(np.uint8), np.ones((3, 3)))[inside] > 0
    seen = (np.abs(after - empty).max(-1)[inside] > 4) & ~in_front
    expected = silhouette(image_of)[inside] & ~in_front
    assert expected.sum() > 500 and (seen & expected).sum() > 0.93 * (seen | expected).sum()
    assert before[pixel(actor, "nose")].mean() > 100 > 60 > after[pixel(image_of, "head_centre")].mean(), (
        "hair"
    )
    assert (after[pixel(actor, "right_elbow")] == before[pixel(actor, "right_elbow")]).all(), "it is behind"


def test_nothing_of_the_wall_is_seen_through_a_mirror():
    scene = plain_scene(stander(30.0, -4.0), mirror=MIRROR)
    x1, y1, x2, y2 = MIRROR
    scene.backdrop.image[y1 + 10 : y1 + 40, x1 + 10 : x1 + 40] = (0.9, 0.1, 0.1)  # a poster
    glass = rendered(scene)[y1 + 3 : y2 - 3, x1 + 3 : x2 - 3].astype(int)
    assert np.abs(glass - glass[0, 0]).max() <= 2


def hung(seed: int, top: tuple[float, float, float]) -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), GREY, np.float32)
    poster(np.random.default_rng(seed), image, 300, {7: (BODY, plain_outfit(top))})
    return image


@pytest.mark.parametrize("seed", range(6))
def test_a_poster_shows_someone_in_the_clothes_of_the_cast(seed):
    red, blue = hung(seed, (0.9, 0.0, 0.0)), hung(seed, (0.0, 0.0, 0.9))
    rows, columns = (np.flatnonzero((red != GREY).any((axis, 2))) for axis in (1, 0))
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    high, wide = red[part].shape[:2]
    assert rows[-1] < 300 and 60 <= high < 200 and 0.5 < wide / high < 0.82
    paper = red[part][6, 6]
    printed = np.abs(red[part] - paper).max(-1)[4:-4, 4:-4] > 0.02
    clothes = (np.abs(red - blue)[part] > 0.02).any(-1)
    assert 0.05 < printed.mean() < 0.5 and 0.03 < clothes.mean() < 0.5
    assert not clothes[:2].any() and not clothes[:, :2].any(), "within its frame"
    assert (red - blue)[part][clothes][:, 0].mean() > 0.1 and (blue - red)[part][clothes][:, 2].mean() > 0.1


@pytest.mark.parametrize("seed", range(6))
def test_a_crowd_is_a_faint_soft_row_of_heads_along_the_wall(seed):
    image = np.full((SIZE[1], SIZE[0], 3), 0.9, np.float32)
    before = image.copy()
    crowd(np.random.default_rng(seed), image, 240)
    changed = (before - image).mean(-1)
    assert not changed[: 240 - 110].any() and not changed[240 + 88 :].any()
    assert (changed > 0.08).mean() > 0.01 and image.min() > 0.2 * 0.9 - 1e-3
    steps = np.abs(np.diff(image.mean(-1), axis=1)).max()
    assert steps < 0.45 * changed.max(), "no sharp edges"


def test_staged_mirrors_posters_and_crowds_are_painted_and_nobody_in_them_is_labelled(monkeypatch, tmp_path):
    cast = {n: (Body.draw(r := np.random.default_rng(n)), Outfit.draw(r)) for n in range(6)}
    painted: dict[str, list[float]] = {"poster": [], "crowd": []}

    def kept(name, paint):
        def painting(random, image, *rest):
            before = image.copy()
            paint(random, image, *rest)
            painted[name].append(float((image != before).any(-1).mean()))
            images.append(image)

        return painting

    for name in painted:
        monkeypatch.setattr(staging, name, kept(name, getattr(staging, name)))
    everywhere = Difficulty((1, 2), (140, 300), 0.9, -0.08, 0, 1.0, 1.0, 0.2)
    mirrors = 0
    for seed in range(4):
        images: list[np.ndarray] = []
        scene = draw_scene(np.random.default_rng(seed), everywhere, cast)
        assert images and all(image is scene.backdrop.image for image in images)
        mirrors += scene.mirror is not None
        _, truths = scene.render(0.0, np.random.default_rng(0))
        record = annotate(SceneSet(format="coco"), tmp_path, "one", scene, truths)
        assert len(truths) == len(scene.actors) >= len(record["people"]) + len(record["ignore"])
    assert mirrors and len(painted["poster"]) and len(painted["crowd"]) == 4
    assert min(painted["poster"]) > 0.005 and min(painted["crowd"]) > 0.01


def test_a_plain_scene_is_plain():
    """Which the tests above take for granted."""
    picture = rendered(plain_scene(stander(0.0, -3.0)))
    assert WHITE.lamps == [] and (picture[60] == round(255 * GREY)).all()
