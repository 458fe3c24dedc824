/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.c - tsm-bench layers --predict: a network layer by layer against the roofline of a GPU.
 *
 * It needs no GPU: launches, bytes and floor of the plan that the CUDA backend would make, so that what a plan
 * wastes is seen before it runs.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cuda/predict.h"
#include "engine/engine.h"
#include "model/model.h"
#include "passes/passes.h"

#define MAX_GPUS 4

typedef struct settings {
    const char *model, *device, *shift, *precision;
    int batch, segments, size;
    bool predict, baseline, json;
} settings;

/* A network with its prediction, and the GPUs that it is held against. */
typedef struct subject {
    settings set;
    tsm_graph *graph;
    tsm_dims *shapes;
    tsm_prediction prediction;
    const tsm_ceiling *gpus[MAX_GPUS];
    int gpu_count;
    int frames; /* of the batch */
} subject;

typedef struct sums {
    int launches;
    uint64_t bytes, least_bytes, macs;
    double seconds[MAX_GPUS], floors[MAX_GPUS];
} sums;

static tsm_status find_gpus(subject *s, tsm_error *error)
{
    const tsm_ceiling *gpu;

    while (s->gpu_count < MAX_GPUS && (gpu = tsm_ceiling_of(s->set.device, s->gpu_count)) != NULL)
        s->gpus[s->gpu_count++] = gpu;
    if (s->gpu_count) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "--device %s: no figures of such a GPU, there are sm_80 and sm_90",
                    s->set.device);
}

/* The place of `name` among `names`, which end with NULL. */
static tsm_status find_name(int *place, const char *option, const char *name, const char *const *names,
                            tsm_error *error)
{
    for (*place = 0; names[*place]; (*place)++)
        if (strcmp(names[*place], name) == 0) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s %s: not known here", option, name);
}

static tsm_status build(subject *s, tsm_error *error)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = NULL;
    tsm_shape shape;
    tsm_status status;

    options.segments = s->set.segments;
    options.no_shift = s->set.baseline;
    TSM_TRY(tsm_model_load(&model, s->set.model, &options, error));
    TSM_TRY(tsm_model_get_info(model, &info));
    shape = (tsm_shape){ s->set.batch, info.segments, s->set.size ? s->set.size : info.input_size,
                         s->set.size ? s->set.size : info.input_size };
    s->frames = shape.n * shape.t;
    TSM_TRY(tsm_model_build_graph(model, false, &s->graph, error));
    TSM_TRY(tsm_graph_optimize(s->graph, error));
    TSM_TRY(tsm_graph_shapes(&s->shapes, s->graph, &shape, error));
fail:
    tsm_model_destroy(&model);
    return status;
}

static tsm_status predict(subject *s, tsm_error *error)
{
    static const char *const precisions[] = { "fp32", "tf32", "fp16", "bf16", NULL };
    const tsm_cuda_way *way = tsm_cuda_way_find(s->set.shift);
    int precision;

    TSM_TRY_RETURN(find_name(&precision, "--precision", s->set.precision, precisions, error));
    if (!way) return tsm_fail(error, TSM_ERROR_ARGUMENT, "--shift %s: not known here", s->set.shift);
    TSM_TRY_RETURN(find_gpus(s, error));
    TSM_TRY_RETURN(build(s, error));
    return tsm_predict(&s->prediction, s->graph, s->shapes, (tsm_precision)precision, way, error);
}

static sums sum_up(const subject *s)
{
    sums all = { 0 };

    for (int i = 0; i < s->prediction.count; i++) {
        const tsm_predicted *p = &s->prediction.nodes[i];

        all.launches += p->launches;
        all.bytes += p->bytes;
        all.least_bytes += p->least_bytes;
        all.macs += p->macs;
        for (int gpu = 0; gpu < s->gpu_count; gpu++) {
            all.seconds[gpu] += tsm_predicted_seconds(&s->prediction, i, s->gpus[gpu]);
            all.floors[gpu] += tsm_predicted_floor(&s->prediction, i, s->gpus[gpu]);
        }
    }
    return all;
}

/* ---- Table ---- */

static void print_head(const subject *s)
{
    printf("%s, %d clips, %d frames, %s, shift %s: us of the plan, and of each layer at its floor\n", s->set.model,
           s->set.batch, s->frames, s->set.precision, s->set.shift);
    printf("%-44s %-17s %8s %9s %8s", "layer", "how", "launches", "MB", "GMAC");
    for (int i = 0; i < s->gpu_count; i++) printf(" %8s %8s", s->gpus[i]->name, "floor");
    printf("\n");
}

static void print_row(const subject *s, int node)
{
    const tsm_predicted *p = &s->prediction.nodes[node];

    printf("%-44s %-17s %8d %9.2f %8.2f", s->graph->nodes[node].name, p->how, p->launches, (double)p->bytes * 1e-6,
           (double)p->macs * 1e-9);
    for (int i = 0; i < s->gpu_count; i++)
        printf(" %8.2f %8.2f", tsm_predicted_seconds(&s->prediction, node, s->gpus[i]) * 1e6,
               tsm_predicted_floor(&s->prediction, node, s->gpus[i]) * 1e6);
    printf("\n");
}

