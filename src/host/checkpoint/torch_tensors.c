/* SPDX-License-Identifier: Apache-2.0 */
/* torch_tensors.c - from a dictionary in a pickle to the tensors of a checkpoint. */
#include <string.h>

#include "reader.h"
#include "torch_file.h"

/* Where a tensor lies in its storage, or in the bytes of an array, in elements. */
typedef struct strided {
    int64_t dims[TSM_STORED_MAX_DIMS], strides[TSM_STORED_MAX_DIMS];
    int ndim;
    int64_t offset;
} strided;

/* What is being filled, and from what. */
typedef struct filler {
    const tsm_torch_file *file;
    tsm_checkpoint *checkpoint;
    uint64_t allowed;       /* bytes of tensors that may still come */
    uint64_t allowed_names; /* and of their names */
} filler;

static bool is_dense(const strided *s)
{
    int64_t expected = 1;

    for (int i = s->ndim - 1; i >= 0; i--) {
        if (s->dims[i] != 1 && s->strides[i] != expected) return false;
        expected *= s->dims[i];
    }
    return true;
}

/* The number of elements from the first to behind the last, or -1 where that is no number. Every dimension is > 0. */
static int64_t extent(const strided *s)
{
    int64_t last = 0, step;

    for (int i = 0; i < s->ndim; i++)
        if (s->strides[i] < 0 || __builtin_mul_overflow(s->dims[i] - 1, s->strides[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return -1;
    return last == INT64_MAX ? -1 : last + 1;
}

/* Copies a strided tensor to a dense one, an odometer over its dimensions. */
static void gather(const strided *s, const uint8_t *from, size_t size, int64_t count, uint8_t *to)
{
    int64_t index[TSM_STORED_MAX_DIMS] = { 0 }, position = 0;

    for (int64_t n = 0; n < count; n++) {
        memcpy(to + (size_t)n * size, from + (size_t)position * size, size);
        for (int d = s->ndim - 1; d >= 0; d--) {
            position += s->strides[d];
            if (++index[d] < s->dims[d]) break;
            position -= s->strides[d] * s->dims[d];
            index[d] = 0;
        }
    }
}

/* `from`: the first of so many elements that the tensor may have its own among. */
static tsm_status place_tensor(filler *f, tsm_stored_tensor *tensor, const strided *s, const uint8_t *from,
                               int64_t elements, tsm_error *error)
{
    size_t size = tsm_stored_bytes(tensor->type);
    int64_t reach = tensor->count ? extent(s) : 0;

    if (reach < 0 || s->offset > elements || reach > elements - s->offset)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s reaches past the %lld elements of its storage", tensor->name,
                        (long long)elements);
    from += (size_t)s->offset * size;
    if (tensor->bytes > f->allowed)
        return tsm_fail(error, TSM_ERROR_FORMAT,
                        "%.150s: the tensors up to this one are more than twice as large as the file", tensor->name);
    f->allowed -= tensor->bytes;
    tensor->data = from;
    if (tensor->count == 0 || is_dense(s)) return TSM_OK;
    tensor->owned = tsm_alloc_aligned((size_t)tensor->count, size);
    if (!tensor->owned) return tsm_fail_memory(error, (size_t)tensor->bytes);
    gather(s, from, size, tensor->count, tensor->owned);
    tensor->data = tensor->owned;
    return TSM_OK;
}

/* ---- PyTorch ---- */

static tsm_status read_strided(const tsm_pickle *pickle, const tsm_pickle_value *tensor, const char *name, strided *s,
                               tsm_error *error)
{
    const tsm_pickle_value *storage = tsm_pickle_at(pickle, tensor->as.tensor.storage);
    int64_t view = storage->as.storage.view ? tsm_pickle_at(pickle, storage->as.storage.view)->as.integer : 0;

    s->ndim = tsm_pickle_integers(pickle, tensor->as.tensor.dims, s->dims, TSM_STORED_MAX_DIMS);
    if (s->ndim < 0 ||
        tsm_pickle_integers(pickle, tensor->as.tensor.stride, s->strides, TSM_STORED_MAX_DIMS) != s->ndim ||
        __builtin_add_overflow(view, tsm_pickle_at(pickle, tensor->as.tensor.offset)->as.integer, &s->offset))
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s: its sizes and strides are not lists of up to 8 numbers",
                        name);
    for (int i = 0; i < s->ndim; i++)
        if (s->dims[i] == 1) s->strides[i] = 0; /* never taken, and may be anything */
    return TSM_OK;
}

static tsm_status add_torch_tensor(filler *f, const char *name, const tsm_pickle_value *tensor, tsm_error *error)
{
    const tsm_pickle *pickle = &f->file->pickle;
    const tsm_pickle_value *described = tsm_pickle_at(pickle, tensor->as.tensor.storage);
    const tsm_pickle_value *key = tsm_pickle_at(pickle, described->as.storage.key);
    const tsm_torch_storage *storage =
        tsm_torch_find_storage(&f->file->storages, key->as.string.bytes, key->as.string.length);
    uint64_t elements = (uint64_t)tsm_pickle_at(pickle, described->as.storage.size)->as.integer;
    size_t size = tsm_stored_bytes(described->as.storage.type);
    tsm_stored_tensor *stored;
    strided s;

    if (!storage) return tsm_fail(error, TSM_ERROR_FORMAT, "the storage of %.150s is missing", name);
    if (storage->bytes % size != 0 || storage->bytes / size != elements)
        return tsm_fail(error, TSM_ERROR_FORMAT, "the storage of %.150s has %llu bytes, want %llu elements of %zu",
                        name, (unsigned long long)storage->bytes, (unsigned long long)elements, size);
    TSM_TRY_RETURN(read_strided(pickle, tensor, name, &s, error));
    TSM_TRY_RETURN(
        tsm_checkpoint_add(f->checkpoint, name, described->as.storage.type, s.dims, s.ndim, &stored, error));
    return place_tensor(f, stored, &s, storage->data, (int64_t)elements, error);
}

/* ---- NumPy ---- */

/* Bytes that were written as UTF-8 text of characters up to 255: at most `room`, or -1 where it is none. */
static int64_t decode_latin1(const char *text, size_t length, uint8_t *out, int64_t room)
{
    int64_t count = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80) {
            if ((c != 0xc2 && c != 0xc3) || ++i == length || ((unsigned char)text[i] & 0xc0) != 0x80) return -1;
            c = (unsigned char)(c << 6 | ((unsigned char)text[i] & 0x3f));
        }
        if (count == room) return -1;
        out[count++] = c;
    }
    return count;
}

