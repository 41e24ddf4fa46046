"""Callbacks that act at every so many validations keep step over sanity checks and interruptions."""

from types import SimpleNamespace

import pytest

from dancepose.callbacks.curves import Curves
from dancepose.callbacks.pictures import Pictures
from dancepose.callbacks.rhythm import Rhythm

TRAINING, CHECKING = (SimpleNamespace(sanity_checking=checking) for checking in (False, True))


def acted_on(rhythm: Rhythm, validations: int) -> list[bool]:
    seen = []
    for _ in range(validations):
        seen.append(rhythm.due)
        rhythm.tick(TRAINING)
    return seen


def test_every_third():
    assert acted_on(Rhythm(every=3), 7) == [True, False, False, True, False, False, True]


def test_a_sanity_check_does_not_count():
    rhythm = Rhythm(every=2)
    rhythm.tick(CHECKING)
    assert acted_on(rhythm, 3) == [True, False, True]


@pytest.mark.parametrize("stopped_after", range(5))
def test_a_resumed_run_goes_on_in_step(stopped_after):
    first, second = Rhythm(every=3), Rhythm(every=3)
    begun = acted_on(first, stopped_after)
    second.load_state_dict(first.state_dict())
    assert begun + acted_on(second, 7 - stopped_after) == acted_on(Rhythm(every=3), 7)


@pytest.mark.parametrize("kind", [Curves, Pictures])
def test_who_has_it(kind, tmp_path):
    assert issubclass(kind, Rhythm) and kind(tmp_path, every=4).every == 4
