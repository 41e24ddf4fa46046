import pytest

from dancepose.metrics.direction import higher_is_better


@pytest.mark.parametrize(
    "metric", ["accuracy", "val/accuracy", "val/mAP", "test/PCKh@0.5", "val/OKS_AP", "val/macro_F1"]
)
def test_of_most_more_is_better(metric):
    assert higher_is_better(metric)


@pytest.mark.parametrize(
    "metric", ["loss", "val/loss", "train/loss_epoch", "test/heat_loss", "ECE", "val/ECE", "test/swaps"]
)
def test_of_losses_and_calibration_errors_less_is_better(metric):
    assert not higher_is_better(metric)


@pytest.mark.parametrize("name", ["loss", "ECE", "swaps", "gloss", "x/loss"])
def test_a_class_may_have_any_name(name):
    assert higher_is_better(f"val/accuracy_{name}") and higher_is_better(f"accuracy_{name}")
