import cv2
import numpy as np
import pytest

from dancepose.errors import DanceposeError, DataError
from dancepose.inference.canvas import line_width
from dancepose.inference.drawing import (
    CENTRE,
    LEFT,
    MASKED,
    RIGHT,
    contact_sheet,
    draw_comparison,
    draw_mask,
    draw_people,
    keypoint_colours,
    limb_colours,
    resize_with_people,
    write_image,
)
from dancepose.records import Person
from dancepose.skeleton import load_skeleton

GREY = 90


@pytest.fixture(scope="module")
def skeleton():
    return load_skeleton("mpii15")


def grey(width=640, height=480):
    return np.full((height, width, 3), GREY, np.uint8)


def person(skeleton, places, scores=None, score=1.0):
    keypoints = np.zeros((len(skeleton), 3))
    for name, (x, y, v) in places.items():
        keypoints[skeleton.index(name)] = x, y, v
    return Person(keypoints, scores, score)


def arm(skeleton, side, y, v=2, **more):
    return person(
        skeleton,
        {f"{side}_shoulder": (100, y, v), f"{side}_elbow": (300, y, v), f"{side}_wrist": (500, y, v)},
        **more,
    )


def test_colours_follow_the_pairs(skeleton):
    colours = dict(zip(skeleton.keypoints, keypoint_colours(skeleton), strict=True))
    assert colours["left_knee"] == LEFT and colours["right_wrist"] == RIGHT and colours["pelvis"] == CENTRE
    limbs = dict(zip(skeleton.limbs, limb_colours(skeleton), strict=True))
    assert limbs["left_knee", "left_ankle"] == LEFT
    assert limbs["upper_neck", "right_shoulder"] == RIGHT
    assert limbs["upper_neck", "pelvis"] == CENTRE
    coco = load_skeleton("coco17")
    assert limb_colours(coco)[coco.limbs.index(("left_shoulder", "right_shoulder"))] == CENTRE


@pytest.mark.parametrize(("side", "colour"), [("left", LEFT), ("right", RIGHT)])
def test_a_limb_is_where_it_should_be_in_its_colour(skeleton, side, colour):
    picture = draw_people(grey(), [arm(skeleton, side, 200)], skeleton)
    assert (picture[200, 150:280] == colour).all() and (picture[200, 320:480] == colour).all()
    width = line_width(640, 480)
    assert (picture[200 - width - 3, 150:280] == GREY).all(), "a limb is no wider than its edge"
    column = picture[180:221, 200].astype(int)
    touched = np.flatnonzero((column != GREY).any(axis=1)) - 20
    assert touched.min() == -touched.max(), "centred on the row"
    assert (picture[200, :90] == GREY).all() and (picture[200, 515:] == GREY).all()


def test_coordinates_between_pixels_are_kept(skeleton):
    rows = np.arange(480)[:, None]

    def centre(y):
        ink = np.abs(draw_people(grey(), [arm(skeleton, "left", y)], skeleton).astype(int) - GREY).sum(axis=2)
        return (ink[:, 200:201] * rows).sum() / ink[:, 200:201].sum()

    assert centre(200.5) - centre(200) == pytest.approx(0.5, abs=0.3)


def test_absent_keypoints_and_their_limbs_are_not_drawn(skeleton):
    elbow = skeleton.index("left_elbow")
    broken = arm(skeleton, "left", 200)
    broken.keypoints[elbow, 2] = 0  # its coordinates still stand there
    picture = draw_people(grey(), [broken], skeleton)
    assert (picture[:, 130:470] == GREY).all()
    assert (picture[200, 100] == LEFT).all() and (picture[200, 500] == LEFT).all()
    nobody = Person(np.zeros((len(skeleton), 3)))
    assert np.array_equal(draw_people(grey(), [nobody], skeleton), grey())


def test_an_occluded_keypoint_is_a_ring(skeleton):
    wrist = {"left_wrist": (300, 200, 1)}
    picture = draw_people(np.full((2000, 2000, 3), GREY, np.uint8), [person(skeleton, wrist)], skeleton)
    assert picture[200, 300].max() < 40, "dark inside"
    seen = draw_people(picture, [person(skeleton, {"left_wrist": (300, 200, 2)})], skeleton)
    assert (seen[200, 300] == LEFT).all()


