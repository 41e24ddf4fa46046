"""Skeleton archives: mapped, without pictures, and refused where they are not as they should be."""

import io
import time
import zipfile

import numpy as np
import pytest
from factories import make_archive
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.data.actions import sequences
from dancepose.data.readers.skeletons import read_skeletons
from dancepose.errors import DataError
from dancepose.skeleton import load_skeleton

OPENPOSE18, COCO17, MPII15 = map(load_skeleton, ("openpose18", "coco17", "mpii15"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.npz"


def test_reads_what_was_written(path):
    arrays = make_archive(path, ["wave", "walk"], blocks=2, length=3)
    frames, problems = read_skeletons(path, OPENPOSE18)
    assert len(frames) == 12 and not len(problems)
    for row, frame in enumerate(frames):
        (person,) = frame.people
        assert frame.image is None and frame.size == (0, 0) and frame.labelled.all()
        assert frame.name == f"{arrays['clip'][row]}/{row:06d}" and frame.clip == arrays["clip"][row]
        assert (frame.source, person.action, person.id) == ("drawn", arrays["label"][row], 0)
        assert frame.classes == ("walk", "wave") and not frame.complete
        np.testing.assert_array_equal(person.keypoints[:, :2], arrays["xy"][row])
        np.testing.assert_allclose(person.scores, 0.9, rtol=1e-6)


def test_the_least_that_is_needed(path):
    make_archive(path, ["wave"], blocks=1, clip=None, source=None, conf=None, names=None)
    frames, problems = read_skeletons(path, OPENPOSE18)
    assert [f.name for f in frames] == [f"{i:06d}" for i in range(4)] and not len(problems)
    assert frames[0].clip is None and frames[0].source == "" and frames[0].people[0].present.all()


@pytest.mark.parametrize("run", [COCO17, MPII15], ids=lambda s: s.name)
def test_keypoints_are_mapped_by_name_and_nothing_is_derived(path, run):
    short = [n.replace("left_", "l_").replace("right_", "r_") for n in OPENPOSE18.keypoints]
    order = np.arange(18)[::-1]
    whole = make_archive(path, ["wave"], blocks=1, names=np.array(short)[order])
    frames, problems = read_skeletons(path, run)
    assert not len(problems)
    covered = OPENPOSE18.map_to(run).covered
    np.testing.assert_array_equal(frames[0].labelled, covered)
    person = frames[0].people[0]
    np.testing.assert_array_equal(person.present, covered)
    assert not person.scores[~covered].any()
    expected = whole["xy"][0][short[::-1].index("l_wrist")]
    np.testing.assert_array_equal(person.keypoints[run.index("left_wrist"), :2], expected)


def test_points_that_are_not_there(path):
    xy, conf = np.ones((4, 18, 2), np.float32), np.ones((4, 18), np.float32)
    conf[0, 3], xy[0, 3] = 0, np.nan  # not there: no fault
    xy[0, 5, 1] = np.inf
    conf[1, 7] = np.nan
    make_archive(path, ["wave"], blocks=1, xy=xy, conf=conf)
    frames, problems = read_skeletons(path, OPENPOSE18)
    assert problems.counts() == {"not a number": 2}
    assert [str(p).split(" ", 1)[1] for p in problems] == [
        "xy[0, 5] (left_shoulder)",
        "conf[1, 7] (left_wrist)",
    ]
    assert np.flatnonzero(~frames[0].people[0].present).tolist() == [3, 5]
    assert np.flatnonzero(~frames[1].people[0].present).tolist() == [7]
    assert all(np.isfinite(f.people[0].keypoints).all() and f.people[0].scores.min() >= 0 for f in frames)
    xy = np.ones((4, 18, 2))
    xy[2, 4] = 0
    make_archive(path, ["wave"], blocks=1, xy=xy, conf=None)
    assert np.flatnonzero(~read_skeletons(path, OPENPOSE18)[0][2].people[0].present).tolist() == [4]


def test_labels_by_number(path):
    numbers = np.repeat([0, 2], 4)
    make_archive(path, ["a", "b"], blocks=1, label=numbers)
    with pytest.raises(DataError, match=r"labels are numbers: .*data\.classes=\[\.\.\.\].*classes\.txt"):
        read_skeletons(path, OPENPOSE18)
    frames, problems = read_skeletons(path, OPENPOSE18, classes=("wave", "walk", "bow"))
    assert [f.people[0].action for f in frames[::4]] == ["wave", "bow"]
    assert problems.counts() == {"class without samples": 1}
    make_archive(path, ["a", "b"], blocks=1, label=numbers, classes=np.array(["x", "y", "z"]))
    assert read_skeletons(path, OPENPOSE18)[0][-1].people[0].action == "z"
    with pytest.raises(DataError, match=r"label\[4\] is 2, but there are 2 classes"):
        read_skeletons(path, OPENPOSE18, classes=("wave", "walk"))


def test_sizes_of_pictures(path):
    make_archive(path, ["wave"], blocks=1, size=np.tile([640, 480], (4, 1)))
    assert read_skeletons(path, OPENPOSE18)[0][0].size == (640, 480)


def test_people_of_one_clip_are_told_apart(path):
    make_archive(path, ["wave"], blocks=1, length=8, person=np.array([3, 5] * 4))
    frames, problems = read_skeletons(path, OPENPOSE18)
    assert not len(problems) and [frame.people[0].id for frame in frames] == [3, 5] * 4
    assert [(found.person, len(found.steps)) for found in sequences(frames)] == [(3, 4), (5, 4)]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"person": np.array([0, 1.5, 2, 3])}, "'person' holds float64: whole numbers"),
        ({"person": np.array([0, 1, -2, 3])}, r"person\[2\] is -2: .*from 0"),
        ({"person": np.array([0, 1])}, r"'person' has shape \(2,\)"),
        ({"xy": None}, "array 'xy' is missing"),
        ({"label": None}, "array 'label' is missing"),
        ({"xy": np.zeros((4, 18, 3))}, r"'xy' has shape \(4, 18, 3\): \(N, K, 2\)"),
        ({"xy": np.zeros((0, 18, 2))}, r"'xy' has shape \(0, 18, 2\)"),
        ({"xy": np.zeros((5, 18, 2))}, r"'label' has shape \(4,\): \(5,\) is|'conf' has shape \(4, 18\)"),
        ({"xy": np.full((4, 18, 2), "a")}, "'xy' holds <U1: numbers"),
        ({"conf": np.zeros((4, 17))}, r"'conf' has shape \(4, 17\): \(4, 18\)"),
        ({"label": np.array(["wave"] * 3)}, r"'label' has shape \(3,\)"),
        ({"label": np.array([1.5] * 4)}, "'label' holds float64: names or whole numbers"),
        ({"label": np.array(["wave", "", "a", "b"])}, r"label\[1\] is empty"),
        ({"clip": np.arange(4)}, "'clip' holds int64: text"),
        ({"names": np.array(["nose"] * 18)}, "'nose' and 'nose' of its names are one|names has 'nose'"),
        ({"names": np.array(["nose"] * 3)}, r"'names' has shape \(3,\)"),
        ({"names": np.array([f"tail{i}" for i in range(18)])}, "nothing in common"),
        ({"size": np.zeros((4, 2))}, "'size' must hold widths and heights above 0"),
        ({"label": np.array([{}] * 4)}, "array 'label' holds Python objects .a pickle., .* numbers or text$"),
    ],
)
def test_wrong_arrays_are_refused_by_name(path, arrays, words):
    make_archive(path, ["wave"], blocks=1, **arrays)
    with pytest.raises(DataError, match=rf"mine\.npz.*({words})"):
        read_skeletons(path, OPENPOSE18)


