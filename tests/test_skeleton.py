import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.skeleton import Skeleton, load_skeleton

NAMES = sorted(p.stem for p in (config_dir() / "skeleton").glob("*.yaml"))
UPPER_NECK = [name for name in NAMES if load_skeleton(name).find("upper_neck") is not None]


def test_all_eight_ship():
    eight = {"coco17", "common13", "crowdpose14", "lsp14", "mpii15", "mpii16", "openpose18", "posetrack15"}
    assert eight <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_skeleton_is_sound(name):
    skeleton = load_skeleton(name)
    assert skeleton.name == name
    assert re.search(r"\d+$", name) is None or name.endswith(str(len(skeleton)))
    flip = skeleton.flip_index
    assert np.array_equal(flip[flip], np.arange(len(skeleton)))
    for i, j in enumerate(flip):
        swapped = skeleton.keypoints[i].replace("left", "?").replace("right", "left").replace("?", "right")
        assert skeleton.keypoints[j] == swapped
    joined = {k for limb in skeleton.limbs for k in limb}
    assert joined == set(skeleton.keypoints), "every keypoint is drawn"
    assert Skeleton.from_dict(skeleton.to_dict()) == skeleton


@pytest.mark.parametrize(
    "name, scored", [("mpii15", 14), ("mpii16", 14), ("posetrack15", 15), ("coco17", 12), ("common13", 12)]
)
def test_scored_keypoints(name, scored):
    skeleton = load_skeleton(name)
    assert skeleton.scored.sum() == scored
    assert not any(
        skeleton.scored[skeleton.index(k)] for k in ("pelvis", "thorax") if skeleton.find(k) is not None
    )


# what is fixed, in literals: nothing here is taken from the files under test
SIGMAS = {
    **{"nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062},
    **{"hip": 0.107, "knee": 0.087, "ankle": 0.089, "pelvis": 0.107},
    **{"head_top": 0.079, "upper_neck": 0.079, "neck": 0.079, "thorax": 0.079},
}
PAIRED = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
LIMBS = {side for point in PAIRED for side in (f"left_{point}", f"right_{point}")}
FACE = {"nose", "left_eye", "right_eye", "left_ear", "right_ear"}
# name -> keypoints beside the limbs, those of them that are scored in the column Head
CONTENTS = {
    "coco17": (FACE, set()),
    "common13": ({"neck"}, set()),
    "crowdpose14": ({"head_top", "upper_neck"}, {"head_top", "upper_neck"}),
    "lsp14": ({"head_top", "upper_neck"}, {"head_top", "upper_neck"}),
    "mpii15": ({"head_top", "upper_neck", "pelvis"}, {"head_top", "upper_neck"}),
    "mpii16": ({"head_top", "upper_neck", "pelvis", "thorax"}, {"head_top", "upper_neck"}),
    "openpose18": (FACE | {"neck"}, set()),
    "posetrack15": ({"nose", "head_top", "upper_neck"}, {"nose", "head_top", "upper_neck"}),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_published_skeleton_holds_what_it_must(name):
    skeleton, (others, head) = load_skeleton(name), CONTENTS[name]
    assert set(skeleton.keypoints) == LIMBS | others
    wanted = [SIGMAS[re.sub("^(left|right)_", "", keypoint)] for keypoint in skeleton.keypoints]
    assert list(skeleton.sigmas) == wanted
    columns = {"Head": head} if head else {}
    columns |= {point.title(): {f"left_{point}", f"right_{point}"} for point in PAIRED}
    assert {column: set(names) for column, names in skeleton.columns.items()} == columns
    assert all(len(names) == len(set(names)) for names in skeleton.columns.values())


def test_mpii16_has_the_ids_of_mpii():
    ids = {0: "right_ankle", 1: "right_knee", 2: "right_hip", 3: "left_hip", 4: "left_knee", 5: "left_ankle"}
    ids |= {6: "pelvis", 7: "thorax", 8: "upper_neck", 9: "head_top"}
    ids |= {10: "right_wrist", 11: "right_elbow", 12: "right_shoulder"}
    ids |= {13: "left_shoulder", 14: "left_elbow", 15: "left_wrist"}
    skeleton = load_skeleton("mpii16")
    assert dict(enumerate(skeleton.keypoints)) == ids
    assert np.flatnonzero(skeleton.scored).tolist() == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15]


def test_upper_neck_is_neither_derived_nor_an_alias_of_neck():
    openpose, mpii = load_skeleton("openpose18"), load_skeleton("mpii15")
    mapping = openpose.map_to(mpii, derive=True)
    assert mapping.index[mpii.index("upper_neck")] == -1 and mpii.index("upper_neck") not in mapping.derived
    assert all(load_skeleton(n).index("upper_neck") != load_skeleton(n).find("neck") for n in UPPER_NECK)


def test_pelvis_is_derived_for_features_only():
    coco, mpii = load_skeleton("coco17"), load_skeleton("mpii15")
    assert coco.map_to(mpii).index[mpii.index("pelvis")] == -1
    keypoints = np.zeros((1, 17, 3))
    keypoints[0, coco.index("left_hip")] = 10, 20, 2
    pelvis = mpii.index("pelvis")
    assert not coco.map_to(mpii, derive=True).apply(keypoints)[0, pelvis].any(), "one hip is not enough"
    keypoints[0, coco.index("right_hip")] = 20, 40, 1
    assert np.array_equal(coco.map_to(mpii, derive=True).apply(keypoints)[0, pelvis], [15, 30, 1])


def test_neck_in_features_is_always_the_middle_of_the_shoulders():
    openpose = load_skeleton("openpose18")
    keypoints = np.zeros((18, 3))
    keypoints[openpose.index("neck")] = 99, 99, 2
    keypoints[openpose.index("left_shoulder")] = 0, 10, 2
    keypoints[openpose.index("right_shoulder")] = 10, 10, 2
    mapped = openpose.map_to(openpose, derive=True).apply(keypoints)
    assert np.array_equal(mapped[openpose.index("neck")], [5, 10, 2])
    assert np.array_equal(openpose.map_to(openpose).apply(keypoints), keypoints)


# source, target -> keypoints beside the limbs that the target gets: as labelled, and derived for features
MAPPED: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("openpose18", "common13"): (set(), {"neck"}),
    ("coco17", "common13"): (set(), {"neck"}),
    ("mpii15", "common13"): (set(), {"neck"}),
    ("mpii16", "common13"): (set(), {"neck"}),
    ("common13", "common13"): (set(), {"neck"}),
    ("common13", "openpose18"): (set(), {"neck"}),
    ("common13", "coco17"): (set(), set()),
    ("common13", "mpii15"): (set(), {"pelvis"}),
    ("openpose18", "coco17"): (FACE, set()),
    ("coco17", "openpose18"): (FACE, {"neck"}),
    ("openpose18", "mpii15"): (set(), {"pelvis"}),
    ("mpii15", "openpose18"): (set(), {"neck"}),
    ("coco17", "mpii15"): (set(), {"pelvis"}),
    ("mpii15", "coco17"): (set(), set()),
}


