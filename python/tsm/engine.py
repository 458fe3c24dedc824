# SPDX-License-Identifier: Apache-2.0
"""A model made ready on a device, and its runs."""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Optional

import numpy as np

from . import _abi, _arrays, _library
from ._library import call, core, encoded, path_bytes, text
from ._names import PRECISIONS, SHIFTS, TOGGLES, chosen, named

if TYPE_CHECKING:
    from .model import Model


@dataclass(frozen=True)
class EngineInfo:
    """Where and how an engine computes. ``note``: what was there and was ignored, such as a damaged cache."""

    device: str
    library: str
    precision: str
    threads: int
    shift: str
    weight_bytes: int
    note: Optional[str]


@dataclass(frozen=True)
class ProfileRow:
    """A step of a run: the median of its time, and the bytes and multiply-adds that its layer needs."""

    layer: str
    how: str
    ms: float
    bytes: int
    macs: int


@dataclass(frozen=True)
class Prediction:
    """A class: its name (its number where there are no names), score (softmax over the classes) and logit."""

    label: str
    index: int
    score: float
    logit: float


class Engine:
    """A model made ready on a device. Calling it runs clips. Any number of threads may call it at once.

    device        "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", "reference"
    precision     "fp32", "tf32", "fp16", "bf16"
    threads       CPU threads of one run; 0: all that the process may use. Several callers at once are served best
                  with threads=1
    shift         how the temporal shift is done: "auto", "copy", "overlap", "inplace", "gather"; the bits are the same
    per_frame     logits of every frame instead of their mean
    features      what is pooled before the classifier, in place of logits
    max_bytes     the most that the plans of one worker may take
    cache_dir     where timings of a GPU's candidates are kept; "": nowhere
    cuda_graphs, cuda_tuning   True or False; None: the default
    cancel        asked every few milliseconds during calls; a true answer ends them with CancelledError

    Errors: UnsupportedError, DeviceError, OutOfMemoryError.
    """

    def __init__(
        self,
        model: "Model",
        *,
        device: str = "auto",
        precision: str = "fp32",
        threads: int = 0,
        shift: str = "auto",
        per_frame: bool = False,
        features: bool = False,
        max_bytes: int = 0,
        cache_dir: Optional[str] = None,
        cuda_graphs: Optional[bool] = None,
        cuda_tuning: Optional[bool] = None,
        cancel: Optional[Callable[[], bool]] = None,
    ):
        # The library may ask until its last context is gone, so that this lives as long as they do.
        self._cancel = _abi.CANCEL(lambda _: int(bool(cancel()))) if cancel else _abi.CANCEL()
        options = _abi.EngineOptions(
            device=encoded(device),
            precision=chosen("precision", PRECISIONS, precision),
            threads=threads,
            shift_method=chosen("shift", SHIFTS, shift),
            per_frame=int(per_frame),
            cuda_graphs=chosen("cuda_graphs", TOGGLES, cuda_graphs),
            cuda_tuning=chosen("cuda_tuning", TOGGLES, cuda_tuning),
            cache_dir=None if cache_dir is None else path_bytes(cache_dir),
            max_bytes=max_bytes,
            cancel=self._cancel,
            features=int(features),
        )
        self._handle = _library.Handle(core.tsm_engine_destroy)
        call(core.tsm_engine_create, self._handle.out, model._handle, ctypes.byref(options))
        self.model = model
        self._per_frame = per_frame
        self._values = self._raw_info().values
        self._idle: deque = deque()  # contexts that no thread uses
        self._lock = threading.Lock()

    def _raw_info(self):
        raw = _abi.EngineInfo()
        core.tsm_engine_get_info(self._handle, ctypes.byref(raw))
        return raw

    @property
    def info(self) -> EngineInfo:
        raw = self._raw_info()
        return EngineInfo(
            device=text(raw.device) or "",
            library=text(raw.library) or "",
            precision=named(PRECISIONS, raw.precision),
            threads=raw.threads,
            shift=named(SHIFTS, raw.shift_method),
            weight_bytes=raw.weight_bytes,
            note=text(raw.note),
        )

    def __call__(self, clips: Any, out: Any = None) -> Any:
        """Runs clips and returns their logits, float32 (N, classes); of an engine per frame (N, T, classes).

        clips  uint8 (N,T,H,W,3), RGB, which is normalised here, or float32 (N,T,C,H,W), already normalised; or one
               clip, without N, whose logits then have no N either; or the clips of load_video. NumPy arrays and what
               they can be made of; arrays on a GPU that have __cuda_array_interface__ (PyTorch, CuPy), which
               must be on the engine's GPU, stay there, and give logits there: enqueued on the stream that the array is
               ready on, not waited for
        out    an array that takes the logits, of the shape that is returned with N

        T, H and W may be any; each new shape is planned at its first run. Errors: ArgumentError (also for a value, or
        a logit, that is not finite), OutOfMemoryError, DeviceError, CancelledError.
        """
        given = _arrays.clips_of(getattr(clips, "array", clips))
        dims = self._logits_dims(given.shape)
        on_device = given.stream is not None
        if out is None:
            out, output = _arrays.logits_beside(given, dims) if on_device else _arrays.logits_on_host(dims)
        elif on_device:
            output = _arrays.cuda_output(out, dims, given.tensor.device)
        else:
            output = _arrays.host_output(out, dims)
        with self._context(given.shape) as context:
            if on_device:
                call(core.tsm_enqueue, context, ctypes.byref(given.tensor), ctypes.byref(output), given.stream)
            else:
                call(core.tsm_run, context, ctypes.byref(given.tensor), ctypes.byref(output))
        return out[0] if given.single else out

    def classify(self, path: Any, *, top: int = 5, **options: Any) -> list[Prediction]:
        """The likeliest classes of a video or a folder of frames; options are those of :func:`tsm.load_video`.

        Logits of all views and samples are averaged.
        """
        logits = self(self.model.load_video(path, **options))
        mean = logits.reshape(-1, logits.shape[-1]).mean(axis=0, dtype=np.float64)
        exponents = np.exp(mean - mean.max())
        scores = exponents / exponents.sum()
        best = np.argsort(-mean, kind="stable")[:top]
        return [Prediction(self.model.label(int(i)), int(i), float(scores[i]), float(mean[i])) for i in best]

    def plan(self, clips: int, segments: int = 0, size: int = 0) -> None:
        """Makes a shape ready before its first run: for servers that must not pay for it at a request."""
        shape = self._shape(clips, segments, size)
        with self._context(shape):
            pass

    def profile(self, clips: int = 1, *, segments: int = 0, size: int = 0, runs: int = 5) -> list[ProfileRow]:
        """What every step of a run takes, the median of ``runs``."""
        shape = self._shape(clips, segments, size)
        rows, count = ctypes.POINTER(_abi.ProfileRow)(), ctypes.c_int()
        with self._context(shape, fresh=True) as context:
            call(core.tsm_context_profile, context, None, runs, ctypes.byref(rows), ctypes.byref(count))
        try:
            found = (rows[i] for i in range(count.value))
            return [ProfileRow(text(r.layer) or "", text(r.how) or "", r.ms, r.bytes, r.macs) for r in found]
        finally:
            core.tsm_free(rows)

    def trim(self) -> None:
        """Gives back the memory of the plans that no thread uses."""
        with self._lock:
            self._idle.clear()

    def _shape(self, clips, segments, size):
        info = self.model.info
        return clips, segments or info.segments, size or info.input_size, size or info.input_size

    def _logits_dims(self, shape):
        info = self.model.info
        if not self._per_frame:
            return shape[0], self._values
        return shape[0], (shape[1] + 1) // 2 if info.temporal_pool else shape[1], self._values

    @contextmanager
    def _context(self, shape, fresh=False):
        """A context with a plan of `shape` for one thread, put back afterwards."""
        context = None
        if not fresh:
            with self._lock:
                context = self._idle.pop() if self._idle else None
        if context is None:
            context = _library.Handle(core.tsm_context_destroy)
            call(core.tsm_context_create, context.out, self._handle)
        context.cancel = self._cancel
        try:
            call(core.tsm_context_plan, context, ctypes.byref(_abi.Shape(*shape)))
            yield context
        finally:
            with self._lock:
                self._idle.append(context)

    def __repr__(self):
        info = self.info
        return f"<tsm.Engine {self.model.info.arch} on {info.device}, {info.precision}, {info.library}>"
