"""What the data of a run are called."""

import pytest

from dancepose.data.describing import describe


@pytest.mark.parametrize(
    "data, told",
    [
        ({"kind": "coco", "root": "my", "annotations": "my/a.json"}, "coco my/a.json"),
        ({"kind": "labelme", "root": "my/frames"}, "labelme my/frames"),
        ({"scenes": {"difficulty": "hard"}}, "drawn hard scenes"),
        ({"parts": {"a": {"kind": "coco"}, "b": {"kind": "mpii"}}}, "mix of a (coco), b (mpii)"),
    ],
)
def test_data_are_named_by_kind_and_place(data, told):
    assert describe(data) == told
