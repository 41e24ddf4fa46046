"""Freed memory stays with the process, in the commands that compute, and only where there is glibc."""

import ctypes
import importlib
import os
import subprocess
import sys

import pytest

from dancepose import allocator, entry

# maps allocated, written and freed as steps do; prints how many pages the kernel had to give
FAULTS = """
import ctypes, resource, sys
from dancepose.allocator import keep_freed_memory
if "kept" in sys.argv:
    keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def step():
    maps = [libc.malloc(ctypes.c_size_t(2**20 * size)) for size in (40, 5, 40)]
    for at, size in zip(maps, (40, 5, 40)):
        ctypes.memset(at, 1, 2**20 * size)
    for at in maps:
        libc.free(ctypes.c_void_p(at))
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

with_glibc = pytest.mark.skipif(not allocator._has_glibc(), reason="needs Linux with glibc")


def faults(*words: str, **environment: str) -> int:
    chosen = (*allocator.CHOSEN, "GLIBC_TUNABLES")
    clean = {key: value for key, value in os.environ.items() if key not in chosen}
    command = [sys.executable, "-c", FAULTS, *words]
    return int(subprocess.run(command, env=clean | environment, capture_output=True, check=True).stdout)


@with_glibc
def test_pages_are_fetched_once():
    whole = 5 * 85 * 2**20 // os.sysconf("SC_PAGE_SIZE")
    assert faults("kept") < 0.02 * faults()
    assert faults() < 1.1 * whole


@with_glibc
@pytest.mark.parametrize(
    "set_by_hand",
    [{"MALLOC_MMAP_THRESHOLD_": str(2**20)}, {"GLIBC_TUNABLES": f"glibc.malloc.mmap_threshold={2**20}"}],
    ids=lambda given: next(iter(given)),
)
def test_who_sets_glibc_by_the_environment_has_the_last_word(set_by_hand):
    assert faults("kept", **set_by_hand) > 0.5 * faults(**set_by_hand)


class Library:
    """A C library that notes what it is told, and refuses large thresholds as older ones do."""

    def __init__(self, limit: int = 2**31):
        self.limit, self.told = limit, []

    def mallopt(self, name: int, value: int) -> int:
        self.told.append((name, value))
        return int(name != allocator.M_MMAP_THRESHOLD or value <= self.limit)


@pytest.mark.parametrize(("limit", "mapping_off"), [(2**31, False), (2**25, True)])
def test_an_older_glibc_maps_nothing(monkeypatch, limit, mapping_off):
    library = Library(limit)
    monkeypatch.setattr(allocator, "_has_glibc", lambda: True)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for name in (*allocator.CHOSEN, "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    allocator.keep_freed_memory()
    assert ((allocator.M_MMAP_MAX, 0) in library.told) == mapping_off
    assert (allocator.M_TRIM_THRESHOLD, allocator.KEPT) in library.told


@pytest.mark.parametrize(
    ("platform", "version"),
    [("darwin", "glibc 2.36"), ("linux", None), ("linux", ValueError("unrecognized configuration name"))],
)
def test_elsewhere_nothing_is_called(monkeypatch, platform, version):
    def confstr(name: str) -> str | None:
        if isinstance(version, Exception):
            raise version
        return version

    library = Library()
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "confstr", confstr)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    allocator.keep_freed_memory()
    assert library.told == []


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "benchmark"])
def test_commands_that_compute_begin_with_it(monkeypatch, command):
    done = []
    module = importlib.import_module(f"dancepose.{command}")
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda: done.append("kept"))
    monkeypatch.setattr(entry, "run", lambda task, name: done.append(name))
    monkeypatch.setattr("gc.disable", lambda: None)
    module.main()
    assert done == ["kept", command]
