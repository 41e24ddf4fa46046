import numpy as np

from dancepose.data.readers.points import are_outside
from dancepose.records import NOT_ANNOTATED, VISIBLE


def test_a_picture_ends_half_a_pixel_beyond_the_centre_of_its_last_pixel():
    places = [[-0.5, 0], [-0.6, 0], [99.5, 49.5], [99.6, 0], [0, 49.6], [100, 10]]
    keypoints = np.array([[*place, VISIBLE] for place in places])
    assert are_outside(keypoints, (100, 50)).tolist() == [False, True, False, True, True, True]
    keypoints[:, 2] = NOT_ANNOTATED
    assert not are_outside(keypoints, (100, 50)).any()
