# SPDX-License-Identifier: Apache-2.0
"""Finds and opens libtsm and libtsm-video, and turns what they return into results or exceptions.

ctypes lets other Python threads run while a function of the library does.
"""

import ctypes
import os
import threading
from pathlib import Path

from . import _abi
from .errors import UnsupportedError, error_of

SONAME_VERSION = 0
NVIDIA = Path(__file__).parents[1] / "nvidia"  # CUDA's libraries, where pip installed them beside this package


def _places(name):
    """Where a library may be: TSM_LIBRARY_DIR alone if it is set, else in the package, else where the loader looks."""
    file = f"lib{name}.so.{SONAME_VERSION}"
    folder = os.environ.get("TSM_LIBRARY_DIR")
    if folder:
        return [str(Path(folder) / file)]
    bundled = Path(__file__).with_name("lib") / file
    return ([str(bundled)] if bundled.exists() else []) + [file]


def _open(name, functions):
    reasons = []
    for place in _places(name):
        try:
            library = ctypes.CDLL(place)
        except OSError as reason:
            reasons.append(str(reason))
            continue
        for function, (result, arguments) in functions.items():
            try:
                symbol = getattr(library, function)
            except AttributeError:
                raise UnsupportedError(f"{place}: has no {function}; this package needs a newer libtsm") from None
            symbol.restype, symbol.argtypes = result, arguments
        return library
    raise UnsupportedError(f"lib{name} cannot be opened: {'; '.join(reasons)}")


if (NVIDIA / "cudnn").is_dir():
    os.environ.setdefault("TSM_CUDA_PATH", str(NVIDIA))
core = _open("tsm", _abi.CORE)
_video = None
_video_lock = threading.Lock()


def video():
    """libtsm-video, opened at its first use, as it needs FFmpeg's libraries, which not every host has."""
    global _video
    with _video_lock:
        if _video is None:
            _video = _open("tsm-video", _abi.VIDEO)
    return _video


def call(function, *arguments):
    """Calls a function whose last parameter is the error record; raises what it says."""
    error = _abi.Error()
    status = function(*arguments, ctypes.byref(error))
    if status:
        raise error_of(status, error.text.decode("utf-8", "replace"))


def text(value):
    """A string of the library, or None for NULL."""
    return None if value is None else value.decode("utf-8", "replace")


def path_bytes(path):
    """A path as the system has it: also one that is not UTF-8."""
    return os.fsencode(path)


def encoded(value):
    return None if value is None else value.encode("utf-8")


def lines(value):
    """A string of lines as a tuple; NULL is none."""
    return tuple(text(value).splitlines()) if value else ()


class Handle:
    """An object of the library, destroyed with its last reference. The library lets them go in any order."""

    def __init__(self, destroy):
        self.pointer = ctypes.c_void_p()
        self._destroy = destroy

    @property
    def out(self):
        return ctypes.byref(self.pointer)

    @property
    def _as_parameter_(self):
        return self.pointer

    def __del__(self):
        if self.pointer:
            self._destroy(ctypes.byref(self.pointer))
