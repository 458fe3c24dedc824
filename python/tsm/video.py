# SPDX-License-Identifier: Apache-2.0
"""From a video file, or a folder of frames, to the clips that a network reads."""

from __future__ import annotations

import ctypes
import os
from typing import Callable, Optional

import numpy as np

from . import _abi, _library
from ._library import call, path_bytes, text
from ._names import MODES, SAMPLINGS, chosen


class Clips:
    """Clips of one source.

    array      uint8 (V,T,H,W,3), RGB, V = views * samples: the library's own memory, which lives as long as the array
    numbers    (samples, T) numbers of the frames that were taken, from 1
    width, height, frames, duration_s, codec   of the source, as it is seen; duration_s is 0 for a folder
    pattern    of the names of a folder's frames; None: a video
    note       one line on what a folder holds besides its frames, or None
    """

    def __init__(self, handle: _library.Handle):
        library, raw = _library.video(), _abi.ClipsInfo()
        library.tsm_clips_get_info(handle, ctypes.byref(raw))
        tensor = library.tsm_clips_tensor(handle)
        shape = tuple(tensor.dims[: tensor.ndim])
        memory = (ctypes.c_uint8 * int(np.prod(shape))).from_address(tensor.data)
        memory.owner = handle  # whoever has the array has the clips
        self.array: np.ndarray = np.frombuffer(memory, np.uint8).reshape(shape)
        taken = [raw.numbers[i] for i in range(raw.samples * raw.segments)]
        self.numbers: np.ndarray = np.array(taken, np.int32).reshape(raw.samples, raw.segments)
        self.width, self.height, self.frames = raw.width, raw.height, raw.frames
        self.duration_s: float = raw.duration_s
        self.codec: str = text(raw.codec) or ""
        self.views, self.samples, self.segments = raw.views, raw.samples, raw.segments
        self.pattern: Optional[str] = text(raw.pattern)
        self.note: Optional[str] = text(raw.note)
        self.decode_ms, self.preprocess_ms = raw.decode_ms, raw.preprocess_ms

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype, copy=copy is not False) if dtype or copy else self.array

    def __len__(self):
        return len(self.array)

    def __repr__(self):
        return f"<tsm.Clips {self.codec} {self.width}x{self.height}, {self.frames} frames: {self.array.shape}>"


def load_video(
    path: "str | os.PathLike",
    *,
    segments: int = 8,
    sampling: str = "uniform",
    views: int = 1,
    mode: str = "mit",
    full_res: bool = False,
    input_size: int = 224,
    scale_size: int = 0,
    threads: int = 1,
    frames: Optional[str] = None,
    max_pixels: int = 0,
    max_frames: int = 0,
    max_bytes: int = 0,
    max_seconds: float = 0,
    max_clip_bytes: int = 0,
    cancel: Optional[Callable[[], bool]] = None,
) -> Clips:
    """Decodes, scales and crops the frames that a network reads; ``Model.load_video`` knows segments and sizes.

    path        any video that FFmpeg reads, or a folder of JPEG or PNG frames
    segments    T, frames of a clip
    sampling    "uniform": one clip; "twice": two; "dense": ten
    views       crops of every frame: 1, 3, 5 or 10
    mode        whose pixels and frame numbers: "mit" (the release, Pillow) or "mmaction2" (OpenCV)
    full_res    crops of scale_size instead of input_size
    input_size  pixels a side of the crop; scale_size: pixels of the short side before it, 0: input_size * 256 / 224
    threads     of the decoder
    frames      pattern of a folder's frames, such as "img_#.jpg"
    max_*       limits on what a source may cost, 0: as large as can be
    cancel      asked now and then; a true answer ends it with CancelledError

    Errors: FileError, FormatError, UnsupportedError (also: FFmpeg's libraries are not here), CancelledError,
    ArgumentError, OutOfMemoryError.
    """
    ask = _abi.CANCEL(lambda _: int(bool(cancel()))) if cancel else _abi.CANCEL()
    options = _abi.VideoOptions(
        mode=chosen("mode", MODES, mode),
        sampling=chosen("sampling", SAMPLINGS, sampling),
        segments=segments,
        views=views,
        full_res=int(full_res),
        input_size=input_size,
        scale_size=scale_size,
        threads=threads,
        frames=None if frames is None else path_bytes(frames),
        max_pixels=max_pixels,
        max_frames=max_frames,
        max_bytes=max_bytes,
        max_seconds=max_seconds,
        max_clip_bytes=max_clip_bytes,
        cancel=ask,
    )
    library = _library.video()
    handle = _library.Handle(library.tsm_clips_destroy)
    call(library.tsm_video_load, handle.out, path_bytes(path), ctypes.byref(options))
    return Clips(handle)
