/* SPDX-License-Identifier: Apache-2.0 */
/* choose.c - see choose.h. */
#include "choose.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "claim.h"
#include "config.h"

tsm_status tsm_outline_make(tsm_outline *outline, const tsm_checkpoint *checkpoint, const tsm_filename *name,
                            const tsm_model_options *options, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_keys_make(&outline->keys, checkpoint, error));
    if (options->weights_key && strcmp(options->weights_key, TSM_AVERAGES) == 0)
        TSM_TRY_RETURN(tsm_keys_take_averages(&outline->keys, checkpoint, error));
    TSM_TRY_RETURN(tsm_config_derive(&outline->config, &outline->keys, checkpoint, name, options, error));
    TSM_TRY_RETURN(tsm_network_list(&outline->config, &outline->layers, &outline->layer_count, error));
    return tsm_layers_claim(outline->layers, outline->layer_count, &outline->keys, error);
}

void tsm_outline_clear(tsm_outline *outline)
{
    tsm_keys_clear(&outline->keys);
    tsm_layers_destroy(&outline->layers, outline->layer_count);
}

/* The key of a set as it is shown and named: "." for the object that was saved. */
static const char *set_name(const tsm_checkpoint *checkpoint, int set)
{
    return *checkpoint->sets[set] ? checkpoint->sets[set] : ".";
}

/* "state_dict, ema" of all sets for which `wanted` holds (NULL: all), with `separator`; returns the length. */
static size_t list_sets(const tsm_checkpoint *checkpoint, const bool *wanted, const char *separator, char *out,
                        size_t room)
{
    size_t used = 0;

    if (room) *out = '\0';
    for (int i = 0; i < checkpoint->set_count; i++)
        if (!wanted || wanted[i])
            used += (size_t)snprintf(used < room ? out + used : NULL, used < room ? room - used : 0, "%s%s",
                                     used ? separator : "", set_name(checkpoint, i));
    return used;
}

static tsm_status select_named(tsm_checkpoint *checkpoint, const char *key, tsm_error *error)
{
    char names[300];

    if (strcmp(key, TSM_AVERAGES) == 0) return TSM_OK; /* beside the weights, wherever these are */
    for (int i = 0; i < checkpoint->set_count; i++)
        if (strcmp(set_name(checkpoint, i), key) == 0) return tsm_checkpoint_select(checkpoint, i, error);
    if (checkpoint->set_count == 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "has one set of weights, without a key, and none called \"%.60s\"",
                        key);
    list_sets(checkpoint, NULL, ", ", names, sizeof names);
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "has no weights under the key \"%.60s\", but under: %s", key, names);
}

/* Is one of the words of the key "ema"? */
static bool is_average(const char *key)
{
    for (const char *at = key; *at; at++)
        if (strncasecmp(at, "ema", 3) == 0 && (at == key || !isalpha((unsigned char)at[-1])) &&
            !isalpha((unsigned char)at[3]))
            return true;
    return false;
}

/* Lower comes first. */
static int rank(const char *key)
{
    return strcmp(key, "state_dict") == 0 ? 0 : is_average(key) ? 2 : 1;
}

/* Fits[i]: set i makes a network. *largest: where none does, the one to be refused. */
static tsm_status try_sets(tsm_checkpoint *checkpoint, const tsm_filename *name, const tsm_model_options *options,
                           bool *fits, int *largest, tsm_error *error)
{
    int most = 0;

    for (int i = 0; i < checkpoint->set_count; i++) {
        tsm_outline *outline = tsm_alloc_zero(1, sizeof *outline);
        tsm_status status;

        if (!outline) return tsm_fail_memory(error, sizeof *outline);
        status = tsm_checkpoint_select(checkpoint, i, error);
        if (status == TSM_OK) status = tsm_outline_make(outline, checkpoint, name, options, error);
        fits[i] = status == TSM_OK;
        tsm_outline_clear(outline);
        tsm_free(outline);
        if (status == TSM_ERROR_MEMORY) return status;
        if (checkpoint->count > most && (*largest < 0 || rank(checkpoint->sets[*largest]) > 0)) {
            most = checkpoint->count;
            *largest = i;
        }
        if (rank(checkpoint->sets[i]) == 0) *largest = i;
    }
    return TSM_OK;
}

tsm_status tsm_choose_weights(tsm_choice *choice, tsm_checkpoint *checkpoint, const tsm_filename *name,
                              const tsm_model_options *options, tsm_error *error)
{
    bool fits[TSM_MAX_SETS] = { false };
    int best = -1, largest = -1;
    size_t length;

    *choice = (tsm_choice){ 0 };
    if (options->weights_key) return select_named(checkpoint, options->weights_key, error);
    if (checkpoint->set_count < 2) return TSM_OK;
    TSM_TRY_RETURN(try_sets(checkpoint, name, options, fits, &largest, error));
    for (int i = 0; i < checkpoint->set_count; i++)
        if (fits[i] && (best < 0 || rank(checkpoint->sets[i]) < rank(checkpoint->sets[best]))) best = i;
    TSM_TRY_RETURN(tsm_checkpoint_select(checkpoint, best >= 0 ? best : largest < 0 ? 0 : largest, error));
    if (best < 0) return TSM_OK;
    fits[best] = false;
    for (int i = 0; i < checkpoint->set_count; i++)
        choice->doubtful |= fits[i] && rank(checkpoint->sets[best]) > 0 && rank(checkpoint->sets[i]) < 2;
    length = list_sets(checkpoint, fits, "\n", NULL, 0);
    if (length == 0) return TSM_OK;
    choice->others = tsm_alloc_zero(length + 1, 1);
    if (!choice->others) return tsm_fail_memory(error, length + 1);
    list_sets(checkpoint, fits, "\n", choice->others, length + 1);
    return TSM_OK;
}
