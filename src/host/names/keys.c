/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARTS 8 /* wrappers around a network; more are not looked through */

/* What is left of a tensor's name without the prefix, if it has that. */
static const char *without(const tsm_key *key, const char *prefix, size_t length)
{
    return key->tensor->name + (strncmp(key->tensor->name, prefix, length) == 0 ? length : 0);
}

/* The naming that knows the most names without the prefix; returns how many. */
static int nearest_naming(const tsm_keys *keys, const char *prefix, size_t length, const tsm_naming **nearest)
{
    int most = 0;

    *nearest = NULL;
    for (const tsm_naming *naming = tsm_namings; naming->name; naming++) {
        int known = 0;

        for (int i = 0; i < keys->count; i++)
            known += tsm_naming_knows(naming, without(&keys->items[i], prefix, length));
        if (known <= most) continue;
        most = known;
        *nearest = naming;
    }
    return most;
}

/* The bytes of a name up to its first dot, with it. */
static size_t first_part(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot ? (size_t)(dot - name) + 1 : 0;
}

static bool same_part(const char *a, const char *b)
{
    const size_t length = first_part(a);

    return length == first_part(b) && memcmp(a, b, length) == 0;
}

/* A name that begins as more than half of all do, if any does (Boyer and Moore's vote): a stray tensor must not hide
 * what the others have in common. */
static const char *typical_name(const tsm_keys *keys)
{
    const char *name = "";
    int votes = 0;

    for (int i = 0; i < keys->count; i++) {
        if (votes == 0) name = keys->items[i].tensor->name;
        votes += same_part(name, keys->items[i].tensor->name) ? 1 : -1;
    }
    return name;
}

/* How many bytes the names that begin like `typical` have in common, up to the last dot among them. */
static size_t common_prefix(const tsm_keys *keys, const char *typical)
{
    size_t common = strlen(typical);

    for (int i = 0; i < keys->count; i++) {
        const char *name = keys->items[i].tensor->name;
        size_t same = 0;

        if (!same_part(typical, name)) continue;
        while (same < common && name[same] == typical[same]) same++;
        common = same;
    }
    while (common > 0 && typical[common - 1] != '.') common--;
    return common;
}

/* Finds the naming, and how much comes before its names: the least, in whole parts, that makes the most names
 * known. */
static tsm_status find_naming(tsm_keys *keys, tsm_error *error)
{
    const char *typical = typical_name(keys);
    const size_t common = common_prefix(keys, typical);
    size_t cut = 0;
    int most = nearest_naming(keys, typical, 0, &keys->naming), parts = 0;

    for (size_t at = 1; at <= common && parts < MAX_PARTS; at++) {
        const tsm_naming *naming;
        int known;

        if (typical[at - 1] != '.') continue;
        parts++;
        known = nearest_naming(keys, typical, at, &naming);
        /* "base_model." may itself be a wrapper of a network whose names begin with that. */
        if (!naming || known < most || (known == most && naming != keys->naming)) continue;
        most = known;
        cut = at;
        keys->naming = naming;
    }
    keys->prefix = tsm_strndup(typical, cut);
    return keys->prefix ? TSM_OK : tsm_fail_memory(error, cut);
}

static tsm_status rename_keys(tsm_keys *keys, tsm_error *error)
{
    const size_t length = strlen(keys->prefix);

    for (int i = 0; i < keys->count; i++) {
        tsm_key *key = &keys->items[i];
        const char *name = without(key, keys->prefix, length);

        key->known = keys->naming && tsm_naming_knows(keys->naming, name);
        key->name = tsm_strdup(name);
        if (!key->name || (keys->naming && !tsm_rename_apply(keys->naming->renames, &key->name, &key->marks)))
            return tsm_fail_memory(error, strlen(name));
    }
    return TSM_OK;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const tsm_key *)a)->name, ((const tsm_key *)b)->name);
}

tsm_status tsm_keys_make(tsm_keys *keys, const tsm_checkpoint *checkpoint, tsm_error *error)
{
    size_t bytes = (size_t)checkpoint->count * sizeof *keys->items;

    *keys = (tsm_keys){ 0 };
    keys->items = tsm_alloc_zero((size_t)checkpoint->count, sizeof *keys->items);
    if (!keys->items) return tsm_fail_memory(error, bytes);
    for (int i = 0; i < checkpoint->count; i++) {
        const tsm_bookkeeping kind = tsm_bookkeeping_of(checkpoint->tensors[i].name);

        keys->left_out[kind]++;
        if (kind == TSM_BOOK_NONE) keys->items[keys->count++].tensor = &checkpoint->tensors[i];
    }
    TSM_TRY_RETURN(find_naming(keys, error));
    TSM_TRY_RETURN(rename_keys(keys, error));
    qsort(keys->items, (size_t)keys->count, sizeof *keys->items, compare_keys);
    for (int i = 1; i < keys->count; i++)
        if (compare_keys(&keys->items[i - 1], &keys->items[i]) == 0)
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s and %.150s are the same tensor of the network",
                            keys->items[i - 1].tensor->name, keys->items[i].tensor->name);
    return TSM_OK;
}

tsm_status tsm_keys_take_averages(tsm_keys *keys, const tsm_checkpoint *checkpoint, tsm_error *error)
{
    for (int i = 0; i < keys->count; i++) {
        const char *plain = keys->items[i].tensor->name;
        const size_t room = strlen(plain) + sizeof "ema_";
        const tsm_stored_tensor *average;
        char *name = tsm_alloc_zero(room, 1);

        if (!name) return tsm_fail_memory(error, room);
        snprintf(name, room, "ema_%s", plain);
        for (char *at = name; *at; at++)
            if (*at == '.') *at = '_';
        average = tsm_checkpoint_find(checkpoint, name);
        tsm_free(name);
        if (!average) return tsm_fail(error, TSM_ERROR_MODEL, "holds no average of %.200s", plain);
        keys->items[i].tensor = average;
    }
    return TSM_OK;
}

void tsm_keys_clear(tsm_keys *keys)
{
    for (int i = 0; i < keys->count; i++) tsm_free(keys->items[i].name);
    tsm_free(keys->items);
    tsm_free(keys->prefix);
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
