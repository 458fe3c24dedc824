/* SPDX-License-Identifier: Apache-2.0 */
/* recognise.c - see recognise.h. */
#include "recognise.h"

#include <stdio.h>

#include "arch.h"

#define NOTE_BYTES 160

/* ---- What names and shapes tell ----------------------------------------------------------------------------- */

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

tsm_place tsm_recognise_place(const char *name)
{
    tsm_place place = { NULL, -1, -1 };

    for (size_t i = 0; i < sizeof block_names / sizeof *block_names; i++) {
        const int numbers = block_names[i].numbers;
        tsm_captures found;

        if (!tsm_pattern_match(block_names[i].pattern, name, &found)) continue;
        if (numbers == 2 && (found.numbers[0] < 1 || found.numbers[0] > TSM_STAGES)) continue;
        place.family = block_names[i].family;
        place.stage = numbers == 2 ? found.numbers[0] - 1 : block_names[i].stage;
        place.block = numbers ? found.numbers[numbers - 1] : block_names[i].block;
    }
    return place;
}

/* The family of most of the blocks' tensors. */
static const tsm_family *nearest_family(const tsm_keys *keys)
{
    static const tsm_family *const families[] = { &tsm_family_resnet, &tsm_family_mobilenet, &tsm_family_mobileone };
    const tsm_family *nearest = NULL;
    int most = 0;

    for (size_t k = 0; k < sizeof families / sizeof *families; k++) {
        int count = 0;

        for (int i = 0; i < keys->count; i++) count += tsm_recognise_place(keys->items[i].name).family == families[k];
        if (count <= most) continue;
        most = count;
        nearest = families[k];
    }
    return nearest;
}

tsm_arch tsm_recognise_traits(const tsm_keys *keys)
{
    tsm_arch traits = { .family = nearest_family(keys) };

    for (int i = 0; i < keys->count; i++) {
        const tsm_place place = tsm_recognise_place(keys->items[i].name);

        if (place.family != traits.family || place.stage < 0 || place.stage >= TSM_STAGES) continue;
        if (place.block >= traits.blocks[place.stage]) traits.blocks[place.stage] = place.block + 1;
    }
    if (traits.family != &tsm_family_resnet) return traits;
    traits.bottleneck = tsm_keys_find(keys, "base_model.layer1.0.conv3.weight") != NULL;
    traits.vd = tsm_keys_find(keys, "base_model.conv1.0.weight") != NULL;
    return traits;
}

tsm_status tsm_recognise_size(const tsm_keys *keys, const char *name, int ndim, int dim, const char *what, int max,
                              int *size, tsm_error *error)
{
    const tsm_key *key = tsm_keys_find(keys, name);
    const tsm_stored_tensor *tensor;
    int64_t dims[TSM_STORED_MAX_DIMS];
    char text[TSM_DIMS_TEXT];

    if (!key) return tsm_recognise_missing(keys, name, NULL, 0, error);
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

/* ---- What is said of a checkpoint that is not a network ------------------------------------------------------ */

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
    const tsm_arch traits = tsm_recognise_traits(keys), *arch = tsm_arch_match(&traits);

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
        *what = keys->items[i].used ? NULL : tsm_naming_foreign(keys->items[i].tensor->name);
        if (*what) return &keys->items[i];
    }
    return NULL;
}

/* A tensor that surely has no place. Once the layers have taken theirs that is one which none took; before, while the
 * network is still being made out, one that no release has a name for. */
static const tsm_key *first_misplaced(const tsm_keys *keys)
{
    bool taken = false;

    for (int i = 0; i < keys->count; i++) taken |= keys->items[i].used;
    if (taken || !keys->naming) return tsm_keys_first_unused(keys);
    for (int i = 0; i < keys->count; i++)
        if (!keys->items[i].known) return &keys->items[i];
    return NULL;
}

tsm_status tsm_recognise_missing(const tsm_keys *keys, const char *name, const int64_t *dims, int ndim,
                                 tsm_error *error)
{
    const tsm_key *unused = first_misplaced(keys), *foreign;
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

tsm_status tsm_recognise_left_over(const tsm_keys *keys, const tsm_key *key, tsm_error *error)
{
    char shape[TSM_DIMS_TEXT], note[NOTE_BYTES];

    return tsm_fail(error, TSM_ERROR_MODEL, "%.200s %s has no place in the network%s", key->tensor->name,
                    tsm_dims_text(shape, key->tensor->dims, key->tensor->ndim), looks(keys, note));
}
