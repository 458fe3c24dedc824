/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serialize.c - a model as a safetensors file in memory: the tensors under the names of the MIT release, and metadata
 * that leaves nothing to be guessed.
 */
#include <string.h>

#include "metadata.h"
#include "model.h"
#include "release_names.h"

/* A file in the making. */
typedef struct serializer {
    const tsm_model *model;
    bool half;
    tsm_shift_mark *marks;      /* one a layer */
    tsm_stored_tensor *tensors; /* as they will be in the file */
    const tsm_weight **weights; /* what they are made of */
    int count;
    tsm_metadata_list metadata;
} serializer;

static tsm_stored_type stored_type(tsm_dtype dtype)
{
    return dtype == TSM_FLOAT32 ? TSM_STORED_F32 : dtype == TSM_FLOAT16 ? TSM_STORED_F16 : TSM_STORED_BF16;
}

static tsm_status add_tensor(serializer *s, int layer, int which, tsm_stored_type type, tsm_error *error)
{
    const tsm_weight *weight = &s->model->layers[layer].tensors[which];
    tsm_stored_tensor *tensor = &s->tensors[s->count];
    char name[TSM_RELEASE_NAME];

    tsm_release_name(s->model, s->marks, layer, which, name);
    tensor->name = tsm_strdup(name);
    if (!tensor->name) return tsm_fail_memory(error, sizeof name);
    tensor->type = type;
    tensor->ndim = tsm_layer_dims(&s->model->layers[layer], which, tensor->dims);
    tensor->count = weight->count;
    tensor->bytes = (uint64_t)weight->count * tsm_stored_bytes(type);
    s->weights[s->count++] = weight;
    return TSM_OK;
}

/* Wide types come first: every tensor is then aligned for its type. */
static tsm_status list_tensors(serializer *s, tsm_error *error)
{
    const tsm_model *model = s->model;
    size_t room = (size_t)model->layer_count * TSM_LAYER_TENSORS;

    s->tensors = tsm_alloc_zero(room, sizeof *s->tensors);
    s->weights = tsm_alloc_zero(room, sizeof *s->weights);
    if (!s->tensors || !s->weights) return tsm_fail_memory(error, room * sizeof *s->tensors);
    for (size_t size = 4; size >= 2; size -= 2)
        for (int i = 0; i < model->layer_count; i++)
            for (int which = 0; which < TSM_LAYER_TENSORS; which++) {
                const tsm_dtype dtype = model->layers[i].tensors[which].dtype;
                const tsm_stored_type type = s->half ? TSM_STORED_F16 : stored_type(dtype);

                if (tsm_layer_has(&model->layers[i], which) && tsm_stored_bytes(type) == size)
                    TSM_TRY_RETURN(add_tensor(s, i, which, type, error));
            }
    return TSM_OK;
}

static tsm_status write_halves(const tsm_weight *weight, const char *name, uint8_t *out, tsm_error *error)
{
    for (int64_t i = 0; i < weight->count; i++) {
        const float value = tsm_number_at(weight->data, weight->dtype, i);
        const uint16_t half = tsm_float_to_half(value);

        if (!tsm_half_is_finite(half))
            return tsm_fail(error, TSM_ERROR_MODEL, "%s holds %g, beyond the range of float16, 65504", name,
                            (double)value);
        memcpy(out + (size_t)i * sizeof half, &half, sizeof half);
    }
    return TSM_OK;
}

static tsm_status write_tensor(void *state, int index, uint8_t *out, tsm_error *error)
{
    const serializer *s = state;
    const tsm_weight *weight = s->weights[index];

    if (s->tensors[index].type != stored_type(weight->dtype))
        return write_halves(weight, s->tensors[index].name, out, error);
    memcpy(out, weight->data, (size_t)s->tensors[index].bytes);
    return TSM_OK;
}

static void clear(serializer *s)
{
    for (int i = 0; i < s->count; i++) tsm_free(s->tensors[i].name);
    tsm_free(s->tensors);
    tsm_free(s->weights);
    tsm_free(s->marks);
    tsm_metadata_clear(&s->metadata);
}

tsm_status tsm_model_serialize(const tsm_model *model, const tsm_model_serialize_options *options, void **data,
                               size_t *bytes, tsm_error *error)
{
    tsm_model_serialize_options own;
    serializer s = { .model = model };
    tsm_writing writing = { .fill = write_tensor, .state = &s };
    tsm_status status;

    if (!model || !data || !bytes)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "tsm_model_serialize: %s is NULL",
                        !model  ? "model"
                        : !data ? "data"
                                : "bytes");
    *data = NULL;
    *bytes = 0;
    TSM_TRY_RETURN(tsm_options_read(&own, sizeof own, options, "tsm_model_serialize_options", error));
    s.half = own.half != 0;
    TSM_TRY(tsm_release_names_mark(model, &s.marks, error));
    TSM_TRY(list_tensors(&s, error));
    TSM_TRY(tsm_metadata_describe(&s.metadata, model, error));
    writing.tensors = s.tensors;
    writing.count = s.count;
    writing.metadata = s.metadata.items;
    writing.metadata_count = s.metadata.count;
    TSM_TRY(tsm_checkpoint_write(&writing, data, bytes, error));
fail:
    clear(&s);
    return status;
}
