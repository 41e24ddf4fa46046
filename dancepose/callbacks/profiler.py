"""Where the time of a training step goes, for `debug=profiler`."""

import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.profilers import Profiler

from dancepose.callbacks.profile_report import PHASES, Operator, Profile
from dancepose.errors import ConfigError
from dancepose.files import write_bytes, write_json, write_text

log = logging.getLogger(__name__)

FETCH = ".train_dataloader_next"
SPAN = "step: "  # in front of the phases' names in the trace
TRACE = "profile_trace.json.gz"
# end of Lightning's name of an action -> phase of the time before its start, or up to its end
STARTS = {
    FETCH: "other",
    ".training_step": "other",
    ".backward": "other",
    "EMA.on_train_batch_end": "other",
}
STOPS = {
    FETCH: "data",
    ".batch_to_device": "move",
    ".training_step": "loss",
    ".backward": "backward",
    ".optimizer_step": "optimizer",
    "EMA.on_train_batch_end": "optimizer",
}


class StepProfiler(Profiler):
    """Measure the phases of a training step, then trace a few steps operator by operator, then stop.

    Time is cut at the actions that Lightning reports, so that the phases add up to the step. At each cut a
    GPU is waited for, else its work would be counted where the program happens to wait; that costs some
    overlap of the program and the device, and happens in the measured steps alone.

    Of several processes the first one is measured: what it waits for the others is in its backward pass.

    Writes into the run directory `profile.txt`, `profile.json` and `profile_trace.json.gz` (for
    ui.perfetto.dev or chrome://tracing).

    Args:
        total: batches until the training is stopped: warm-up, measured and traced ones.
        warmup: batches before anything is measured: start of the workers, choice of algorithms.
        traced: batches under torch's profiler, which slows them down: they are not in the phases' times.
        rows: operators in the table.

    Raises:
        ConfigError: nothing is left to be measured.
    """

    def __init__(self, total: int, warmup: int = 5, traced: int = 3, rows: int = 15):
        super().__init__()
        if warmup < 0 or traced < 0 or total <= warmup + traced:
            raise ConfigError(
                f"trainer.max_steps={total}: of so many steps {warmup} warm up and {traced} are traced, and "
                "none is left to be measured; raise it"
            )
        self.total, self.warmup, self.traced, self.rows = total, warmup, traced, rows
        self._seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        self._step = dict(self._seconds)  # of the step that is under way
        self._last: float | None = None  # the last cut; None where nothing is measured
        self._begun = self._steps = self._traced_steps = 0
        self._in_forward = self._finished = False
        self._spans: list[tuple[str, Any]] = []
        self._torch: Any = None  # torch's profiler while it traces
        self._handles: list[Any] = []

    def start(self, action_name: str) -> None:
        """Cut where an action begins."""
        end = next((end for end in STARTS if action_name.endswith(end)), None)
        if end is not None and not self._finished:
            self._cut(STARTS[end])
            if end == FETCH:
                self._next_step()
        self._open(action_name)

    def stop(self, action_name: str) -> None:
        """Cut where an action ends."""
        self._close(action_name)
        end = next((end for end in STOPS if action_name.endswith(end)), None)
        if end is not None and not self._finished:
            self._cut(STOPS[end])

    def _cut(self, phase: str) -> None:
        """Count the time since the last cut, with the device's work in it."""
        if self._last is None:
            return
        self._wait()
        now = time.perf_counter()
        self._step[phase] += now - self._last
        self._last = now

    def _wait(self) -> None:
        if self._module.device.type != "cpu":
            torch.accelerator.synchronize()

    @property
    def _module(self) -> Any:
        return self._lightning_module  # type: ignore[attr-defined]  # the trainer sets it

    def _next_step(self) -> None:
        """Close a step; begin to measure, to trace, or stop, when as many batches have been."""
        done, self._begun = self._begun, self._begun + 1
        if self._last is not None:
            self._seconds = {phase: self._seconds[phase] + self._step[phase] for phase in PHASES}
            self._steps += 1
        self._step = dict.fromkeys(PHASES, 0.0)
        if self._torch is not None:
            self._traced_steps += 1
        if done == self.total:
            self._finish()
        elif self._module.trainer.is_global_zero:
            if done == self.warmup:
                self._measure()
            if done == self.total - self.traced:
                self._trace()

    def _measure(self) -> None:
        """Begin with the phases; the task has the hooks, for a compiled network would have them in it."""
        before = self._module.register_forward_pre_hook(lambda *_: self._forward(True))
        self._handles = [before, self._module.register_forward_hook(lambda *_: self._forward(False))]
        self._wait()
        self._last = time.perf_counter()

    def _forward(self, begins: bool) -> None:
        """Cut around the network's pass; DDP calls the task's forward around the training step, too."""
        if begins:
            self._cut("other")
            self._open("forward")
        else:
            self._close("forward")
            self._cut("forward" if self._in_forward else "loss")
        self._in_forward = begins

    def _trace(self) -> None:
        """Begin to trace."""
        self._last = None
        activities = [torch.profiler.ProfilerActivity.CPU]
        if self._module.device.type == "cuda":
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        self._torch = torch.profiler.profile(activities=activities)
        self._torch.start()

    def _open(self, action: str) -> None:
        """Mark an action that is a phase in the trace."""
        if self._torch is not None and (action == "forward" or action.endswith(tuple(STOPS))):
            span = torch.profiler.record_function(SPAN + action.rpartition(".")[2])
            span.__enter__()
            self._spans.append((action, span))

    def _close(self, action: str) -> None:
        if self._spans and self._spans[-1][0] == action:
            self._spans.pop()[1].__exit__(None, None, None)

    def describe(self) -> None:
        """Report, at the end of a training that was shorter than asked for."""
        if self._stage == "fit" and not self._finished:
            self._traced_steps += self._torch is not None  # the last one has no successor that would close it
            self._finish()

    def _finish(self) -> None:
        """Stop to measure, write the report, and stop the training."""
        self._finished, self._last = True, None
        module = self._module
        for handle in self._handles:
            handle.remove()
        for action, _ in self._spans[::-1]:
            self._close(action)
        operators = self._stop_trace() if self._torch is not None else []
        module.trainer.should_stop = True
        if not module.trainer.is_global_zero:
            return
        if not self._steps:
            log.warning(
                "the training ended within the %d steps that warm up, or one later: nothing was measured. "
                "Train for more steps, or lower trainer.profiler.warmup",
                self.warmup,
            )
            return
        trainer = module.trainer
        data = getattr(trainer, "datamodule", None)
        batches = trainer.world_size * trainer.accumulate_grad_batches
        name = torch.cuda.get_device_name() if module.device.type == "cuda" else ""
        profile = Profile(
            dict(self._seconds),
            self._steps,
            getattr(data, "batch_size", batches) // batches,
            f"{module.device} {name}".strip(),
            getattr(data, "workers", None),
            operators,
        )
        folder = Path(str(self.dirpath))
        write_text(folder / "profile.txt", profile.text() + "\n")
        write_json(folder / "profile.json", profile.to_dict())
        if operators:
            log.info("%s: open it at ui.perfetto.dev or in chrome://tracing", folder / TRACE)
        log.info("where the time of a step goes:\n%s", profile.text())

    def _stop_trace(self) -> list[Operator]:
        """Write the trace; return the slowest operators."""
        self._wait()
        traced, self._torch = self._torch, None
        traced.stop()
        with tempfile.TemporaryDirectory() as folder:
            traced.export_chrome_trace(f"{folder}/{TRACE}")
            write_bytes(Path(str(self.dirpath)) / TRACE, Path(folder, TRACE).read_bytes())
        on_device = self._module.device.type == "cuda"
        # kernels stand beside the operators that start them, with the same time
        events = [e for e in traced.key_averages() if e.device_type.name == "CPU"]
        times = {
            event.key: (event.self_device_time_total if on_device else event.self_cpu_time_total, event.count)
            for event in events
            if not event.key.startswith(SPAN)
        }
        whole = sum(micros for micros, _ in times.values()) or 1.0
        steps = max(1, self._traced_steps)
        slowest = sorted(times, key=lambda name: -times[name][0])[: self.rows]
        return [
            Operator(name, times[name][1] / steps, times[name][0] / steps / 1000, times[name][0] / whole)
            for name in slowest
        ]
