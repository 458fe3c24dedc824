/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c - see bind.h. */
#include "bind.h"

#include <math.h>
#include <string.h>

#include "claim.h"

/* An exponent of all ones is infinity or NaN. Branch-free, so that compilers make vectors of it: a model has up to a
 * hundred million weights. */
static bool all_finite_32(const char *data, int64_t count)
{
    uint32_t bad = 0;

    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, data + i * (int64_t)sizeof bits, sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

static bool all_finite_16(const char *data, int64_t count, uint16_t exponent)
{
    uint16_t bad = 0;

    for (int64_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, data + i * (int64_t)sizeof bits, sizeof bits);
        bad |= (uint16_t)((bits & exponent) == exponent);
    }
    return !bad;
}

static bool all_finite(const tsm_weight *weight)
{
    if (weight->dtype == TSM_FLOAT32) return all_finite_32(weight->data, weight->count);
    return all_finite_16(weight->data, weight->count, weight->dtype == TSM_FLOAT16 ? 0x7c00 : 0x7f80);
}

/* An aligned copy; float64 is rounded to float32. NULL when out of memory. */
static void *copy_tensor(const tsm_stored_tensor *tensor)
{
    bool narrow = tensor->type == TSM_STORED_F64;
    size_t size = narrow ? sizeof(float) : tsm_stored_bytes(tensor->type);
    const char *data = tensor->data;
    char *copy = tsm_alloc_aligned((size_t)tensor->count, size);

    if (!copy) return NULL;
    if (!narrow) return memcpy(copy, data, (size_t)tensor->bytes);
    for (int64_t i = 0; i < tensor->count; i++) {
        double value;
        memcpy(&value, data + i * (int64_t)sizeof value, sizeof value);
        /* A conversion out of float's range is undefined; let it become an infinity, which is refused. */
        ((float *)(void *)copy)[i] = fabs(value) <= 3.4028234663852886e38 ? (float)value : (float)INFINITY;
    }
    return copy;
}

/* (in, out) to (out, in), in place of the copy that the layer owns. */
static tsm_status transpose(tsm_layer *layer, int which, tsm_error *error)
{
    const tsm_weight *weight = &layer->tensors[which];
    const size_t size = tsm_dtype_bytes(weight->dtype), in = (size_t)layer->in, out = (size_t)layer->out;
    const char *from = weight->data;
    char *copy = tsm_alloc_aligned((size_t)weight->count, size);

    if (!copy) return tsm_fail_memory(error, (size_t)weight->count * size);
    for (size_t i = 0; i < in; i++)
        for (size_t o = 0; o < out; o++) memcpy(copy + (o * in + i) * size, from + (i * out + o) * size, size);
    tsm_free(layer->owned[which]);
    layer->owned[which] = copy;
    layer->tensors[which].data = copy;
    return TSM_OK;
}

static tsm_status bind_tensor(tsm_layer *layer, int which, const tsm_key *key, tsm_error *error)
{
    const tsm_stored_tensor *tensor = key->tensor;
    tsm_weight *weight = &layer->tensors[which];
    size_t size = tsm_stored_bytes(tensor->type);

    weight->count = tensor->count;
    weight->data = tensor->data;
    switch (tensor->type) {
    case TSM_STORED_F64:
    case TSM_STORED_F32: weight->dtype = TSM_FLOAT32; break;
    case TSM_STORED_F16: weight->dtype = TSM_FLOAT16; break;
    case TSM_STORED_BF16: weight->dtype = TSM_BFLOAT16; break;
    default:
        return tsm_fail(error, TSM_ERROR_MODEL, "%.150s is of type %s, want F32, F16, BF16 or F64", tensor->name,
                        tsm_stored_name(tensor->type));
    }
    if (tensor->type == TSM_STORED_F64 || (uintptr_t)tensor->data % size != 0) {
        layer->owned[which] = copy_tensor(tensor);
        if (!layer->owned[which]) return tsm_fail_memory(error, (size_t)tensor->bytes);
        weight->data = layer->owned[which];
    }
    if (key->marks.transposed) TSM_TRY_RETURN(transpose(layer, which, error));
    if (all_finite(weight)) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_MODEL, "%.200s holds NaN or infinity", tensor->name);
}

static tsm_status check_variance(const tsm_weight *variance, const char *name, tsm_error *error)
{
    for (int64_t i = 0; i < variance->count; i++) {
        float value = tsm_number_at(variance->data, variance->dtype, i);

        if (value < 0)
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s holds a negative variance, %g", name, (double)value);
    }
    return TSM_OK;
}

static tsm_status bind_layer(tsm_layer *layer, const tsm_keys *keys, tsm_error *error)
{
    char name[TSM_TENSOR_NAME];

    for (int which = 0; which < TSM_LAYER_TENSORS; which++) {
        const tsm_key *key;

        if (!tsm_layer_has(layer, which)) continue;
        key = tsm_keys_find(keys, tsm_layer_tensor(layer, which, name));
        TSM_TRY_RETURN(bind_tensor(layer, which, key, error));
        if (which == TSM_VARIANCE) TSM_TRY_RETURN(check_variance(&layer->tensors[which], key->tensor->name, error));
    }
    return TSM_OK;
}

/* The branches' tensors are needed until they are merged. */
static tsm_status bind_branches(tsm_layer *merged, const tsm_keys *keys, tsm_error *error)
{
    tsm_layer *parts;
    tsm_status status;
    int count;

    TSM_TRY_RETURN(tsm_branches_list(merged, &parts, &count, error));
    for (int i = 0; i < count; i++) TSM_TRY(bind_layer(&parts[i], keys, error));
    TSM_TRY(tsm_branches_merge(merged, parts, count, error));
fail:
    tsm_layers_destroy(&parts, count);
    return status;
}

tsm_status tsm_layers_bind(tsm_layer *layers, int count, const tsm_keys *keys, const tsm_cancel *cancel,
                           tsm_error *error)
{
    for (int i = 0; i < count; i++) {
        TSM_TRY_RETURN(tsm_cancel_check(cancel, error));
        TSM_TRY_RETURN(layers[i].merged ? bind_branches(&layers[i], keys, error)
                                        : bind_layer(&layers[i], keys, error));
    }
    return TSM_OK;
}
