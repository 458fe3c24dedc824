/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serialize.c - a model as a safetensors file in memory: the tensors under the names of the MIT release, and metadata
 * that leaves nothing to be guessed.
 *
 * Where a network shifts is in its names. It is taken from the graph that the model builds, so that the two cannot
 * disagree, whichever names the checkpoint came with and whatever options said.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "config.h"
#include "object.h"
#include "checkpoint/safetensors.h"

#define NAME_BYTES   128
#define HEADER_ALIGN 8u

/* What is shifted before a layer: nothing, the input of this convolution, or the block that it is part of. */
typedef struct shift_mark {
    tsm_shift_place place;
    int block; /* length of the block's name, with its last dot */
} shift_mark;

typedef struct entry {
    char name[NAME_BYTES];
    const tsm_weight *weight;
    tsm_dtype dtype; /* in the file */
    int64_t dims[TSM_LAYER_DIMS];
    int ndim;
} entry;

typedef struct serializer {
    const tsm_model *model;
    bool half;
    shift_mark *marks; /* one a layer */
    entry *entries;
    int count;
    json_t *root;
    char *header; /* of jansson */
} serializer;

static tsm_status fail_json(tsm_error *error)
{
    return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory for the header of a safetensors file");
}

/* ---- Names ------------------------------------------------------------------------------------------------- */

static void mark_block(serializer *s, const char *conv)
{
    const char *dot = strrchr(conv, '.');
    int length = dot ? (int)(dot - conv) + 1 : 0;

    for (int i = 0; length > 0 && i < s->model->layer_count; i++)
        if (strncmp(s->model->layers[i].name, conv, (size_t)length) == 0 &&
            strncmp(s->model->layers[i].name + length, "nl.", 3) != 0)
            s->marks[i] = (shift_mark){ TSM_PLACE_BLOCK, length };
}

static void mark_conv(serializer *s, const char *conv)
{
    for (int i = 0; i < s->model->layer_count; i++)
        if (strcmp(s->model->layers[i].name, conv) == 0) s->marks[i].place = TSM_PLACE_BLOCKRES;
}

/* The first convolution that reads the value of a shift; NULL where there is none. */
static const tsm_node *first_reader(const tsm_graph *graph, int shift)
{
    for (int i = shift + 1; i < graph->count; i++) {
        const tsm_node *node = tsm_graph_node(graph, i);

        if (node->op == TSM_OP_CONV && node->inputs[0] == shift) return node;
    }
    return NULL;
}

static tsm_status find_marks(serializer *s, tsm_error *error)
{
    tsm_model probe = *s->model;
    tsm_graph *graph;

    s->marks = tsm_alloc_zero((size_t)s->model->layer_count, sizeof *s->marks);
    if (!s->marks) return tsm_fail_memory(error, (size_t)s->model->layer_count * sizeof *s->marks);
    if (probe.config.shift_div == 0) return TSM_OK;
    /* A fold of no channels leaves no shift in the graph, but a mark in the names. */
    probe.config.shift_div = 1;
    TSM_TRY_RETURN(tsm_model_build_graph(&probe, false, &graph, error));
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *conv = tsm_graph_node(graph, i)->op == TSM_OP_SHIFT ? first_reader(graph, i) : NULL;

        if (conv && probe.config.shift_place == TSM_PLACE_BLOCK)
            mark_block(s, conv->name);
        else if (conv)
            mark_conv(s, conv->name);
    }
    tsm_graph_destroy(&graph);
    return TSM_OK;
}

/* The length of the stage's name where a temporal pool is wrapped around it; 0 where there is none. */
static int tpool_mark(const tsm_model *model, const char *layer)
{
    static const char stage[] = "base_model.layer2.";
    int length = (int)sizeof stage - 1;

    return model->config.temporal_pool && strncmp(layer, stage, (size_t)length) == 0 ? length : 0;
}

/* The length of the block's name where a non-local one is wrapped around it together with this layer; else 0. */
static int nonlocal_mark(const tsm_model *model, const char *layer)
{
    tsm_captures found;

    if (!tsm_pattern_match("base_model.layer#.#.*", layer, &found) || strncmp(found.rest, "nl.", 3) == 0) return 0;
    return tsm_config_is_nonlocal(&model->config, found.numbers[0] - 1, found.numbers[1]) ? (int)(found.rest - layer)
                                                                                          : 0;
}

/* "base_model.layer2." + "net." for the pool + "0." + "block." for the non-local one + "net." for the block + "conv1"
 * +
 * ".net" for the convolution. */
