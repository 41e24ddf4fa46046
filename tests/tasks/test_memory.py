"""Errors of memory become one message that says what to lower."""

import json
from unittest import mock

import pytest
import torch
from running import SMALL, run_task

from dancepose.errors import DanceposeError
from dancepose.evaluate import evaluate
from dancepose.inference.pose import PosePredictor
from dancepose.tasks.memory import advise_evaluation, find_where, memory_told
from dancepose.tasks.pose import PoseTask
from dancepose.train import train

CUDA = torch.OutOfMemoryError(
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1 GiB. If reserved but x"
)
CPU = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 99999 bytes. Error code 12 (Cannot allocate memory)"
)
MPS = RuntimeError("MPS backend out of memory (MPS allocated: 5 GB, max allowed: 6 GB)")
KILLED = RuntimeError("DataLoader worker (pid 77) is killed by signal: Killed. ")
TINY = [*SMALL, "model=hrnet", "data.batch_size=4", "trainer.max_epochs=1"]


def raising(error):
    def raise_it(*args, **kwargs):
        raise error

    return raise_it


def test_a_training_step_says_what_to_lower_and_metrics_why(labelme, tmp_path):
    run = tmp_path / "run"
    with (
        mock.patch.object(PoseTask, "training_step", raising(CUDA)),
        pytest.raises(DanceposeError, match="out of memory while training: CUDA out of memory") as caught,
    ):
        run_task(train, "train", run, *TINY, f"data.root={labelme}")
    text = str(caught.value)
    order = ["trainer.accumulate_grad_batches=2 (the same batch of 4, 2 at once)", "data.batch_size=2"]
    places = [text.index(word) for word in [*order, "trainer.precision=bf16-mixed"]]
    assert places == sorted(places) and "If reserved" not in text
    assert "Now data.batch_size=4 (1 device x 1 step x 4 pictures) data.size=64" in text
    assert "data.size=" not in text[places[0] :], "it is as small as it goes"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["status"] == "failed" and "out of memory while training" in metrics["cause"]


def test_a_validation_of_a_training_names_the_keys_of_the_evaluation(labelme, tmp_path):
    more = ["+trainer.limit_train_batches=1", "inference.scales=[1.0,0.5]", f"data.root={labelme}"]
    with (
        mock.patch.object(PosePredictor, "predict_maps", raising(CPU)),
        pytest.raises(DanceposeError, match="out of memory while evaluating: DefaultCPU") as caught,
    ):
        run_task(train, "train", tmp_path / "run", *TINY, *more)
    text = str(caught.value)
    assert "data.test_batch_size=2; or inference.scales=[1.0]" in text and "bf16-mixed" not in text


@pytest.mark.slow
def test_an_evaluation_says_what_to_lower(labelme, tmp_path):
    run = tmp_path / "run"
    run_task(
        train, "train", run, *TINY, f"data.root={labelme}", "+trainer.limit_train_batches=1", "test=false"
    )
    with (
        mock.patch.object(PosePredictor, "predict_maps", raising(MPS)),
        pytest.raises(DanceposeError, match="while evaluating: MPS backend.*\n.*batch_size=4.*batch_size=2"),
    ):
        run_task(evaluate, "evaluate", tmp_path / "eval", f"run={run}", "device=cpu")
    with (
        mock.patch("dancepose.data.dataset.EvaluationDataset.__getitem__", raising(KILLED)),
        pytest.raises(DanceposeError, match="data worker.*killed by signal.*\nLower workers .now 0"),
    ):
        run_task(evaluate, "evaluate", tmp_path / "eval2", f"run={run}", "device=cpu")


@pytest.mark.parametrize(
    "error, where",
    [
        (CUDA, "training"),
        (CPU, "training"),
        (MPS, "training"),
        (MemoryError(), "training"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "training"),
        (KILLED, "worker"),
        (RuntimeError("DataLoader worker (pid(s) 3, 4) exited unexpectedly"), "worker"),
        (RuntimeError("unable to allocate shared memory(shm) for file </torch_1>: No space left"), "worker"),
        (MemoryError("Caught MemoryError in DataLoader worker process 0.\nOriginal Traceback"), "worker"),
        (OSError(12, "Cannot allocate memory"), "worker"),
        (RuntimeError("out of resource: shared memory, Required: 200000"), None),
        (RuntimeError("Caught RuntimeError in DataLoader worker process 0: sizes differ"), None),
        (OSError(28, "No space left on device"), None),
    ],
)
def test_what_counts_as_an_error_of_memory(error, where):
    assert find_where(error.with_traceback(None)) == where


def test_other_errors_pass_as_they_are():
    with (
        pytest.raises(RuntimeError, match="sizes differ"),
        memory_told(advise_evaluation(4, 2, "32-true", [1.0])),
    ):
        raise RuntimeError("sizes differ")
    with pytest.raises(DanceposeError, match="workers=1, workers=0 makes") as caught:
        with memory_told(advise_evaluation(4, 2, "32-true", [1.0])):
            raise KILLED
    assert caught.value.__cause__ is KILLED, "HYDRA_FULL_ERROR=1 shows it"
