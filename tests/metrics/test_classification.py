"""Scores of a classifier: torchmetrics' own figures, edges of bins, what is refused, two processes as one."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional import classification as published

from dancepose.errors import DanceposeError
from dancepose.metrics.classification import ActionResult, ActionScores, score_samples
from dancepose.metrics.samples import MotionSamples

CLASSES = ("akimbo", "hold high", "wave", "walk")


def case(count: int = 200, seed: int = 0, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities that lean to the label."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (count,), generator=generator)
    logits = torch.randn(count, classes, generator=generator)
    logits[torch.arange(count), labels] += 1.0
    return logits.softmax(dim=1), labels


def result_of(probabilities, labels, classes=CLASSES) -> ActionResult:
    scores = ActionScores(classes)
    scores.update(torch.as_tensor(probabilities, dtype=torch.float32), torch.as_tensor(labels))
    return scores.compute()


def certain(predicted: list[int], classes: int = 4) -> torch.Tensor:
    return torch.eye(classes)[predicted]


def test_figures_are_those_of_torchmetrics():
    probabilities, labels = case()
    scores = ActionScores(CLASSES)
    for start in range(0, 200, 64):
        scores.update(probabilities[start : start + 64], labels[start : start + 64])
    result = scores.compute()

    def wanted(name: str, **options) -> np.ndarray:
        return getattr(published, f"multiclass_{name}")(probabilities, labels, 4, **options).numpy()

    assert result.accuracy == pytest.approx(wanted("accuracy", average="micro"))
    assert list(result.class_accuracy.values()) == pytest.approx(wanted("recall", average=None))
    assert list(result.class_precision.values()) == pytest.approx(wanted("precision", average=None))
    assert result.macro_f1 == pytest.approx(wanted("f1_score", average="macro"))
    assert result.mean_class_accuracy == pytest.approx(wanted("accuracy", average="macro"))
    assert result.ece == pytest.approx(wanted("calibration_error", n_bins=15, norm="l1"), abs=1e-6)
    assert (result.confusion == wanted("confusion_matrix")).all() and 0.3 < result.accuracy < 0.9
    assert result.counts == dict(zip(CLASSES, torch.bincount(labels).tolist(), strict=True))


def test_macro_f1_is_over_the_classes_that_occur():
    """Class 3 never occurs but is predicted, class 2 occurs and is never predicted."""
    result = result_of(certain([0, 0, 1, 3, 3]), [0, 0, 1, 1, 2])
    assert result.macro_f1 == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert result.class_accuracy == {"akimbo": 1.0, "hold high": 0.5, "wave": 0.0, "walk": None}
    assert result.class_precision == {"akimbo": 1.0, "hold high": 1.0, "wave": None, "walk": 0.0}
    assert result.mean_class_accuracy == 0.5 and result.accuracy == 0.6
    assert result.confusion[1].tolist() == [0, 1, 0, 1]  # rows are labels


def test_bins_hold_their_upper_edge_and_the_counts():
    rows = torch.tensor([[0.6, 0.4], [0.5, 0.5], [1.0, 0.0], [0.61, 0.39]])
    bins = result_of(rows, [0, 1, 0, 1], ("a", "b")).bins
    assert len(bins) == 15 and bins[0].low == 0 and bins[-1].high == 1
    filled = {i: (b.count, b.confidence, b.accuracy) for i, b in enumerate(bins) if b.count}
    assert filled == {
        7: (1, 0.5, 0.0),
        8: (1, pytest.approx(0.6), 1.0),  # 9 / 15 is the edge of (8 / 15, 9 / 15]
        9: (1, pytest.approx(0.61), 0.0),
        14: (1, 1.0, 1.0),
    }
    assert bins[0].confidence is None and bins[0].accuracy is None


def test_a_classifier_that_is_as_sure_as_right_is_calibrated():
    probabilities = torch.tensor([[0.75, 0.25]]).repeat(4, 1)
    assert result_of(probabilities, [0, 0, 0, 1], ("a", "b")).ece == pytest.approx(0)
    assert result_of(probabilities, [1, 1, 1, 1], ("a", "b")).ece == pytest.approx(0.75)


def test_nothing_counted_has_no_figures_and_a_reset_forgets():
    scores = ActionScores(CLASSES)
    scores.update(*case())
    scores.reset()
    scores.update(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    with pytest.warns(UserWarning, match="compute"):
        result = scores.compute()
    assert result.scalars() == {} and result.samples == 0
    assert (result.accuracy, result.macro_f1, result.ece, result.mean_class_accuracy) == (None,) * 4
    json.dumps(result.to_dict(), allow_nan=False)


def test_scalars_and_plain_values_come_back():
    result = result_of(*case())
    assert list(result.scalars()) == ["accuracy", "macro_F1", "ECE", "mean_class_accuracy"]
    values = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert ActionResult.from_dict(values).to_dict() == result.to_dict()
    assert values["accuracy"] == result.accuracy and values["confusion"] == result.confusion.tolist()
    with pytest.raises(KeyError):
        ActionResult.from_dict({"rows": {}})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_probability_that_is_no_number_is_named(value):
    probabilities, labels = case(5)
    probabilities[3, 1] = value
    with pytest.raises(DanceposeError, match="1 of 5 samples.*NaN or infinite, first those of sample 3"):
        ActionScores(CLASSES).update(probabilities, labels)


def test_logits_and_wrong_shapes_and_labels_are_refused():
    scores, (probabilities, labels) = ActionScores(CLASSES), case(5)
    with pytest.raises(DanceposeError, match="sample 0 .* no probabilities.*softmax"):
        scores.update(torch.full((5, 4), 1.0), labels)
    with pytest.raises(DanceposeError, match="sample 2 .* no probabilities"):
        scores.update(torch.cat([probabilities[:2], torch.tensor([[1.5, -0.5, 0, 0]])]), labels[:3])
    with pytest.raises(ValueError, match=r"\(B, 4\)"):
        scores.update(probabilities[:, :3], labels)
    with pytest.raises(ValueError, match="labels from .* to 4: there are 4 classes"):
        scores.update(probabilities, torch.tensor([0, 1, 2, 3, 4]))
    with pytest.raises(ValueError, match="different names"):
        ActionScores(["a", "a"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_softmax_of_every_precision_is_taken(dtype):
    logits = torch.randn(500, 20, generator=torch.Generator().manual_seed(1)).to(dtype)
    scores = ActionScores([str(i) for i in range(20)])
    scores.update(logits.softmax(dim=1), logits.argmax(dim=1))
    assert scores.compute().samples == 500


def test_one_class_is_always_right():
    result = result_of(torch.ones(3, 1), [0, 0, 0], ("dance",))
    assert result.accuracy == 1 and result.confusion.tolist() == [[3]] and result.ece == 0


@given(st.permutations(range(4)), st.integers(0, 5))
def test_the_order_of_the_classes_changes_no_figure(order, seed):
    probabilities, labels = case(60, seed)
    first = result_of(probabilities, labels)
    second = result_of(probabilities[:, order], np.argsort(order)[labels], tuple(CLASSES[i] for i in order))
    assert second.scalars() == pytest.approx(first.scalars())
    assert second.class_accuracy == first.class_accuracy
    assert second.bins == first.bins


def test_samples_of_a_file_are_scored_as_the_run_was():
    probabilities, labels = case(50)
    samples = MotionSamples(
        [str(i) for i in range(50)], [None] * 50, labels.numpy(), probabilities.numpy(), CLASSES
    )
    assert score_samples(samples).to_dict() == result_of(probabilities, labels).to_dict()
    with pytest.warns(UserWarning, match="compute"):
        assert score_samples(samples.select([])).samples == 0


DEALS = {
    "in turns": [list(range(0, 50, 2)), list(range(1, 50, 2))],
    "uneven": [list(range(7)), list(range(7, 50))],
    "all to the first": [list(range(50)), []],
    "nothing at all": [[], []],
}


def dealt(places: list[int]) -> dict:
    probabilities, labels = case(50)
    scores = ActionScores(CLASSES)
    scores.reset()  # what the start of an epoch does
    for start in range(0, len(places), 4):
        batch = places[start : start + 4]
        scores.update(probabilities[batch], labels[batch])
    return scores.compute().to_dict()


def process(rank: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", f"file://{folder}/meet", rank=rank, world_size=2, timeout=timedelta(seconds=20)
    )
    values = {name: dealt(shares[rank]) for name, shares in DEALS.items()}
    (Path(folder) / f"{rank}.json").write_text(json.dumps(values))
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_two_processes_equal_one_exactly(tmp_path: Path):
    mp.start_processes(process, (str(tmp_path),), nprocs=2, start_method="fork")  # no imports anew
    for rank in (0, 1):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        for name, (first, second) in DEALS.items():
            assert found[name] == dealt(sorted(first + second)), name
    assert found["uneven"]["samples"] == 50 and found["uneven"]["ECE"] > 0
