/* keys.c - see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char stage_prefix[] = "base_model.layer";

/* If `text` begins with `prefix`, what follows it; else NULL. */
static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* Splits "base_model.layer2.10.REST"; returns REST, or NULL where the name is none of a block. */
static const char *parse_block(const char *name, int *stage, int *block)
{
    const char *at = after(name, stage_prefix);

    if (!at || at[0] < '1' || at[0] > '0' + TSM_STAGES || at[1] != '.') return NULL;
    *stage = at[0] - '1';
    *block = 0;
    for (at += 2; *at >= '0' && *at <= '9'; at++) {
        *block = *block * 10 + (*at - '0');
        if (*block > 9999) return NULL;
    }
    return at[0] == '.' && at[-1] != '.' ? at + 1 : NULL;
}

/* Removes one level of "net." (4 bytes) at `at`. */
static void cut_net(char *at)
{
    memmove(at, at + 4, strlen(at + 4) + 1);
}

static tsm_status make_key(tsm_key *key, const tsm_stored_tensor *tensor, tsm_error *error)
{
    const char *name = after(tensor->name, "module."), *rest;

    if (!name) name = tensor->name;
    key->tensor = tensor;
    rest = after(name, "base_model.fc.");
    key->name = tsm_alloc_zero(strlen(name) + 1, 1);
    if (!key->name) return tsm_fail_memory(error, strlen(name) + 1);
    if (rest)
        sprintf(key->name, "new_fc.%s", rest); /* shorter than `name` */
    else
        strcpy(key->name, name);

    key->stage = key->block = -1;
    rest = parse_block(key->name, &key->stage, &key->block);
    if (!rest) {
        key->stage = key->block = -1;
    } else if (after(rest, "net.")) {
        key->mark = TSM_PLACE_BLOCK;
        cut_net(key->name + (rest - key->name));
    } else if (after(rest, "conv1.net.")) {
        key->mark = TSM_PLACE_BLOCKRES;
        cut_net(key->name + (rest - key->name) + strlen("conv1."));
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

/* A name that gives away what else a checkpoint is. */
static const char *other_layout(const char *name)
{
    static const struct {
        const char *part, *layout;
    } layouts[] = {
        { "backbone.", "mmaction2" },
        { "cls_head.", "mmaction2" },
        { ".nl.", "a network with non-local blocks" },
        { "base_model.layer2.net.", "a network with temporal pooling" },
        { "features.", "MobileNetV2" },
        { "inception", "BNInception" },
        { "state_dict", "a training checkpoint with its optimizer" },
        { "exp_avg", "the state of an optimizer" },
    };

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strstr(name, layouts[i].part)) return layouts[i].layout;
    if (after(name, "layer1.0.")) return "a plain torchvision ResNet";
    return NULL;
}

tsm_status tsm_keys_missing(const tsm_keys *keys, const char *name, const int64_t *dims, int ndim, tsm_error *error)
{
    const tsm_key *unused = tsm_keys_first_unused(keys);
    char shape[TSM_DIMS_TEXT], found[TSM_DIMS_TEXT], wanted[200];

    snprintf(wanted, sizeof wanted, "%s%s%s", name, ndim ? " " : "", ndim ? tsm_dims_text(shape, dims, ndim) : "");
    for (int i = 0; i < keys->count; i++) {
        const char *layout = keys->items[i].used ? NULL : other_layout(keys->items[i].name);
        if (layout)
            return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing; %.150s is of %s, a layout that is not read here",
                            wanted, keys->items[i].tensor->name, layout);
    }
    if (unused)
        return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing, and %.150s %s has no place in the network", wanted,
                        unused->tensor->name, tsm_dims_text(found, unused->tensor->dims, unused->tensor->ndim));
    return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing", wanted);
}
