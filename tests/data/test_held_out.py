"""What is held out of training is told for each class, and a class without any is refused."""

from types import SimpleNamespace

import pytest

from dancepose.data.held_out import check_held_out, told_held_out
from dancepose.errors import ConfigError

CLASSES = ("wave", "walk", "other")


def of(*labels: int) -> list:
    return [SimpleNamespace(label=label) for label in labels]


@pytest.mark.parametrize(
    ("sampler", "use"), [("confusion", "the sampler measures on them"), ("none", "for any sampler alike")]
)
def test_it_is_told_for_each_class_that_is_there(sampler, use):
    told = told_held_out(of(0, 0), of(0, *[1] * 7), CLASSES, "windows", sampler)
    assert told == f"2 windows, 8 left (wave 2 of 3, walk 0 of 7); {use}"


@pytest.mark.parametrize(("sampler", "told"), [("confusion", False), ("none", True), ("balanced", True)])
def test_where_few_clips_make_it_much_the_way_out_is_told(sampler, told):
    words = told_held_out(of(0, 0), of(0, 1, 1), CLASSES, "samples", sampler)
    assert words.endswith("for there are few clips: data.holdout=0 trains on all") == told


def test_classes_that_cannot_be_measured_are_named():
    check_held_out(of(0, 1, 2), CLASSES)
    with pytest.raises(ConfigError, match="of walk, other no clip can be held out of training"):
        check_held_out(of(0), CLASSES)
