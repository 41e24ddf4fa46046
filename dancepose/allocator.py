"""The C library's memory is kept between steps: glibc would give it back and fetch it anew in each.

A training step allocates what the step before has freed. glibc maps each tensor above 32 MiB by itself and
unmaps it when it is freed, and cuts free memory off the end of its heap, so that the kernel has to clear all
of these pages anew in every step.
"""

import os
import sys

# parameters of mallopt, as numbered in glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
MAPPED = 2**30  # bytes: what is larger is still given back at once
KEPT = 2**31 - 1  # bytes that may be free at the end of the heap: the most that mallopt takes
CHOSEN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_")


def keep_freed_memory() -> None:
    """Let this process and its forks keep freed memory for the next allocation; to be called before torch is.

    Only under Linux with glibc; elsewhere nothing is done. Nor is it where the environment sets glibc's
    allocator: that is the user's word. No result depends on it.
    """
    chosen = any(name in os.environ for name in CHOSEN)
    if chosen or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "") or not _has_glibc():
        return
    import ctypes

    library = ctypes.CDLL(None)
    if not library.mallopt(M_MMAP_THRESHOLD, MAPPED):  # older ones take no more than 32 MiB
        library.mallopt(M_MMAP_MAX, 0)
    library.mallopt(M_TRIM_THRESHOLD, KEPT)


def _has_glibc() -> bool:
    try:
        return sys.platform == "linux" and (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):  # musl knows no such name
        return False
