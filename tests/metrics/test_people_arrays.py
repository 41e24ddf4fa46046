import numpy as np
from pose_cases import random_case

from dancepose.metrics.people_arrays import stack_labelled
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")


def test_people_of_all_frames_are_those_of_each_frame():
    """Gathered together or frame by frame, cut by ignore polygons or not."""
    _, frames = random_case(MPII15, seed=2, frames=8)
    for cut in (False, True):
        together, start = stack_labelled(frames, MPII15, cut), 0
        for frame in frames:
            alone = stack_labelled([frame], MPII15, cut)
            part = together.part(start, start := start + len(frame.people))
            for name, value in vars(alone).items():
                np.testing.assert_array_equal(value, getattr(part, name), err_msg=name)
        assert start == len(together.points) > 0
