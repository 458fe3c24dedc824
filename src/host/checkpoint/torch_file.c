/* SPDX-License-Identifier: Apache-2.0 */
/* torch_file.c - see torch_file.h: from a pickle's tensors and a container's storages to a checkpoint. */
#include "torch_file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* ---- Storages ---- */

tsm_status tsm_torch_add_storage(tsm_torch_storages *storages, const tsm_torch_storage *storage, tsm_error *error)
{
    if (storages->count == storages->room) {
        size_t wanted = storages->room ? storages->room * 2 : 64;
        tsm_torch_storage *larger = tsm_realloc(storages->items, wanted, sizeof *larger);

        if (!larger) return tsm_fail_memory(error, wanted * sizeof *larger);
        storages->items = larger;
        storages->room = wanted;
    }
    storages->items[storages->count++] = *storage;
    return TSM_OK;
}

int tsm_torch_compare_storages(const void *a, const void *b)
{
    const tsm_torch_storage *x = a, *y = b;
    size_t shorter = x->key_length < y->key_length ? x->key_length : y->key_length;
    int order = memcmp(x->key, y->key, shorter);

    return order ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

tsm_status tsm_torch_sort_storages(tsm_torch_storages *storages, tsm_error *error)
{
    if (storages->count > 0)
        qsort(storages->items, storages->count, sizeof *storages->items, tsm_torch_compare_storages);
    for (size_t i = 1; i < storages->count; i++)
        if (tsm_torch_compare_storages(&storages->items[i - 1], &storages->items[i]) == 0)
            return tsm_fail(error, TSM_ERROR_FORMAT, "has the storage %.*s twice",
                            (int)(storages->items[i].key_length < 100 ? storages->items[i].key_length : 100),
                            storages->items[i].key);
    return TSM_OK;
}

const tsm_torch_storage *tsm_torch_find_storage(const tsm_torch_storages *storages, const char *key, size_t length)
{
    const tsm_torch_storage wanted = { .key = key, .key_length = length };

    if (storages->count == 0) return NULL;
    return bsearch(&wanted, storages->items, storages->count, sizeof wanted, tsm_torch_compare_storages);
}

/* ---- Tensors ---- */

/* Where a tensor lies in its storage, in elements. */
typedef struct strided {
    int64_t dims[TSM_STORED_MAX_DIMS], strides[TSM_STORED_MAX_DIMS];
    int ndim;
    int64_t offset;
} strided;

/* What is being filled, and from what. */
typedef struct filler {
    const tsm_torch_file *file;
    tsm_checkpoint *checkpoint;
    uint64_t allowed; /* bytes of tensors that may still come */
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

static tsm_status place_tensor(filler *f, tsm_stored_tensor *tensor, const strided *s,
                               const tsm_torch_storage *storage, tsm_error *error)
{
    size_t size = tsm_stored_bytes(tensor->type);
    int64_t elements = (int64_t)(storage->bytes / size), reach = tensor->count ? extent(s) : 0;
    const uint8_t *from;

    if (reach < 0 || s->offset > elements || reach > elements - s->offset)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.150s reaches past the %lld elements of its storage", tensor->name,
                        (long long)elements);
    from = storage->data + (size_t)s->offset * size;
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

static tsm_status add_tensor(filler *f, const char *name, const tsm_pickle_value *tensor, tsm_error *error)
{
    const tsm_pickle *pickle = &f->file->pickle;
    const tsm_pickle_value *described = tsm_pickle_at(pickle, tensor->as.tensor.storage);
    const tsm_torch_storage *storage =
        tsm_torch_find_storage(&f->file->storages, described->as.storage.key, described->as.storage.key_length);
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
    return place_tensor(f, stored, &s, storage, error);
}

/* Adds an entry of a dictionary, if it is a tensor under a text. */
static tsm_status add_entry(filler *f, const tsm_pickle_value *key, const tsm_pickle_value *value, tsm_error *error)
{
    char *name;
    tsm_status status;

    if (key->kind != TSM_PICKLE_STRING || value->kind != TSM_PICKLE_TENSOR) return TSM_OK;
    name = tsm_strndup(key->as.string.bytes, key->as.string.length);
    if (!name) return tsm_fail_memory(error, key->as.string.length);
    if (strlen(name) != key->as.string.length)
        status = tsm_fail(error, TSM_ERROR_FORMAT, "the name of a tensor contains a zero byte");
    else
        status = add_tensor(f, name, value, error);
    tsm_free(name);
    return status;
}

static tsm_status add_entries(filler *f, uint32_t dict, tsm_error *error)
{
    const tsm_pickle *pickle = &f->file->pickle;
    uint32_t cell = tsm_pickle_at(pickle, dict)->as.items.first;

    while (cell) {
        uint32_t next = pickle->cells[cell].next; /* keys and values take turns */

        TSM_TRY_RETURN(add_entry(f, tsm_pickle_at(pickle, pickle->cells[cell].value),
                                 tsm_pickle_at(pickle, pickle->cells[next].value), error));
        cell = pickle->cells[next].next;
    }
    return TSM_OK;
}

/* Is this what an optimizer saves, of itself or of one parameter? The first entries tell: all of a value that many
 * refer to would be too long a look. */
static bool is_optimizer(const tsm_pickle *pickle, uint32_t dict)
{
    static const char *const names[] = { "param_groups", "momentum_buffer", "exp_avg" };
    const tsm_pickle_value *value = tsm_pickle_at(pickle, dict);
    uint32_t cell = value->kind == TSM_PICKLE_DICT ? value->as.items.first : 0;

    for (int i = 0; cell && i < 8; i++) {
        const tsm_pickle_value *key = tsm_pickle_at(pickle, pickle->cells[cell].value);

        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (tsm_pickle_equals(key, names[k])) return true;
        cell = pickle->cells[pickle->cells[cell].next].next;
    }
    return false;
}

/* A dictionary whose first entry is a tensor under a text. */
static bool has_tensors(const tsm_pickle *pickle, uint32_t dict)
{
    const tsm_pickle_value *value = tsm_pickle_at(pickle, dict);
    const uint32_t cell = value->kind == TSM_PICKLE_DICT ? value->as.items.first : 0;

    return cell && tsm_pickle_at(pickle, pickle->cells[cell].value)->kind == TSM_PICKLE_STRING &&
           tsm_pickle_at(pickle, pickle->cells[pickle->cells[cell].next].value)->kind == TSM_PICKLE_TENSOR;
}

/* What a dictionary without a state_dict holds instead. */
static tsm_status fail_without_tensors(const tsm_pickle *pickle, uint32_t root, tsm_error *error)
{
    uint32_t cell = tsm_pickle_at(pickle, root)->as.items.first;
    bool optimizer = is_optimizer(pickle, root), whole = false;

    while (cell) {
        const uint32_t next = pickle->cells[cell].next, value = pickle->cells[next].value;
        const tsm_pickle_value *key = tsm_pickle_at(pickle, pickle->cells[cell].value);

        if (key->kind == TSM_PICKLE_STRING && has_tensors(pickle, value))
            return tsm_fail(error, TSM_ERROR_FORMAT,
                            "is a PyTorch file, but holds no tensors in a state_dict: they are in \"%.*s\"",
                            (int)(key->as.string.length < 40 ? key->as.string.length : 40), key->as.string.bytes);
        if (tsm_pickle_equals(key, "model") && tsm_pickle_at(pickle, value)->kind == TSM_PICKLE_OBJECT) whole = true;
        optimizer = optimizer || is_optimizer(pickle, value);
        cell = pickle->cells[next].next;
    }
    return tsm_fail(error, TSM_ERROR_FORMAT, "is a PyTorch file%s, but holds no tensors in a state_dict%s",
                    optimizer ? " with the state of an optimizer" : "",
                    whole ? ": a whole model was saved, as \"model\"" : "");
}

static tsm_status fill(filler *f, tsm_error *error)
{
    const tsm_pickle *pickle = &f->file->pickle;
    uint32_t root = f->file->root, dict;

    if (tsm_pickle_at(pickle, root)->kind != TSM_PICKLE_DICT)
        return tsm_fail(error, TSM_ERROR_FORMAT,
                        "is a PyTorch file, but holds no dictionary: a whole model or another "
                        "object was saved, not a state_dict");
    dict = tsm_pickle_lookup(pickle, root, "state_dict");
    if (tsm_pickle_at(pickle, dict)->kind != TSM_PICKLE_DICT) dict = root;
    TSM_TRY_RETURN(add_entries(f, dict, error));
    if (f->checkpoint->count > 0) return tsm_checkpoint_finish(f->checkpoint, error);
    return fail_without_tensors(pickle, root, error);
}

/* ---- The file ---- */

static bool is_zip(const uint8_t *head, size_t bytes)
{
    return bytes >= 4 && memcmp(head, "PK\3\4", 4) == 0;
}

bool tsm_torch_recognise(const uint8_t *head, size_t bytes)
{
    static const uint8_t magic[] = { 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };

    if (is_zip(head, bytes)) return true;
    return bytes >= 2 + sizeof magic && head[0] == 0x80 && memcmp(head + 2, magic, sizeof magic) == 0;
}

static tsm_status read_container(tsm_torch_file *file, tsm_error *error)
{
    return is_zip(file->data, file->bytes) ? tsm_torch_read_zip(file, error) : tsm_torch_read_legacy(file, error);
}

tsm_status tsm_torch_read(tsm_checkpoint **checkpoint, const tsm_source *source, tsm_error *error)
{
    tsm_torch_file file = { .bytes = (size_t)source->size };
    filler f = { .file = &file, .allowed = 2 * source->size };
    uint8_t *data;
    tsm_status status;

    *checkpoint = NULL;
    f.checkpoint = tsm_checkpoint_create("PyTorch");
    if (!f.checkpoint) return tsm_fail_memory(error, sizeof *f.checkpoint);
    f.checkpoint->buffer = data = tsm_alloc_aligned(file.bytes, 1);
    if (!data) {
        status = tsm_fail_memory(error, file.bytes);
        goto fail;
    }
    file.data = data;
    TSM_TRY(tsm_source_read(source, 0, data, file.bytes, error));
    f.checkpoint->container = is_zip(data, file.bytes) ? "PyTorch zip" : "PyTorch legacy stream";
    TSM_TRY(read_container(&file, error));
    TSM_TRY(fill(&f, error));
    *checkpoint = f.checkpoint;
    f.checkpoint = NULL;
fail:
    tsm_pickle_clear(&file.pickle);
    tsm_free(file.storages.items);
    tsm_checkpoint_destroy(&f.checkpoint);
    return status;
}
