/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_globals.c - the only names in a pickle that mean something: ordered dictionaries, PyTorch's tensors and
 * storages, NumPy's arrays and their types, the encoding by which protocol 2 writes bytes as text, and `tuple`, which
 * paddle.save calls on what is a tuple.
 */
#include <string.h>

#include "pickle_machine.h"

enum {
    GLOBAL_ORDERED_DICT = TSM_GLOBAL_INERT + 1,
    GLOBAL_REBUILD_TENSOR,
    GLOBAL_REBUILD_PARAMETER,
    GLOBAL_ARRAY,
    GLOBAL_DTYPE,
    GLOBAL_ENCODE,
    GLOBAL_TUPLE,
    GLOBAL_STORAGE /* + tsm_stored_type */
};

static const struct {
    const char *module, *name;
    uint32_t global;
} globals[] = {
    { "collections", "OrderedDict", GLOBAL_ORDERED_DICT },
    { "torch._utils", "_rebuild_tensor", GLOBAL_REBUILD_TENSOR },
    { "torch._utils", "_rebuild_tensor_v2", GLOBAL_REBUILD_TENSOR },
    { "torch._utils", "_rebuild_parameter", GLOBAL_REBUILD_PARAMETER },
    { "numpy.core.multiarray", "_reconstruct", GLOBAL_ARRAY },
    { "numpy._core.multiarray", "_reconstruct", GLOBAL_ARRAY },
    { "numpy", "dtype", GLOBAL_DTYPE },
    { "_codecs", "encode", GLOBAL_ENCODE },
    { "builtins", "tuple", GLOBAL_TUPLE },
    { "__builtin__", "tuple", GLOBAL_TUPLE },
    { "torch", "FloatStorage", GLOBAL_STORAGE + TSM_STORED_F32 },
    { "torch", "HalfStorage", GLOBAL_STORAGE + TSM_STORED_F16 },
    { "torch", "BFloat16Storage", GLOBAL_STORAGE + TSM_STORED_BF16 },
    { "torch", "DoubleStorage", GLOBAL_STORAGE + TSM_STORED_F64 },
    { "torch", "LongStorage", GLOBAL_STORAGE + TSM_STORED_I64 },
    { "torch", "IntStorage", GLOBAL_STORAGE + TSM_STORED_I32 },
    { "torch", "ShortStorage", GLOBAL_STORAGE + TSM_STORED_I16 },
    { "torch", "CharStorage", GLOBAL_STORAGE + TSM_STORED_I8 },
    { "torch", "ByteStorage", GLOBAL_STORAGE + TSM_STORED_U8 },
    { "torch", "BoolStorage", GLOBAL_STORAGE + TSM_STORED_BOOL },
};

static bool same(const char *bytes, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(bytes, text, length) == 0;
}

uint32_t tsm_pickle_global(const char *module, size_t module_length, const char *name, size_t name_length)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (same(module, module_length, globals[i].module) && same(name, name_length, globals[i].name))
            return globals[i].global;
    return TSM_GLOBAL_INERT;
}

static bool is_integer(const tsm_pickle *p, uint32_t value)
{
    return tsm_pickle_at(p, value)->kind == TSM_PICKLE_INTEGER && tsm_pickle_at(p, value)->as.integer >= 0;
}

/* (storage, offset, size, stride, ...) */
static tsm_status rebuild_tensor(tsm_pickle *p, uint32_t arguments, uint32_t *result, tsm_error *error)
{
    uint32_t storage = tsm_pickle_item(p, arguments, 0), offset = tsm_pickle_item(p, arguments, 1);
    uint32_t dims = tsm_pickle_item(p, arguments, 2), stride = tsm_pickle_item(p, arguments, 3);
    tsm_pickle_value *tensor;

    if (tsm_pickle_at(p, storage)->kind != TSM_PICKLE_STORAGE || !is_integer(p, offset) || !dims || !stride)
        return tsm_pickle_damaged(error, "the description of a tensor is not storage, offset, sizes and strides");
    TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_TENSOR, result, error));
    tensor = &p->values[*result];
    tensor->as.tensor.storage = storage;
    tensor->as.tensor.offset = offset;
    tensor->as.tensor.dims = dims;
    tensor->as.tensor.stride = stride;
    return TSM_OK;
}

/* dtype('f4', ...); of a type that is not known an inert object is made, which no array takes. */
static tsm_status make_dtype(tsm_pickle *p, uint32_t arguments, uint32_t *result, tsm_error *error)
{
    static const struct {
        const char *name;
        tsm_stored_type type;
    } types[] = { { "f4", TSM_STORED_F32 }, { "f2", TSM_STORED_F16 }, { "f8", TSM_STORED_F64 },
                  { "i8", TSM_STORED_I64 }, { "i4", TSM_STORED_I32 }, { "i2", TSM_STORED_I16 },
                  { "i1", TSM_STORED_I8 },  { "u8", TSM_STORED_U64 }, { "u4", TSM_STORED_U32 },
                  { "u2", TSM_STORED_U16 }, { "u1", TSM_STORED_U8 },  { "b1", TSM_STORED_BOOL } };
    const uint32_t name = tsm_pickle_item(p, arguments, 0);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!tsm_pickle_equals(tsm_pickle_at(p, name), types[i].name)) continue;
        TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_DTYPE, result, error));
        p->values[*result].as.dtype.type = types[i].type;
        return TSM_OK;
    }
    return tsm_pickle_new(p, TSM_PICKLE_OBJECT, result, error);
}