def test_unknown_names_and_arrays_are_told(path):
    names = np.array(["l_wirst" if name == "left_wrist" else name for name in OPENPOSE18.keypoints])
    make_archive(path, ["wave"], blocks=1, names=names, clipp=np.arange(4))
    frames, problems = read_skeletons(path, OPENPOSE18)
    assert problems.counts() == {"unknown label": 1, "unknown field": 1}
    report = problems.report()
    assert "'l_wirst' (no keypoint of openpose18. Did you mean 'left_wrist'?)" in report
    assert "'clipp' (Did you mean 'clip'?)" in report
    assert not frames[0].labelled[OPENPOSE18.index("left_wrist")]


def test_which_skeleton_it_is_can_be_said(path):
    make_archive(path, ["wave"], blocks=1, names=None)
    with pytest.raises(DataError, match=r"18 keypoints without names, .* mpii15 has 15: .*source_skeleton="):
        read_skeletons(path, MPII15)
    frames, _ = read_skeletons(path, MPII15, source_skeleton="openpose18")
    assert frames[0].labelled[MPII15.index("left_wrist")]
    make_archive(path, ["wave"], blocks=1)
    with pytest.raises(DataError, match=r"names has 'neck', no keypoint of data\.source_skeleton=coco17"):
        read_skeletons(path, MPII15, source_skeleton="coco17")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"data\.annotations=.*none\.npz is no file"):
        read_skeletons(tmp_path / "none.npz", OPENPOSE18)
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"data\.annotations=.*one\.npy holds a single array"):
        read_skeletons(tmp_path / "one.npy", OPENPOSE18)
    for content in ("hello", "\x93PUMPY", "P"):
        (tmp_path / "text.npz").write_text(content)
        with pytest.raises(
            DataError, match=r"text\.npz is no \.npz, .* xy and label, as numpy\.savez writes"
        ):
            read_skeletons(tmp_path / "text.npz", OPENPOSE18)
    (tmp_path / "text.npz").write_text("")
    with pytest.raises(DataError, match=r"data\.annotations=.*text\.npz cannot be read as an \.npz"):
        read_skeletons(tmp_path / "text.npz", OPENPOSE18)


