# SPDX-License-Identifier: Apache-2.0
"""Arrays of others as tensors of the library, without a copy where their memory is dense.

On the host: NumPy, and what has ``__array__``, ``__array_interface__`` or ``__dlpack__``. On a GPU: what has
``__cuda_array_interface__`` (PyTorch, CuPy, Numba); work is then put on the stream that the array is ready on.
"""

import ctypes
from dataclasses import dataclass

import numpy as np

from . import _abi
from .errors import ArgumentError

HOST, DEVICE = 0, 2
FLOAT32, UINT8 = 0, 3
NTCHW, NTHWC, NC, NTC = 0, 1, 2, 3

LEGACY_STREAM = 1  # how __cuda_array_interface__ writes the default stream; 2 is the one of the thread
DLPACK_CPU = (1, 3)  # kDLCPU, kDLCUDAHost


@dataclass
class Clips:
    """Clips as a call takes them: the tensor, what keeps its memory, and how the result is to look."""

    tensor: _abi.Tensor
    owner: object
    single: bool  # one clip, without a dimension for the number of clips
    stream: object = None  # of an array on a GPU: a cudaStream_t as a number; None: on the host

    @property
    def shape(self):
        n, t = self.tensor.dims[0], self.tensor.dims[1]
        first = 3 if self.tensor.layout == NTCHW else 2
        return int(n), int(t), int(self.tensor.dims[first]), int(self.tensor.dims[first + 1])


def tensor_of(address, dtype, layout, dims, memory=HOST, device=0):
    return _abi.Tensor(address, memory, device, dtype, layout, len(dims), (ctypes.c_int64 * 5)(*dims))


def _kind(typestr, shape):
    """dtype and layout of clips, by the type and dimensions of their array."""
    if len(shape) not in (4, 5):
        raise ArgumentError(f"clips have 5 dimensions, one clip has 4: this array has {len(shape)}, {tuple(shape)}")
    if typestr == "u1":
        if shape[-1] != 3:
            raise ArgumentError(f"uint8 clips are (N,T,H,W,3), channels last: this array is {tuple(shape)}")
        return UINT8, NTHWC
    if typestr == "f4":
        return FLOAT32, NTCHW
    raise ArgumentError(f"clips are uint8 (N,T,H,W,3) or float32 (N,T,C,H,W): this array is of type {typestr}")


def _clips(address, typestr, shape, owner, **rest):
    dtype, layout = _kind(typestr, shape)
    single = len(shape) == 4
    dims = (1, *shape) if single else tuple(shape)
    memory = DEVICE if "stream" in rest else HOST
    device = rest.pop("device", 0)
    return Clips(tensor_of(address, dtype, layout, dims, memory, device), owner, single, **rest)


def _cuda_device(array):
    """The index of the GPU that an array is on. __cuda_array_interface__ does not say; DLPack and libraries do."""
    if hasattr(array, "__dlpack_device__"):
        return int(array.__dlpack_device__()[1])
    device = getattr(array, "device", None)
    return int(getattr(device, "index", None) or getattr(device, "id", None) or 0)


def _cuda_stream(array, interface):
    """The stream that an array is ready on: the interface's, else the current one of the library that made it."""
    stream = interface.get("stream")
    if stream is not None:
        return 0 if stream == LEGACY_STREAM else stream
    if type(array).__module__.split(".")[0] == "torch":
        import torch

        return torch.cuda.current_stream(array.device).cuda_stream
    return 0


def _from_cuda(array):
    interface = array.__cuda_array_interface__
    shape, typestr = interface["shape"], interface["typestr"].lstrip("<|=")
    strides, size = interface.get("strides"), int(typestr[1:] or 1)
    if strides is not None:
        dense = size
        for length, stride in zip(reversed(shape), reversed(strides)):
            if length > 1 and stride != dense:
                raise ArgumentError("an array on a GPU must be dense in C order: call .contiguous() or ascontiguousarray")
            dense *= length
    return _clips(
        interface["data"][0], typestr, shape, array, stream=_cuda_stream(array, interface), device=_cuda_device(array)
    )


def _from_host(array):
    if not isinstance(array, np.ndarray):
        if hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__") and not hasattr(array, "__array__"):
            device = array.__dlpack_device__()[0]
            if device not in DLPACK_CPU:
                raise ArgumentError(f"an array of DLPack's device type {device}, which is neither a CPU nor a CUDA array")
            array = np.from_dlpack(array)
        else:
            array = np.asarray(array)
    if array.dtype.byteorder == ">" or array.dtype.str[1:] not in ("u1", "f4"):
        raise ArgumentError(f"clips are uint8 (N,T,H,W,3) or float32 (N,T,C,H,W): this array is of type {array.dtype}")
    array = np.ascontiguousarray(array)
    return _clips(array.ctypes.data, array.dtype.str[1:], array.shape, array)


def clips_of(array):
    """The clips in `array`. Errors: ArgumentError."""
    if hasattr(array, "__cuda_array_interface__"):
        return _from_cuda(array)
    return _from_host(array)


def logits_on_host(dims):
    """An array for logits, and its tensor."""
    logits = np.empty(dims, np.float32)
    layout = NC if len(dims) == 2 else NTC
    return logits, tensor_of(logits.ctypes.data, FLOAT32, layout, dims)


def logits_beside(clips, dims):
    """The same on the GPU of `clips`, by the library that their array is of."""
    library = type(clips.owner).__module__.split(".")[0]
    if library == "torch":
        import torch

        logits = torch.empty(dims, dtype=torch.float32, device=clips.owner.device)
    elif library == "cupy":
        import cupy

        with cupy.cuda.Device(clips.tensor.device):
            logits = cupy.empty(dims, dtype=cupy.float32)
    else:
        raise ArgumentError(f"logits of an array of {library} on a GPU need out=, an array there")
    return logits, cuda_output(logits, dims, clips.tensor.device)


def cuda_output(array, dims, device):
    """The tensor of an array on a GPU that takes logits. Errors: ArgumentError."""
    interface = array.__cuda_array_interface__
    if tuple(interface["shape"]) != tuple(dims) or interface["typestr"] != "<f4" or interface.get("strides") is not None:
        raise ArgumentError(f"out= is not a dense float32 array of {tuple(dims)}")
    return tensor_of(interface["data"][0], FLOAT32, NC if len(dims) == 2 else NTC, dims, DEVICE, device)


def host_output(array, dims):
    """The tensor of an array on the host that takes logits. Errors: ArgumentError."""
    fits = isinstance(array, np.ndarray) and array.shape == tuple(dims) and array.dtype == np.float32
    if not fits or not array.flags.c_contiguous or not array.flags.writeable:
        raise ArgumentError(f"out= is not a dense, writable float32 array of {tuple(dims)}")
    return tensor_of(array.ctypes.data, FLOAT32, NC if len(dims) == 2 else NTC, dims)