def test_low_scores_are_fainter(skeleton):
    def contrast(score):
        scores = np.full(len(skeleton), score)
        picture = draw_people(grey(), [arm(skeleton, "left", 200, scores=scores)], skeleton)
        return int(picture[200, 200, 0]) - GREY

    full = LEFT[0] - GREY
    assert contrast(1.0) == full
    assert contrast(0.5) == pytest.approx(0.65 * full, abs=2)
    assert contrast(0.0) == pytest.approx(0.3 * full, abs=2)
    assert contrast(7.0) == full, "a score above 1 is as good as 1"


def test_a_limb_is_as_sure_as_its_weaker_end(skeleton):
    scores = np.ones(len(skeleton))
    scores[skeleton.index("left_wrist")] = 0
    picture = draw_people(grey(), [arm(skeleton, "left", 200, scores=scores)], skeleton)
    assert (picture[200, 200] == LEFT).all()
    assert int(picture[200, 400, 0]) - GREY == pytest.approx(0.3 * (LEFT[0] - GREY), abs=2)


def test_the_input_is_not_changed(skeleton):
    image = grey()
    someone = arm(skeleton, "left", 200)
    before = someone.keypoints.copy()
    picture = draw_people(image, [someone], skeleton, ["0.87"])
    draw_mask(image, np.zeros((12, 16)))
    resize_with_people(image, [someone], 100)
    draw_comparison(image, [someone], [someone], skeleton, side=640)
    assert (image == GREY).all() and np.array_equal(someone.keypoints, before)
    assert not np.shares_memory(picture, image)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (40, 3000), (5000, 3500)])
def test_tiny_and_huge_pictures(skeleton, size):
    image = grey(*size)
    rng = np.random.default_rng(0)
    keypoints = np.column_stack(
        [rng.uniform(-0.5, 1.5, (len(skeleton), 2)) * size, np.full(len(skeleton), 2)]
    )
    picture = draw_people(image, [Person(keypoints)], skeleton, ["1.00"])
    assert picture.shape == image.shape and picture.dtype == np.uint8
    assert (picture != image).any()


def test_people_far_outside_are_no_trouble(skeleton):
    far = arm(skeleton, "left", 1e9)
    assert np.array_equal(draw_people(grey(), [far], skeleton), grey())
    long = person(skeleton, {"left_shoulder": (100, 200, 2), "left_elbow": (1e9, 200, 2)})
    assert (draw_people(grey(), [long], skeleton)[200, 300:600] == LEFT).all()


def test_zero_people(skeleton):
    assert np.array_equal(draw_people(grey(), [], skeleton), grey())
    assert draw_comparison(grey(), [], [], skeleton).ndim == 3


