import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpii_files import FILE, GROUPS_FILE, image, person, points, write_mpii
from scipy.io import savemat

from dancepose.data.readers.mpii_parser import parse_release
from dancepose.errors import DataError


def test_a_file_of_something_else_is_refused_by_name(tmp_path):
    path = tmp_path / "mine.mat"
    savemat(path, {"OTHER": {"a": 1}})
    with pytest.raises(DataError, match="mine.mat"):
        parse_release(path, None)


def parsed(root, *images, groups=None, **fields):
    write_mpii(root, list(images), groups=groups, pictures=False, **fields)
    return parse_release(root / FILE, root / GROUPS_FILE if groups is not None else None)


def kinds(release) -> dict[str, int]:
    return {kind: int(count) for kind, *_, count in release.problems.tolist()}


def odd_point(**changes) -> dict:
    return person(annopoints={"point": [{**points(20.0, 20.0, 1)[0], **changes}, *points(30.0, 30.0)[1:]]})


@pytest.mark.parametrize(
    "changes",
    [{"id": np.nan}, {"id": np.inf}, {"id": 1.5}, {"id": 16.0}, {"id": -1.0}, {"id": "0"}]
    + [{"is_visible": np.array([1.0, 0.0])}, {"is_visible": np.nan}, {"is_visible": "yes"}, {"x": "1"}],
    ids=str,
)
def test_a_point_that_is_none_breaks_its_person_alone(changes, tmp_path):
    release = parsed(tmp_path, image("a.jpg", [odd_point(**changes), person()]))
    assert kinds(release) == {"annotation broken": 1} and release.annotated.tolist() == [False, True]


@pytest.mark.parametrize("number", [np.nan, np.inf, 0.0, 1.5, "one"])
def test_a_video_that_is_none_breaks_its_picture_alone(number, tmp_path):
    release = parsed(tmp_path, image("a.jpg", person()) | {"vididx": number}, image("b.jpg", person()))
    assert kinds(release) == {"annotation broken": 1} and release.names.tolist() == ["", "b.jpg"]


@pytest.mark.parametrize("field", ["x2", "scale"])
def test_what_is_infinite_is_unknown(field, tmp_path):
    release = parsed(tmp_path, image("a.jpg", person(**{field: np.inf})))
    assert kinds(release) == {"not a number": 1}
    assert np.isnan(release.head[0, 2] if field == "x2" else release.scale[0]) and release.annotated[0]


@pytest.mark.parametrize("numbers", [[1.0, 1.7], [np.nan], [np.inf], [0.0], [-1.0]], ids=str)
def test_numbers_of_people_are_whole_and_from_1(numbers, tmp_path):
    one = image("a.jpg", [person(), person()])
    with pytest.raises(DataError, match=r"groups_v12\.mat: groups\{1\}.* must hold numbers of people"):
        parsed(tmp_path, one, groups=[[np.array(numbers)]])
    with pytest.raises(DataError, match=r"RELEASE\.single_person\{1\}.* must hold numbers of people"):
        parsed(tmp_path, one, single=[np.array(numbers)])


UNEVEN = [np.array([1.0]), np.array([1.0, 2.0])]  # a cell in place of numbers


def test_a_cell_in_place_of_numbers_is_told(tmp_path):
    one = image("a.jpg", [person(), person()])
    with pytest.raises(DataError, match=r"groups\{1\}.* must hold numbers of people"):
        parsed(tmp_path, one, groups=[[UNEVEN]])
    with pytest.raises(DataError, match=r"RELEASE\.single_person\{1\}.* must hold numbers of people"):
        parsed(tmp_path, one, single=[[UNEVEN]])
    with pytest.raises(DataError, match=r"RELEASE\.img_train.* must be 1 numbers"):
        parsed(tmp_path, one, img_train=UNEVEN)
    release = parsed(tmp_path, one, act=[{"cat_name": np.array([1.0, 2.0])}])
    assert release.activities.tolist() == [""]


def test_members_count_once_and_must_be_somebody(tmp_path):
    release = parsed(tmp_path, image("a.jpg", [person(), person()]), groups=[[np.array([1.0, 1, 2, 7])]])
    assert release.member.tolist() == [0, 1] and release.member_group.tolist() == [0, 0]
    assert kinds(release) == {"member twice in a group": 1, "member who is nobody": 1}


ODD = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-3, 20),
    st.text("01x", max_size=2),
    st.just(np.array([1.0, 0.0])),
    st.just({"a": 1.0}),
)


@given(st.sampled_from(["id", "is_visible", "x", "y"]), ODD)
def test_no_value_of_a_point_ends_in_a_traceback(tmp_path_factory, field, value):
    folder = tmp_path_factory.mktemp("odd")
    release = parsed(folder, image("a.jpg", odd_point(**{field: value})))
    assert len(release.names) == 1 and np.isfinite(release.points).all()


@given(st.sampled_from(["vididx", "x1", "y2", "scale", "objpos", "annopoints"]), ODD)
def test_no_value_of_a_picture_ends_in_a_traceback(tmp_path_factory, field, value):
    entry = image("a.jpg", person(**({} if field == "vididx" else {field: value})))
    release = parsed(tmp_path_factory.mktemp("odd"), entry | ({"vididx": value} if field == "vididx" else {}))
    assert len(release.names) == 1
