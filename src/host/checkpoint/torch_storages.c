/* SPDX-License-Identifier: Apache-2.0 */
/* torch_storages.c - the storages of a file, found by their keys. */
#include <stdlib.h>
#include <string.h>

#include "torch_file.h"

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
