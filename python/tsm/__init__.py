# SPDX-License-Identifier: Apache-2.0
"""TSM (Temporal Shift Module) video action recognition, by libtsm.

>>> import tsm
>>> engine = tsm.Model.load("tsm.safetensors").engine()
>>> engine.classify("clip.mp4")[0].label
'waving'
>>> logits = engine(clips)     # NumPy, PyTorch, CuPy: uint8 (N,T,H,W,3) or float32 (N,T,3,H,W)
"""

from ._library import core as _core
from ._version import __version__
from .engine import Engine, EngineInfo, Prediction, ProfileRow
from .errors import (
    ArgumentError,
    CancelledError,
    DeviceError,
    FileError,
    FormatError,
    InternalError,
    ModelError,
    OutOfMemoryError,
    TsmError,
    UnsupportedError,
)
from .model import Model, ModelInfo
from .video import Clips, load_video


def library_version() -> str:
    """The version of libtsm that is loaded."""
    return _core.tsm_version().decode()


__all__ = [
    "ArgumentError",
    "CancelledError",
    "Clips",
    "DeviceError",
    "Engine",
    "EngineInfo",
    "FileError",
    "FormatError",
    "InternalError",
    "Model",
    "ModelError",
    "ModelInfo",
    "OutOfMemoryError",
    "Prediction",
    "ProfileRow",
    "TsmError",
    "UnsupportedError",
    "__version__",
    "library_version",
    "load_video",
]