@pytest.mark.parametrize("source, target", MAPPED)
def test_what_a_mapping_keeps_derives_and_leaves_unannotated(source, target):
    a, b = load_skeleton(source), load_skeleton(target)
    kept, derived = MAPPED[source, target]
    kept = kept | LIMBS
    keypoints = np.random.default_rng(0).uniform(1, 100, (2, len(a), 3))
    mapped = a.map_to(b, derive=True).apply(keypoints)
    plain = a.map_to(b).apply(keypoints)
    for i, name in enumerate(b.keypoints):
        if name in kept:
            assert np.array_equal(mapped[:, i], keypoints[:, a.index(name)])
            assert np.array_equal(plain[:, i], mapped[:, i])
        elif name in derived:
            joint = {"neck": "shoulder", "pelvis": "hip"}[name]
            ends = keypoints[:, a.indices([f"left_{joint}", f"right_{joint}"])]
            assert np.allclose(mapped[:, i, :2], ends[..., :2].mean(axis=1))
            assert np.array_equal(mapped[:, i, 2], ends[..., 2].min(axis=1))
            labelled = keypoints[:, a.index(name)] if name in a.keypoints else np.zeros((2, 3))
            assert np.array_equal(plain[:, i], labelled), "derived for features alone"
        else:
            assert not mapped[:, i].any() and not plain[:, i].any()
    assert derived <= set(b.keypoints) and kept <= set(b.keypoints)


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 2**31 - 1))
def test_mapping_there_and_back_keeps_what_both_have(first, second, seed):
    a, b = load_skeleton(first), load_skeleton(second)
    keypoints = np.random.default_rng(seed).uniform(1, 100, (3, len(a), 3))
    back = b.map_to(a).apply(a.map_to(b).apply(keypoints))
    shared = [i for i, k in enumerate(a.keypoints) if b.find(k) is not None]
    assert np.array_equal(back[:, shared], keypoints[:, shared])
    assert not np.delete(back, shared, axis=1).any()
    mirrored = a.map_to(b).apply(keypoints[:, a.flip_index])
    assert np.array_equal(mirrored, a.map_to(b).apply(keypoints)[:, b.flip_index]), (
        "a mirror commutes with mapping"
    )


def test_aliases_work_in_both_directions():
    skeleton = load_skeleton("mpii15")
    plain = skeleton.to_dict() | {"name": "renamed", "aliases": {}}
    renamed = yaml.safe_load(yaml.safe_dump(plain).replace("upper_neck", "head_bottom"))
    other = Skeleton.from_dict(renamed)
    assert skeleton.map_to(other).covered.all() and other.map_to(skeleton).covered.all()


