/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name as any naming begins with it. */
static tsm_status make_key(tsm_key *key, const tsm_stored_tensor *tensor, tsm_error *error)
{
    size_t bytes = strlen(tensor->name) + 1;

    key->tensor = tensor;
    key->name = tsm_alloc_zero(bytes, 1);
    if (!key->name) return tsm_fail_memory(error, bytes);
    strcpy(key->name, tensor->name);
    return tsm_rename_apply(tsm_common_renames, &key->name, &key->marks) ? TSM_OK : tsm_fail_memory(error, bytes);
}

/* The naming that knows the most names. */
static const tsm_naming *nearest_naming(const tsm_keys *keys)
{
    const tsm_naming *nearest = NULL;
    int most = 0;

    for (const tsm_naming *naming = tsm_namings; naming->name; naming++) {
        int known = 0;

        for (int i = 0; i < keys->count; i++) known += tsm_naming_knows(naming, keys->items[i].name);
        if (known <= most) continue;
        most = known;
        nearest = naming;
    }
    return nearest;
}

static tsm_status rename_keys(tsm_keys *keys, tsm_error *error)
{
    keys->naming = nearest_naming(keys);
    for (int i = 0; i < keys->count; i++) {
        tsm_key *key = &keys->items[i];

        if (keys->naming && !tsm_rename_apply(keys->naming->renames, &key->name, &key->marks))
            return tsm_fail_memory(error, strlen(key->name));
    }
    return TSM_OK;
}

static bool is_counter(const char *name)
{
    static const char suffix[] = "num_batches_tracked";
    size_t length = strlen(name);

    return length >= sizeof suffix - 1 && strcmp(name + length - (sizeof suffix - 1), suffix) == 0;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const tsm_key *)a)->name, ((const tsm_key *)b)->name);
}

tsm_status tsm_keys_make(tsm_keys *keys, const tsm_checkpoint *checkpoint, tsm_error *error)
{
    size_t bytes = (size_t)checkpoint->count * sizeof *keys->items;

    keys->count = 0;
    keys->items = tsm_alloc_zero((size_t)checkpoint->count, sizeof *keys->items);
    if (!keys->items) return tsm_fail_memory(error, bytes);
    for (int i = 0; i < checkpoint->count; i++) {
        if (is_counter(checkpoint->tensors[i].name)) continue;
        TSM_TRY_RETURN(make_key(&keys->items[keys->count++], &checkpoint->tensors[i], error));
    }
    TSM_TRY_RETURN(rename_keys(keys, error));
    qsort(keys->items, (size_t)keys->count, sizeof *keys->items, compare_keys);
    for (int i = 1; i < keys->count; i++)
        if (compare_keys(&keys->items[i - 1], &keys->items[i]) == 0)
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s and %.150s are the same tensor of the network",
                            keys->items[i - 1].tensor->name, keys->items[i].tensor->name);
    return TSM_OK;
}

void tsm_keys_clear(tsm_keys *keys)
{
    for (int i = 0; i < keys->count; i++) tsm_free(keys->items[i].name);
    tsm_free(keys->items);
    *keys = (tsm_keys){ 0 };
}

tsm_key *tsm_keys_find(const tsm_keys *keys, const char *name)
{
    tsm_key wanted = { .name = (char *)(uintptr_t)name };

    if (keys->count == 0) return NULL;
    return bsearch(&wanted, keys->items, (size_t)keys->count, sizeof wanted, compare_keys);
}

const tsm_key *tsm_keys_first_unused(const tsm_keys *keys)
{
    const tsm_key *first = NULL;

    for (int i = 0; i < keys->count; i++) {
        const tsm_key *key = &keys->items[i];
        /* Tensors of a checkpoint are one array in the file's order. */
        if (!key->used && (!first || key->tensor < first->tensor)) first = key;
    }
    return first;
}

void tsm_key_dims(const tsm_key *key, int64_t dims[TSM_STORED_MAX_DIMS])
{
    const tsm_stored_tensor *tensor = key->tensor;

    memcpy(dims, tensor->dims, sizeof tensor->dims);
    if (!key->marks.transposed || tensor->ndim != 2) return;
    dims[0] = tensor->dims[1];
    dims[1] = tensor->dims[0];
}
