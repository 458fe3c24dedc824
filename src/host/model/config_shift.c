/* SPDX-License-Identifier: Apache-2.0 */
/* config_shift.c - whether, where and which way a network shifts. */
#include <string.h>

#include "config_inputs.h"

/* What the names mark as shifted: the place, and a key to name in errors (NULL: nothing is marked). */
static tsm_status find_marks(const tsm_config_inputs *in, tsm_shift_place *place, const tsm_key **marked,
                             tsm_error *error)
{
    *marked = NULL;
    *place = TSM_PLACE_FROM_FILE;
    for (int i = 0; i < in->keys->count; i++) {
        const tsm_key *key = &in->keys->items[i];

        if (key->marks.shift == TSM_PLACE_FROM_FILE) continue;
        if (!*marked) *marked = key;
        *place = (*marked)->marks.shift;
        if (key->marks.shift != *place)
            return tsm_fail(error, TSM_ERROR_MODEL,
                            "the names disagree on where blocks shift: %.150s marks one place, %.150s the other",
                            (*marked)->tensor->name, key->tensor->name);
    }
    return TSM_OK;
}

/* Marks must be where the architecture shifts, and nowhere else. */
static tsm_status check_marks(const tsm_config_inputs *in, const tsm_model_config *config, tsm_shift_place place,
                              tsm_error *error)
{
    const tsm_family *family = config->arch->family;

    for (int i = 0; i < in->keys->count; i++) {
        const tsm_key *key = &in->keys->items[i];
        const tsm_place at = tsm_recognise_place(key->name);
        bool wanted = at.family == family && family->shifts(config, place, at.stage, at.block);

        /* In blockres only the first convolution of a block carries a mark; a non-local block none. */
        if (place == TSM_PLACE_BLOCKRES && !strstr(key->name, family->shifted_layer)) wanted = false;
        if (strstr(key->name, ".nl.")) wanted = false;
        if (wanted != (key->marks.shift != TSM_PLACE_FROM_FILE))
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s %s, which is not how %s shifts", key->tensor->name,
                            wanted ? "is not marked as shifted" : "is marked as shifted", config->arch->name);
    }
    return TSM_OK;
}

static const char *const place_names[] = { "", "blockres", "block" };

static const char *place_name(tsm_shift_place place)
{
    return place_names[place];
}

static tsm_status metadata_place(const tsm_config_inputs *in, tsm_shift_place *place, tsm_error *error)
{
    int index;

    TSM_TRY_RETURN(tsm_config_name(in, "shift_place", place_names + 1, TSM_PLACE_BLOCK, &index, error));
    *place = (tsm_shift_place)(index + 1);
    return TSM_OK;
}

static tsm_status derive_place(const tsm_config_inputs *in, tsm_model_config *config, const tsm_key *marked,
                               tsm_shift_place marks, tsm_error *error)
{
    const tsm_shift_place option = in->options->shift_place, named = in->name->place;
    const tsm_shift_place only = config->arch->vd ? TSM_PLACE_BLOCKRES : config->arch->family->only_place;
    tsm_shift_place said;

    if (option != TSM_PLACE_FROM_FILE && option != TSM_PLACE_BLOCKRES && option != TSM_PLACE_BLOCK)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option shift_place is %d, want blockres (%d) or block (%d)",
                        (int)option, TSM_PLACE_BLOCKRES, TSM_PLACE_BLOCK);
    TSM_TRY_RETURN(metadata_place(in, &said, error));
    if (marked && said != TSM_PLACE_FROM_FILE && said != marks)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata says shift_place %s, %.150s marks %s", place_name(said),
                        marked->tensor->name, place_name(marks));
    if (!option && marked && named && named != marks)
        return tsm_fail(error, TSM_ERROR_MODEL, "the file's name says shift_place %s, %.150s marks %s",
                        place_name(named), marked->tensor->name, place_name(marks));
    config->shift_place = option ? option : marked ? marks : said ? said : named ? named : only;
    if (config->shift_place == TSM_PLACE_FROM_FILE) config->shift_place = TSM_PLACE_BLOCKRES;
    if (only == TSM_PLACE_FROM_FILE || config->shift_place == only) return TSM_OK;
    return tsm_fail(error, option ? TSM_ERROR_ARGUMENT : TSM_ERROR_MODEL,
                    "shift_place is %s, but %s shifts in %s only", place_name(config->shift_place),
                    config->arch->name, place_name(only));
}

static const char *const direction_names[] = { "", "bidirectional", "unidirectional", "mirrored" };

const char *tsm_direction_name(tsm_shift_direction direction)
{
    return direction_names[direction];
}

/* *native: the direction in which the network was trained, whatever the option makes of it. */
static tsm_status derive_direction(const tsm_config_inputs *in, tsm_model_config *config, tsm_shift_direction *native,
                                   tsm_error *error)
{
    const tsm_shift_direction option = in->options->shift_direction;
    const tsm_shift_direction by_naming = in->keys->naming ? in->keys->naming->direction : TSM_DIRECTION_FROM_FILE;
    int index;

    if ((unsigned)option > TSM_MIRRORED)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option shift_direction is %d, want 0 to %d", (int)option,
                        TSM_MIRRORED);
    TSM_TRY_RETURN(tsm_config_name(in, "shift_direction", direction_names + 1, TSM_MIRRORED, &index, error));
    *native = config->arch->vd ? TSM_MIRRORED : TSM_BIDIRECTIONAL;
    if (by_naming) *native = by_naming;
    if (index >= 0) *native = (tsm_shift_direction)(index + 1);
    config->shift_direction = option ? option : *native;
    return TSM_OK;
}

tsm_status tsm_config_derive_shift(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error)
{
    const tsm_key *marked;
    tsm_shift_place marks;
    tsm_shift_direction native = TSM_BIDIRECTIONAL;
    int option = in->options->shift_div, said = 0;
    bool present, shifts = in->keys->naming && in->keys->naming->direction != TSM_DIRECTION_FROM_FILE;

    if (option < 0 || option > TSM_MAX_SHIFT_DIV)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option shift_div is %d, want 1 to %d", option, TSM_MAX_SHIFT_DIV);
    TSM_TRY_RETURN(find_marks(in, &marks, &marked, error));
    TSM_TRY_RETURN(derive_place(in, config, marked, marks, error));
    if (marked) TSM_TRY_RETURN(check_marks(in, config, marks, error));
    TSM_TRY_RETURN(tsm_config_integer(in, "shift_div", 0, TSM_MAX_SHIFT_DIV, &said, &present, error));
    if (present && said == 0 && marked && !option && !in->options->no_shift)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata says shift_div 0 (no shift), %.150s is marked as shifted",
                        marked->tensor->name);
    TSM_TRY_RETURN(derive_direction(in, config, &native, error));
    config->shift_div = option ? option : present ? said : in->name->shift_div;
    if (!config->shift_div && !present && (marked || shifts)) {
        config->shift_div = native == TSM_MIRRORED ? config->segments : 8; /* 8 in all releases */
        TSM_TRY_RETURN(
            tsm_config_integer(in, "assumed_shift_div", 1, TSM_MAX_SHIFT_DIV, &config->shift_div, &present, error));
        if (!shifts && !in->options->no_shift)
            tsm_config_doubt(config, TSM_ASSUMED_SHIFT_DIV, "shift_div: not given, %d assumed", config->shift_div);
    }
    if (in->options->no_shift) config->shift_div = 0;
    return TSM_OK;
}
