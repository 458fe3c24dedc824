/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch_legacy.c - the stream of PyTorch before 1.6: five pickles (a magic number, a protocol number, facts of the
 * machine, the object, the keys of its storages), then for each key its number of elements and its raw data.
 */
#include <stdlib.h>

#include "torch_file.h"

#define PROTOCOL 1001

static tsm_status read_one(tsm_torch_file *file, size_t *at, uint32_t *value, tsm_error *error)
{
    size_t used = 0;

    TSM_TRY_RETURN(tsm_pickle_read(&file->pickle, file->data + *at, file->bytes - *at, value, &used, error));
    *at += used;
    return TSM_OK;
}

/* What the object says of its storages, sorted by key: here `bytes` is the size of an element. */
static tsm_status list_described(const tsm_pickle *pickle, tsm_torch_storages *described, tsm_error *error)
{
    for (size_t i = 1; i < pickle->value_count; i++) {
        const tsm_pickle_value *value = &pickle->values[i];
        tsm_torch_storage one = { 0 };

        if (value->kind != TSM_PICKLE_STORAGE) continue;
        one.key = tsm_pickle_at(pickle, value->as.storage.key)->as.string.bytes;
        one.key_length = tsm_pickle_at(pickle, value->as.storage.key)->as.string.length;
        one.bytes = tsm_stored_bytes(value->as.storage.type);
        TSM_TRY_RETURN(tsm_torch_add_storage(described, &one, error));
    }
    if (described->count > 0)
        qsort(described->items, described->count, sizeof *described->items, tsm_torch_compare_storages);
    return TSM_OK;
}

/* The storage of `key`, whose count and data begin at *at. */
static tsm_status read_storage(tsm_torch_file *file, const tsm_torch_storages *described, const tsm_pickle_value *key,
                               size_t *at, tsm_error *error)
{
    const tsm_torch_storage *description;
    tsm_torch_storage storage = { 0 };
    uint64_t count = 0;

    if (key->kind != TSM_PICKLE_STRING)
        return tsm_fail(error, TSM_ERROR_FORMAT, "has a storage whose key is not text");
    description = tsm_torch_find_storage(described, key->as.string.bytes, key->as.string.length);
    if (!description) return tsm_fail(error, TSM_ERROR_FORMAT, "has a storage that no tensor describes");
    if (file->bytes - *at < 8)
        return tsm_fail(error, TSM_ERROR_FORMAT, "is truncated: a storage is missing at its end");
    for (int i = 7; i >= 0; i--) count = count << 8 | file->data[*at + (size_t)i];
    *at += 8;
    if (count > UINT64_MAX / description->bytes || count * description->bytes > file->bytes - *at)
        return tsm_fail(error, TSM_ERROR_FORMAT, "is truncated: a storage of %llu elements has %zu bytes left",
                        (unsigned long long)count, file->bytes - *at);
    storage.key = key->as.string.bytes;
    storage.key_length = key->as.string.length;
    storage.data = file->data + *at;
    storage.bytes = count * description->bytes;
    *at += (size_t)storage.bytes;
    return tsm_torch_add_storage(&file->storages, &storage, error);
}

static tsm_status read_storages(tsm_torch_file *file, uint32_t keys, size_t at, tsm_error *error)
{
    tsm_torch_storages described = { 0 };
    const tsm_pickle_value *list = tsm_pickle_at(&file->pickle, keys);
    tsm_status status = TSM_OK;

    if (list->kind != TSM_PICKLE_LIST) return tsm_fail(error, TSM_ERROR_FORMAT, "has no list of storages");
    TSM_TRY(list_described(&file->pickle, &described, error));
    for (uint32_t cell = list->as.items.first; cell; cell = file->pickle.cells[cell].next)
        TSM_TRY(
            read_storage(file, &described, tsm_pickle_at(&file->pickle, file->pickle.cells[cell].value), &at, error));
    TSM_TRY(tsm_torch_sort_storages(&file->storages, error));
fail:
    tsm_free(described.items);
    return status;
}

tsm_status tsm_torch_read_legacy(tsm_torch_file *file, tsm_error *error)
{
    uint32_t magic, protocol, machine, little, keys;
    const tsm_pickle_value *value;
    size_t at = 0;

    TSM_TRY_RETURN(read_one(file, &at, &magic, error)); /* recognised before it came here */
    TSM_TRY_RETURN(read_one(file, &at, &protocol, error));
    value = tsm_pickle_at(&file->pickle, protocol);
    if (value->kind != TSM_PICKLE_INTEGER || value->as.integer != PROTOCOL)
        return tsm_fail(error, TSM_ERROR_FORMAT, "is a PyTorch stream of a protocol that is not %d", PROTOCOL);
    TSM_TRY_RETURN(read_one(file, &at, &machine, error));
    little = tsm_pickle_lookup(&file->pickle, machine, "little_endian");
    value = tsm_pickle_at(&file->pickle, little);
    if (value->kind == TSM_PICKLE_BOOL && !value->as.integer)
        return tsm_fail(error, TSM_ERROR_FORMAT, "was written on a big-endian machine, which is not read");
    TSM_TRY_RETURN(read_one(file, &at, &file->root, error));
    TSM_TRY_RETURN(read_one(file, &at, &keys, error));
    return read_storages(file, keys, at, error);
}
