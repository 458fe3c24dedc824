# SPDX-License-Identifier: Apache-2.0
"""The C interface as ctypes sees it: the structs and functions of tsm/tsm.h and tsm/video.h, in their order.

``tests/test_abi.py`` compiles a C program against the headers and compares every size and offset with these.
"""

import ctypes
from ctypes import POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int64, c_size_t, c_uint8, c_uint64
from ctypes import c_void_p

ERROR_TEXT_BYTES = 500
CANCEL = ctypes.CFUNCTYPE(c_int, c_void_p)


class Error(Structure):
    _fields_ = [("code", c_int), ("device", c_int), ("text", c_char * ERROR_TEXT_BYTES)]


class Tensor(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("memory", c_int),
        ("device", c_int),
        ("dtype", c_int),
        ("layout", c_int),
        ("ndim", c_int),
        ("dims", c_int64 * 5),
    ]


class Shape(Structure):
    _fields_ = [("n", c_int), ("t", c_int), ("h", c_int), ("w", c_int)]


class Sized(Structure):
    """A struct that begins with its own size, by which the library knows which fields there are."""

    def __init__(self, **fields):
        super().__init__(ctypes.sizeof(type(self)), **fields)


class ModelOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("arch", c_char_p),
        ("segments", c_int),
        ("shift_div", c_int),
        ("shift_place", c_int),
        ("no_shift", c_int),
        ("input_size", c_int),
        ("labels", c_char_p),
        ("shift_direction", c_int),
        ("nonlocal_mode", c_int),
        ("labels_name", c_char_p),
        ("weights_key", c_char_p),
        ("cancel", CANCEL),
        ("cancel_user", c_void_p),
    ]


class ModelInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("format", c_char_p),
        ("naming", c_char_p),
        ("arch", c_char_p),
        ("width", c_int),
        ("segments", c_int),
        ("classes", c_int),
        ("shift_div", c_int),
        ("shift_place", c_int),
        ("shifts", c_int),
        ("in_channels", c_int),
        ("input_size", c_int),
        ("scale_size", c_int),
        ("mean", c_float * 3),
        ("std", c_float * 3),
        ("dtype", c_char_p),
        ("parameters", c_uint64),
        ("macs", c_uint64),
        ("has_labels", c_int),
        ("temporal_pool", c_int),
        ("shift_direction", c_int),
        ("nonlocal_mode", c_int),
        ("nonlocal_blocks", c_int),
        ("doubts", c_char_p),
        ("weights", c_char_p),
        ("other_weights", c_char_p),
        ("prefix", c_char_p),
        ("left_out", c_char_p),
        ("groups", c_int),
        ("bottleneck_width", c_int),
    ]


class SerializeOptions(Sized):
    _fields_ = [("struct_size", c_size_t), ("half", c_int)]


class EngineOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("device", c_char_p),
        ("precision", c_int),
        ("threads", c_int),
        ("shift_method", c_int),
        ("per_frame", c_int),
        ("cuda_graphs", c_int),
        ("cuda_tuning", c_int),
        ("cuda_ranges", c_int),
        ("cache_dir", c_char_p),
        ("max_bytes", c_uint64),
        ("cancel", CANCEL),
        ("cancel_user", c_void_p),
        ("features", c_int),
    ]


class EngineInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("device", c_char_p),
        ("library", c_char_p),
        ("precision", c_int),
        ("threads", c_int),
        ("shift_method", c_int),
        ("weight_bytes", c_uint64),
        ("note", c_char_p),
        ("segments", c_int),
        ("values", c_int),
        ("per_frame", c_int),
    ]


class ProfileRow(Structure):
    _fields_ = [("layer", c_char_p), ("how", c_char_p), ("ms", c_double), ("bytes", c_uint64), ("macs", c_uint64)]


class VideoOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("mode", c_int),
        ("sampling", c_int),
        ("segments", c_int),
        ("views", c_int),
        ("full_res", c_int),
        ("input_size", c_int),
        ("scale_size", c_int),
        ("threads", c_int),
        ("raw", c_int),
        ("allocator", c_void_p),
        ("frames", c_char_p),
        ("max_pixels", c_int64),
        ("max_frames", c_int64),
        ("max_bytes", c_int64),
        ("max_seconds", c_double),
        ("max_clip_bytes", c_int64),
        ("cancel", CANCEL),
        ("cancel_user", c_void_p),
    ]


class ClipsInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("width", c_int),
        ("height", c_int),
        ("frames", c_int),
        ("duration_s", c_double),
        ("codec", c_char_p),
        ("views", c_int),
        ("samples", c_int),
        ("segments", c_int),
        ("numbers", POINTER(c_int)),
        ("decode_ms", c_double),
        ("preprocess_ms", c_double),
        ("crop", c_int),
        ("pattern", c_char_p),
        ("note", c_char_p),
    ]


# The structs by their names in C; a field named otherwise here, because Python keeps the word: nonlocal.
STRUCTS = {
    "tsm_error": Error,
    "tsm_tensor": Tensor,
    "tsm_shape": Shape,
    "tsm_model_options": ModelOptions,
    "tsm_model_info": ModelInfo,
    "tsm_model_serialize_options": SerializeOptions,
    "tsm_engine_options": EngineOptions,
    "tsm_engine_info": EngineInfo,
    "tsm_profile_row": ProfileRow,
    "tsm_video_options": VideoOptions,
    "tsm_clips_info": ClipsInfo,
}
C_NAMES = {"nonlocal_mode": "nonlocal"}

_error = POINTER(Error)
_handle = POINTER(c_void_p)

# name: (result, arguments)
CORE = {
    "tsm_version": (c_char_p, []),
    "tsm_free": (None, [c_void_p]),
    "tsm_model_load": (c_int, [_handle, c_char_p, POINTER(ModelOptions), _error]),
    "tsm_model_load_memory": (c_int, [_handle, c_void_p, c_size_t, c_char_p, POINTER(ModelOptions), _error]),
    "tsm_model_destroy": (None, [_handle]),
    "tsm_model_get_info": (c_int, [c_void_p, POINTER(ModelInfo)]),
    "tsm_model_label": (c_char_p, [c_void_p, c_int]),
    "tsm_model_serialize": (
        c_int,
        [c_void_p, POINTER(SerializeOptions), POINTER(c_void_p), POINTER(c_size_t), _error],
    ),
    "tsm_model_graph_text": (c_int, [c_void_p, POINTER(Shape), c_int, POINTER(c_void_p), _error]),
    "tsm_engine_create": (c_int, [_handle, c_void_p, POINTER(EngineOptions), _error]),
    "tsm_engine_destroy": (None, [_handle]),
    "tsm_engine_get_info": (c_int, [c_void_p, POINTER(EngineInfo)]),
    "tsm_context_create": (c_int, [_handle, c_void_p, _error]),
    "tsm_context_destroy": (None, [_handle]),
    "tsm_context_plan": (c_int, [c_void_p, POINTER(Shape), _error]),
    "tsm_run": (c_int, [c_void_p, POINTER(Tensor), POINTER(Tensor), _error]),
    "tsm_enqueue": (c_int, [c_void_p, POINTER(Tensor), POINTER(Tensor), c_void_p, _error]),
    "tsm_context_profile": (
        c_int,
        [c_void_p, POINTER(Tensor), c_int, POINTER(POINTER(ProfileRow)), POINTER(c_int), _error],
    ),
}
VIDEO = {
    "tsm_video_load": (c_int, [_handle, c_char_p, POINTER(VideoOptions), _error]),
    "tsm_clips_destroy": (None, [_handle]),
    "tsm_clips_get_info": (c_int, [c_void_p, POINTER(ClipsInfo)]),
    "tsm_clips_tensor": (Tensor, [c_void_p]),
}