/* Sizes and strides of an array whose elements are in order, one way or the other. */
static tsm_status read_array_dims(const tsm_pickle *pickle, const tsm_pickle_value *array, const char *name,
                                  strided *s, tsm_error *error)
{
    int64_t step = 1;

    *s = (strided){ .ndim = 0 };
    s->ndim = tsm_pickle_integers(pickle, array->as.array.dims, s->dims, TSM_STORED_MAX_DIMS);
    for (int i = 0; i < s->ndim; i++) {
        const int d = array->as.array.by_columns ? i : s->ndim - 1 - i;

        s->strides[d] = s->dims[d] == 1 ? 0 : step;
        if (s->dims[d] < 0 || __builtin_mul_overflow(step, s->dims[d] ? s->dims[d] : 1, &step)) s->ndim = -1;
    }
    if (s->ndim >= 0) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s: its sizes are not a list of up to %d numbers", name,
                    TSM_STORED_MAX_DIMS);
}

/* The bytes of text that was made of bytes, to be released with tsm_free. */
static tsm_status decode_bytes(const tsm_pickle_value *text, const tsm_stored_tensor *tensor, uint8_t **bytes,
                               tsm_error *error)
{
    *bytes = tsm_alloc_aligned((size_t)tensor->bytes, 1);
    if (!*bytes) return tsm_fail_memory(error, (size_t)tensor->bytes);
    if (decode_latin1(text->as.string.bytes, text->as.string.length, *bytes, (int64_t)tensor->bytes) ==
        (int64_t)tensor->bytes)
        return TSM_OK;
    tsm_free(*bytes);
    *bytes = NULL;
    return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s: its text is not the %llu bytes of its shape", tensor->name,
                    (unsigned long long)tensor->bytes);
}

