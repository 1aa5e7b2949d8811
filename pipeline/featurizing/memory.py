"""Freed memory kept for the next array, where the C library can be asked to.

A block makes hundreds of arrays of some megabytes. As a rule each goes back to the kernel when it is freed, and the
next one pays again for every page it touches, a tenth of the whole work.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt(3)
_KEPT_BYTES = 2**31 - 1
_IN_HEAP_BYTES = 2**30


def keep_freed_memory() -> bool:
    """Ask for it for the whole process; False where `mallopt` is not known, as on macOS: only time is lost."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    asked = ((_TRIM_THRESHOLD, _KEPT_BYTES), (_MMAP_THRESHOLD, _IN_HEAP_BYTES), (_ARENA_MAX, 1))
    return all(mallopt(option, value) for option, value in asked)