@pytest.mark.parametrize("name", ["xy", "xy.npy"])
def test_an_entry_that_is_no_array_is_named(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "hello")
    with pytest.raises(DataError, match=r"mine\.npz: 'xy' in it is no array: write it with numpy\.savez"):
        read_skeletons(path, OPENPOSE18)


def test_a_header_that_is_too_long_is_not_told_to_be_trusted(path):
    header = b"\x93NUMPY\x02\x00" + (20000).to_bytes(4, "little") + b" " * 20000
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xy.npy", header)
    with pytest.raises(DataError, match=r"mine\.npz cannot be read") as caught:
        read_skeletons(path, OPENPOSE18)
    assert "pickle" not in str(caught.value) and "trust" not in str(caught.value)


@settings(max_examples=80)
@given(data=st.data())
def test_damaged_archives_are_refused_or_read_but_never_crash(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "mine.npz"
    make_archive(path, ["wave"], blocks=1)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut] if data.draw(st.booleans()) else content)
    try:
        frames, _ = read_skeletons(path, OPENPOSE18)
    except DataError as error:
        assert "mine.npz" in str(error)
    else:
        assert len(frames) == 4


@settings(max_examples=60)
@given(header=st.binary(max_size=40), version=st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x09\x00"]))
def test_damaged_headers_are_refused(tmp_path_factory, header, version):
    path = tmp_path_factory.mktemp("header") / "mine.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xy.npy", b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DataError, match=r"mine\.npz cannot be read"):
        read_skeletons(path, OPENPOSE18)


def test_a_pickle_in_it_is_not_executed(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "owned"), "w")

    array = np.empty(4, object)
    array[:] = [Evil()] * 4
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    (tmp_path / "owned").unlink(missing_ok=True)
    make_archive(path, ["wave"], blocks=1, label=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("label.npy", buffer.getvalue())
    with pytest.raises(DataError, match="array 'label' holds Python objects"):
        read_skeletons(path, OPENPOSE18)
    assert not (tmp_path / "owned").exists()


@pytest.mark.shared
def test_real_skeletons(shared):
    start = time.process_time()
    frames, problems = read_skeletons(shared / "data/actions/skeletons_openpose18.npz", OPENPOSE18)
    assert time.process_time() - start < 2
    assert len(frames) == 17423 and not len(problems) and len(frames[0].classes) == 26
    assert {f.source for f in frames} == {"pck", "lzq", "chenge"} and len({f.clip for f in frames}) == 305
    assert len({f.name for f in frames}) == len(frames) and frames[0].labelled.all()
