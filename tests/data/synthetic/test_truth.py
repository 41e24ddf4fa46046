"""Truth of a drawn person in the keypoints of any skeleton, a user's own too."""

import numpy as np
import pytest
import yaml

from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.data.synthetic.truth import DRAWN, Truth, drawn_names
from dancepose.errors import ConfigError
from dancepose.paths import config_dir
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