@pytest.mark.parametrize(
    "change, words",
    [
        ({"limbs": [["left_sholder", "left_elbow"]]}, ["limbs", "left_sholder", "left_shoulder"]),
        ({"keypoint": []}, ["keypoint", "keypoints"]),
        ({"grouping_order": ["head_top"]}, ["grouping_order", "every keypoint once"]),
        ({"sigmas": [0.1]}, ["'sigmas'", "15 numbers"]),
        ({"sigmas": ["a"] * 15}, ["sigmas", "head_top", "'a'", "positive number"]),
        ({"sigmas": [0.1] * 14 + [0]}, ["sigmas", "right_ankle", "positive number"]),
        ({"sigmas": [0.1] * 14 + [float("nan")]}, ["sigmas", "right_ankle", "positive number"]),
        ({"sigmas": 0.1}, ["sigmas", "list or mapping"]),
        ({"keypoints": 3}, ["keypoints", "names", "3"]),
        ({"keypoints": [1, 2]}, ["keypoints", "names"]),
        ({"keypoints": []}, ["keypoints", "names"]),
        ({"keypoints": ["a", "a"]}, ["'keypoints'", "each once"]),
        ({"pairs": None}, ["pairs", "list of pairs"]),
        ({"pairs": [["head_top"]]}, ["pairs", "2 different keypoints", "head_top"]),
        ({"pairs": [["head_top", "head_top"]]}, ["pairs", "2 different keypoints"]),
        ({"pairs": [["left_hip", "right_hip"], ["left_hip", "pelvis"]]}, ["left_hip", "two 'pairs'"]),
        ({"limbs": [["head_top", "upper_neck", "pelvis"]]}, ["limbs", "2 different keypoints"]),
        ({"limbs": {"a": "b"}}, ["limbs", "list of pairs"]),
        ({"roles": {"head": ["head_top", "upper_neck", "pelvis"]}}, ["roles.head", "2 different keypoints"]),
        ({"roles": {"shoulders": ["left_shoulder"]}}, ["roles.shoulders", "2 different keypoints"]),
        ({"roles": {"neck": "pelvis"}}, ["roles.neck", "list of 1"]),
        ({"roles": {"sholders": ["left_shoulder", "right_shoulder"]}}, ["sholders", "'shoulders'"]),
        ({"roles": ["head"]}, ["roles", "mapping"]),
        ({"columns": {"Hed": ["head_top"]}}, ["columns", "Hed", "'Head'"]),
        ({"columns": {"head": ["head_top"]}}, ["columns", "head", "'Head'"]),
        ({"columns": {"Head": 3}}, ["columns.Head", "names", "3"]),
        ({"aliases": ["nose"]}, ["aliases", "mapping"]),
        ({"aliases": {"tip": ["nose"]}}, ["aliases", "nose"]),
        ({3: 4}, ["unknown field '3'"]),
        ({"aliases": {"pelvis": "head_top"}}, ["pelvis", "alias"]),
    ],
)
def test_a_wrong_skeleton_is_refused_with_the_field(change, words):
    with pytest.raises(ConfigError) as error:
        Skeleton.from_dict(load_skeleton("mpii15").to_dict() | change)
    assert all(word in str(error.value) for word in words)


def test_a_skeleton_may_have_columns_of_its_own():
    plain = load_skeleton("mpii15").to_dict()
    assert Skeleton.from_dict(plain | {"columns": {**plain["columns"], "Hand": ["pelvis"]}}).scored.all()


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["pelvis", "head_top", "tail"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["head", "a", 3]), inner),
    max_leaves=6,
)


@given(st.sampled_from([*load_skeleton("mpii15").to_dict()]), anything)
def test_nonsense_is_read_or_refused_but_never_crashes(field, value):
    try:
        skeleton = Skeleton.from_dict(load_skeleton("mpii15").to_dict() | {field: value})
    except ConfigError as error:
        assert "skeleton" in str(error)
    else:
        assert Skeleton.from_dict(skeleton.to_dict()) == skeleton


def test_a_missing_field_and_an_unknown_name_are_refused(tmp_path: Path):
    plain = load_skeleton("lsp14").to_dict()
    del plain["pairs"]
    with pytest.raises(ConfigError, match="'pairs' is missing"):
        Skeleton.from_dict(plain)
    with pytest.raises(ConfigError, match="Did you mean 'mpii15'"):
        load_skeleton("mpi15")
    for broken in (b"[1, 2", "keypoints: [Fuß]".encode("latin-1"), b"[" * 3000):
        (tmp_path / "mine.yaml").write_bytes(broken)
        with pytest.raises(ConfigError, match="mine.yaml is not valid YAML"):
            load_skeleton(str(tmp_path / "mine.yaml"))


def test_a_users_own_skeleton_is_a_yaml_file(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nkeypoints: [a, left_b, right_b]\npairs: [[left_b, right_b]]\n"
        "limbs: [[a, left_b], [a, right_b]]\n"
        "grouping_order: [a, left_b, right_b]\nsigmas: [0.1, 0.2, 0.2]\n"
    )
    assert load_skeleton(str(path)).flip_index.tolist() == [0, 2, 1]
