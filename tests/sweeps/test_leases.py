"""Devices that are lent to one job at a time, and are free again however a job ends."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from dancepose.errors import ConfigError
from dancepose.sweeps import leases
from dancepose.sweeps.leases import Device, LeaseRefused, leased, usable_cores, visible_gpus

BORROWER = """
import os, sys, time
from dancepose.sweeps.leases import Device, leased
devices = [Device(n, f"gpu-{n}") for n in sys.argv[1].split(",")]
for turn in range(int(sys.argv[2])):
    with leased(devices, int(sys.argv[3])) as names:
        os.write(1, (' '.join(['+', *names]) + chr(10)).encode())  # a line at once, whatever the buffering
        time.sleep(float(sys.argv[4]))
        os.write(1, (' '.join(['-', *names]) + chr(10)).encode())
"""
LISTED = "".join(f"GPU {n}: NVIDIA H100 (UUID: GPU-{name})\n" for n, name in enumerate(["aa", "bb", "cc"]))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(leases.FOLDER, str(tmp_path / "leases"))
    monkeypatch.delenv(leases.VISIBLE, raising=False)
    return tmp_path / "leases"


def devices(*names: str) -> list[Device]:
    return [Device(name, f"gpu-{name}") for name in names]


def borrower(*arguments: object, **more) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", BORROWER, *map(str, arguments)], text=True, **more)


def test_no_device_is_lent_twice_at_a_time_by_whatever_process(tmp_path):
    """Two launchers with three threads each want one or two of four devices."""
    log = tmp_path / "log"
    with log.open("a") as out:
        others = [borrower("a,b,c,d", 12, number, 0.005, stdout=out) for number in (1, 2)]
    lock, held, most = threading.Lock(), set(), 0

    def borrow(number: int) -> None:
        nonlocal most
        for _ in range(12):
            with leased(devices("a", "b", "c", "d"), number) as names:
                with lock:
                    assert not held & set(names) and len(set(names)) == number
                    held.update(names)
                    most = max(most, len(held))
                    with log.open("a") as out:
                        print("+", *names, file=out)
                time.sleep(0.005)
                with lock:
                    held.difference_update(names)
                    with log.open("a") as out:
                        print("-", *names, file=out)

    threads = [threading.Thread(target=borrow, args=(number,)) for number in (1, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    lent: set[str] = set()
    for line in log.read_text().splitlines():
        sign, *names = line.split()
        assert lent.isdisjoint(names) if sign == "+" else lent.issuperset(names)
        lent = lent | set(names) if sign == "+" else lent - set(names)
    assert lent == set() and most > 1 and log.read_text().count("\n") == 5 * 24


def test_the_lease_of_a_process_that_is_killed_is_free():
    other = borrower("a,b", 1, 2, 60, stdout=subprocess.PIPE)
    assert other.stdout.readline() == "+ a b\n"
    end = time.monotonic() + 0.3
    with pytest.raises(LeaseRefused), leased(devices("a", "b"), 1, lambda: time.monotonic() > end):
        raise AssertionError("lent twice")
    other.send_signal(signal.SIGKILL)
    other.wait()
    other.stdout.close()
    with leased(devices("a", "b"), 2, lambda: time.monotonic() > end + 10) as names:
        assert names == ["a", "b"]


def test_who_cannot_have_all_keeps_none():
    with ExitStack() as held:
        assert held.enter_context(leased(devices("a", "b", "c"), 1)) == ["a"]
        asked = []
        with (
            pytest.raises(LeaseRefused),
            leased(devices("a", "b"), 2, lambda: asked.append(1) or len(asked) > 2),
        ):
            raise AssertionError("lent twice")
        assert held.enter_context(leased(devices("a", "b"), 1)) == ["b"]


def test_more_than_there_are_and_a_folder_that_cannot_be(monkeypatch, tmp_path):
    with (
        pytest.raises(ConfigError, match="2 devices are asked for, and there are 1 to lend"),
        leased(devices("a"), 2),
    ):
        raise AssertionError
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(leases.FOLDER, str(tmp_path / "file" / "x"))
    with (
        pytest.raises(ConfigError, match=r"file/x cannot be made: .*DANCEPOSE_LEASES"),
        leased(devices("a"), 1),
    ):
        raise AssertionError


@pytest.fixture
def smi(tmp_path, monkeypatch) -> None:
    """An nvidia-smi that lists three GPUs."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{LISTED}EOF\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("visible", "given", "found"),
    [
        (None, None, {"0": "gpu-GPU-aa", "1": "gpu-GPU-bb", "2": "gpu-GPU-cc"}),
        ("2,0", None, {"2": "gpu-GPU-cc", "0": "gpu-GPU-aa"}),
        ("GPU-bb", None, {"GPU-bb": "gpu-GPU-bb"}),
        ("", None, {}),
        ("1,-1,0", None, {"1": "gpu-GPU-bb"}),
        ("0,1,2", [1], {"1": "gpu-GPU-bb"}),
        (None, [7, "MIG-1/2"], {"7": "gpu-7", "MIG-1/2": "gpu-MIG-1_2"}),
    ],
)
def test_which_gpus_a_launcher_may_lend(visible, given, found, smi, monkeypatch):
    """One GPU has one lock, by whatever name a launcher knows it."""
    if visible is not None:
        monkeypatch.setenv(leases.VISIBLE, visible)
    assert {device.name: device.file for device in visible_gpus(given)} == found


def test_without_nvidia_smi_there_is_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []


def test_cores_are_those_that_the_process_may_use():
    cores = usable_cores()
    assert 1 <= len(cores) <= len(os.sched_getaffinity(0))
    assert {int(core.name) for core in cores} <= os.sched_getaffinity(0)


@pytest.mark.parametrize("laid", ["link", "foreign"])
def test_a_folder_that_somebody_else_has_laid_is_not_used(laid, monkeypatch, tmp_path):
    """Anybody may make one of that name where all programs keep temporary files."""
    monkeypatch.delenv(leases.FOLDER)
    monkeypatch.setattr(leases.tempfile, "gettempdir", lambda: str(tmp_path))
    theirs = tmp_path / f"dancepose-leases-{os.getuid()}"
    with leased(devices("a"), 1) as names:
        assert names == ["a"] and (theirs / "gpu-a.lock").is_file()
    shutil.rmtree(theirs)
    if laid == "link":
        (tmp_path / "precious").mkdir()
        theirs.symlink_to(tmp_path / "precious")
    else:
        theirs.mkdir()
        user = os.getuid()
        monkeypatch.setattr(leases, "leases_folder", lambda: theirs)
        monkeypatch.setattr(leases.os, "getuid", lambda: user + 1)
    with (
        pytest.raises(ConfigError, match="is a link, or not yours: .*DANCEPOSE_LEASES"),
        leased(devices("a"), 1),
    ):
        raise AssertionError
    assert not list((tmp_path / "precious").glob("*")) and not list(theirs.glob("*"))
