"""Truth of a drawn person: who is labelled, and in the keypoints of any skeleton, a user's own too."""

import numpy as np
import pytest
import yaml
from plain_scenes import BODY, CAMERA, plain_scene, stander

from dancepose.data.synthetic.figure import Figure
from dancepose.data.synthetic.material import Material
from dancepose.data.synthetic.raster import Raster
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.data.synthetic.shapes import Cone
from dancepose.data.synthetic.truth import DRAWN, Truth, drawn_names, find_truth
from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.records import NOT_ANNOTATED, OCCLUDED, VISIBLE
from dancepose.skeleton import load_skeleton

SHIPPED = sorted(path.stem for path in (config_dir() / "skeleton").glob("*.yaml"))


def renamed(tmp_path, aliases: bool) -> str:
    """Write lsp14 with names of its own, `p_left_wrist` and so on; return the path."""
    text = (config_dir() / "skeleton/lsp14.yaml").read_text()
    own = load_skeleton("lsp14").keypoints
    content = yaml.safe_load(text)
    del content["aliases"]
    text = yaml.safe_dump(content)
    for name in own:
        text = text.replace(name, f"p_{name}")
    content = yaml.safe_load(text) | {"name": "mine"}
    if aliases:
        content["aliases"] = {name: f"p_{name}" for name in own}
    path = tmp_path / f"{'named' if aliases else 'mine'}.yaml"  # a skeleton is read once
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_keypoint_of_a_shipped_skeleton_is_drawn_under_its_own_name(name):
    skeleton = load_skeleton(name)
    assert drawn_names(skeleton) == list(skeleton.keypoints)


def test_other_names_for_the_same_points(tmp_path):
    skeleton = load_skeleton(renamed(tmp_path, aliases=True))
    points = {name: np.array([number, 1.0, 2.0]) for number, name in enumerate(sorted(DRAWN))}
    truth = Truth(points, np.array([0.0, 0, 9, 9]), None, 1.0)
    person, plain = truth.person(skeleton), truth.person(load_skeleton("lsp14"))
    np.testing.assert_array_equal(person.keypoints, plain.keypoints)
    assert person.present.all()


def test_a_skeleton_of_which_nothing_is_drawn_is_refused_before_any_drawing(tmp_path):
    path = renamed(tmp_path, aliases=False)
    words = r"data\.scenes\.skeleton=.*mine\.yaml: nothing that it names \(p_head_top, .*is drawn; .*=mpii15"
    with pytest.raises(ConfigError, match=words):
        SceneSet(skeleton=path).check("data.scenes")
    SceneSet(skeleton=renamed(tmp_path, aliases=True)).check()


def test_a_skeleton_that_is_no_shipped_one_names_its_key_and_the_way_round():
    with pytest.raises(
        ConfigError, match=r"^data\.scenes\.skeleton=mine: no skeleton 'mine'.*Or give .*=mpii15"
    ):
        SceneSet(skeleton="mine").check("data.scenes")


BEHIND = stander(0.0, -4.0)
JOINTS = BEHIND.joints(0.0)
PIXELS = CAMERA.project(CAMERA.view(np.array([v for v in JOINTS.values() if v.shape == (3,)])))
BOX = float(np.prod(np.ptp(PIXELS, axis=0)))  # around the joints, pixels


def bar(top: float) -> Cone:
    """What hides all that is lower than about `top` metres of who stands behind it."""
    ends = (np.array([x, top - 0.7, -2.5]) for x in (-3.0, 3.0))
    return Cone(*ends, (0.7, 0.7), 0)


def behind(top: float, thing: bool) -> tuple[Truth, int, int]:
    """The truth of who stands behind a bar that is a thing, or another person; what shows, and without it."""
    raster = Raster(CAMERA)
    raster.add({0: Figure(BODY, BEHIND.outfit).shapes(JOINTS)})
    alone = whole = int(raster.shown(0)[1].sum())
    raster.add({1: [bar(top)]})
    shown = int(raster.shown(0)[1].sum())
    return find_truth(raster, whole if thing else shown, 0, JOINTS, BODY), shown, alone


@pytest.mark.parametrize("thing", [True, False])
def test_where_the_limit_of_who_is_labelled_lies(thing):
    """Of what would show without the thing, 15 %; of who is behind people alone, 1.5 % of the joints' box."""
    drawn = [behind(top, thing) for top in np.arange(1.06, 1.42, 0.03)]
    labelled = [truth.labelled for truth, _, _ in drawn]
    assert labelled == sorted(labelled, reverse=True) and labelled[0] and not labelled[-1]
    for truth, shown, alone in drawn:
        seen = sum(point[2] == VISIBLE for point in truth.points.values())
        least = 0.15 * alone if thing else 0.015 * BOX
        assert truth.labelled == (shown >= least and seen >= 3)
        assert truth.seen == pytest.approx(shown / max(alone if thing else shown, 0.1 * BOX))
    last, first = labelled.count(True) - 1, labelled.count(True)
    share = drawn[last][1] / drawn[last][2]
    assert (0.15 < share < 0.2) if thing else (0.02 < share < 0.08), "of the whole body"
    assert drawn[first][1] > 0, "something of who is just not labelled shows"


def test_nobody_is_labelled_of_whom_nothing_shows():
    for thing in (True, False):
        truth, shown, _ = behind(1.7, thing)
        assert shown == 0 and truth.box is None and truth.seen == 0 and not truth.labelled


def test_people_do_not_count_as_hiding_and_things_do():
    """In a scene: of who is behind both, what shows is compared with what the other people leave."""
    front = stander(0.3, -3.0)
    cover = Cone(np.array([-3.0, 0.3, -2.0]), np.array([3.0, 0.3, -2.0]), (0.3, 0.3), 0)
    things = ([[cover]], [Material(np.ones(3))])

    def count(*shapes) -> int:
        raster = Raster(CAMERA)
        raster.add(dict(enumerate(shapes)))
        return int(raster.shown(0)[1].sum())

    own, other = (Figure(BODY, actor.outfit).shapes(actor.joints(0.0)) for actor in (BEHIND, front))
    alone, left, shown = count(own), count(own, other), count(own, other, [cover])
    assert 0.1 * BOX < left < 0.9 * alone and shown < 0.9 * left

    def seen(*actors, **more) -> float:
        return plain_scene(*actors, **more).render(0.0, np.random.default_rng(0))[1][0].seen

    assert seen(BEHIND) == seen(BEHIND, front) == 1
    assert seen(BEHIND, props=things) == pytest.approx(count(own, [cover]) / alone)
    assert seen(BEHIND, front, props=things) == pytest.approx(shown / left)


@pytest.mark.parametrize(("visible", "hidden", "labelled"), [(3, 1, True), (3, 0, False), (2, 9, False)])
def test_who_is_labelled_has_four_keypoints_in_the_picture_three_of_them_visible(visible, hidden, labelled):
    flags = [VISIBLE] * visible + [OCCLUDED] * hidden + [NOT_ANNOTATED] * 5
    points = {str(n): np.array([9.0, 9.0, flag]) for n, flag in enumerate(flags)}
    assert Truth(points, np.array([0.0, 0, 9, 9]), None, 0.15).labelled == labelled
    assert not Truth(points, np.array([0.0, 0, 9, 9]), None, 0.149).labelled
    assert not Truth(points, None, None, 1.0).labelled
