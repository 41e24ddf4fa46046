"""Kill launchers and jobs of a sweep at random moments; what comes out must be what an undisturbed one gives.

`python -m kills <folder> <number of kills> <seed>` is the long form of the test of the suite.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from factories import make_archive
from forked import Launched, Server

# the shipped experiment with its augmentation and dropout, averaged weights, a sampler with a state, workers
JOB = [
    "experiment=motion_paper",
    "data=skeletons",
    "data.annotations=a.npz",
    "model.branches=[keypoints]",
    "data.labels=null",
    "data.gap=0",
    "data.val=0.2",
    "data.test=0.2",
    "data.batch_size=8",
    "data.workers=2",
    "data.sampler=confusion",
    "callbacks.ema.decay=0.9",
    "~callbacks.motion_pictures",
    "trainer=cpu",
    "trainer.max_epochs=4",
    "seed=3,4",
]


HALF = "*/checkpoints/.*ckpt.*"  # the names of checkpoints that are being written


def study(server: Server, folder: Path, kills: int, seed: int, job=JOB, told=lambda line: None) -> list[str]:
    """Kill so many times; return what was killed when.

    Args:
        server: runs the commands.
        folder: an empty one.
        kills: how many.
        seed: of the moments.
        job: overrides.
        told: gets a line for each kill.
    """
    make_archive(folder / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    start = time.monotonic()
    launched = server.run("-m", *job, "sweep=undisturbed", cwd=folder)
    life = time.monotonic() - start
    assert launched.wait() == 0, launched.output
    draw, log, number = random.Random(seed), [], 0
    while len(log) < kills:
        number += 1
        sweep = folder / "outputs" / "sweeps" / f"killed_{number}"
        command = ("-m", *job, f"sweep={sweep.name}")
        status = None
        while status != 0 and len(log) < kills:
            launched = server.start(*command, cwd=folder)
            when = draw.choice(["moment", "checkpoint"])
            victim = draw.choice(["launcher", "job"])
            if line := kill(launched, sweep, when, victim, draw.uniform(0, life)):
                log.append(line)
                told(line)
            status = launched.wait()
            check_whole(sweep)
        while status != 0:  # a job that was killed failed in the eyes of its launcher, and goes on now
            launched = server.run(*command, cwd=folder)
            status = launched.wait()
            assert "Traceback" not in launched.output, launched.output
        compare(folder / "outputs" / "sweeps" / "undisturbed", sweep)
    return log


def kill(launched: Launched, sweep: Path, when: str, victim: str, moment: float) -> str:
    """Wait for the moment, or for a checkpoint that is being written after half of it, and kill.

    Returns:
        What was done; nothing where the sweep had ended before.
    """
    launched_at = time.monotonic()
    while time.monotonic() - launched_at < moment * (0.5 if when == "checkpoint" else 1):
        if not alive(launched.pid):
            return ""
        time.sleep(0.005)
    written, left = None, set(sweep.glob(HALF))
    while when == "checkpoint" and not (written := next(iter({*sweep.glob(HALF)} - left), None)):
        if not alive(launched.pid):
            return ""
        time.sleep(0.0005)
    jobs = children(launched.pid)
    pid = jobs[0] if victim == "job" and jobs else launched.pid
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return ""
    what = "the launcher" if pid == launched.pid else "the job"
    at = f"while {written.parent.parent.name}/{written.name} was written" if written else ""
    return f"{what} after {time.monotonic() - launched_at:.2f} s {at}".strip()


def alive(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def check_whole(sweep: Path) -> None:
    """Every file that is there can be read."""
    for path in sweep.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_text())
    for path in sweep.glob("*/checkpoints/*.ckpt"):
        if not path.name.startswith("."):
            torch.load(path, weights_only=True)


def compare(whole: Path, killed: Path) -> None:
    """Metrics, weights and answers are equal to the bit, and nothing half-written is left."""
    names = sorted(path.name for path in whole.iterdir() if (path / "metrics.json").is_file())
    assert names and names == sorted(p.name for p in killed.iterdir() if (p / "metrics.json").is_file())
    for name in names:
        one, other = (json.loads((f / name / "metrics.json").read_text()) for f in (whole, killed))
        for metrics in (one, other):
            metrics["metrics"].pop("train/samples_per_s", None)
            metrics["metrics"].pop("train/images_per_s", None)
        assert one == other
        assert (whole / name / "test.json").read_text() == (killed / name / "test.json").read_text()
        for file in ("last.ckpt", "best.ckpt"):
            a, b = (torch.load(f / name / "checkpoints" / file, weights_only=True) for f in (whole, killed))
            for key, tensor in a["state_dict"].items():
                assert torch.equal(tensor, b["state_dict"][key]), f"{name} {file} {key}"
        rows = [(f / name / "metrics.csv").read_text().splitlines() for f in (whole, killed)]
        assert len(rows[0]) == len(rows[1]), f"{name}: rows of metrics.csv"
        assert not list((killed / name).rglob(".*.????????")), "half-written files"


def main() -> None:
    folder, kills, seed = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True)
    server, start = Server(), time.monotonic()
    log = study(server, folder, kills, seed, told=lambda line: print(line, flush=True))
    server.close()
    print(
        f"{len(log)} kills in {time.monotonic() - start:.0f} s: all metrics equal those of an undisturbed run"
    )


if __name__ == "__main__":
    main()
