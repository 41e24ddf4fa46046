import pytest
import torch
from fake_clock import FakeClock

from dancepose.benchmarks.decoding import PEOPLE, time_decoding
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.skeleton import load_skeleton


def test_modes_are_compared_on_one_thread(monkeypatch, two_threads):
    clock, decode, asked = FakeClock(), AssociativeEmbedding.decode, []

    def slow(codec, maps):
        asked.append(torch.get_num_threads())
        clock.spend(40 if codec.exact else 10)
        return decode(codec, maps)

    monkeypatch.setattr("dancepose.benchmarks.timing.time", clock)
    monkeypatch.setattr(AssociativeEmbedding, "decode", slow)
    rows = {row.name: row for row in time_decoding(load_skeleton("mpii15"), 64, [], rounds=2)}
    assert set(asked[-2 * 2 * len(PEOPLE) :]) == {1} and torch.get_num_threads() == 2
    assert list(rows) == [f"{n} made-up people, {mode}" for n in PEOPLE for mode in ("default", "exact")]
    default, exact = list(rows.values())[:2]
    assert (default.median, exact.median) == pytest.approx((10, 40))
    assert (default.figures["exact / this"], exact.figures["exact / this"]) == pytest.approx((4, 1))
    assert default.figures["threads"] == 1 and default.figures["shape"] == "1x30x16x16 + 1x15x32x32"
