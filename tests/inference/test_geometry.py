import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancepose.errors import ConfigError, DataError
from dancepose.inference.geometry import MAX_PIXELS, TestGeometry, apply_matrix, invert_matrix

sides = st.integers(16, 3000)
geometries = st.builds(
    TestGeometry,
    size=st.integers(64, 1024),
    resize=st.sampled_from(["short", "long"]),
    multiple=st.sampled_from([32, 64, 128]),
)


def centroid(channel):
    mass = channel.astype(np.float64)
    y, x = np.mgrid[: mass.shape[0], : mass.shape[1]]
    return np.array([(mass * x).sum(), (mass * y).sum()]) / mass.sum()


def blob_image(width, height, centre, sigma):
    y, x = np.mgrid[:height, :width]
    value = 240 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(value).astype(np.uint8)[..., None], 3, axis=2)


@given(geometries, sides, sides)
def test_plan_sizes(geometry, width, height):
    ratio = max(width, height) / min(width, height)
    if ratio > 16:  # may be refused, see below
        return
    plan = geometry.plan(width, height)
    chosen = min if geometry.resize == "short" else max
    assert chosen(plan.content) == geometry.size
    scale = geometry.size / chosen(width, height)
    assert abs(plan.content[0] - width * scale) <= 0.5 + 1e-9 or plan.content[0] == 1
    assert abs(plan.content[1] - height * scale) <= 0.5 + 1e-9 or plan.content[1] == 1
    for content, padded in zip(plan.content, plan.size, strict=True):
        assert padded % geometry.multiple == 0
        assert content <= padded < content + geometry.multiple


@given(geometries, sides, sides, st.integers(0, 2**32 - 1))
def test_points_come_back(geometry, width, height, seed):
    if max(width, height) / min(width, height) > 16:
        return
    matrix = geometry.plan(width, height).matrix
    points = np.random.default_rng(seed).uniform(-50, 3050, (20, 2))
    there = apply_matrix(invert_matrix(matrix), points)
    assert np.abs(apply_matrix(matrix, there) - points).max() < 1e-6


@given(geometries, sides, sides)
def test_matrix_is_the_pixel_centre_convention(geometry, width, height):
    if max(width, height) / min(width, height) > 16:
        return
    plan = geometry.plan(width, height)
    scale = np.array(plan.content) / [width, height]
    points = np.array([[0, 0], [width - 1, height - 1], [3.25, 7.5]])
    expected = (points + 0.5) * scale - 0.5
    assert np.allclose(apply_matrix(invert_matrix(plan.matrix), points), expected, atol=1e-8)
    # the outer edges of the pixels fall on each other: nothing is cut, nothing is added
    assert np.allclose(apply_matrix(plan.matrix, [-0.5, -0.5]), [-0.5, -0.5])
    edge = np.array(plan.content) - 0.5
    assert np.allclose(apply_matrix(plan.matrix, edge), [width - 0.5, height - 0.5])


@pytest.mark.parametrize("resize", ["short", "long"])
@pytest.mark.parametrize("size", [128, 192])
@pytest.mark.parametrize("shape", [(320, 240), (501, 333), (97, 140), (193, 191), (128, 128), (640, 101)])
def test_a_blob_moves_where_the_matrix_says(shape, size, resize):
    width, height = shape
    geometry = TestGeometry(size, resize)
    plan = geometry.plan(width, height)
    rng = np.random.default_rng(5)
    step = max(1.0, width / plan.content[0])
    errors = []
    for _ in range(12):
        sigma = 2.5 * step
        margin = np.minimum(5 * sigma, np.array(shape) / 2 - 1)
        centre = rng.uniform(margin, np.array(shape) - 1 - margin)
        image = blob_image(width, height, centre, sigma)
        padded, matrix = geometry.warp(image)
        moved = apply_matrix(invert_matrix(matrix), centroid(image[..., 0]))
        errors.append(centroid(padded[..., 0]) - moved)
    assert np.abs(errors).max() < 0.1
    assert np.abs(np.mean(errors, axis=0)).max() < 0.03  # and no common shift


def test_shrinking_does_not_alias():
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, ::2] = 255  # the finest stripes there are: shrunk, they must turn grey
    padded, _ = TestGeometry(150).warp(image)
    content = padded[:150, :150]
    assert content.min() > 90 and content.max() < 165


def test_padding_is_black_right_and_bottom():
    padded, matrix = TestGeometry(100).warp(np.full((100, 150, 3), 200, np.uint8))
    assert padded.shape == (128, 192, 3) and padded.dtype == np.uint8
    assert (padded[:100, :150] == 200).all()
    assert not padded[100:].any() and not padded[:, 150:].any()
    assert np.array_equal(matrix, [[1, 0, 0], [0, 1, 0]])


def test_an_image_of_the_right_size_is_untouched():
    image = np.random.default_rng(0).integers(0, 256, (128, 192, 3), dtype=np.uint8)
    padded, _ = TestGeometry(128).warp(image)
    assert np.array_equal(padded, image)
    assert not np.shares_memory(padded, image)


def test_enlarging_is_bilinear_on_pixel_centres():
    image = np.repeat(np.array([[0, 100]], np.uint8)[..., None], 3, axis=2).repeat(2, axis=0)
    padded, _ = TestGeometry(4, multiple=4).warp(image)
    assert padded[0, :, 0].tolist() == [0, 25, 75, 100]


def test_one_pixel_image():
    padded, matrix = TestGeometry(64).warp(np.full((1, 1, 3), 7, np.uint8))
    assert padded.shape == (64, 64, 3) and (padded == 7).all()
    assert np.allclose(apply_matrix(matrix, [31.5, 31.5]), [0, 0])


def test_refusals():
    with pytest.raises(ConfigError, match="resize is 'longest'"):
        TestGeometry(512, "longest")
    with pytest.raises(ConfigError, match="at least 1"):
        TestGeometry(0)
    geometry = TestGeometry(512)
    with pytest.raises(DataError, match="empty"):
        geometry.plan(0, 10)
    with pytest.raises(DataError, match="too narrow for size 512 with resize=short, use resize=long"):
        geometry.plan(MAX_PIXELS, 4)
    assert TestGeometry(512, "long").plan(MAX_PIXELS, 4).size == (512, 64)
    for wrong in (np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3), np.float32)):
        with pytest.raises(DataError, match="uint8"):
            geometry.warp(wrong)


def test_a_size_that_is_too_large_is_told_once_and_as_that():
    """Not of each picture, as if it were too narrow."""
    for resize, largest in (("short", 8192), ("long", 32768)):
        TestGeometry(largest, resize)
        with pytest.raises(ConfigError, match=rf"size {largest + 1} is too large: .* at most {largest}$"):
            TestGeometry(largest + 1, resize)
    with pytest.raises(DataError, match=r"80 x 60 .* 20032 x 15040: size 20000 is too large") as caught:
        TestGeometry(20000, "long").plan(80, 60)
    assert "narrow" not in str(caught.value)


def test_area_and_matrix_agree_for_every_pixel():
    # each source pixel's light lands, on average over pixels, where the matrix says: no half-pixel shift
    geometry = TestGeometry(50)
    plan = geometry.plan(120, 90)
    errors = []
    for x in range(20, 100, 3):
        image = np.zeros((90, 120, 3), np.uint8)
        image[45, x] = 255
        padded, matrix = geometry.warp(image)
        errors.append(centroid(padded[..., 0]) - apply_matrix(invert_matrix(matrix), [x, 45]))
    assert abs(np.mean(errors, axis=0)[0]) < 0.02
    assert np.array_equal(matrix, plan.matrix)
