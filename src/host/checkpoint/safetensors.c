/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.c - see safetensors.h. */
#include "safetensors.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* Where a tensor lies in the data section. */
typedef struct extent {
    uint64_t begin, end;
    int index; /* of the tensor */
} extent;

typedef struct reader {
    tsm_checkpoint *checkpoint;
    extent *extents;
    uint64_t data_bytes; /* size of the data section */
} reader;

/* The header's length, once it is sure that this can be a safetensors file. */
static tsm_status header_length(const tsm_source *source, size_t *length, tsm_error *error)
{
    uint8_t head[512] = { 0 };
    size_t got = source->size < sizeof head ? (size_t)source->size : sizeof head;
    uint64_t bytes = 0;

    if (source->size == 0) return tsm_fail(error, TSM_ERROR_FORMAT, "is empty");
    TSM_TRY_RETURN(tsm_source_read(source, 0, head, got, error));
    for (int i = 7; i >= 0; i--) bytes = bytes << 8 | head[i];
    /* Asked first: lengths of small headers look like the magic of other formats (640 is that of a pickle). */
    if (got < 9 || bytes < 2 || bytes > TSM_SAFETENSORS_MAX_HEADER || head[8] != '{') {
        const char *kind = tsm_source_kind(head, got);

        if (kind) return tsm_fail(error, TSM_ERROR_FORMAT, "is %s, not a checkpoint", kind);
        return tsm_fail(error, TSM_ERROR_FORMAT, "is neither a safetensors nor a PyTorch checkpoint");
    }
    if (bytes > source->size - 8)
        return tsm_fail(error, TSM_ERROR_FORMAT, "is truncated: its header takes %llu bytes, %llu are there",
                        (unsigned long long)bytes, (unsigned long long)(source->size - 8));
    *length = (size_t)bytes;
    return TSM_OK;
}

/* Counts JSON values before a parser makes objects of them, a hundred bytes and more each. No tensor is described in
 * fewer than four bytes a value. */
static tsm_status limit_values(const char *text, size_t length, tsm_error *error)
{
    const size_t limit = length / 4 + 16 < TSM_SAFETENSORS_MAX_VALUES ? length / 4 + 16 : TSM_SAFETENSORS_MAX_VALUES;
    bool in_string = false;
    size_t values = 0;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == ',' || c == '[' || c == '{'))
            values++;
    }
    if (values <= limit) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_FORMAT, "has a header of %zu values, more than %zu", values, limit);
}

static tsm_status read_header(const tsm_source *source, size_t length, json_t **header, tsm_error *error)
{
    json_error_t why;
    tsm_status status;
    char *text = tsm_alloc_zero(length, 1);

    if (!text) return tsm_fail_memory(error, length);
    TSM_TRY(tsm_source_read(source, 8, text, length, error));
    TSM_TRY(limit_values(text, length, error));
    errno = 0;
    *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    if (!*header && (errno == ENOMEM || !*why.text)) /* jansson calls some of it an invalid token */
        status = tsm_fail_memory(error, length);
    else if (!*header)
        status = tsm_fail(error, TSM_ERROR_FORMAT, "has a damaged header: %s (byte %d)", why.text, why.position);
    else if (!json_is_object(*header))
        status = tsm_fail(error, TSM_ERROR_FORMAT, "has a damaged header: not a JSON object");
fail:
    tsm_free(text);
    return status;
}

static tsm_status add_metadata(tsm_checkpoint *checkpoint, json_t *object, tsm_error *error)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object)) return tsm_fail(error, TSM_ERROR_FORMAT, "__metadata__ is not a JSON object");
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value))
            return tsm_fail(error, TSM_ERROR_FORMAT, "__metadata__ \"%.200s\" is not a string", key);
        TSM_TRY_RETURN(tsm_checkpoint_add_metadata(checkpoint, key, json_string_value(value), error));
    }
    return TSM_OK;
}

/* Reads up to `limit` non-negative integers from a JSON array; -1 where it is anything else. */
static int read_integers(json_t *array, int64_t *out, size_t limit)
{
    size_t count = json_array_size(array);

    if (!json_is_array(array) || count > limit) return -1;
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_array_get(array, i);

        if (!json_is_integer(value) || json_integer_value(value) < 0) return -1;
        out[i] = json_integer_value(value);
    }
    return (int)count;
}

