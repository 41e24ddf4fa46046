"""bfloat16 on a CPU that has no instructions for it is warned of, and on no other device."""

import json
from unittest import mock

import pytest
import torch
from running import SMALL, run_task

from dancepose.inference import devices
from dancepose.inference.devices import has_fast_bf16, settle_precision, warn_of_slow_bf16
from dancepose.inference.runs import precision_of
from dancepose.train import train


def on(machine, **capabilities):
    """Stand in for a machine."""
    return (
        mock.patch.object(devices.platform, "machine", lambda: machine),
        mock.patch.object(torch.cpu, "get_capabilities", lambda: capabilities, create=True),
    )


@pytest.mark.parametrize(
    "machine, capabilities, fast",
    [
        ("x86_64", {"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ("AMD64", {"avx512_f": True}, False),
        ("x86_64", {"avx512_bf16": True}, True),
        ("x86_64", {"amx_bf16": True}, True),
        ("aarch64", {}, True),
        ("arm64", {"bf16": False}, True),
    ],
)
def test_the_processor_decides(machine, capabilities, fast):
    first, second = on(machine, **capabilities)
    with first, second:
        assert has_fast_bf16() == fast


def test_this_machine_answers():
    assert has_fast_bf16() in (True, False)


@pytest.mark.parametrize(
    "fast, device, precision, warned",
    [
        (False, "cpu", "bf16-mixed", True),
        (False, "cpu", "32-true", False),
        (False, "cuda", "bf16-mixed", False),
        (True, "cpu", "bf16-mixed", False),
    ],
)
def test_the_warning(fast, device, precision, warned, caplog):
    with mock.patch.object(devices, "has_fast_bf16", lambda: fast):
        warn_of_slow_bf16(device, precision, "trainer.precision=32-true")
    assert ("give trainer.precision=32-true" in caplog.text) == warned


@pytest.mark.parametrize("fast", [True, False])
def test_a_training_warns_once(fast, labelme, tmp_path, caplog):
    few = ["trainer.precision=bf16-mixed", "+trainer.limit_train_batches=1", "data.val=none", "test=false"]
    settings = [*SMALL, "model=hrnet", "trainer.max_epochs=1", *few, f"data.root={labelme}"]
    with mock.patch.object(devices, "has_fast_bf16", lambda: fast):
        run_task(train, "train", tmp_path / "run", *settings)
    assert caplog.text.count("without instructions for bfloat16") == (not fast)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "done"


@pytest.mark.parametrize(
    "accelerator, gpu, gpu_bf16, cpu_bf16, settled",
    [
        ("cpu", True, True, False, "32-true"),
        ("cpu", True, False, True, "bf16-mixed"),
        ("auto", True, True, False, "bf16-mixed"),
        ("gpu", True, False, True, "32-true"),
        ("auto", False, False, True, "bf16-mixed"),
        ("auto", False, False, False, "32-true"),
    ],
)
def test_auto_takes_bf16_where_it_is_fast(accelerator, gpu, gpu_bf16, cpu_bf16, settled):
    with (
        mock.patch.object(torch.cuda, "is_available", lambda: gpu),
        mock.patch.object(torch.cuda, "is_bf16_supported", lambda **_: gpu_bf16),
        mock.patch.object(torch.backends.mps, "is_available", lambda: False),
        mock.patch.object(devices, "has_fast_bf16", lambda: cpu_bf16),
    ):
        assert settle_precision({"accelerator": accelerator, "precision": "auto"}) == settled
        assert settle_precision({"accelerator": accelerator, "precision": "16-mixed"}) == "16-mixed"


def test_auto_reaches_the_trainer_and_the_run_says_what_it_was(labelme, tmp_path):
    few = ["+trainer.limit_train_batches=1", "test=false", "data.val=none", f"data.root={labelme}"]
    run_task(train, "train", tmp_path / "run", *SMALL, *few, "trainer.max_epochs=1", "trainer.precision=auto")
    expected = "bf16-mixed" if has_fast_bf16() else "32-true"
    assert f"precision: {expected}" in (tmp_path / "run" / "config.yaml").read_text()


def test_a_precision_that_is_asked_for_is_taken():
    assert precision_of({"precision": "32-true"}, "cpu", "bf16-mixed") is torch.bfloat16
    assert precision_of({}, "cpu", "32-true") is None and precision_of({}, "cuda", "bf16-mixed")