static tsm_status place_array(filler *f, tsm_stored_tensor *tensor, const strided *s, const tsm_pickle_value *data,
                              tsm_error *error)
{
    const tsm_pickle_value *text =
        data->kind == TSM_PICKLE_TEXT8 ? tsm_pickle_at(&f->file->pickle, data->as.text) : data;
    uint8_t *decoded = NULL;
    tsm_status status;

    if (data->kind == TSM_PICKLE_STRING && text->as.string.length != tensor->bytes)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s has %zu bytes, want the %llu of its shape", tensor->name,
                        text->as.string.length, (unsigned long long)tensor->bytes);
    if (data->kind == TSM_PICKLE_STRING)
        return place_tensor(f, tensor, s, (const uint8_t *)text->as.string.bytes, tensor->count, error);
    if (tensor->bytes > text->as.string.length)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s has text of %zu bytes, want the %llu of its shape",
                        tensor->name, text->as.string.length, (unsigned long long)tensor->bytes);
    TSM_TRY_RETURN(decode_bytes(text, tensor, &decoded, error));
    status = place_tensor(f, tensor, s, decoded, tensor->count, error);
    if (status == TSM_OK && !tensor->owned)
        tensor->owned = decoded; /* which the tensor points to */
    else
        tsm_free(decoded);
    return status;
}

static tsm_status add_array(filler *f, const char *name, const tsm_pickle_value *array, tsm_error *error)
{
    const tsm_pickle *pickle = &f->file->pickle;
    const tsm_pickle_value *dtype = tsm_pickle_at(pickle, array->as.array.dtype);
    tsm_stored_tensor *stored;
    strided s;

    if (dtype->kind != TSM_PICKLE_DTYPE)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s is an array of a type that is not read", name);
    if (dtype->as.dtype.big_endian)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s is in big-endian order, which is not read", name);
    TSM_TRY_RETURN(read_array_dims(pickle, array, name, &s, error));
    TSM_TRY_RETURN(tsm_checkpoint_add(f->checkpoint, name, dtype->as.dtype.type, s.dims, s.ndim, &stored, error));
    return place_array(f, stored, &s, tsm_pickle_at(pickle, array->as.array.data), error);
}

/* ---- Dictionaries ---- */

/* Adds an entry of a dictionary, if it is a tensor under a text. */
static tsm_status add_entry(filler *f, const tsm_pickle_value *key, const tsm_pickle_value *value, tsm_error *error)
{
    char *name;
    tsm_status status;

    if (!tsm_torch_is_tensor(key, value)) return TSM_OK;
    if (key->as.string.length >= f->allowed_names)
        return tsm_fail(error, TSM_ERROR_FORMAT,
                        "names its tensors in more bytes than the file has: one name many times");
    f->allowed_names -= key->as.string.length;
    name = tsm_strndup(key->as.string.bytes, key->as.string.length);
    if (!name) return tsm_fail_memory(error, key->as.string.length);
    if (strlen(name) != key->as.string.length)
        status = tsm_fail(error, TSM_ERROR_FORMAT, "the name of a tensor contains a zero byte");
    else
        status = value->kind == TSM_PICKLE_ARRAY ? add_array(f, name, value, error)
                                                 : add_torch_tensor(f, name, value, error);
    tsm_free(name);
    return status;
}

tsm_status tsm_torch_fill(const tsm_torch_file *file, uint32_t dict, tsm_checkpoint *checkpoint, tsm_error *error)
{
    filler f = { file, checkpoint, 2 * (uint64_t)file->bytes, file->bytes };
    const tsm_pickle *pickle = &file->pickle;
    uint32_t cell = tsm_pickle_at(pickle, dict)->as.items.first;

    TSM_TRY_RETURN(tsm_checkpoint_reserve(checkpoint, tsm_torch_count(pickle, dict), error));
    while (cell) {
        uint32_t next = pickle->cells[cell].next; /* keys and values take turns */

        TSM_TRY_RETURN(add_entry(&f, tsm_pickle_at(pickle, pickle->cells[cell].value),
                                 tsm_pickle_at(pickle, pickle->cells[next].value), error));
        cell = pickle->cells[next].next;
    }
    return TSM_OK;
}
