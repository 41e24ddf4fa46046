"""`FrameMetric`'s tables where a device cannot hold them."""

import pytest
import torch
from pose_cases import random_case

from dancepose.metrics import state
from dancepose.metrics.pck import PCK
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")


def moved(tensor: torch.Tensor) -> torch.Tensor:
    """What moving a tensor to an Apple GPU does, as far as types matter."""
    if tensor.dtype == torch.float64:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
    return tensor.clone()


def test_tables_stay_where_they_are_if_a_device_has_no_float64(monkeypatch):
    predictions, frames = random_case(MPII15, 11, 9)
    with pytest.raises(TypeError, match="float64"):
        PCK(MPII15, "torso")._apply(moved)
    rows = []
    for kinds in ((), ("cpu",)):  # the CPU stands in for such a device
        monkeypatch.setattr(state, "WITHOUT_FLOAT64", kinds)
        metric = PCK(MPII15, "torso")
        metric._apply(moved if kinds else torch.clone)
        metric.update(predictions[:4], frames[:4])
        metric._apply(moved if kinds else torch.clone)  # in the midst of a part, tables filled
        metric.update(predictions[4:], frames[4:])
        rows.append(metric.compute().to_dict())
        metric.reset()
    assert rows[0] == rows[1]
