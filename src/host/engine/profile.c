/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - what each step of a run costs: its time, measured, and its layer's bytes and multiply-adds,
 * reckoned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define MAX_RUNS 1000

typedef struct step {
    int node;
    char how[TSM_PROFILE_HOW];
} step;

/* Takes down the steps of the first run, and after that their times. */
typedef struct collector {
    step *steps;
    int count, capacity;
    double *ms; /* (count, runs); NULL during the first run */
    int runs, run, at;
    bool no_memory, differs;
} collector;

static void note_step(collector *c, int node, const char *how)
{
    if (c->count == c->capacity) {
        const int capacity = c->capacity ? 2 * c->capacity : 256;
        step *steps = tsm_realloc(c->steps, (size_t)capacity, sizeof *steps);

        c->no_memory = c->no_memory || !steps;
        if (!steps) return;
        c->steps = steps;
        c->capacity = capacity;
    }
    c->steps[c->count].node = node;
    snprintf(c->steps[c->count++].how, TSM_PROFILE_HOW, "%s", how);
}

static void collect(void *user, int node, const char *how, double ms)
{
    collector *c = user;

    if (!c->ms) {
        note_step(c, node, how);
    } else if (c->at >= c->count || c->steps[c->at].node != node) {
        c->differs = true;
    } else {
        c->ms[c->at++ * c->runs + c->run] = ms;
    }
}

