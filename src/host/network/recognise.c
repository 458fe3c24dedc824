/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recognise.c - what is said of a checkpoint that is not a network: the first tensor that is missing or left over,
 * and which network comes nearest.
 */
#include <stdio.h>

#include "names/keys.h"

#define NOTE_BYTES 160

static bool has_name_like(const tsm_keys *keys, const char *pattern)
{
    tsm_captures found;

    for (int i = 0; i < keys->count; i++)
        if (tsm_pattern_match(pattern, keys->items[i].name, &found)) return true;
    return false;
}

static bool has_temporal_pool(const tsm_keys *keys)
{
    for (int i = 0; i < keys->count; i++)
        if (keys->items[i].marks.tpool) return true;
    return false;
}

/* "; this looks like mmaction2 resnet50 without non-local blocks". */
static const char *looks(const tsm_keys *keys, char note[NOTE_BYTES])
{
    const tsm_arch traits = tsm_keys_traits(keys), *arch = tsm_arch_match(&traits);

    if (!keys->naming)
        snprintf(note, NOTE_BYTES, "; none of its %d tensors has a name that a release of TSM gives", keys->count);
    else if (!arch)
        snprintf(note, NOTE_BYTES, "; its names look like those of %s", keys->naming->name);
    else
        snprintf(note, NOTE_BYTES, "; this looks like %s %s%s%s", keys->naming->name, arch->name,
                 !arch->bottleneck                                 ? ""
                 : has_name_like(keys, "base_model.layer#.#.nl.*") ? " with non-local blocks"
                                                                   : " without non-local blocks",
                 has_temporal_pool(keys) ? ", with a temporal pool" : "");
    return note;
}

/* The first unused tensor whose name gives away a network that is not read here, or NULL. */
static const tsm_key *first_foreign(const tsm_keys *keys, const char **what)
{
    for (int i = 0; i < keys->count; i++) {
        *what = keys->items[i].used ? NULL : tsm_naming_foreign(keys->items[i].name);
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
        return tsm_fail(error, TSM_ERROR_MODEL, "holds %s, which is not read here (%.150s); %s is missing%s", what,
                        foreign->tensor->name, wanted, looks(keys, note));
    if (unused)
        return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing, and %.150s %s has no place in the network%s", wanted,
                        unused->tensor->name, tsm_dims_text(found, unused->tensor->dims, unused->tensor->ndim),
                        looks(keys, note));
    return tsm_fail(error, TSM_ERROR_MODEL, "%s is missing%s", wanted, looks(keys, note));
}

tsm_status tsm_keys_left_over(const tsm_keys *keys, const tsm_key *key, tsm_error *error)
{
    char shape[TSM_DIMS_TEXT], note[NOTE_BYTES];

    return tsm_fail(error, TSM_ERROR_MODEL, "%.200s %s has no place in the network%s", key->tensor->name,
                    tsm_dims_text(shape, key->tensor->dims, key->tensor->ndim), looks(keys, note));
}
