# SPDX-License-Identifier: Apache-2.0
"""Every failure of the library is a :class:`TsmError` whose text is one line that names the thing and what is wrong."""


class TsmError(Exception):
    """What all failures have in common. ``status`` is the number of ``tsm_status`` in C."""

    status = 0


class ArgumentError(TsmError, ValueError):
    """Something was passed that cannot be meant: a wrong shape, type or option, a value that is not finite."""

    status = 10


class OutOfMemoryError(TsmError, MemoryError):
    """Host or device memory could not be had, or a plan needs more than ``max_bytes``."""

    status = 20


class FileError(TsmError, OSError):
    """A file could not be opened, read or written."""

    status = 30


class FormatError(TsmError, ValueError):
    """A file is damaged, or not of the kind it should be."""

    status = 40


class ModelError(TsmError, ValueError):
    """A checkpoint was read, but it is not a network that can be built."""

    status = 50


class UnsupportedError(TsmError, NotImplementedError):
    """Understood, but not available here: a precision, a device, a mode, something beyond a limit."""

    status = 60


class DeviceError(TsmError, RuntimeError):
    """A device, or one of its libraries, refused or failed."""

    status = 70


class CancelledError(TsmError):
    """The function given as ``cancel`` asked for it."""

    status = 80


class InternalError(TsmError, RuntimeError):
    """A fault of libtsm itself. Please report it."""

    status = 90


_by_status = {
    kind.status: kind
    for kind in (
        ArgumentError,
        OutOfMemoryError,
        FileError,
        FormatError,
        ModelError,
        UnsupportedError,
        DeviceError,
        CancelledError,
        InternalError,
    )
}


def error_of(status: int, text: str) -> TsmError:
    """The exception for a status that is not ``TSM_OK``."""
    return _by_status.get(status, TsmError)(text or f"status {status}")
