/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plans.c - what plans cost, in exact numbers: "NAME VALUE" a line.
 *
 * Of the CUDA backend, by arithmetic: launches and bytes of a forward, and bytes of every layer. Of the CPU backend:
 * the steps of a forward, and the bytes that steps move which compute nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "model/model.h"
#include "network/random_model.h"

static void must(tsm_status status, const tsm_error *error)
{
    if (status == TSM_OK) return;
    fprintf(stderr, "plans: %s\n", error->text);
    exit(1);
}

/* Bytes read and written by a step that moves data and computes nothing; 0 for one that computes. */
static uint64_t moved(const tsm_node *node, const tsm_dims *in, const tsm_dims *out, const char *how)
{
    const uint64_t source = (uint64_t)tsm_dims_count(in) * sizeof(float),
                   made = (uint64_t)tsm_dims_count(out) * sizeof(float);

    if (strcmp(how, "shift, copied") == 0) return 2 * source;
    if (strcmp(how, "shift, in place") == 0 || strcmp(how, "shift, back") == 0)
        return 2 * source * (uint64_t)node->shift.end / (uint64_t)in->c;
    if (strcmp(how, "copy of the residual") == 0 || strcmp(how, "pixels of the stride") == 0) return 2 * made;
    return 0;
}

static const tsm_node *find_node(const tsm_graph *graph, const char *name, int *index)
{
    for (*index = 0; *index < graph->count; ++*index)
        if (strcmp(graph->nodes[*index].name, name) == 0) return &graph->nodes[*index];
    exit(1);
}

static void count_cpu(const char *arch, const tsm_model *model, const char *way, tsm_shift_method method)
{
    const tsm_shape shape = { 1, 8, 64, 64 };
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_context *context = NULL;
    tsm_profile_row *rows = NULL;
    tsm_error error = { 0 };
    uint64_t bytes = 0;
    int count, node;

    options.device = "cpu";
    options.threads = 1;
    options.shift_method = method;
    must(tsm_engine_create(&engine, model, &options, &error), &error);
    must(tsm_context_create(&context, engine, &error), &error);
    must(tsm_context_plan(context, &shape, &error), &error);
    must(tsm_context_profile(context, NULL, 1, &rows, &count, &error), &error);
    for (int i = 0; i < count; i++) {
        const tsm_node *n = find_node(engine->graph, rows[i].layer, &node);
        const tsm_dims *shapes = context->plans->shapes;

        if (n->inputs[0] >= 0) bytes += moved(n, &shapes[n->inputs[0]], &shapes[node], rows[i].how);
    }
    printf("cpu.%s.%s.steps %d\ncpu.%s.%s.moved %llu\n", arch, way, count, arch, way, (unsigned long long)bytes);
    tsm_free(rows);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}

int main(void)
{
    static const char *const archs[] = { "resnet18", "resnet50", "mobilenetv2" };

    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        tsm_model *model = NULL;
        tsm_error error = { 0 };
        void *data;
        size_t bytes;

        must(bench_random_model(archs[i], &data, &bytes, &error), &error);
        must(tsm_model_load_memory(&model, data, bytes, archs[i], NULL, &error), &error);
        tsm_free(data);
        count_cpu(archs[i], model, "copy", TSM_SHIFT_COPY);
        count_cpu(archs[i], model, "inplace", TSM_SHIFT_INPLACE);
        tsm_model_destroy(&model);
    }
    return 0;
}