static void print_sums(const subject *s)
{
    const sums all = sum_up(s);

    printf("%-44s %-17s %8d %9.2f %8.2f", "all", "", all.launches, (double)all.bytes * 1e-6, (double)all.macs * 1e-9);
    for (int i = 0; i < s->gpu_count; i++) printf(" %8.2f %8.2f", all.seconds[i] * 1e6, all.floors[i] * 1e6);
    printf("\n");
    for (int i = 0; i < s->gpu_count; i++)
        printf(
            "%s at %.1f TB/s and %.0f TFLOP/s: %.2f us a frame, %.0f clips/s at most; floor %.2f us, %.0f clips/s\n",
            s->gpus[i]->name, s->gpus[i]->bytes_per_s * 1e-12, s->gpus[i]->flops_16_per_s * 1e-12,
            all.seconds[i] * 1e6 / s->frames, s->set.batch / all.seconds[i], all.floors[i] * 1e6 / s->frames,
            s->set.batch / all.floors[i]);
}

static void print_table(const subject *s)
{
    print_head(s);
    for (int i = 0; i < s->prediction.count; i++) print_row(s, i);
    print_sums(s);
}

/* ---- JSON ---- */

static json_t *gpu_json(const subject *s, int gpu, double seconds, double floor)
{
    return json_pack("{s:s, s:f, s:f}", "gpu", s->gpus[gpu]->name, "us", seconds * 1e6, "floor_us", floor * 1e6);
}

static json_t *row_json(const subject *s, int node)
{
    const tsm_predicted *p = &s->prediction.nodes[node];
    json_t *gpus = json_array();

    for (int i = 0; i < s->gpu_count; i++)
        json_array_append_new(gpus, gpu_json(s, i, tsm_predicted_seconds(&s->prediction, node, s->gpus[i]),
                                             tsm_predicted_floor(&s->prediction, node, s->gpus[i])));
    return json_pack("{s:s, s:s, s:i, s:I, s:I, s:I, s:o}", "layer", s->graph->nodes[node].name, "how", p->how,
                     "launches", p->launches, "bytes", (json_int_t)p->bytes, "least_bytes",
                     (json_int_t)p->least_bytes, "macs", (json_int_t)p->macs, "at", gpus);
}

static void print_json(const subject *s)
{
    const sums all = sum_up(s);
    json_t *layers = json_array(), *gpus = json_array();

    for (int i = 0; i < s->prediction.count; i++) json_array_append_new(layers, row_json(s, i));
    for (int i = 0; i < s->gpu_count; i++) json_array_append_new(gpus, gpu_json(s, i, all.seconds[i], all.floors[i]));
    bench_print_json(json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:i, s:I, s:I, s:o, s:o}", "commit",
                               bench_commit(), "model", s->set.model, "device", s->set.device, "batch", s->set.batch,
                               "frames", s->frames, "precision", s->set.precision, "shift", s->set.shift, "launches",
                               all.launches, "bytes", (json_int_t)all.bytes, "macs", (json_int_t)all.macs, "at", gpus,
                               "layers", layers));
}

/* ---- The subcommand ---- */

static void close_subject(subject *s)
{
    tsm_prediction_clear(&s->prediction);
    tsm_free(s->shapes);
    tsm_graph_destroy(&s->graph);
}

static bool check(const settings *set, int positional)
{
    if (positional)
        bench_fail("layers: takes options only");
    else if (!set->model)
        bench_fail("layers: --model is missing");
    else if (set->batch < 1)
        bench_fail("layers: --batch %d", set->batch);
    else
        return true;
    return false;
}

int bench_layers_predicted(int argc, char **argv)
{
    subject s = { .set = { .device = "sm_90", .shift = "overlap", .precision = "fp16", .batch = 32 } };
    const bench_option options[] = { { "model", BENCH_TEXT, &s.set.model, "M", NULL },
                                     { "device", BENCH_TEXT, &s.set.device, "D", NULL },
                                     { "shift", BENCH_TEXT, &s.set.shift, "W", NULL },
                                     { "precision", BENCH_TEXT, &s.set.precision, "P", NULL },
                                     { "batch", BENCH_COUNT, &s.set.batch, "N", NULL },
                                     { "segments", BENCH_COUNT, &s.set.segments, "T", NULL },
                                     { "size", BENCH_COUNT, &s.set.size, "S", NULL },
                                     { "predict", BENCH_FLAG, &s.set.predict, NULL, NULL },
                                     { "no-shift", BENCH_FLAG, &s.set.baseline, NULL, NULL },
                                     { "json", BENCH_FLAG, &s.set.json, NULL, NULL },
                                     { 0 } };
    tsm_error error = { 0 };
    int positional;
    tsm_status status;

    if (!bench_parse(argc, argv, options, &positional) || !check(&s.set, positional)) return BENCH_USAGE;
    status = predict(&s, &error);
    if (status == TSM_OK) {
        if (s.set.json)
            print_json(&s);
        else
            print_table(&s);
    }
    close_subject(&s);
    return status == TSM_OK ? BENCH_DONE : bench_fail("%s", error.text);
}
