"""COCO keypoint files: what is read, masked, reported and refused."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from factories import make_coco
from faster_coco_eval.core import mask as coco_mask
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.data.images import check_images
from dancepose.data.readers.coco import read_coco
from dancepose.data.readers.coco_annotation import rle_polygons
from dancepose.data.readers.truth import read_truth
from dancepose.errors import DataError
from dancepose.skeleton import load_skeleton

COCO17, MPII15 = load_skeleton("coco17"), load_skeleton("mpii15")


def change(root: Path, **changes) -> Path:
    """Make a data set and change its JSON: `annotations_0_iscrowd=1` is annotations[0]["iscrowd"] = 1."""
    make_coco(root, frames=3)
    path = root / "annotations.json"
    content = json.loads(path.read_text())
    for key, value in changes.items():
        name, index, *field = key.split("_", 2)
        entry = content[name][int(index)]
        if value is ...:
            del entry[field[0]]
        else:
            entry[field[0]] = value
    path.write_text(json.dumps(content))
    return path


def test_reads_what_was_drawn(tmp_path: Path):
    truth = make_coco(tmp_path, frames=3, people=2)
    frames, problems = read_coco(tmp_path / "annotations.json", COCO17, tmp_path)
    assert len(problems) == 0
    assert [f.id for f in frames] == [1, 2, 3]
    for frame, true in zip(frames, truth, strict=True):
        assert (frame.name, frame.image, frame.size) == (true.name, true.image, true.size)
        assert frame.complete and frame.labelled.all() and not frame.ignore
        np.testing.assert_array_equal(frame.keypoint_array(), true.keypoint_array())
        assert all(p.box[2] > 0 for p in frame.people)
    same, _ = read_coco(tmp_path / "annotations.json", COCO17, tmp_path / "images")
    assert [f.image for f in same] == [f.image for f in frames]


def test_names_and_aliases_are_mapped(tmp_path: Path):
    names = list(COCO17.keypoints)
    names[5] = "l_shoulder"
    path = change(tmp_path, categories_0_keypoints=names)
    frames, problems = read_coco(path, MPII15, tmp_path)
    assert {k for k, on in zip(MPII15.keypoints, frames[0].labelled, strict=True) if not on} == {
        "head_top",
        "upper_neck",
        "pelvis",
    }
    assert problems.counts() == {"unknown label": 5}  # nose, eyes, ears
    original = json.loads(path.read_text())["annotations"][0]["keypoints"]
    np.testing.assert_array_equal(
        frames[0].people[0].keypoints[MPII15.index("left_shoulder")], original[15:18]
    )


def test_visibility_is_annotation(tmp_path: Path):
    points = [[10, 20, 0], [30, 40, 1], [50, 60, 2]] + [[0, 0, 0]] * 14
    path = change(tmp_path, annotations_0_keypoints=np.ravel(points).tolist())
    frames, _ = read_coco(path, COCO17, tmp_path)
    keypoints = frames[0].people[0].keypoints
    np.testing.assert_array_equal(keypoints[:3], [[0, 0, 0], [30, 40, 1], [50, 60, 2]])


def test_crowds_are_ignored_as_polygon_mask_or_box(tmp_path: Path):
    polygon = [1, 1, 20, 1, 20, 30]
    mask = np.zeros((128, 160), int)
    mask[10:20, 5:25] = 1
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[-1], mask.T.ravel(), [-1]])))).tolist()
    path = change(
        tmp_path,
        annotations_0_iscrowd=1,
        annotations_0_segmentation=[polygon],
        annotations_2_iscrowd=1,
        annotations_2_segmentation={"size": [128, 160], "counts": runs},
        annotations_4_iscrowd=1,
    )
    frames, problems = read_coco(path, COCO17, tmp_path)
    assert [len(f.people) for f in frames] == [1, 1, 1] and len(problems) == 0
    drawn, masked, boxed = (frame.ignored_polygons[0] for frame in frames)
    np.testing.assert_array_equal(drawn.ravel(), polygon)
    assert masked.min(0).tolist() == [4, 9] and masked.max(0).tolist() == [25, 20]
    box = json.loads(path.read_text())["annotations"][4]["bbox"]
    np.testing.assert_allclose(boxed.min(0), box[:2])
    np.testing.assert_allclose(boxed.max(0), np.add(box[:2], box[2:]))


def test_a_crowd_in_several_parts_is_one_region(tmp_path: Path):
    polygons = [[1, 1, 20, 1, 20, 30], [40, 1, 60, 1, 60, 30, 40, 30]]
    mask = np.zeros((128, 160), np.uint8)
    mask[10:20, 5:25] = mask[40:50, 5:25] = 1
    counts = coco_mask.encode(np.asfortranarray(mask))["counts"]
    counts = counts.decode() if isinstance(counts, bytes) else counts
    path = change(
        tmp_path,
        annotations_0_iscrowd=1,
        annotations_0_segmentation=polygons,
        annotations_2_iscrowd=1,
        annotations_2_segmentation={"size": [128, 160], "counts": counts},
    )
    frames, _ = read_coco(path, COCO17, tmp_path)
    assert [[len(region) for region in frame.ignore] for frame in frames[:2]] == [[2], [2]]
    assert [polygon.ravel().tolist() for polygon in frames[0].ignored_polygons] == polygons


@given(seed=st.integers(0, 10**6), compressed=st.booleans())
def test_mask_outlines_hold_exactly_the_mask(seed: int, compressed: bool):
    random = np.random.default_rng(seed)
    mask = cv2.resize(
        random.integers(0, 2, (5, 6), dtype=np.uint8), (18, 15), interpolation=cv2.INTER_NEAREST
    )
    values = mask.T.ravel()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], values, [2]]))) + 0
    runs = np.diff(np.concatenate([[0], edges])).tolist()
    rle = {"size": [15, 18], "counts": runs}
    if compressed:
        counts = coco_mask.encode(np.asfortranarray(mask))["counts"]
        rle = {"size": [15, 18], "counts": counts.decode() if isinstance(counts, bytes) else counts}
    drawn = np.zeros((15, 18), np.uint8)
    for polygon in rle_polygons(rle, Path("a.json"), "segmentation"):
        cv2.fillPoly(drawn, [np.rint(polygon).astype(np.int32)], 1)
    assert (drawn >= mask).all()
    grown = cv2.dilate(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3))), np.ones((3, 3), np.uint8))
    holes = cv2.copyMakeBorder(grown, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    cv2.floodFill(holes, None, (0, 0), 2)
    assert (drawn <= (holes[1:-1, 1:-1] != 2)).all()  # outlines fill holes, and reach one pixel beyond


def test_people_without_keypoints_are_ignored(tmp_path: Path):
    path = change(
        tmp_path, annotations_0_keypoints=[0] * 51, annotations_0_num_keypoints=0, annotations_2_keypoints=...
    )
    frames, problems = read_coco(path, COCO17, tmp_path)
    assert [(len(f.people), len(f.ignore)) for f in frames] == [(1, 1), (1, 1), (2, 0)] and len(problems) == 0


def test_a_person_without_place_makes_the_picture_incomplete(tmp_path: Path):
    path = change(tmp_path, annotations_0_keypoints=[0] * 51, annotations_0_bbox=[5, 5, 0, 0])
    frames, problems = read_coco(path, COCO17, tmp_path)
    assert not frames[0].complete and problems.counts() == {"no place": 1}


def test_a_face_alone_is_no_truth_for_a_skeleton_without_faces(tmp_path: Path):
    path = change(tmp_path, annotations_0_keypoints=[50, 50, 2, *[0] * 48])
    frames, problems = read_coco(path, MPII15, tmp_path)
    assert len(frames[0].people) == 1 and len(frames[0].ignore) == 1
    assert problems.counts()["no known keypoint"] == 1


def test_images_without_annotations_are_pictures_without_people(tmp_path: Path):
    path = change(tmp_path, annotations_0_image_id=2, annotations_1_image_id=2)
    frames, _ = read_coco(path, COCO17, tmp_path)
    assert [len(f.people) for f in frames] == [0, 4, 2] and frames[0].complete
    assert [p.id for p in frames[1].people] == [0, 1, 2, 3]


def test_wrong_numbers_are_counted(tmp_path: Path):
    points = [float("nan"), 20, 2, 500, 40, 2, 50, 60, 2, *[0] * 42]
    path = change(tmp_path, annotations_0_keypoints=points)
    frames, problems = read_coco(path, COCO17, tmp_path)
    assert problems.counts() == {"not a number": 1, "outside the image": 1}
    assert frames[0].people[0].present.sum() == 2 and np.isfinite(frames[0].keypoint_array()).all()


def test_a_missing_image_names_the_field(tmp_path: Path):
    path = change(tmp_path, images_1_file_name="gone.jpg")
    frames, problems = read_coco(path, COCO17, tmp_path)
    with pytest.raises(DataError, match=r"annotations\.json images\[1\]\.file_name .*gone\.jpg"):
        check_images(frames, problems).raise_fatal("remedy")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images_1_id": 1}, r"images\[1\]\.id 1 stands twice"),
        ({"images_1_file_name": "frame_000.jpg"}, r"images\[1\]\.file_name frame_000.jpg stands twice"),
        ({"images_1_width": ...}, r"images\[1\]\.width"),
        ({"annotations_1_id": 1}, r"annotations\[1\]\.id 1 stands twice"),
        ({"annotations_1_image_id": 99}, r"annotations\[1\]\.image_id 99"),
        ({"annotations_1_category_id": 9}, r"annotations\[1\]\.category_id 9"),
        ({"annotations_1_keypoints": [1, 2, 2]}, r"annotations\[1\]\.keypoints must be 51 numbers"),
        ({"annotations_1_bbox": [1, 2]}, r"annotations\[1\]\.bbox"),
        ({"annotations_1_id": [1]}, r"annotations\[1\]\.id \[1\] must be a whole number"),
        ({"annotations_1_image_id": [1]}, r"annotations\[1\]\.image_id \[1\] must be"),
        ({"annotations_1_image_id": 1.0}, r"annotations\[1\]\.image_id 1\.0 must be"),
        ({"annotations_1_category_id": {}}, r"annotations\[1\]\.category_id \{\} must be"),
        ({"annotations_1_keypoints": 3}, r"annotations\[1\]\.keypoints must be 51 numbers"),
        ({"annotations_1_keypoints": ["1"] * 51}, r"annotations\[1\]\.keypoints must be 51 numbers"),
        ({"annotations_1_bbox": 3}, r"annotations\[1\]\.bbox must be four numbers"),
        ({"annotations_1_bbox": [1, 2, True, 4]}, r"annotations\[1\]\.bbox must be four numbers"),
        ({"categories_0_id": [1]}, r"categories\[0\]\.id \[1\] must be a whole number"),
        ({"categories_0_keypoints": 3}, r"categories\[0\]\.keypoints must be a list of names"),
        ({"categories_0_keypoints": [3]}, r"categories\[0\]\.keypoints must be a list of names"),
        ({"images_1_width": 0}, r"images\[1\]\.width 0 must be"),
        ({"images_1_height": -3}, r"images\[1\]\.height -3 must be"),
        ({"images_1_id": True}, r"images\[1\]\.id True must be"),
        ({"images_1_file_name": 7}, r"images\[1\]\.file_name"),
        ({"images_1_file_name": ""}, r"images\[1\]\.file_name"),
        ({"categories_0_keypoints": ...}, "no entry of categories has keypoints"),
        ({"categories_0_keypoints": ["nose"] * 17}, r"categories\[0\]\.keypoints names nose twice"),
        ({"categories_0_keypoints": ["tail"] * 17}, "nothing in common with skeleton coco17"),
    ],
)
def test_wrong_entries_are_refused_with_the_field(tmp_path: Path, changes: dict, message: str):
    path = change(tmp_path, **changes)
    with pytest.raises(DataError, match=rf"annotations\.json:? .*{message}"):
        refuse(path)


def refuse(path: Path) -> None:
    """Read a file as training and evaluation do."""
    read_coco(path, COCO17, path.parent)[1].raise_fatal()


def test_broken_entries_are_listed_and_the_others_read(tmp_path: Path):
    """Six annotations in three pictures, of which the second is broken, and with it its two people."""
    path = change(tmp_path, images_1_width=0, annotations_0_bbox=[1, 2], annotations_5_keypoints=3)
    frames, problems = read_coco(path, COCO17, tmp_path)
    assert [(frame.name, len(frame.people)) for frame in frames] == [
        ("frame_000.jpg", 1),
        ("frame_002.jpg", 1),
    ]
    assert [(problem.kind, problem.field) for problem in problems] == [
        ("annotation broken", "images[1].width"),
        ("annotation broken", "annotations[0].bbox"),
        ("annotation broken", "annotations[5].keypoints"),
    ]
    with pytest.raises(DataError, match=r"(?s)annotation broken: 3 .*images\[1\].*annotations\[5\]"):
        read_truth(path, COCO17)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 2, 3, 4, 5, 6, 7]], r"segmentation\[0\] must be .*x, y"),
        ([["a"] * 6], r"segmentation\[0\] must be"),
        ([1, 2, 3, 4, 5, 6], r"segmentation\[0\] must be"),
        ("1, 2", "segmentation must be"),
        ({"size": [128, 160], "counts": "no runs"}, "segmentation.*counts"),
        ({"size": [128, 160], "counts": "\u00e9"}, "segmentation.*counts"),
        ({"size": 3, "counts": [3]}, r"segmentation\.size must be"),
        ({"size": [128, 160], "counts": [[3]]}, r"segmentation\.counts must be"),
        ({"size": [128, 160], "counts": [-1, 20481]}, r"segmentation\.counts must be"),
        (
            {"size": [128, 160], "counts": [3]},
            "segmentation is wrong: the runs fill 3 pixels, its size has 20480",
        ),
        ({"size": [8, 8], "counts": [64]}, r"segmentation\.size .*128, 160"),
    ],
)
def test_wrong_segmentations_are_refused_with_the_field(tmp_path: Path, segmentation, message: str):
    path = change(tmp_path, annotations_1_iscrowd=1, annotations_1_segmentation=segmentation)
    with pytest.raises(DataError, match=rf"annotations\.json annotations\[1\]\.{message}"):
        refuse(path)


@pytest.mark.parametrize("list_name", ["images", "annotations", "categories"])
def test_an_entry_that_is_no_mapping_is_named(tmp_path: Path, list_name: str):
    make_coco(tmp_path, frames=1)
    path = tmp_path / "annotations.json"
    content = json.loads(path.read_text())
    content[list_name].append(3)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"annotations\.json:? {list_name}\[\d\] must be a mapping"):
        refuse(path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 300) | st.floats() | st.sampled_from(["nose", "5W", ""]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
number_list = st.lists(st.integers(-5, 300) | st.floats(), max_size=8)
run_lengths = st.fixed_dictionaries(
    {},
    optional={"size": anything | st.just([128, 160]), "counts": anything | number_list | st.text(max_size=6)},
)
FIELDS = {
    "images": ["id", "file_name", "width", "height"],
    "annotations": ["id", "image_id", "category_id", "keypoints", "bbox", "iscrowd", "segmentation"],
    "categories": ["id", "keypoints"],
}


@given(
    place=st.sampled_from([(name, field) for name, fields in FIELDS.items() for field in [*fields, None]]),
    value=anything | number_list | st.lists(number_list, max_size=3) | run_lengths,
    crowd=st.booleans(),
)
@settings(max_examples=200)
def test_nonsense_is_read_or_refused_but_never_crashes(tmp_path_factory, place, value, crowd: bool):
    root = tmp_path_factory.getbasetemp() / "nonsense_coco"
    if not root.is_dir():
        make_coco(root, frames=2)
        (root / "annotations.json").rename(root / "sound.json")
    content = json.loads((root / "sound.json").read_text())
    name, field = place
    content["annotations"][0]["iscrowd"] = int(crowd)
    if field is None:
        content[name][0] = value
    else:
        content[name][0][field] = value
    path = root / "annotations.json"
    path.write_text(json.dumps(content))
    try:
        frames, _ = read_coco(path, COCO17, root)
    except DataError as error:
        assert str(path) in str(error) and name in str(error)
    else:
        assert all(np.isfinite(frame.keypoint_array()).all() for frame in frames)
        assert all(np.isfinite(polygon).all() for frame in frames for polygon in frame.ignored_polygons)


@pytest.mark.parametrize("content", ['{"images": [], "annotations": []}', "[1]", '{"images": ['])
def test_other_json_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"a\.json"):
        read_coco(path, COCO17, tmp_path)
    with pytest.raises(DataError, match=r"data\.annotations=.*is no file"):
        read_coco(tmp_path / "b.json", COCO17, tmp_path)


def test_truth_in_either_format(tmp_path: Path):
    make_coco(tmp_path, frames=2)
    assert len(read_truth(tmp_path / "annotations.json", COCO17).frames) == 2
    with pytest.raises(DataError, match="neither"):
        read_truth(tmp_path / "truth.txt", COCO17)


@pytest.mark.shared
def test_real_people(shared: Path):
    root = shared / "data" / "people_coco"
    lsp = load_skeleton("lsp14")
    frames, problems = read_coco(root / "annotations.json", lsp, root)
    assert len(frames) == 4000 and all(len(f.people) == 1 for f in frames)
    assert all(f.labelled.all() and f.image.is_file() for f in frames)
    assert problems.counts() == {"outside the image": 3}
    assert len(check_images(frames[::20])) == 0
