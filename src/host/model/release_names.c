/* SPDX-License-Identifier: Apache-2.0 */
/* release_names.c - see release_names.h. */
#include "release_names.h"

#include <stdio.h>
#include <string.h>

static void mark_block(const tsm_model *model, tsm_shift_mark *marks, const char *conv)
{
    const char *dot = strrchr(conv, '.');
    int length = dot ? (int)(dot - conv) + 1 : 0;

    for (int i = 0; length > 0 && i < model->layer_count; i++)
        if (strncmp(model->layers[i].name, conv, (size_t)length) == 0 &&
            strncmp(model->layers[i].name + length, "nl.", 3) != 0)
            marks[i] = (tsm_shift_mark){ TSM_PLACE_BLOCK, length };
}

static void mark_conv(const tsm_model *model, tsm_shift_mark *marks, const char *conv)
{
    for (int i = 0; i < model->layer_count; i++)
        if (strcmp(model->layers[i].name, conv) == 0) marks[i].place = TSM_PLACE_BLOCKRES;
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

static tsm_status find_marks(const tsm_model *model, tsm_shift_mark *marks, tsm_error *error)
{
    tsm_model probe = *model;
    tsm_graph *graph;

    /* A fold of no channels leaves no shift in the graph, but a mark in the names. */
    probe.config.shift_div = 1;
    TSM_TRY_RETURN(tsm_model_build_graph(&probe, false, &graph, error));
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *conv = tsm_graph_node(graph, i)->op == TSM_OP_SHIFT ? first_reader(graph, i) : NULL;

        if (conv && probe.config.shift_place == TSM_PLACE_BLOCK)
            mark_block(model, marks, conv->name);
        else if (conv)
            mark_conv(model, marks, conv->name);
    }
    tsm_graph_destroy(&graph);
    return TSM_OK;
}

tsm_status tsm_release_names_mark(const tsm_model *model, tsm_shift_mark **marks, tsm_error *error)
{
    tsm_status status = TSM_OK;

    *marks = tsm_alloc_zero((size_t)model->layer_count, sizeof **marks);
    if (!*marks) return tsm_fail_memory(error, (size_t)model->layer_count * sizeof **marks);
    if (model->config.shift_div == 0) return TSM_OK;
    TSM_TRY(find_marks(model, *marks, error));
    return TSM_OK;
fail:
    tsm_free(*marks);
    *marks = NULL;
    return status;
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
 * + ".net" for the convolution. */
void tsm_release_name(const tsm_model *model, const tsm_shift_mark *marks, int layer, int which,
                      char name[TSM_RELEASE_NAME])
{
    const char *text = model->layers[layer].name;
    const tsm_shift_place place = marks[layer].place;
    const int pool = tpool_mark(model, text), wrapped = nonlocal_mark(model, text);
    const int block = place == TSM_PLACE_BLOCK ? marks[layer].block : wrapped ? wrapped : pool;

    snprintf(name, TSM_RELEASE_NAME, "%.*s%s%.*s%s%s%s%s.%s", pool, text, pool ? "net." : "", block - pool,
             text + pool, wrapped ? "block." : "", place == TSM_PLACE_BLOCK ? "net." : "", text + block,
             place == TSM_PLACE_BLOCKRES ? ".net" : "", tsm_layer_suffixes[which]);
}
