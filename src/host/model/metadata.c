/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.c - see metadata.h. */
#include "metadata.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

/* Appends a value, which the list owns from here on; NULL is one that there was no memory for. */
static tsm_status add(tsm_metadata_list *list, const char *key, char *value, tsm_error *error)
{
    if (!value) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory for the metadata of a checkpoint");
    list->items[list->count++] = (tsm_metadata){ (char *)(uintptr_t)key, value };
    return TSM_OK;
}

static tsm_status add_number(tsm_metadata_list *list, const char *key, int number, tsm_error *error)
{
    char text[16];

    snprintf(text, sizeof text, "%d", number);
    return add(list, key, tsm_strdup(text), error);
}

/* Does "[a,b,c]" read back as these very floats? */
static bool reads_back(const char *text, const float values[3])
{
    json_t *array = json_loads(text, 0, NULL);
    bool same = array != NULL;

    for (size_t i = 0; same && i < 3; i++) same = (float)json_number_value(json_array_get(array, i)) == values[i];
    json_decref(array);
    return same;
}

/* "a,b,c" in as few digits as identify the floats. jansson's numbers do not depend on the locale. */
static char *triple_text(const float values[3])
{
    json_t *array = json_pack("[f,f,f]", (double)values[0], (double)values[1], (double)values[2]);
    char *text = NULL, *result = NULL;

    for (size_t digits = 6; array && digits <= 9; digits++) {
        free(text);
        text = json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(digits));
        if (!text || reads_back(text, values)) break;
    }
    if (text) result = tsm_strndup(text + 1, strlen(text) - 2);
    free(text);
    json_decref(array);
    return result;
}

/* Without the carriage returns at its end, which a reader of lines would drop. */
static size_t label_length(const char *label)
{
    size_t length = strlen(label);

    while (length > 0 && label[length - 1] == '\r') length--;
    return length;
}

/* One a line, without an end of the last. */
static tsm_status add_labels(tsm_metadata_list *list, const tsm_labels *labels, tsm_error *error)
{
    size_t bytes = 0, used = 0;
    char *text;

    if (labels->count == 0) return TSM_OK;
    if (label_length(labels->names[labels->count - 1]) == 0)
        return tsm_fail(error, TSM_ERROR_MODEL, "the label of class %d is empty", labels->count - 1);
    for (int i = 0; i < labels->count; i++) bytes += label_length(labels->names[i]) + 1;
    text = tsm_alloc_zero(bytes, 1);
    if (!text) return tsm_fail_memory(error, bytes);
    for (int i = 0; i < labels->count; i++) {
        size_t length = label_length(labels->names[i]);

        memcpy(text + used, labels->names[i], length);
        used += length;
        text[used++] = '\n';
    }
    text[bytes - 1] = '\0';
    return add(list, "labels", text, error);
}

/* The key of the weights in the file that they came from, which that may know from the file before it. */
static const char *weights_taken(const tsm_model *model)
{
    return model->info.weights ? model->info.weights : tsm_checkpoint_metadata(model->checkpoint, "assumed_weights");
}

tsm_status tsm_metadata_describe(tsm_metadata_list *list, const tsm_model *model, tsm_error *error)
{
    const tsm_model_config *config = &model->config;
    const bool whole = config->shift_place == TSM_PLACE_BLOCK;
    const unsigned assumed = config->assumed;

    list->count = 0;
    TSM_TRY_RETURN(add(list, "format", tsm_strdup("tsm"), error));
    TSM_TRY_RETURN(add(list, "arch", tsm_strdup(config->arch->name), error));
    TSM_TRY_RETURN(
        add_number(list, assumed & TSM_ASSUMED_SEGMENTS ? "assumed_segments" : "segments", config->segments, error));
    TSM_TRY_RETURN(add_number(list, "classes", config->classes, error));
    TSM_TRY_RETURN(add_number(list, assumed & TSM_ASSUMED_SHIFT_DIV ? "assumed_shift_div" : "shift_div",
                              config->shift_div, error));
    TSM_TRY_RETURN(add_number(list, "input_size", config->input_size, error));
    TSM_TRY_RETURN(add(list, "shift_place", tsm_strdup(whole ? "block" : "blockres"), error));
    TSM_TRY_RETURN(add(list, "shift_direction", tsm_strdup(tsm_direction_name(config->shift_direction)), error));
    if (config->nonlocal)
        TSM_TRY_RETURN(add(list, assumed & TSM_ASSUMED_NONLOCAL ? "assumed_nonlocal" : "nonlocal",
                           tsm_strdup(tsm_nonlocal_name(config->nonlocal)), error));
    if (!(assumed & TSM_ASSUMED_MEAN)) TSM_TRY_RETURN(add(list, "mean", triple_text(config->mean), error));
    if (!(assumed & TSM_ASSUMED_MEAN) || tsm_checkpoint_metadata(model->checkpoint, "std"))
        TSM_TRY_RETURN(add(list, "std", triple_text(config->std), error));
    if (assumed & TSM_ASSUMED_WEIGHTS)
        TSM_TRY_RETURN(add(list, "assumed_weights", tsm_strdup(weights_taken(model)), error));
    return add_labels(list, &model->labels, error);
}

void tsm_metadata_clear(tsm_metadata_list *list)
{
    for (int i = 0; i < list->count; i++) tsm_free(list->items[i].value);
    list->count = 0;
}