static void name_tensor(const serializer *s, int layer, int which, char name[NAME_BYTES])
{
    const char *text = s->model->layers[layer].name;
    const tsm_shift_place place = s->marks[layer].place;
    const int pool = tpool_mark(s->model, text), wrapped = nonlocal_mark(s->model, text);
    const int block = place == TSM_PLACE_BLOCK ? s->marks[layer].block : wrapped ? wrapped : pool;

    snprintf(name, NAME_BYTES, "%.*s%s%.*s%s%s%s%s.%s", pool, text, pool ? "net." : "", block - pool, text + pool,
             wrapped ? "block." : "", place == TSM_PLACE_BLOCK ? "net." : "", text + block,
             place == TSM_PLACE_BLOCKRES ? ".net" : "", tsm_layer_suffixes[which]);
}

/* ---- Tensors ----------------------------------------------------------------------------------------------- */

static uint64_t entry_bytes(const entry *e)
{
    return (uint64_t)e->weight->count * tsm_dtype_bytes(e->dtype);
}

/* Wide types come first: every tensor is then aligned for its type. */
static tsm_status list_tensors(serializer *s, tsm_error *error)
{
    const tsm_model *model = s->model;
    size_t room = (size_t)model->layer_count * TSM_LAYER_TENSORS;

    s->entries = tsm_alloc_zero(room, sizeof *s->entries);
    if (!s->entries) return tsm_fail_memory(error, room * sizeof *s->entries);
    for (size_t size = 4; size >= 2; size -= 2)
        for (int i = 0; i < model->layer_count; i++)
            for (int which = 0; which < TSM_LAYER_TENSORS; which++) {
                const tsm_weight *weight = &model->layers[i].tensors[which];
                tsm_dtype dtype = s->half ? TSM_FLOAT16 : weight->dtype;
                entry *e = &s->entries[s->count];

                if (!tsm_layer_has(&model->layers[i], which) || tsm_dtype_bytes(dtype) != size) continue;
                name_tensor(s, i, which, e->name);
                e->weight = weight;
                e->dtype = dtype;
                e->ndim = tsm_layer_dims(&model->layers[i], which, e->dims);
                s->count++;
            }
    return TSM_OK;
}

static tsm_status write_halves(const entry *e, uint8_t *out, tsm_error *error)
{
    for (int64_t i = 0; i < e->weight->count; i++) {
        const float value = tsm_number_at(e->weight->data, e->weight->dtype, i);
        const uint16_t half = tsm_float_to_half(value);

        if (!tsm_half_is_finite(half))
            return tsm_fail(error, TSM_ERROR_MODEL, "%s holds %g, beyond the range of float16, 65504", e->name,
                            (double)value);
        memcpy(out + (size_t)i * sizeof half, &half, sizeof half);
    }
    return TSM_OK;
}

static tsm_status write_tensors(const serializer *s, uint8_t *out, tsm_error *error)
{
    for (int i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];

        if (e->dtype == e->weight->dtype)
            memcpy(out, e->weight->data, (size_t)entry_bytes(e));
        else
            TSM_TRY_RETURN(write_halves(e, out, error));
        out += entry_bytes(e);
    }
    return TSM_OK;
}

/* ---- Header ------------------------------------------------------------------------------------------------ */

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
static json_t *triple_text(const float values[3])
{
    json_t *array = json_pack("[f,f,f]", (double)values[0], (double)values[1], (double)values[2]), *result = NULL;
    char *text = NULL;

    for (size_t digits = 6; array && digits <= 9; digits++) {
        free(text);
        text = json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(digits));
        if (!text || reads_back(text, values)) break;
    }
    if (text) result = json_stringn(text + 1, strlen(text) - 2);
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

static tsm_status add_labels(const tsm_labels *labels, json_t *metadata, tsm_error *error)
{
    size_t bytes = 0, used = 0;
    json_t *value;
    char *text;
    bool readable;

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
    value = json_stringn_nocheck(text, bytes - 1);
    /* What jansson refuses after that, it refuses for what it is. */
    readable = !value || json_string_setn(value, text, bytes - 1) == 0;
    tsm_free(text);
    if (!readable) {
        json_decref(value);
        return tsm_fail(error, TSM_ERROR_MODEL, "its labels are not UTF-8 text");
    }
    return json_object_set_new(metadata, "labels", value) == 0 ? TSM_OK : fail_json(error);
}