def test_lines_grow_with_the_picture_and_shrink_with_the_person(skeleton):
    assert line_width(640, 480) == 3 and line_width(32, 32) == 1 and line_width(4000, 3000) > 15

    def ink(length, **more):
        places = {"left_shoulder": (100, 500, 2), "left_elbow": (100 + length, 500, 2), **more}
        picture = draw_people(grey(1600, 1200), [person(skeleton, places)], skeleton)
        return (picture[:, 100 + length // 2] != GREY).any(axis=1).sum()

    hips = {"left_hip": (100, 520, 2), "right_hip": (110, 520, 2)}
    limb = ink(1000)
    assert ink(1000, **hips) > ink(60, **hips)
    assert ink(60) == limb, "of whom little is known may be large"


def test_captions(skeleton):
    someone = arm(skeleton, "left", 200)
    plain = draw_people(grey(), [someone], skeleton)
    named = draw_people(grey(), [someone], skeleton, ["0.87 wave"])
    changed = np.argwhere((plain != named).any(axis=2))
    assert changed[:, 0].max() < 200 and 300 in range(changed[:, 1].min(), changed[:, 1].max())
    with pytest.raises(ValueError):
        draw_people(grey(), [someone], skeleton, [])
    corner = person(skeleton, {"left_shoulder": (0, 0, 2)})
    pushed = draw_people(grey(), [corner], skeleton, ["0.87"])
    assert (pushed[2:12, 2:40] > 200).any(), "a caption stays inside the picture"


def test_resize_with_people_keeps_them_in_place(skeleton):
    image = grey(200, 100)
    image[40:60, 120:140] = 255
    someone = person(skeleton, {"left_wrist": (129.5, 49.5, 2)})
    for side in (100, 333, 1000):
        small, (moved,) = resize_with_people(image, [someone], side)
        assert max(small.shape[:2]) == side
        light = small[..., 0].astype(float) - GREY
        y, x = np.mgrid[: small.shape[0], : small.shape[1]]
        centroid = [(light * x).sum() / light.sum(), (light * y).sum() / light.sum()]
        wrist = moved.keypoints[skeleton.index("left_wrist")]
        assert np.abs(wrist[:2] - centroid).max() < 0.1 and wrist[2] == 2
        assert not moved.keypoints[skeleton.index("left_ankle")].any()


def test_comparison_shows_truth_left_and_prediction_right(skeleton):
    truth = person(skeleton, {"left_wrist": (100, 200, 2)})
    predicted = person(skeleton, {"left_wrist": (500, 200, 2)}, np.ones(len(skeleton)))
    sheet = draw_comparison(grey(), [truth], [predicted], skeleton, side=640)
    orange = np.argwhere((sheet == LEFT).all(axis=2))
    assert orange[:, 1].min() < 150 and orange[:, 1].max() > 640 + 450
    middle = (orange[:, 1] > 300) & (orange[:, 1] < 1000)
    assert not middle.any()


def test_mask_hatches_what_is_left_out():
    weight = np.ones((12, 16), bool)
    weight[:, 8:] = False
    picture = draw_mask(grey(160, 120), weight)
    assert (picture[:, :80] == GREY).all()
    off = picture[:, 80:].reshape(-1, 3).astype(int)
    assert (np.abs(off - MASKED).sum(axis=1) < np.abs(GREY - np.array(MASKED)).sum()).all()
    assert len(np.unique(off, axis=0)) == 2, "stripes and ground"


def test_a_caption_of_two_lines_has_room_for_both():
    red = np.full((40, 40, 3), (255, 0, 0), np.uint8)
    one, two = (contact_sheet([red, red], ["a", text], columns=2, tile=40) for text in ("b", "b\nc"))
    assert two.shape[0] == one.shape[0] + 22
    dark = (two < 128).all(axis=2)
    assert dark[70:, 56:].any() and not dark[70:, :48].any(), "the second line is the second's alone"


def test_contact_sheet_layout():
    red, green = np.zeros((50, 100, 3), np.uint8), np.zeros((200, 100, 3), np.uint8)
    red[..., 0], green[..., 1] = 255, 255
    sheet = contact_sheet([red, green, red], ["a", "b", "c"], columns=2, tile=100, title="three")
    assert sheet.dtype == np.uint8 and sheet.shape[1] == 2 * 108 + 8
    is_red = (sheet == [255, 0, 0]).all(axis=2)
    is_green = (sheet == [0, 255, 0]).all(axis=2)
    assert is_red.sum() == 2 * 50 * 100 and is_green.sum() == 100 * 50
    assert np.argwhere(is_green)[:, 1].min() > 108
    assert (contact_sheet([red], ["x"], title="t") != contact_sheet([red], ["y"], title="t")).any()
    with pytest.raises(DataError, match="at least one"):
        contact_sheet([], [])
    with pytest.raises(ValueError):
        contact_sheet([red], [])


def test_long_and_foreign_captions_fit():
    tile = np.zeros((60, 60, 3), np.uint8)
    sheet = contact_sheet([tile, tile], ["a very long name of a file " * 9, "Größe 写真"], columns=2, tile=60)
    gap = sheet[:, 68 : 68 + 8]
    assert (gap == 255).all(), "no caption runs into its neighbour"
    assert contact_sheet([tile], ["wide"], tile=1).shape[1] == 17


def test_write_image_whole_or_not_at_all(tmp_path):
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[..., 0] = 200
    path = tmp_path / "new folder" / "a.png"
    write_image(path, picture)
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], picture), "RGB in, a right picture on disk"
    assert [p.name for p in path.parent.iterdir()] == ["a.png"], "nothing is left beside it"
    with pytest.raises(DataError, match=".png"):
        write_image(tmp_path / "a.doc", picture)
    with pytest.raises(DataError, match=r"a\.jpg: a picture of 70000 x 2 px cannot be written"):
        write_image(tmp_path / "a.jpg", np.zeros((2, 70_000, 3), np.uint8))
    (tmp_path / "file").write_text("")
    with pytest.raises(DanceposeError, match="cannot be written"):
        write_image(tmp_path / "file" / "a.png", picture)
