"""Kill launchers and jobs of a sweep at random moments; what comes out must be what an undisturbed one gives.

`python -m kills <folder> <number of kills> <seed>` is the long form of the test of the suite.
"""

import contextlib
import csv
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from factories import make_actions
from forked import Launched, Server
from sweeping import alive, children

from dancepose.files import PARTIAL

# the shipped experiment with its augmentation and dropout, averaged weights, a sampler with a state
SHARED = [
    "experiment=motion_paper",
    "data.val=0.2",
    "data.test=0.2",
    "data.batch_size=8",
    "data.workers=2",
    "data.sampler=confusion",
    "callbacks.ema.decay=0.9",
    "~callbacks.motion_pictures",
    "trainer=cpu",
]
# of the image branch, as small as it can be, as a run in W&B
IMAGES = ["data=action", "data.root=clips", "model.branches=[image]", "model.depth=18", "model.width=4"]
IMAGES += ["data.size=32", "data.resize=36"]
KILLED = [*SHARED, *IMAGES, "~callbacks.summary", "logger=wandb"]
# of the keypoint branch, from which other tests make their jobs
KEYPOINTS = ["data=skeletons", "data.annotations=a.npz", "model.branches=[keypoints]"]
JOB = [*SHARED, *KEYPOINTS, "trainer.max_epochs=4", "seed=3,4"]
# the keypoint branch on one short epoch
VARIED = ("data.workers", "trainer.max_epochs", "seed", "data.sampler")
SMALL = [o for o in JOB if o.split("=")[0] not in VARIED]
SMALL += ["data.workers=0", "trainer.max_epochs=1", "~callbacks.summary"]
# of a checkpoint, where and when it was written
PLACES = ("dirpath", "best_model_path", "last_model_path", "kth_best_model_path", "best_k_models")
PLACES += ("train/samples_per_s", "train/images_per_s")


HALF = "*/checkpoints/.*ckpt.*"  # the names of checkpoints that are being written
WRITTEN = "was written"


def study(
    server: Server,
    folder: Path,
    kills: int,
    seed: int,
    job: Sequence[str] = (*KILLED, "trainer.max_epochs=4", "seed=3,4"),
    told: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Kill so many times, the first time while a checkpoint is written; return what was killed when.

    Args:
        server: runs the commands.
        folder: an empty one.
        kills: how many.
        seed: of the moments.
        job: overrides.
        told: gets a line for each kill.
    """
    make_actions(folder / "clips", clips=12)
    start = time.monotonic()
    launched = server.run("-m", *job, "sweep=undisturbed", cwd=folder)
    life = time.monotonic() - start
    assert launched.wait() == 0, launched.output
    draw, log, number = random.Random(seed), list[str](), 0
    ids = dict[Path, str]()  # in W&B
    while len(log) < kills:
        number += 1
        sweep = folder / "outputs" / "sweeps" / f"killed_{number}"
        command = ("-m", *job, f"sweep={sweep.name}")
        status = None
        while status != 0 and len(log) < kills:
            launched = server.start(*command, cwd=folder)
            when, victim = draw.choice(["moment", "checkpoint"]), draw.choice(["launcher", "job"])
            moment = draw.uniform(0, (0.3 if when == "checkpoint" else 0.9) * life)
            if not log:
                when, moment = "checkpoint", 0.0
            if line := kill(launched, sweep, when, victim, moment):
                log.append(line)
                told(line)
            status = launched.wait()
            assert line or status == 0, launched.output  # else a job that fails would be begun for ever
            check_whole(sweep, ids)
        for _ in range(3):  # a job that was killed failed in the eyes of its launcher, and goes on now
            if status == 0:
                break
            launched = server.run(*command, cwd=folder)
            status = launched.wait()
            assert "Traceback" not in launched.output, launched.output
        assert status == 0, launched.output
        check_whole(sweep, ids)
        compare(folder / "outputs" / "sweeps" / "undisturbed", sweep)
    return log


def kill(launched: Launched, sweep: Path, when: str, victim: str, moment: float) -> str:
    """Wait for the moment, and if need be for a checkpoint that is being written after it, and kill.

    Who is writing is stopped first: it must not be done before the kill comes.

    Returns:
        What was done; nothing where the sweep had ended before.
    """
    launched_at = time.monotonic()
    while time.monotonic() - launched_at < moment:
        if not alive(launched.pid):
            return ""
        time.sleep(0.005)
    written, left = None, set(sweep.glob(HALF))
    while when == "checkpoint" and written is None:
        if not alive(launched.pid):
            return ""
        if found := next(iter({*sweep.glob(HALF)} - left), None):
            jobs = children(launched.pid)
            send(jobs, signal.SIGSTOP)
            if found.exists():
                written = found
            else:
                send(jobs, signal.SIGCONT)
        time.sleep(0.0005)
    jobs = children(launched.pid)
    pid = jobs[0] if victim == "job" and jobs else launched.pid
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return ""
    what = "the launcher" if pid == launched.pid else "the job"
    at = f"while {written.parent.parent.name}/{written.name} {WRITTEN}" if written else ""
    return f"{what} after {time.monotonic() - launched_at:.2f} s {at}".strip()


def send(pids: Sequence[int], number: int) -> None:
    """Send processes a signal; those that are gone need none."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def check_whole(sweep: Path, ids: dict[Path, str]) -> None:
    """Every file that is there can be read, and a run keeps the name in W&B that it has once had.

    Args:
        sweep: the folder.
        ids: file of a name -> what it has held so far.
    """
    for path in sweep.glob("*/wandb_id"):
        assert ids.setdefault(path, path.read_text()) == path.read_text(), "one run in W&B"
    for path in sweep.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_text())
    for path in sweep.glob("*/checkpoints/*.ckpt"):
        if not path.name.startswith("."):
            torch.load(path, weights_only=True)


