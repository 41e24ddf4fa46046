import gc
import time
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from dancepose.benchmarks.networks import kept_memory
from dancepose.benchmarks.timing import Row, shape_of, side_by_side, table


def test_cases_take_turns_and_warmup_does_not_count():
    calls: list[str] = []
    times = side_by_side({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, warmup=2)
    assert calls == ["a", "b"] * 5
    assert [len(ms) for ms in times.values()] == [3, 3] and min(times["a"]) >= 0


def test_what_a_case_needs_is_done_before_it_and_not_timed():
    order: list[str] = []
    cases = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    ready = {"a": lambda: (order.append("ready"), time.sleep(0.05))}
    times = side_by_side(cases, 2, warmup=1, ready=ready)
    assert order == ["ready", "a", "b"] * 3
    assert max(times["a"]) < 50


def test_a_row_tells_median_and_quartiles():
    row = Row("data", "x", [1.0, 2.0, 3.0, 4.0, 100.0], {"samples/s": 1234.5, "share": "7%"})
    assert row.median == 3 and row.spread == (2, 4)
    told = row.to_dict()
    assert told["median_ms"] == 3 and told["quartiles_ms"] == [2, 4] and told["figures"]["share"] == "7%"


def test_the_table_has_a_block_for_each_part():
    rows = [Row("data", "a", [1.0], {"samples/s": 1000.0}), Row("decode", "b", [0.5], {"people found": "3"})]
    lines = table(rows).splitlines()
    assert lines[0].split() == ["data", "ms", "quartiles", "samples/s"]
    assert lines[1].split() == ["a", "1", "1", "..", "1", "1,000"]
    assert lines[3].split() == ["decode", "ms", "quartiles", "people", "found"] and lines[4].endswith("3")


def test_what_all_rows_of_a_part_share_is_told_once():
    rows = [Row("a", "plain", [1.0], {"shape": "1x3", "threads": 1.0, "width": 8, "speed": 2.0})]
    rows += [Row("a", "yardstick", [1.0], {"shape": "4x3", "threads": 1.0, "speed": 2.0})]
    rows += [Row("b", "other", [1.0], {"threads": 2.0, "width": 8})]
    lines = table(rows).splitlines()
    assert lines[0].split() == ["a", "ms", "quartiles", "shape", "width", "speed"]
    assert lines[1].split()[-3:] == ["1x3", "8", "2"] and lines[2].split()[-2:] == ["4x3", "2"]
    assert lines[3] == "throughout: threads 1", "one of the rows has no width"
    assert lines[-1] == "throughout: threads 2, width 8"


def test_shapes_are_told_in_short():
    assert shape_of(torch.zeros(1, 3, 8, 8), np.zeros((2, 5))) == "1x3x8x8 + 2x5"


@pytest.mark.parametrize("twice", [False, True])
def test_kept_memory_counts_each_storage_once_and_no_parameters(twice):
    layer = nn.Linear(8, 8, bias=False)
    x = torch.randn(4, 8)

    def loss() -> torch.Tensor:
        hidden = layer(x)  # keeps x and the weight
        return (hidden * hidden if twice else hidden.exp()).sum()  # keeps hidden, or what exp gave

    assert kept_memory(loss, layer.parameters()) == 2 * 4 * 8 * 4


def test_kept_memory_keeps_nothing_itself():
    layer = nn.Linear(8, 8, bias=False)
    held = []

    def loss() -> torch.Tensor:
        hidden = layer(torch.randn(4, 8)).exp()
        held.append(weakref.ref(hidden))
        return hidden.sum()

    assert kept_memory(loss) > 0
    gc.collect()
    assert held[0]() is None