/* One run without notes of times, then `runs` with them. */
static tsm_status measure(collector *c, tsm_context *context, const tsm_tensor *input, const tsm_tensor *output,
                          tsm_error *error)
{
    const tsm_profiler profiler = { collect, c };
    const tsm_run_arguments arguments = { .input = input, .output = output, .profiler = &profiler };

    TSM_TRY_RETURN(tsm_context_run(context, &arguments, error));
    if (!c->no_memory) c->ms = tsm_alloc_zero((size_t)c->count, (size_t)c->runs * sizeof *c->ms);
    if (!c->ms) return tsm_fail_memory(error, (size_t)c->count * (size_t)c->runs * sizeof *c->ms);
    for (c->run = 0; c->run < c->runs; c->run++) {
        c->at = 0;
        TSM_TRY_RETURN(tsm_context_run(context, &arguments, error));
        if (c->differs || c->at != c->count)
            return tsm_fail(error, TSM_ERROR_INTERNAL, "profile: two runs took other steps");
    }
    return TSM_OK;
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Bytes of a number as a node's value has them. */
static uint64_t number_bytes(const tsm_engine *engine, const tsm_node *node)
{
    static const uint64_t by_precision[] = {
        [TSM_PRECISION_FP32] = 4, [TSM_PRECISION_TF32] = 4, [TSM_PRECISION_FP16] = 2,
        [TSM_PRECISION_BF16] = 2, [TSM_PRECISION_INT8] = 1, [TSM_PRECISION_FP8] = 1
    };

    switch (node->number) {
    case TSM_NUMBER_FP32: return 4;
    case TSM_NUMBER_FP16:
    case TSM_NUMBER_BF16: return 2;
    case TSM_NUMBER_INT8: return 1;
    case TSM_NUMBER_ENGINE:
    case TSM_NUMBER_COUNT: break;
    }
    return by_precision[engine->precision];
}

/* Every operand and weight read once, the value written once. */
static uint64_t layer_bytes(const tsm_engine *engine, const tsm_dims *shapes, int index)
{
    const tsm_node *node = &engine->graph->nodes[index];
    uint64_t bytes = (uint64_t)tsm_dims_count(&shapes[index]) * number_bytes(engine, node);

    for (int k = 0; k < TSM_INPUTS; k++) {
        const int from = node->inputs[k];

        if (from >= 0)
            bytes += (uint64_t)tsm_dims_count(&shapes[from]) * number_bytes(engine, &engine->graph->nodes[from]);
    }
    if (node->bias) bytes += (uint64_t)node->out_channels * sizeof(float);
    return bytes + (uint64_t)node->weight.count * number_bytes(engine, node);
}

/* Which of a layer's steps its bytes and multiply-adds are written beside: the longest. */
static bool is_longest(const tsm_profile_row *rows, const collector *c, int at)
{
    for (int i = 0; i < c->count; i++)
        if (c->steps[i].node == c->steps[at].node &&
            (rows[i].ms > rows[at].ms || (rows[i].ms == rows[at].ms && i < at)))
            return false;
    return true;
}

/* The rows and the text that they point to are one block. */
static tsm_status make_rows(tsm_profile_row **out, collector *c, const tsm_engine *engine, const tsm_dims *shapes,
                            tsm_error *error)
{
    struct text {
        char layer[sizeof engine->graph->nodes->name], how[TSM_PROFILE_HOW];
    } * texts;
    tsm_profile_row *rows = tsm_alloc_zero((size_t)c->count, sizeof *rows + sizeof *texts);

    if (!rows) return tsm_fail_memory(error, (size_t)c->count * (sizeof *rows + sizeof *texts));
    texts = (void *)(rows + c->count);
    for (int i = 0; i < c->count; i++) {
        memcpy(texts[i].layer, engine->graph->nodes[c->steps[i].node].name, sizeof texts[i].layer);
        memcpy(texts[i].how, c->steps[i].how, sizeof texts[i].how);
        rows[i] = (tsm_profile_row){ texts[i].layer, texts[i].how, median(c->ms + i * c->runs, c->runs), 0, 0 };
    }
    for (int i = 0; i < c->count; i++) {
        if (!is_longest(rows, c, i)) continue;
        rows[i].bytes = layer_bytes(engine, shapes, c->steps[i].node);
        rows[i].macs = tsm_node_macs(engine->graph, shapes, c->steps[i].node);
    }
    *out = rows;
    return TSM_OK;
}

/* Zeros, of the shape that was planned last. */
static tsm_status make_zeros(tsm_tensor *input, const tsm_context *context, tsm_error *error)
{
    const tsm_dims *d;

    if (!context->plans) return tsm_fail(error, TSM_ERROR_ARGUMENT, "profile: the context has no plan");
    d = tsm_planned_input(context, context->plans);
    *input = (tsm_tensor){
        .dtype = TSM_FLOAT32, .layout = TSM_NTCHW, .ndim = 5, .dims = { d->n, d->t, d->c, d->h, d->w }
    };
    input->data = tsm_alloc_zero((size_t)tsm_dims_count(d), sizeof(float));
    return input->data ? TSM_OK : tsm_fail_memory(error, (size_t)tsm_dims_count(d) * sizeof(float));
}

static tsm_status make_output(tsm_tensor *output, const tsm_graph *graph, const tsm_dims *shapes, tsm_error *error)
{
    const tsm_dims *d = &shapes[graph->output];

    *output = (tsm_tensor){ .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { d->n, d->c } };
    if (graph->per_frame)
        *output = (tsm_tensor){ .dtype = TSM_FLOAT32, .layout = TSM_NTC, .ndim = 3, .dims = { d->n, d->t, d->c } };
    output->data = tsm_alloc_zero((size_t)tsm_dims_count(d), sizeof(float));
    return output->data ? TSM_OK : tsm_fail_memory(error, (size_t)tsm_dims_count(d) * sizeof(float));
}

static tsm_status profile(tsm_context *context, const tsm_tensor *input, int runs, tsm_profile_row **rows, int *count,
                          tsm_error *error)
{
    const tsm_planned *planned = tsm_context_find_plan(context, input, error);
    collector c = { .runs = runs };
    tsm_tensor output = { 0 };
    tsm_status status;

    if (!planned) return TSM_ERROR_ARGUMENT;
    TSM_TRY(make_output(&output, context->engine->graph, planned->shapes, error));
    TSM_TRY(measure(&c, context, input, &output, error));
    TSM_TRY(make_rows(rows, &c, context->engine, planned->shapes, error));
    *count = c.count;
fail:
    tsm_free(output.data);
    tsm_free(c.steps);
    tsm_free(c.ms);
    return status;
}

tsm_status tsm_context_profile(tsm_context *context, const tsm_tensor *input, int runs, tsm_profile_row **rows,
                               int *count, tsm_error *error)
{
    tsm_tensor zeros = { 0 };
    tsm_status status;

    if (!rows || !count) return tsm_fail(error, TSM_ERROR_ARGUMENT, "profile: nowhere to put it (NULL)");
    *rows = NULL;
    *count = 0;
    if (!context) return tsm_fail(error, TSM_ERROR_ARGUMENT, "profile: no context (NULL)");
    if (runs < 1 || runs > MAX_RUNS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "profile: %d runs, want 1 to %d", runs, MAX_RUNS);
    if (!input) {
        TSM_TRY_RETURN(make_zeros(&zeros, context, error));
        input = &zeros;
    }
    status = profile(context, input, runs, rows, count, error);
    tsm_free(zeros.data);
    return status;
}
