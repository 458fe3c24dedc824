/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the blocks of the families are named. */
static const struct {
    const char *pattern;
    const tsm_family *family;
    int numbers;      /* 2: stage from 1, block; 1: block; 0: neither */
    int stage, block; /* where the pattern does not say */
} block_names[] = {
    { "base_model.layer#.#.*", &tsm_family_resnet, 2, 0, 0 },
    { "base_model.features.#.*", &tsm_family_mobilenet, 1, 0, 0 },
    { "base_model.stage#.#.*", &tsm_family_mobileone, 2, 0, 0 },
    { "base_model.stage0.*", &tsm_family_mobileone, 0, TSM_STAGES, 0 },
};

/* The block that a name of the network belongs to. */
static void find_block(tsm_key *key)
{
    key->stage = key->block = -1;
    for (size_t i = 0; i < sizeof block_names / sizeof *block_names; i++) {
        const int numbers = block_names[i].numbers;
        tsm_captures found;

        if (!tsm_pattern_match(block_names[i].pattern, key->name, &found)) continue;
        if (numbers == 2 && (found.numbers[0] < 1 || found.numbers[0] > TSM_STAGES)) continue;
        key->family = block_names[i].family;
        key->stage = numbers == 2 ? found.numbers[0] - 1 : block_names[i].stage;
        key->block = numbers ? found.numbers[numbers - 1] : block_names[i].block;
    }
}

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
        find_block(key);
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

tsm_status tsm_keys_size(const tsm_keys *keys, const char *name, int ndim, int dim, const char *what, int max,
                         int *size, tsm_error *error)
{
    const tsm_key *key = tsm_keys_find(keys, name);
    const tsm_stored_tensor *tensor;
    int64_t dims[TSM_STORED_MAX_DIMS];
    char text[TSM_DIMS_TEXT];

    if (!key) return tsm_keys_missing(keys, name, NULL, 0, error);
    tensor = key->tensor;
    tsm_key_dims(key, dims);
    if (tensor->ndim != ndim)
        return tsm_fail(error, TSM_ERROR_MODEL, "%.150s is %s, want %d dimensions", tensor->name,
                        tsm_dims_text(text, tensor->dims, tensor->ndim), ndim);
    if (dims[dim] < 1 || dims[dim] > max)
        return tsm_fail(error, TSM_ERROR_MODEL, "%.150s has %lld %s, want 1 to %d", tensor->name,
                        (long long)dims[dim], what, max);
    *size = (int)dims[dim];
    return TSM_OK;
}

/* The family of most of the blocks' tensors. */
static const tsm_family *nearest_family(const tsm_keys *keys)
{
    static const tsm_family *const families[] = { &tsm_family_resnet, &tsm_family_mobilenet, &tsm_family_mobileone };
    const tsm_family *nearest = NULL;
    int most = 0;

    for (size_t k = 0; k < sizeof families / sizeof *families; k++) {
        int count = 0;

        for (int i = 0; i < keys->count; i++) count += keys->items[i].family == families[k];
        if (count <= most) continue;
        most = count;
        nearest = families[k];
    }
    return nearest;
}

tsm_arch tsm_keys_traits(const tsm_keys *keys)
{
    tsm_arch traits = { .family = nearest_family(keys) };

    for (int i = 0; i < keys->count; i++) {
        const tsm_key *key = &keys->items[i];

        if (key->family != traits.family || key->stage < 0 || key->stage >= TSM_STAGES) continue;
        if (key->block >= traits.blocks[key->stage]) traits.blocks[key->stage] = key->block + 1;
    }
    if (traits.family != &tsm_family_resnet) return traits;
    traits.bottleneck = tsm_keys_find(keys, "base_model.layer1.0.conv3.weight") != NULL;
    traits.vd = tsm_keys_find(keys, "base_model.conv1.0.weight") != NULL;
    return traits;
}
