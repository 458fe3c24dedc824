/* keys.c - see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The block that a name of the network belongs to. */
static void find_block(tsm_key *key)
{
    tsm_captures found;

    key->stage = key->block = -1;
    if (tsm_pattern_match("base_model.layer#.#.*", key->name, &found) && found.numbers[0] >= 1 &&
        found.numbers[0] <= TSM_STAGES) {
        key->stage = found.numbers[0] - 1;
        key->block = found.numbers[1];
    } else if (tsm_pattern_match("base_model.features.#.*", key->name, &found)) {
        key->stage = TSM_STAGES;
        key->block = found.numbers[0];
    }
}

/* The name as any layout begins with it. */
static tsm_status make_key(tsm_key *key, const tsm_stored_tensor *tensor, tsm_error *error)
{
    size_t bytes = strlen(tensor->name) + 1;

    key->tensor = tensor;
    key->name = tsm_alloc_zero(bytes, 1);
    if (!key->name) return tsm_fail_memory(error, bytes);
    strcpy(key->name, tensor->name);
    return tsm_rename_apply(tsm_common_renames, &key->name, &key->marks) ? TSM_OK : tsm_fail_memory(error, bytes);
}

/* The layout that knows the most names. */
static const tsm_key_layout *nearest_layout(const tsm_keys *keys)
{
    const tsm_key_layout *nearest = NULL;
    int most = 0;

    for (const tsm_key_layout *layout = tsm_key_layouts; layout->name; layout++) {
        int known = 0;

        for (int i = 0; i < keys->count; i++) known += tsm_layout_knows(layout, keys->items[i].name);
        if (known <= most) continue;
        most = known;
        nearest = layout;
    }
    return nearest;
}

static tsm_status rename_keys(tsm_keys *keys, tsm_error *error)
{
    keys->layout = nearest_layout(keys);
    for (int i = 0; i < keys->count; i++) {
        tsm_key *key = &keys->items[i];

        if (keys->layout && !tsm_rename_apply(keys->layout->renames, &key->name, &key->marks))
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

tsm_status tsm_keys_size(const tsm_keys *keys, const char *name, int ndim, int dim, const char *what, int max,
                         int *size, tsm_error *error)
{
    const tsm_key *key = tsm_keys_find(keys, name);
    const tsm_stored_tensor *tensor;
    char text[TSM_DIMS_TEXT];

    if (!key) return tsm_keys_missing(keys, name, NULL, 0, error);
    tensor = key->tensor;
    if (tensor->ndim != ndim)
        return tsm_fail(error, TSM_ERROR_MODEL, "%.150s is %s, want %d dimensions", tensor->name,
                        tsm_dims_text(text, tensor->dims, tensor->ndim), ndim);
    if (tensor->dims[dim] < 1 || tensor->dims[dim] > max)
        return tsm_fail(error, TSM_ERROR_MODEL, "%.150s has %lld %s, want 1 to %d", tensor->name,
                        (long long)tensor->dims[dim], what, max);
    *size = (int)tensor->dims[dim];
    return TSM_OK;
}

#define NOTE_BYTES 120

/* "; its names are those of mmaction2": worth saying where names in errors are not those in the file. */
static const char *layout_note(const tsm_keys *keys, char note[NOTE_BYTES])
{
    note[0] = '\0';
    if (!keys->layout)
        snprintf(note, NOTE_BYTES, "; none of its %d tensors has a name as MIT, mmaction2 or torchvision give",
                 keys->count);
    else if (keys->layout != tsm_key_layouts)
        snprintf(note, NOTE_BYTES, "; its names are those of %s", keys->layout->name);
    return note;
}

/* The first unused tensor whose name gives away a network that is not read here, or NULL. */
static const tsm_key *first_foreign(const tsm_keys *keys, const char **what)
{
    for (int i = 0; i < keys->count; i++) {
        *what = keys->items[i].used ? NULL : tsm_layout_foreign(keys->items[i].name);
        if (*what) return &keys->items[i];
    }
    return NULL;
}

tsm_status tsm_keys_missing(const tsm_keys *keys, const char *name, const int64_t *dims, int ndim, tsm_error *error)
{
    const tsm_key *unused = tsm_keys_first_unused(keys), *foreign;
    const char *what;
    char shape[TSM_DIMS_TEXT], found[TSM_DIMS_TEXT], wanted[200], note[NOTE_BYTES];

    snprintf(wanted, sizeof wanted, "%s%s%s", name, ndim ? " " : "", ndim ? tsm_dims_text(shape, dims, ndim) : "");
    foreign = first_foreign(keys, &what);
    if (foreign)
        return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing; %.150s is of %s, which is not read here%s", wanted,
                        foreign->tensor->name, what, layout_note(keys, note));
    if (unused)
        return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing, and %.150s %s has no place in the network%s", wanted,
                        unused->tensor->name, tsm_dims_text(found, unused->tensor->dims, unused->tensor->ndim),
                        layout_note(keys, note));
    return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing%s", wanted, layout_note(keys, note));
}

tsm_status tsm_keys_left_over(const tsm_keys *keys, const tsm_key *key, tsm_error *error)
{
    char shape[TSM_DIMS_TEXT], note[NOTE_BYTES];

    return tsm_fail(error, TSM_ERROR_MODEL, "%.200s %s has no place in the network%s", key->tensor->name,
                    tsm_dims_text(shape, key->tensor->dims, key->tensor->ndim), layout_note(keys, note));
}
