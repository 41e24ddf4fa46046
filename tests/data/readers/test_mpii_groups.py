import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dancepose.data.readers.mpii_groups import touching


def plainly(boxes: np.ndarray, image: np.ndarray) -> set[frozenset[int]]:
    """Grow each group by whoever touches a member, until nobody is left who does."""
    left, groups = {i for i in range(len(image)) if not np.isnan(boxes[i]).any()}, set()
    while left:
        group = {left.pop()}
        while True:
            near = {
                j
                for j in left
                for i in group
                if image[i] == image[j]
                and (boxes[i][:2] <= boxes[j][2:]).all()
                and (boxes[j][:2] <= boxes[i][2:]).all()
            }
            if not near:
                break
            group |= near
            left -= near
        groups.add(frozenset(group))
    return groups


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), *[st.integers(0, 9)] * 4, st.booleans()), max_size=12))
def test_people_whose_boxes_touch_directly_or_through_others(people):
    people = sorted(people)
    image = np.array([person[0] for person in people], dtype=np.int64)
    boxes = np.array([[x, y, x + w, y + h] for _, x, y, w, h, _ in people], dtype=float).reshape(-1, 4)
    boxes[[person[5] for person in people]] = np.nan
    group, member = touching(boxes, image)
    found = {frozenset(member[group == number].tolist()) for number in set(group.tolist())}
    assert found == plainly(boxes, image)
