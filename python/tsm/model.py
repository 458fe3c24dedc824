# SPDX-License-Identifier: Apache-2.0
"""A checkpoint, understood."""

from __future__ import annotations

import ctypes
import os
import tempfile
from dataclasses import dataclass
from typing import Callable, Optional

from . import _abi, _library
from ._library import call, core, encoded, lines, path_bytes, text
from ._names import DIRECTIONS, NONLOCALS, PLACES, chosen, named
from .engine import Engine
from .video import Clips, load_video


@dataclass(frozen=True)
class ModelInfo:
    """What a model is. ``doubts`` are settings that neither file nor options gave and that were assumed."""

    format: str
    naming: str
    arch: str
    width: int
    segments: int
    classes: int
    shift_div: int
    shift_place: str
    shift_direction: str
    shifts: int
    in_channels: int
    input_size: int
    scale_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    dtype: str
    parameters: int
    macs: int
    temporal_pool: bool
    nonlocal_mode: str
    nonlocal_blocks: int
    groups: int
    bottleneck_width: int
    doubts: tuple[str, ...]
    weights: Optional[str]
    other_weights: tuple[str, ...]
    prefix: Optional[str]
    left_out: Optional[str]


def _info_of(raw: _abi.ModelInfo) -> ModelInfo:
    fields = {}
    for name in ModelInfo.__dataclass_fields__:
        value = getattr(raw, name)
        if name in ("mean", "std"):
            value = tuple(value)
        elif name in ("doubts", "other_weights"):
            value = lines(value)
        elif name == "temporal_pool":
            value = bool(value)
        elif isinstance(value, bytes):
            value = text(value)
        fields[name] = value
    fields["shift_place"] = named(PLACES, raw.shift_place)
    fields["shift_direction"] = named(DIRECTIONS, raw.shift_direction)
    fields["nonlocal_mode"] = named(NONLOCALS, raw.nonlocal_mode)
    return ModelInfo(**fields)


