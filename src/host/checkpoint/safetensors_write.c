/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_write.c - tensors and metadata as a safetensors file in memory. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "safetensors.h"

#define HEADER_ALIGN 8u

static tsm_status fail_json(tsm_error *error)
{
    return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory for the header of a safetensors file");
}

static tsm_status add_metadata(json_t *root, const tsm_metadata *metadata, int count, tsm_error *error)
{
    json_t *object = json_object();

    if (json_object_set_new(root, "__metadata__", object) != 0) return fail_json(error);
    for (int i = 0; i < count; i++) {
        const size_t length = strlen(metadata[i].value);
        json_t *value = json_stringn_nocheck(metadata[i].value, length);

        /* What jansson refuses after that, it refuses for what it is. */
        if (value && json_string_setn(value, metadata[i].value, length) != 0) {
            json_decref(value);
            return tsm_fail(error, TSM_ERROR_MODEL, "its %s are not UTF-8 text", metadata[i].key);
        }
        if (json_object_set_new(object, metadata[i].key, value) != 0) return fail_json(error);
    }
    return TSM_OK;
}

static json_t *describe(const tsm_stored_tensor *tensor, uint64_t offset)
{
    json_t *shape = json_array();

    for (int i = 0; shape && i < tensor->ndim; i++)
        if (json_array_append_new(shape, json_integer(tensor->dims[i])) != 0) {
            json_decref(shape);
            shape = NULL;
        }
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", tsm_stored_name(tensor->type), "shape", shape, "data_offsets",
                     (json_int_t)offset, (json_int_t)(offset + tensor->bytes));
}

/* Makes the text, which is jansson's; *data_bytes is the size of what follows it. */
static tsm_status make_header(const tsm_writing *w, char **text, uint64_t *data_bytes, tsm_error *error)
{
    json_t *root = json_object();
    tsm_status status = TSM_OK;

    *data_bytes = 0;
    if (!root) return fail_json(error);
    TSM_TRY(add_metadata(root, w->metadata, w->metadata_count, error));
    for (int i = 0; i < w->count; i++) {
        if (json_object_set_new(root, w->tensors[i].name, describe(&w->tensors[i], *data_bytes)) != 0) {
            status = fail_json(error);
            goto fail;
        }
        *data_bytes += w->tensors[i].bytes;
    }
    *text = json_dumps(root, JSON_COMPACT);
    if (!*text) status = fail_json(error);
fail:
    json_decref(root);
    return status;
}

static tsm_status write_tensors(const tsm_writing *w, uint8_t *out, tsm_error *error)
{
    for (int i = 0; i < w->count; i++) {
        TSM_TRY_RETURN(w->fill(w->state, i, out, error));
        out += w->tensors[i].bytes;
    }
    return TSM_OK;
}

static tsm_status write_file(const tsm_writing *w, const char *header, uint64_t data_bytes, void **data,
                             size_t *bytes, tsm_error *error)
{
    size_t text = strlen(header), padded = (text + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN, total;
    tsm_status status;
    uint8_t *file;

    if (padded > TSM_SAFETENSORS_MAX_HEADER)
        return tsm_fail(error, TSM_ERROR_MODEL, "its labels do not fit into the header of a safetensors file");
    if (data_bytes > SIZE_MAX || !tsm_add(8 + padded, (size_t)data_bytes, &total))
        return tsm_fail_memory(error, SIZE_MAX);
    file = tsm_alloc_aligned(total, 1);
    if (!file) return tsm_fail_memory(error, total);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)padded >> 8 * i);
    memcpy(file + 8, header, text);
    memset(file + 8 + text, ' ', padded - text);
    status = write_tensors(w, file + 8 + padded, error);
    if (status != TSM_OK) {
        tsm_free(file);
        return status;
    }
    *data = file;
    *bytes = total;
    return TSM_OK;
}

tsm_status tsm_checkpoint_write(const tsm_writing *writing, void **data, size_t *bytes, tsm_error *error)
{
    char *header = NULL;
    uint64_t data_bytes;
    tsm_status status;

    TSM_TRY(make_header(writing, &header, &data_bytes, error));
    TSM_TRY(write_file(writing, header, data_bytes, data, bytes, error));
fail:
    free(header);
    return status;
}