static tsm_status add_metadata(const serializer *s, tsm_error *error)
{
    const tsm_model_config *config = &s->model->config;
    const struct {
        const char *key;
        int value;
    } numbers[] = { { "segments", config->segments },
                    { "classes", config->classes },
                    { "shift_div", config->shift_div },
                    { "input_size", config->input_size } };
    json_t *metadata = json_object();
    int failed = json_object_set_new(s->root, "__metadata__", metadata);

    failed |= json_object_set_new(metadata, "format", json_string("tsm"));
    failed |= json_object_set_new(metadata, "arch", json_string(config->arch->name));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        failed |= json_object_set_new(metadata, numbers[i].key, json_sprintf("%d", numbers[i].value));
    failed |= json_object_set_new(metadata, "shift_place",
                                  json_string(config->shift_place == TSM_PLACE_BLOCK ? "block" : "blockres"));
    failed |=
        json_object_set_new(metadata, "shift_direction", json_string(tsm_direction_name(config->shift_direction)));
    if (config->nonlocal)
        failed |= json_object_set_new(metadata, "nonlocal", json_string(tsm_nonlocal_name(config->nonlocal)));
    failed |= json_object_set_new(metadata, "mean", triple_text(config->mean));
    failed |= json_object_set_new(metadata, "std", triple_text(config->std));
    return failed ? fail_json(error) : add_labels(&s->model->labels, metadata, error);
}

static json_t *describe(const entry *e, uint64_t offset)
{
    static const tsm_stored_type types[] = {
        [TSM_FLOAT32] = TSM_STORED_F32, [TSM_FLOAT16] = TSM_STORED_F16, [TSM_BFLOAT16] = TSM_STORED_BF16
    };
    json_t *shape = json_array();

    for (int i = 0; shape && i < e->ndim; i++)
        if (json_array_append_new(shape, json_integer(e->dims[i])) != 0) {
            json_decref(shape);
            shape = NULL;
        }
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", tsm_stored_name(types[e->dtype]), "shape", shape, "data_offsets",
                     (json_int_t)offset, (json_int_t)(offset + entry_bytes(e)));
}

/* Makes s->header; *data_bytes is the size of what follows it. */
static tsm_status make_header(serializer *s, uint64_t *data_bytes, tsm_error *error)
{
    *data_bytes = 0;
    s->root = json_object();
    if (!s->root) return fail_json(error);
    TSM_TRY_RETURN(add_metadata(s, error));
    for (int i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];

        if (json_object_set_new(s->root, e->name, describe(e, *data_bytes)) != 0) return fail_json(error);
        *data_bytes += entry_bytes(e);
    }
    s->header = json_dumps(s->root, JSON_COMPACT);
    return s->header ? TSM_OK : fail_json(error);
}

/* ---- The file ---------------------------------------------------------------------------------------------- */

static tsm_status write_file(const serializer *s, uint64_t data_bytes, void **data, size_t *bytes, tsm_error *error)
{
    size_t text = strlen(s->header), header = (text + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN, total;
    tsm_status status;
    uint8_t *file;

    if (header > TSM_SAFETENSORS_MAX_HEADER)
        return tsm_fail(error, TSM_ERROR_MODEL, "its labels do not fit into the header of a safetensors file");
    if (data_bytes > SIZE_MAX || !tsm_add(8 + header, (size_t)data_bytes, &total))
        return tsm_fail_memory(error, SIZE_MAX);
    file = tsm_alloc_aligned(total, 1);
    if (!file) return tsm_fail_memory(error, total);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)header >> 8 * i);
    memcpy(file + 8, s->header, text);
    memset(file + 8 + text, ' ', header - text);
    status = write_tensors(s, file + 8 + header, error);
    if (status != TSM_OK) {
        tsm_free(file);
        return status;
    }
    *data = file;
    *bytes = total;
    return TSM_OK;
}

tsm_status tsm_model_serialize(const tsm_model *model, const tsm_model_serialize_options *options, void **data,
                               size_t *bytes, tsm_error *error)
{
    tsm_model_serialize_options own;
    serializer s = { .model = model };
    uint64_t data_bytes;
    tsm_status status;

    if (!model || !data || !bytes)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "tsm_model_serialize: %s is NULL",
                        !model  ? "model"
                        : !data ? "data"
                                : "bytes");
    *data = NULL;
    *bytes = 0;
    TSM_TRY_RETURN(tsm_options_read(&own, sizeof own, options, "tsm_model_serialize_options", error));
    s.half = own.half != 0;
    TSM_TRY(find_marks(&s, error));
    TSM_TRY(list_tensors(&s, error));
    TSM_TRY(make_header(&s, &data_bytes, error));
    TSM_TRY(write_file(&s, data_bytes, data, bytes, error));
fail:
    free(s.header);
    json_decref(s.root);
    tsm_free(s.entries);
    tsm_free(s.marks);
    return status;
}