class Model:
    """The network in a checkpoint. Immutable; any number of threads may use it.

    >>> model = Model.load("TSM_kinetics_RGB_resnet50_shift8_blockres_avg_segment8_e50.pth")
    >>> model.info.arch, model.info.segments
    ('resnet50', 8)
    >>> engine = model.engine()
    """

    def __init__(self, handle: _library.Handle):
        raw = _abi.ModelInfo()
        core.tsm_model_get_info(handle, ctypes.byref(raw))
        self._handle = handle
        self.info: ModelInfo = _info_of(raw)
        names = [text(core.tsm_model_label(handle, i)) for i in range(raw.classes)] if raw.has_labels else None
        self.labels: Optional[list[str]] = names

    @classmethod
    def load(
        cls,
        source: "str | os.PathLike | bytes | bytearray | memoryview",
        *,
        arch: Optional[str] = None,
        segments: int = 0,
        shift_div: int = 0,
        shift_place: Optional[str] = None,
        shift_direction: Optional[str] = None,
        no_shift: bool = False,
        nonlocal_mode: Optional[str] = None,
        input_size: int = 0,
        labels: "str | os.PathLike | list[str] | None" = None,
        weights: Optional[str] = None,
        cancel: Optional[Callable[[], bool]] = None,
    ) -> "Model":
        """Reads a checkpoint: safetensors, PyTorch's files, PaddlePaddle's; nothing in it is executed.

        source        a path, or the bytes of a file
        arch          name of the network, such as "resnet50"; by default what shapes and names tell
        segments      T, frames of a clip
        shift_div     n_div: 1/n_div of the channels moves each way
        shift_place   "blockres" or "block"
        shift_direction  "bidirectional", "unidirectional" or "mirrored"
        no_shift      run the weights as TSN, the 2D baseline
        nonlocal_mode  "embedded_gaussian", "dot_product" or "gaussian", for networks with non-local blocks
        input_size    pixels a side of the crop that the network reads
        labels        names of the classes: a list, or a path of a file with one a line
        weights       key of the dictionary in the file that holds the weights, such as "state_dict"
        cancel        asked now and then; a true answer ends loading with CancelledError

        What is not given is taken from the file: metadata, names, shapes, and the form of its own name.
        Errors: FileError, FormatError, ModelError, ArgumentError, OutOfMemoryError.
        """
        names, origin = _labels_of(labels)
        options = _abi.ModelOptions(
            arch=encoded(arch),
            segments=segments,
            shift_div=shift_div,
            shift_place=chosen("shift_place", PLACES, shift_place),
            shift_direction=chosen("shift_direction", DIRECTIONS, shift_direction),
            no_shift=int(no_shift),
            nonlocal_mode=chosen("nonlocal_mode", NONLOCALS, nonlocal_mode),
            input_size=input_size,
            labels=names,
            labels_name=origin,
            weights_key=encoded(weights),
            cancel=_abi.CANCEL(lambda _: int(bool(cancel()))) if cancel else _abi.CANCEL(),
        )
        handle = _library.Handle(core.tsm_model_destroy)
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = bytes(source)
            call(core.tsm_model_load_memory, handle.out, data, len(data), b"the buffer", ctypes.byref(options))
        else:
            call(core.tsm_model_load, handle.out, path_bytes(source), ctypes.byref(options))
        return cls(handle)

    def engine(self, **options) -> Engine:
        """The model made ready on a device: see :class:`tsm.Engine` for the options."""
        return Engine(self, **options)

    def load_video(self, path: "str | os.PathLike", **options) -> Clips:
        """:func:`tsm.load_video` with the segments and sizes of this model."""
        settings = {
            "segments": self.info.segments,
            "input_size": self.info.input_size,
            "scale_size": self.info.scale_size,
        }
        return load_video(path, **{**settings, **options})

    def label(self, index: int) -> str:
        """The name of a class, or its number where the model has no names."""
        return self.labels[index] if self.labels else str(index)

    def save(self, path: "str | os.PathLike", *, half: bool = False) -> None:
        """Writes the model as a safetensors file that says all that was understood; ``half`` rounds to float16.

        The file appears whole or not at all.
        """
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        options = _abi.SerializeOptions(half=int(half))
        call(core.tsm_model_serialize, self._handle, ctypes.byref(options), ctypes.byref(data), ctypes.byref(size))
        try:
            _write_whole(path, (ctypes.c_char * size.value).from_address(data.value))
        finally:
            core.tsm_free(data)

    def graph(self, clips: int = 1, *, size: Optional[int] = None, optimized: bool = True) -> str:
        """The layers as text, a line each, before or after the passes that fold and fuse them."""
        side = size or self.info.input_size
        shape, out = _abi.Shape(clips, 0, side, side), ctypes.c_void_p()
        call(core.tsm_model_graph_text, self._handle, ctypes.byref(shape), int(optimized), ctypes.byref(out))
        try:
            return ctypes.string_at(out).decode("utf-8", "replace")
        finally:
            core.tsm_free(out)

    def __repr__(self):
        kind = f"1/{self.info.shift_div} shifted" if self.info.shift_div else "TSN"
        return f"<tsm.Model {self.info.arch}, {kind}, {self.info.segments} segments, {self.info.classes} classes>"


def _labels_of(labels):
    """Names as the library takes them, one a line, and where they come from."""
    if labels is None:
        return None, None
    if isinstance(labels, (str, os.PathLike)):
        with open(labels, "rb") as file:
            return file.read(), path_bytes(labels)
    return "\n".join(labels).encode("utf-8"), None


def _write_whole(path, data):
    """Beside the file under a name of its own, then in its place. A link stays, and what it leads to is replaced."""
    target = os.path.realpath(path)
    descriptor, temporary = tempfile.mkstemp(prefix=os.path.basename(target) + ".", dir=os.path.dirname(target))
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