static tsm_status add_tensor(reader *r, const char *name, json_t *entry, tsm_error *error)
{
    const char *type_name = json_string_value(json_object_get(entry, "dtype"));
    int64_t dims[TSM_STORED_MAX_DIMS], offsets[2];
    int ndim = read_integers(json_object_get(entry, "shape"), dims, TSM_STORED_MAX_DIMS);
    tsm_stored_type type;
    tsm_stored_tensor *tensor;
    extent *place = &r->extents[r->checkpoint->count];

    if (!type_name) return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s has no dtype", name);
    type = tsm_stored_find(type_name);
    if (type == TSM_STORED_COUNT)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s has the unknown dtype \"%.40s\"", name, type_name);
    if (ndim < 0)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s: its shape is not a list of up to %d sizes", name,
                        TSM_STORED_MAX_DIMS);
    if (read_integers(json_object_get(entry, "data_offsets"), offsets, 2) != 2)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s: its data_offsets are not two offsets", name);
    TSM_TRY_RETURN(tsm_checkpoint_add(r->checkpoint, name, type, dims, ndim, &tensor, error));
    *place = (extent){ (uint64_t)offsets[0], (uint64_t)offsets[1], r->checkpoint->count - 1 };
    if (place->end < place->begin || place->end - place->begin != tensor->bytes)
        return tsm_fail(error, TSM_ERROR_FORMAT,
                        "%.200s: its data_offsets [%lld,%lld] do not hold the %llu bytes of its shape", name,
                        (long long)offsets[0], (long long)offsets[1], (unsigned long long)tensor->bytes);
    return TSM_OK;
}

static int compare_extents(const void *a, const void *b)
{
    const extent *x = a, *y = b;

    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end); /* empty tensors before the one that begins at the same place */
}

/* The tensors must fill the data section: from 0, without a hole, without overlap, to its very end. */
static tsm_status check_extents(const reader *r, tsm_error *error)
{
    uint64_t position = 0;

    qsort(r->extents, (size_t)r->checkpoint->count, sizeof *r->extents, compare_extents);
    for (int i = 0; i < r->checkpoint->count; i++) {
        const extent *place = &r->extents[i];

        if (place->begin != position)
            return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s begins at byte %llu of the data, %s byte %llu",
                            r->checkpoint->tensors[place->index].name, (unsigned long long)place->begin,
                            place->begin < position ? "inside a tensor that ends at" : "leaving a hole from",
                            (unsigned long long)position);
        position = place->end;
    }
    if (position > r->data_bytes)
        return tsm_fail(error, TSM_ERROR_FORMAT, "is truncated: %llu of %llu bytes of tensors are missing",
                        (unsigned long long)(position - r->data_bytes), (unsigned long long)position);
    if (position < r->data_bytes)
        return tsm_fail(error, TSM_ERROR_FORMAT, "has %llu bytes after its last tensor",
                        (unsigned long long)(r->data_bytes - position));
    return TSM_OK;
}

static tsm_status parse_header(reader *r, json_t *header, tsm_error *error)
{
    const char *name;
    json_t *entry;

    r->extents = tsm_alloc_zero(json_object_size(header), sizeof *r->extents);
    if (!r->extents) return tsm_fail_memory(error, json_object_size(header) * sizeof *r->extents);
    json_object_foreach(header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            TSM_TRY_RETURN(add_metadata(r->checkpoint, entry, error));
        else
            TSM_TRY_RETURN(add_tensor(r, name, entry, error));
    }
    TSM_TRY_RETURN(check_extents(r, error));
    return tsm_checkpoint_finish(r->checkpoint, error);
}

static tsm_status read_data(reader *r, const tsm_source *source, uint64_t offset, tsm_error *error)
{
    uint8_t *data = tsm_alloc_aligned((size_t)r->data_bytes, 1);

    if (!data) return tsm_fail_memory(error, (size_t)r->data_bytes);
    r->checkpoint->buffer = data;
    for (int i = 0; i < r->checkpoint->count; i++)
        r->checkpoint->tensors[r->extents[i].index].data = data + r->extents[i].begin;
    return tsm_source_read(source, offset, data, (size_t)r->data_bytes, error);
}

tsm_status tsm_safetensors_read(tsm_checkpoint **checkpoint, const tsm_source *source, tsm_error *error)
{
    reader r = { 0 };
    json_t *header = NULL;
    size_t length;
    tsm_status status;

    *checkpoint = NULL;
    r.checkpoint = tsm_checkpoint_create("safetensors");
    if (!r.checkpoint) return tsm_fail_memory(error, sizeof *r.checkpoint);
    TSM_TRY(header_length(source, &length, error));
    r.data_bytes = source->size - 8 - length;
    TSM_TRY(read_header(source, length, &header, error));
    TSM_TRY(parse_header(&r, header, error));
    TSM_TRY(read_data(&r, source, 8 + length, error));
    *checkpoint = r.checkpoint;
    r.checkpoint = NULL;
fail:
    json_decref(header);
    tsm_free(r.extents);
    tsm_checkpoint_destroy(&r.checkpoint);
    return status;
}
