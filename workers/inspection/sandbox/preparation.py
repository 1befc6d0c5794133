"""What libraries open, import or map late: the fork server has it done before it forks, since no child can do it.

Modules are imported by `child.prepare`. Where something is missing here, a child reports an unavailable environment.
"""

import ctypes
import encodings
import importlib
import io
import os
import pkgutil
import stat
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from workers.inspection.sandbox.confinement import OPEN_FILES


def open_late() -> Sequence[int]:
    """Do it, once all modules are loaded. Returns the descriptors that libraries keep, which every child needs."""
    for codec in pkgutil.iter_modules(encodings.__path__):
        with suppress(ImportError):  # those of another system
            importlib.import_module(f"encodings.{codec.name}")
    time.tzset()
    # libffi maps executable memory for the first callback from C, with room for hundreds more.
    ctypes.CFUNCTYPE(None)(int)
    if "pikepdf" in sys.modules:
        _take_random_numbers()
    return [each for each in range(3, OPEN_FILES) if _is_random(each)]


def _take_random_numbers() -> None:
    """Qpdf opens /dev/urandom for the first file that is encrypted by AES-256, and keeps it."""
    import pikepdf

    with pikepdf.new() as pdf:
        pdf.save(io.BytesIO(), encryption=pikepdf.Encryption(owner="", user="", R=6))


def _is_random(descriptor: int) -> bool:
    with suppress(OSError):
        about = os.fstat(descriptor)
        return stat.S_ISCHR(about.st_mode) and about.st_rdev == Path("/dev/urandom").stat().st_rdev
    return False