/* encode(text, 'latin1'): every character is a byte. */
static tsm_status encode(tsm_pickle *p, uint32_t arguments, uint32_t *result, tsm_error *error)
{
    const uint32_t text = tsm_pickle_item(p, arguments, 0), encoding = tsm_pickle_item(p, arguments, 1);

    if (tsm_pickle_at(p, text)->kind != TSM_PICKLE_STRING || !tsm_pickle_equals(tsm_pickle_at(p, encoding), "latin1"))
        return tsm_pickle_new(p, TSM_PICKLE_OBJECT, result, error);
    TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_TEXT8, result, error));
    p->values[*result].as.text = text;
    return TSM_OK;
}

/* tuple(a tuple) is that tuple; of anything else an inert object is made. */
static tsm_status make_tuple(tsm_pickle *p, uint32_t arguments, uint32_t *result, tsm_error *error)
{
    *result = tsm_pickle_item(p, arguments, 0);
    if (tsm_pickle_at(p, *result)->kind == TSM_PICKLE_TUPLE) return TSM_OK;
    return tsm_pickle_new(p, TSM_PICKLE_OBJECT, result, error);
}

tsm_status tsm_pickle_call(tsm_pickle *p, uint32_t callable, uint32_t arguments, uint32_t *result, tsm_error *error)
{
    const tsm_pickle_value *function = tsm_pickle_at(p, callable);
    uint32_t global = function->kind == TSM_PICKLE_GLOBAL ? function->as.global : TSM_GLOBAL_INERT;

    switch (global) {
    case GLOBAL_ORDERED_DICT: return tsm_pickle_new(p, TSM_PICKLE_DICT, result, error);
    case GLOBAL_REBUILD_TENSOR: return rebuild_tensor(p, arguments, result, error);
    case GLOBAL_REBUILD_PARAMETER:
        *result = tsm_pickle_item(p, arguments, 0);
        return *result ? TSM_OK : tsm_pickle_damaged(error, "a parameter has no tensor");
    case GLOBAL_ARRAY: return tsm_pickle_new(p, TSM_PICKLE_ARRAY, result, error); /* what it is of comes by BUILD */
    case GLOBAL_DTYPE: return make_dtype(p, arguments, result, error);
    case GLOBAL_ENCODE: return encode(p, arguments, result, error);
    case GLOBAL_TUPLE: return make_tuple(p, arguments, result, error);
    default: return tsm_pickle_new(p, TSM_PICKLE_OBJECT, result, error);
    }
}

/* Of an array: (version, shape, type, first dimension is densest, bytes). Of a type: (version, byte order, ...). */
tsm_status tsm_pickle_build(tsm_pickle *p, uint32_t object, uint32_t state, tsm_error *error)
{
    tsm_pickle_value *value = &p->values[object];
    const tsm_pickle_value *order = tsm_pickle_at(p, tsm_pickle_item(p, state, 1)), *data;

    if (value->kind == TSM_PICKLE_DTYPE) value->as.dtype.big_endian = tsm_pickle_equals(order, ">");
    if (value->kind != TSM_PICKLE_ARRAY) return TSM_OK;
    value->as.array.dims = tsm_pickle_item(p, state, 1);
    value->as.array.dtype = tsm_pickle_item(p, state, 2);
    value->as.array.by_columns = tsm_pickle_item(p, state, 3) == TSM_PICKLE_TRUE_VALUE;
    value->as.array.data = tsm_pickle_item(p, state, 4);
    data = tsm_pickle_at(p, value->as.array.data);
    if (data->kind == TSM_PICKLE_STRING || data->kind == TSM_PICKLE_TEXT8) return TSM_OK;
    return tsm_pickle_damaged(error, "the description of an array is not shape, type and bytes");
}

/* ('storage', type, key, location, elements[, view]), where a view is None or (key, offset, elements). Other ids name
 * the source text of classes. */
tsm_status tsm_pickle_storage(tsm_pickle *p, uint32_t id, uint32_t *result, tsm_error *error)
{
    const tsm_pickle_value *type = tsm_pickle_at(p, tsm_pickle_item(p, id, 1));
    const tsm_pickle_value *key = tsm_pickle_at(p, tsm_pickle_item(p, id, 2));
    uint32_t size = tsm_pickle_item(p, id, 4), view = tsm_pickle_item(p, id, 5);
    uint32_t view_offset = tsm_pickle_item(p, view, 1), global;
    tsm_pickle_value *storage;

    if (!tsm_pickle_equals(tsm_pickle_at(p, tsm_pickle_item(p, id, 0)), "storage"))
        return tsm_pickle_new(p, TSM_PICKLE_OBJECT, result, error);
    if (key->kind != TSM_PICKLE_STRING || type->kind != TSM_PICKLE_GLOBAL || !is_integer(p, size) ||
        key->as.string.length > 1000)
        return tsm_pickle_damaged(error, "the description of a storage is not complete");
    global = type->as.global;
    if (global < GLOBAL_STORAGE) return tsm_pickle_damaged(error, "a storage has an unknown element type");
    if (tsm_pickle_at(p, view)->kind != TSM_PICKLE_NONE && !is_integer(p, view_offset))
        return tsm_pickle_damaged(error, "the description of a part of a storage is not complete");
    TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_STORAGE, result, error));
    storage = &p->values[*result];
    storage->as.storage.key = tsm_pickle_item(p, id, 2);
    storage->as.storage.type = (tsm_stored_type)(global - GLOBAL_STORAGE);
    storage->as.storage.size = size;
    storage->as.storage.view = view_offset;
    return TSM_OK;
}
