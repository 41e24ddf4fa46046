from dataclasses import replace

import numpy as np
import pytest

from dancepose.errors import ConfigError
from dancepose.feature_layout import FEATURES, FeatureLayout
from dancepose.paths import config_dir
from dancepose.skeleton import load_skeleton

NAMES = sorted(p.stem for p in (config_dir() / "skeleton").glob("*.yaml"))


@pytest.mark.parametrize("name, dimension", [("common13", 106), ("openpose18", 150), ("mpii15", 127)])
def test_dimensions(name, dimension):
    """9 for scale and anchor, 3 a keypoint but the neck, 4 a limb, 1 a meeting of two limbs."""
    skeleton, meetings = load_skeleton(name), 0
    assert len(FeatureLayout.of(skeleton, FEATURES).names) == dimension
    for keypoint in skeleton.keypoints:
        degree = sum(keypoint in limb for limb in skeleton.limbs)
        meetings += degree * (degree - 1) // 2
    necks = skeleton.find("neck") is not None  # the meeting of neck-shoulder limbs is left out
    keypoints = len(skeleton) - necks
    assert dimension == 9 + 3 * keypoints + 4 * len(skeleton.limbs) + meetings - necks


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kinds", [FEATURES, *((kind,) for kind in FEATURES)], ids="+".join)
def test_two_mirrors_are_none(name, kinds):
    layout = FeatureLayout.of(load_skeleton(name), kinds)
    assert np.array_equal(layout.mirror[layout.mirror], np.arange(len(layout.names)))
    assert np.array_equal(layout.sign * layout.sign[layout.mirror], np.ones(len(layout.names)))
    assert len(set(layout.names)) == len(layout.names)


def mirrored(layout: FeatureLayout, name: str) -> tuple[str, int]:
    i = layout.names.index(name)
    return layout.names[layout.mirror[i]], int(layout.sign[i])


@pytest.mark.parametrize(
    "name, source, sign",
    [
        ("present left_knee", "present right_knee", 1),
        ("scale box", "scale box", 1),
        ("nose x", "nose x", -1),
        ("right_wrist y", "left_wrist y", 1),
        ("left_elbow->left_wrist dx", "right_elbow->right_wrist dx", -1),
        ("left_elbow->left_wrist sin", "right_elbow->right_wrist sin", 1),
        # a limb across the body comes out the other way round: what it had along x it keeps
        ("left_hip->right_hip cos", "left_hip->right_hip cos", 1),
        ("left_hip->right_hip dy", "left_hip->right_hip dy", -1),
        ("nose->left_eye : nose->right_eye", "nose->left_eye : nose->right_eye", -1),
        ("nose->left_eye : left_eye->left_ear", "nose->right_eye : right_eye->right_ear", 1),
        (
            "left_shoulder->right_shoulder : right_shoulder->right_hip",
            "left_shoulder->right_shoulder : left_shoulder->left_hip",
            1,
        ),
    ],
)
def test_what_a_mirror_makes_of_a_dimension(name, source, sign):
    assert mirrored(FeatureLayout.of(load_skeleton("coco17"), FEATURES), name) == (source, sign)


def test_the_neck_takes_the_labelled_necks_place_in_limbs():
    skeleton = load_skeleton("openpose18")
    layout = FeatureLayout.of(skeleton, FEATURES)
    assert layout.slot == skeleton.index("neck") and layout.slot not in layout.points
    assert layout.slot not in layout.limbs and (layout.limbs == len(skeleton)).sum() == 5
    assert FeatureLayout.of(load_skeleton("mpii15"), FEATURES).slot is None


def test_a_limb_without_its_mirror_image_brings_it_along():
    plain = load_skeleton("coco17")
    lopsided = replace(plain, limbs=(*plain.limbs, ("nose", "left_wrist"), ("left_wrist", "nose")))
    layout = FeatureLayout.of(lopsided, FEATURES)
    assert len(layout.limbs) == len(plain.limbs) + 2
    assert "left_wrist->nose dx" not in layout.names
    assert mirrored(layout, "nose->left_wrist dx") == ("nose->right_wrist dx", -1)


@pytest.mark.parametrize(
    "pairs, role",
    [
        ((("left_shoulder", "left_elbow"),), "shoulders"),
        ((("left_hip", "right_ankle"),), "hips"),
        ((("neck", "nose"),), "neck"),
    ],
)
def test_pairs_that_tear_a_role_apart_are_refused(pairs, role):
    skeleton = replace(load_skeleton("openpose18"), pairs=pairs)
    with pytest.raises(ConfigError, match=f"openpose18: 'pairs' must keep the role {role} together"):
        FeatureLayout.of(skeleton, FEATURES)
