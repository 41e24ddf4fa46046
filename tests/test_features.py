import time
from dataclasses import replace

import numpy as np
import pytest
from factories import BODY
from hypothesis import given
from hypothesis import strategies as st

from dancepose.body import BodyPoints
from dancepose.errors import ConfigError
from dancepose.features import FEATURES, LARGEST, SCALES, KeypointFeatures
from dancepose.paths import config_dir
from dancepose.skeleton import Skeleton, load_skeleton

NAMES = sorted(p.stem for p in (config_dir() / "skeleton").glob("*.yaml"))
BOTH = {name: KeypointFeatures(load_skeleton(name)) for name in NAMES}
skeletons, seeds = st.sampled_from(NAMES), st.integers(0, 2**31 - 1)


def people(name: str, seed: int, count: int = 6, missing: float = 0.0) -> np.ndarray:
    """Return (count, K, 3) keypoints anywhere, a share of them missing, with nonsense for a place."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(-300, 300, (count, len(load_skeleton(name)), 3))
    keypoints[..., 2] = rng.integers(1, 3, keypoints.shape[:-1])
    lost = rng.random(keypoints.shape[:-1]) < missing
    keypoints[lost] = np.where(rng.random((lost.sum(), 3)) < 0.5, np.nan, 1e6) * [1, 1, 0]
    keypoints[lost, 2] = 0
    return keypoints


def body(name: str, **places: tuple[float, float] | None) -> np.ndarray:
    """Return (K, 3) keypoints of the standing body, 100 px high, some moved or, with None, missing."""
    skeleton = load_skeleton(name)
    at = {keypoint: (100 * x, 100 * y) for keypoint, (x, y) in BODY.items()} | places
    rows = [(0, 0, 0) if at[k] is None else (*at[k], 2) for k in skeleton.keypoints]  # type: ignore[misc]
    return np.array(rows, dtype=np.float64)


def named(features: KeypointFeatures, values: np.ndarray) -> dict[str, float]:
    assert len(set(features.names)) == len(features.names) == features.dimension == len(values)
    return dict(zip(features.names, values.tolist(), strict=True))


def state(values: dict[str, float], which: str) -> str:
    """Return the name of the one bit that is set, or nothing."""
    bits = [
        name.removeprefix(f"{which} ") for name in values if name.startswith(f"{which} ") and values[name]
    ]
    assert len(bits) <= 1
    return "".join(bits)


def test_a_standing_body_in_figures():
    features = BOTH["common13"]
    values = named(features, features(body("common13")))  # neck (0, 20), mid-hip (0, 50): a torso of 30
    assert (state(values, "scale"), state(values, "anchor")) == ("torso", "neck")
    assert all(value == 1 for name, value in values.items() if name.startswith("present"))
    assert "present neck" not in values and "neck x" not in values, "they would be constant"
    expected = {
        "left_wrist x": 20 / 30,
        "left_wrist y": 30 / 30,
        "right_ankle x": -11 / 30,
        "right_ankle y": 80 / 30,
        "left_shoulder->left_elbow dx": 5 / 30,
        "left_shoulder->left_elbow dy": 16 / 30,
        "neck->right_shoulder dx": -12 / 30,
        "neck->right_shoulder cos": -1,
        "neck->right_shoulder sin": 0,
        "left_shoulder->left_elbow cos": 5 / np.hypot(5, 16),
        "left_shoulder->left_elbow sin": 16 / np.hypot(5, 16),
    }
    upper, fore = np.hypot(5, 16), np.hypot(3, 14)
    expected["left_shoulder->left_elbow : left_elbow->left_wrist"] = (upper - fore) / (upper + fore)
    expected["neck->left_shoulder : left_shoulder->left_elbow"] = (12 - upper) / (12 + upper)
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert "neck->left_shoulder : neck->right_shoulder" not in values, "it would always be 0"


@given(skeletons, seeds, st.floats(0, 0.9), st.floats(1e-2, 1e2), st.booleans())
def test_place_and_size_do_not_matter(name, seed, missing, factor, boxes):
    features, keypoints = BOTH[name], people(name, seed, missing=missing)
    rng = np.random.default_rng(seed)
    heights = rng.uniform(0, 600, len(keypoints)) * rng.integers(0, 2, len(keypoints)) if boxes else None
    moved = keypoints.copy()
    moved[..., :2] = keypoints[..., :2] * factor + rng.uniform(-2000, 2000, (len(keypoints), 1, 2))
    expected = features(keypoints, heights)
    assert np.allclose(features(moved, None if heights is None else heights * factor), expected, atol=1e-5)


@given(skeletons, seeds, st.floats(0, 0.9), st.integers(1, 2000), st.permutations(FEATURES))
def test_a_mirror_of_the_keypoints_is_a_flip_of_the_features(name, seed, missing, width, kinds):
    skeleton = load_skeleton(name)
    features, keypoints = KeypointFeatures(skeleton, kinds), people(name, seed, missing=missing)
    mirrored = keypoints[:, skeleton.flip_index]
    mirrored[..., 0] = width - mirrored[..., 0]
    heights = np.random.default_rng(seed).uniform(0, 600, len(keypoints))
    values = features(keypoints, heights)
    assert np.allclose(features(mirrored, heights), features.flip(values), atol=1e-5)
    assert np.array_equal(features.flip(features.flip(values)), values)
    assert features.flip(values).dtype == np.float32


@given(skeletons, seeds, st.floats(0, 1))
def test_values_are_finite_and_bounded_whatever_is_missing(name, seed, missing):
    features = BOTH[name]
    values = features(people(name, seed, missing=missing))
    assert values.dtype == np.float32 and np.isfinite(values).all()
    assert np.abs(values).max() <= LARGEST
    ratios = [i for i, n in enumerate(features.names) if " : " in n]
    assert len(ratios) > 8 and np.abs(values[:, ratios]).max() <= 1


@given(skeletons, seeds, st.integers(0, 2**18 - 1))
def test_what_a_missing_keypoint_holds_does_not_matter(name, seed, subset):
    features, keypoints = BOTH[name], people(name, seed)
    keypoints[:, [bool(subset >> k & 1) for k in range(keypoints.shape[1])], 2] = 0
    emptied = np.where(keypoints[..., 2:] > 0, keypoints, 0)
    nonsense = np.where(keypoints[..., 2:] > 0, keypoints, [np.nan, np.inf, -1])
    assert np.array_equal(features(keypoints), features(emptied))
    assert np.array_equal(features(keypoints), features(nonsense))
    half = np.where(keypoints[..., 2:] > 0, [1, 1, 0.5], 1) * keypoints
    assert np.array_equal(features(keypoints), features(half)), "occluded is as good as visible"


@given(skeletons, seeds, st.floats(0, 1))
def test_a_batch_equals_one_by_one(name, seed, missing):
    features, keypoints = BOTH[name], people(name, seed, count=6, missing=missing)
    heights = np.array([0.0, 10, 300, 0, 700, 1])
    batch = features(keypoints, heights)
    single = [features(k, h) for k, h in zip(keypoints, heights, strict=True)]
    assert np.array_equal(batch, np.stack(single))
    shaped = features(keypoints.reshape(2, 1, 3, -1, 3), heights.reshape(2, 1, 3))
    assert np.array_equal(shaped.reshape(6, -1), batch)
    assert np.array_equal(features.flip(shaped).reshape(6, -1), features.flip(batch))
    assert features(keypoints[:0]).shape == (0, features.dimension)


@given(seeds, st.permutations(FEATURES), st.integers(1, 4))
def test_each_kind_is_a_block_of_its_own(seed, order, count):
    kinds = order[:count]
    skeleton, keypoints = load_skeleton("coco17"), people("coco17", seed, missing=0.3)
    some = KeypointFeatures(skeleton, kinds)
    every, values = BOTH["coco17"](keypoints), some(keypoints)
    index = [BOTH["coco17"].names.index(name) for name in some.names]
    assert np.array_equal(values, every[:, index])
    heads = 9 + len(skeleton)
    assert some.kinds == tuple(kinds) and some.names[:heads] == BOTH["coco17"].names[:heads]


@pytest.mark.parametrize("name", NAMES)
def test_a_labelled_neck_is_not_read_and_upper_neck_is_an_ordinary_point(name):
    skeleton, features, keypoints = load_skeleton(name), BOTH[name], people(name, seed=1)
    for neck in ("neck", "upper_neck"):
        if (at := skeleton.find(neck)) is not None:
            moved, without = keypoints.copy(), keypoints.copy()
            moved[:, at, :2] += 5000
            without[:, at, 2] = 0
            ignored = neck == "neck"
            assert np.array_equal(features(moved), features(keypoints)) == ignored
            assert np.array_equal(features(without), features(keypoints)) == ignored


def test_the_middle_of_the_shoulders_is_the_neck_of_a_skeleton_that_has_none():
    features = BOTH["mpii15"]
    values = named(features, features(body("mpii15", left_shoulder=(22.0, 24.0))))  # mid-shoulder (5, 22)
    torso = np.hypot(5, 28)
    assert state(values, "anchor") == "neck"
    assert values["upper_neck x"] == pytest.approx(-5 / torso)
    assert values["upper_neck y"] == pytest.approx(-7 / torso)


OFF = dict.fromkeys(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
NO_HIPS = {"left_hip": None, "right_hip": None}


# the body's shoulders are 24 px apart, torso 30, keypoints 80 high and 40 wide
@pytest.mark.parametrize(
    "places, box, scale, size",
    [
        ({}, 90, "torso", 30),
        ({"left_hip": None}, 90, "shoulders", 36),
        (NO_HIPS, 90, "shoulders", 36),
        # the shoulders are on one another, or nearly
        (NO_HIPS | {"left_shoulder": (-12.0, 20.0)}, 90, "box", 90 / 3.5),
        (NO_HIPS | {"left_shoulder": (-11.0, 20.0)}, 90, "box", 90 / 3.5),
        ({"left_shoulder": None}, 90, "one_side", np.hypot(12, 30)),
        ({"left_shoulder": None, "right_hip": None}, 90, "one_side", np.hypot(20, 30)),
        ({"left_shoulder": (-11.0, 20.0), "right_hip": None}, 0, "one_side", np.hypot(19.5, 30)),
        # the torso points at the camera; then the shoulders do too
        ({"left_hip": (8.0, 25.0), "right_hip": (-8.0, 25.0)}, 90, "shoulders", 36),
        (dict.fromkeys(OFF, (0.0, 25.0)), 90, "box", 90 / 3.5),
        (dict.fromkeys(OFF, (0.0, 25.0)), 0, "extent", 75 / 3.5),
        (OFF, 90, "box", 90 / 3.5),
        (OFF, 0, "extent", 64 / 3.5),
        (OFF, 20, "extent", 64 / 3.5),  # no box of this person
    ],
)
def test_scales(places, box, scale, size):
    features = BOTH["common13"]
    values = named(features, features(body("common13", **places), np.array(box)))
    assert state(values, "scale") == scale
    assert values["right_knee->right_ankle dy"] == pytest.approx(25 / size, rel=1e-5)


@pytest.mark.parametrize("lacking", ["no hips", "no trunk"])
def test_the_last_resorts_are_those_of_the_baselines(lacking):
    """A person has one size, whether a network or a baseline measures it."""
    gone = OFF if lacking == "no trunk" else NO_HIPS | {"left_shoulder": (-11.0, 20.0)}
    features, keypoints = BOTH["common13"], body("common13", **gone)
    points, known = (chosen := BodyPoints.choose(features.skeleton)).select(keypoints[None])
    for box in (0.0, 90.0):
        values = named(features, features(keypoints, np.array(box)))
        scale = chosen.scale(points, known, np.array([box]))[0]
        assert values["right_knee->right_ankle dy"] == pytest.approx(25 / scale, rel=1e-5)


@pytest.mark.parametrize(
    "places, anchor, at",
    [
        ({}, "neck", (0, 20)),
        ({"right_shoulder": None}, "one_shoulder", (12, 20)),
        ({"left_shoulder": None}, "one_shoulder", (-12, 20)),
        ({"left_shoulder": None, "right_shoulder": None}, "hips", (0, 50)),
        ({"left_shoulder": None, "right_shoulder": None, "left_hip": None}, "hips", (-8, 50)),
        # elbows at 36, wrists at 50, knees at 75, ankles at 100
        (OFF, "mean", (0, 65.25)),
    ],
)
def test_anchors(places, anchor, at):
    features = BOTH["common13"]
    values = named(features, features(body("common13", **places), np.array(1000.0)))
    assert state(values, "anchor") == anchor
    scale = values["right_knee->right_ankle dy"] / 25
    assert values["right_ankle x"] == pytest.approx((-11 - at[0]) * scale, abs=1e-6)
    assert values["right_ankle y"] == pytest.approx((100 - at[1]) * scale, abs=1e-6)


def test_what_hangs_on_a_missing_keypoint_is_zero():
    features = BOTH["common13"]
    whole = named(features, features(body("common13")))
    values = named(features, features(body("common13", left_elbow=None)))
    changed = {name for name in whole if whole[name] != values[name]}
    assert changed == {name for name in whole if "left_elbow" in name}
    assert all(values[name] == 0 for name in changed) and len(changed) > 10


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_all_zero_and_a_single_keypoint_is_a_bit(name):
    features, keypoints = BOTH[name], np.zeros((1, len(load_skeleton(name)), 3))
    assert not features(keypoints).any()
    wrist = load_skeleton(name).index("left_wrist")
    keypoints[0, wrist] = 300, 400, 1
    values = named(features, features(keypoints)[0])
    assert {n for n, value in values.items() if value} == {"present left_wrist", "anchor mean"}
    values = named(features, features(keypoints, np.array([50.0]))[0])
    assert {n for n, value in values.items() if value} == {"present left_wrist", "anchor mean", "scale box"}


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e3))
def test_limbs_without_length_point_nowhere(offset, factor):
    keypoints = body("common13", left_wrist=(17.0, 36.0), left_elbow=(17.0, 36.0))
    keypoints[:, :2] = keypoints[:, :2] * factor + offset
    features = BOTH["common13"]
    keypoints[features.skeleton.index("left_wrist"), 1] += 1e-7 * factor  # rounding is no direction
    values = named(features, features(keypoints))
    limb = "left_elbow->left_wrist"
    assert values[f"{limb} cos"] == values[f"{limb} sin"] == 0
    assert values[f"left_shoulder->left_elbow : {limb}"] == 1


@pytest.mark.parametrize("name", NAMES)
def test_rounding_is_no_size(name):
    """All keypoints in one place, but for the last bits of their numbers."""
    features, keypoints = BOTH[name], np.full((len(load_skeleton(name)), 3), 1000.0)
    keypoints[:, 0] += np.random.default_rng(0).uniform(-4e-13, 4e-13, len(keypoints))
    assert len(np.unique(keypoints[:, 0])) > 1
    values = named(features, features(keypoints))
    assert state(values, "scale") == "" and state(values, "anchor") == "neck"
    assert values["left_knee->left_ankle cos"] == 0
    assert all(abs(value) < 1e-9 or value == 1 for value in values.values())


def edited(name: str, **fields: object) -> Skeleton:
    return Skeleton.from_dict(load_skeleton(name).to_dict() | fields)


def test_the_order_of_pairs_and_the_direction_of_limbs_change_names_alone():
    plain = load_skeleton("coco17")
    turned = replace(
        plain,
        pairs=tuple((b, a) for a, b in plain.pairs[::-1]),
        limbs=tuple((b, a) for a, b in plain.limbs[::-1]),
        roles={role: names[::-1] for role, names in plain.roles.items()},
    )
    first, second, keypoints = BOTH["coco17"], KeypointFeatures(turned), people("coco17", 3, missing=0.2)
    a, b = first(keypoints), second(keypoints)
    one = {name: (a[:, i], first.flip(a)[:, i]) for i, name in enumerate(first.names)}
    for i, name in enumerate(second.names):
        other, sign = name, 1
        if " : " in name:
            other = " : ".join("->".join(limb.split("->")[::-1]) for limb in name.split(" : ")[::-1])
            sign = -1
        elif "->" in name:
            limb, axis = name.split(" ")
            other, sign = f"{'->'.join(limb.split('->')[::-1])} {axis}", -1
        assert np.allclose(b[:, i], sign * one[other][0], atol=1e-6), name
        assert np.allclose(second.flip(b)[:, i], sign * one[other][1], atol=1e-6), name


def test_a_skeleton_with_a_neck_and_no_shoulders_gives_its_own():
    roles = {"hips": ["left_hip", "right_hip"], "neck": ["neck"]}
    features = KeypointFeatures(edited("common13", roles=roles))
    values = named(features, features(body("common13", neck=(5.0, 20.0))))
    assert (state(values, "scale"), state(values, "anchor")) == ("torso", "neck")
    assert values["left_shoulder x"] == pytest.approx(7 / np.hypot(5, 30))
    values = named(features, features(body("common13", neck=None), np.array(100.0)))
    assert (state(values, "scale"), state(values, "anchor")) == ("box", "hips")


@pytest.mark.parametrize(
    "kinds, words",
    [
        (["limb_angel"], "no kind 'limb_angel'. Did you mean 'limb_angle'"),
        (["limb_angle", "limb_angle"], "'limb_angle' stands there twice"),
        ([], "list of some of relative_position"),
        ("limb_angle", "list of some of .* not 'limb_angle'"),
        ([3], "no kind '3'"),
    ],
)
def test_wrong_kinds_are_refused(kinds, words):
    with pytest.raises(ConfigError, match=words):
        KeypointFeatures(load_skeleton("coco17"), kinds)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"roles": {"shoulders": ["left_shoulder", "right_shoulder"]}}, "skeleton coco17: .* role hips"),
        ({"roles": {"hips": ["left_hip", "right_hip"]}}, r"skeleton coco17: .* role shoulders \(or neck\)"),
    ],
)
def test_a_skeleton_without_what_is_needed_is_refused(fields, words):
    with pytest.raises(ConfigError, match=words):
        KeypointFeatures(edited("coco17", **fields))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axis, what", [(0, "x"), (1, "y"), (2, "visibility")])
def test_numbers_that_are_none_are_refused(wrong, axis, what):
    keypoints = people("coco17", 0)
    keypoints[4, 9, axis] = wrong
    with pytest.raises(ValueError, match=f"{what} of left_wrist of person 4 is {wrong}"):
        BOTH["coco17"](keypoints)
    with pytest.raises(ValueError, match=f"{what} of left_wrist of person 2, 0 is"):
        BOTH["coco17"](keypoints.reshape(3, 2, 17, 3))
    with pytest.raises(ValueError, match=f"{what} of left_wrist is"):
        BOTH["coco17"](keypoints[4])


@pytest.mark.parametrize(
    "heights, words",
    [
        ([1, np.nan], "box_height: nan is no height"),
        ([np.inf, 1], "box_height: inf is no height"),
        ([1, -2], "box_height: -2.0 is no height"),
        ([1], r"box_height of shape \(1,\): \(2,\) is needed"),
    ],
)
def test_wrong_box_heights_are_refused(heights, words):
    with pytest.raises(ValueError, match=words):
        BOTH["coco17"](people("coco17", 0, count=2), np.array(heights))


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"skeleton coco17 needs \(..., 17, 3\)"):
        BOTH["coco17"](people("openpose18", 0))
    with pytest.raises(ValueError, match=r"features of shape \(2, 4\)"):
        BOTH["coco17"].flip(np.zeros((2, 4), np.float32))


def test_ten_thousand_people_take_less_than_a_second():
    keypoints = people("openpose18", 0, count=10_000, missing=0.1)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        BOTH["openpose18"](keypoints)
        times.append(time.perf_counter() - start)
    assert min(times) < 1


# one body in three skeletons

FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
LIMB_JOINTS = tuple(k for k in load_skeleton("common13").keypoints if k != "neck")


def common(name: str, keypoints: np.ndarray) -> np.ndarray:
    mapping = load_skeleton(name).map_to(load_skeleton("common13"), derive=True)
    return BOTH["common13"](mapping.apply(keypoints))


@given(seeds, st.sets(st.sampled_from(LIMB_JOINTS), max_size=12))
def test_features_by_common13_are_the_same_whatever_was_labelled(seed, lost):
    rng = np.random.default_rng(seed)
    at = {keypoint: rng.uniform(0, 500, 2) for keypoint in BODY}
    results = []
    for name in NAMES:
        rows = [(*at[k], 0 if k in lost else 2) for k in load_skeleton(name).keypoints]
        results.append(common(name, np.array(rows)))
    assert len(results) >= 8 and results[0].any() == (len(lost) < 12)
    assert all(np.array_equal(result, results[0]) for result in results)


def test_real_skeletons(shared):
    """17,423 of OpenPose's, from three sources that are normalised differently."""
    with np.load(shared / "data" / "actions" / "skeletons_openpose18.npz") as arrays:
        keypoints = np.concatenate([arrays["xy"], arrays["conf"][..., None]], axis=-1)
        sources, labels = arrays["source"], arrays["label"]
        skeleton = load_skeleton("openpose18")
        assert [skeleton.index(name) for name in arrays["names"].tolist()] == list(range(18))
    features = BOTH["openpose18"]
    values = features(keypoints)
    assert values.shape == (17423, features.dimension) and np.isfinite(values).all()
    assert np.abs(values).max() < LARGEST
    scales = {name: values[:, features.names.index(f"scale {name}")].mean() for name in SCALES}
    assert scales["torso"] > 0.97 and scales["extent"] < 0.005 and sum(scales.values()) == pytest.approx(1)

    # how large values are, and where what lies in those who stand, is the same in all sources
    heads = 9 + sum(name.startswith("present") for name in features.names)
    of_sources = [values[sources == source] for source in ("chenge", "lzq", "pck")]
    largest = [np.quantile(np.abs(those[:, heads:]), [0.9, 0.99]) for those in of_sources]
    assert np.ptp(largest, axis=0) == pytest.approx([0, 0], abs=0.2)
    standing = np.isin(labels, ["stand", "Stand"])
    for name in (n for n in features.names if n.endswith(" y")):
        at, present = (features.names.index(n) for n in (name, f"present {name.removesuffix(' y')}"))
        there = standing & (values[:, present] > 0)
        medians = [np.median(values[there & (sources == source), at]) for source in ("chenge", "lzq", "pck")]
        assert np.ptp(medians) < 0.25, name
        low, high = {"ankle": (2, 3), "nose": (-0.6, -0.2)}.get(name.split("_")[-1].split()[0], (-1, 3))
        assert low < min(medians) and max(medians) < high, f"{name}: upside down?"


@pytest.mark.parametrize("name", [name for name in NAMES if "pelvis" in load_skeleton(name).keypoints])
def test_a_pelvis_that_is_not_labelled_is_the_middle_of_the_hips_as_in_a_prediction(name):
    """Labels of other skeletons have none, and a network's people have it derived."""
    skeleton, keypoints = load_skeleton(name), people(name, 3)
    pelvis, hips = skeleton.index("pelvis"), skeleton.indices(["left_hip", "right_hip"])
    derived, lacking = keypoints.copy(), keypoints.copy()
    derived[:, pelvis, :2] = keypoints[:, hips, :2].mean(axis=1)
    lacking[:, pelvis] = 0
    np.testing.assert_allclose(BOTH[name](lacking), BOTH[name](derived), atol=1e-5)
    assert np.abs(BOTH[name](keypoints) - BOTH[name](derived)).max() > 0.01, "a labelled one counts"
    body = BodyPoints.choose(skeleton, "all")
    for mine, its in zip(body.select(lacking), body.select(derived), strict=True):
        np.testing.assert_allclose(mine, its)
    lacking[:, hips[0]] = 0
    assert not body.select(lacking)[1][:, body.names.index("pelvis")].any()