def compare(whole: Path, killed: Path) -> None:
    """Metrics, weights, answers and what a run goes on from are equal to the bit; nothing is half-written.

    And a run that logs into W&B is one run there.
    """
    half = [path for path in killed.rglob(".*") if PARTIAL.fullmatch(path.name)]
    half += killed.glob(".plans_*")
    assert not half, f"half-written files: {half}"
    names = sorted(path.name for path in whole.iterdir() if (path / "metrics.json").is_file())
    assert names and names == sorted(p.name for p in killed.iterdir() if (p / "metrics.json").is_file())
    for name in names:
        one, other = (json.loads((f / name / "metrics.json").read_text()) for f in (whole, killed))
        for metrics in (one, other):
            for key in PLACES:
                metrics["metrics"].pop(key, None)
            metrics.pop("commit", None)  # somebody may be at work on the code
        assert one == other
        assert (whole / name / "test.json").read_text() == (killed / name / "test.json").read_text()
        for file in ("last.ckpt", "best.ckpt"):
            a, b = (torch.load(f / name / "checkpoints" / file, weights_only=True) for f in (whole, killed))
            assert "raw_state_dict" in str(a.keys()) and a["optimizer_states"]
            check_same(a, b, f"{name} {file}")
        rows = [read_rows(folder / name / "metrics.csv") for folder in (whole, killed)]
        assert rows[0] == rows[1], f"{name}: metrics.csv"
        answers = [
            np.load(folder / name / "per_sample.npz", allow_pickle=False) for folder in (whole, killed)
        ]
        assert answers[0].files == answers[1].files
        for key in answers[0].files:
            assert np.array_equal(answers[0][key], answers[1][key]), f"{name} per_sample.npz {key}"
        logged = {path.name.rpartition("-")[2] for path in (killed / name).glob("wandb/offline-run-*")}
        logger = yaml.safe_load((killed / name / "config.yaml").read_text())["logger"]
        own = {(killed / name / "wandb_id").read_text().strip()} if "wandb" in logger else set()
        assert logged == own, "one run in W&B"


def check_same(one: Any, other: Any, place: str) -> None:
    """Compare what a checkpoint holds, tensors to the bit."""
    assert type(one) is type(other), f"{place}: {one} {other}"
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one:
            if key not in PLACES:
                check_same(one[key], other[key], f"{place} {key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), place
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            check_same(a, b, f"{place} {number}")
    else:
        assert one == other or (one != one and other != other), f"{place}: {one} {other}"


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of metrics.csv without speeds."""
    with path.open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in PLACES} for row in csv.DictReader(file)]


def main() -> None:
    folder, kills, seed = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True)
    os.environ |= {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
    server, start = Server(), time.monotonic()
    log = study(server, folder, kills, seed, told=lambda line: print(line, flush=True))
    server.close()
    print(
        f"{len(log)} kills in {time.monotonic() - start:.0f} s: all metrics equal those of an undisturbed run"
    )


if __name__ == "__main__":
    main()
