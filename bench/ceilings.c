/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ceilings.c - the machine's own limits, measured: a copy, and a matrix product by the engine that is measured.
 *
 * The product is a network of one kind of layer, so that it is done by the libraries, at the precision and on the
 * device of the networks that are held against it. So is the copy on a GPU: a shift realised as a copy. On a CPU
 * copies of several sizes tell what its caches give.
 */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "bench.h"
#include "network/network.h"

#define PRODUCTS   3 /* layers */
#define RUNS       5
#define COPY_RUNS  7
#define SMALL_COPY (1 << 19) /* bytes */

static const double footprints[BENCH_FOOTPRINTS] = { 1 << 19, 1 << 21, 1 << 23, 1 << 25, 1 << 28 };

/* ---- Copies on a CPU ---- */

static void copy_once(const char *from, char *to, size_t bytes)
{
#pragma omp parallel
    {
        const size_t threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
        const size_t first = bytes * thread / threads, end = bytes * (thread + 1) / threads;

        memcpy(to + first, from + first, end - first);
    }
}

/* Bytes a second of the best of some runs. A footprint is what is read and what is written. */
static double time_copy(const char *from, char *to, double footprint)
{
    const size_t bytes = (size_t)footprint / 2;
    const int inner = footprint <= SMALL_COPY ? 64 : footprint < 1 << 26 ? 8 : 1;
    double best = INFINITY;

    for (int run = 0; run < COPY_RUNS; run++) {
        const double begin = bench_now_ms();

        for (int i = 0; i < inner; i++) copy_once(from, to, bytes);
        best = fmin(best, (bench_now_ms() - begin) / inner);
    }
    return footprint / best * 1e3;
}

static tsm_status measure_copies(bench_ceilings *c, int threads, tsm_error *error)
{
    const size_t most = (size_t)footprints[BENCH_FOOTPRINTS - 1] / 2;
    char *from = tsm_alloc_aligned(most, 1), *to = tsm_alloc_aligned(most, 1);
    const int before = omp_get_max_threads();
    tsm_status status = TSM_OK;

    if (from && to) {
        memset(from, 1, most);
        memset(to, 2, most);
        omp_set_num_threads(threads);
        for (int i = 0; i < BENCH_FOOTPRINTS; i++) {
            c->footprints[i] = footprints[i];
            c->cached[i] = time_copy(from, to, footprints[i]);
        }
        omp_set_num_threads(before);
        c->bytes_per_s = c->cached[BENCH_FOOTPRINTS - 1];
    } else {
        status = tsm_fail(error, TSM_ERROR_MEMORY, "ceilings: out of memory");
    }
    tsm_free(from);
    tsm_free(to);
    return status;
}

/* ---- Products, and on a GPU a copy, by the engine ---- */

typedef struct probe {
    int channels, frames, side;
    float *weights;
    tsm_graph *graph;
    tsm_engine *engine;
    tsm_context *context;
    tsm_profile_row *rows;
    int row_count;
} probe;

static int append(probe *p, tsm_op op, const char *name, int input)
{
    const int index = tsm_graph_append(p->graph, op, name);

    if (index >= 0 && input >= 0) p->graph->nodes[index].inputs[0] = input;
    return index;
}

static int append_product(probe *p, const char *name, int input, int outputs)
{
    const int index = append(p, outputs < p->channels ? TSM_OP_FC : TSM_OP_CONV, name, input);
    tsm_node *node;

    if (index < 0) return -1;
    node = &p->graph->nodes[index];
    node->in_channels = p->channels;
    node->out_channels = outputs;
    node->groups = node->kernel_h = node->kernel_w = node->stride = 1;
    node->weight = (tsm_weight){ p->weights, TSM_FLOAT32, (int64_t)p->channels * outputs };
    return index;
}

/* Products one after another; before the last a shift, which is to be a copy. */
static bool build(probe *p)
{
    int value, pool, fc;

    p->graph = tsm_graph_create();
    value = p->graph ? append(p, TSM_OP_INPUT, "input", -1) : -1;
    for (int i = 0; i < PRODUCTS && value >= 0; i++) {
        if (i == PRODUCTS - 1) {
            value = append(p, TSM_OP_SHIFT, "copy.shift", value);
            if (value < 0) return false;
            p->graph->nodes[value].shift = tsm_shift_both(p->channels / 8, p->channels);
        }
        value = append_product(p, i == PRODUCTS - 1 ? "copy" : "product", value, p->channels);
    }
    pool = value < 0 ? -1 : append(p, TSM_OP_AVGPOOL, "pool", value);
    fc = pool < 0 ? -1 : append_product(p, "fc", pool, 16);
    p->graph->output = fc < 0 ? -1 : append(p, TSM_OP_TMEAN, "mean", fc);
    p->graph->in_channels = p->channels;
    p->graph->segments = p->frames;
    p->graph->classes = 16;
    return p->graph->output >= 0;
}

static tsm_status profile(probe *p, const char *device, const char *precision, int threads, tsm_error *error)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    const tsm_shape shape = { 1, p->frames, p->side, p->side };
    const size_t count = (size_t)p->channels * (size_t)p->channels;

    p->weights = tsm_alloc_zero(count, sizeof *p->weights);
    if (!p->weights || !(build(p))) return tsm_fail(error, TSM_ERROR_MEMORY, "ceilings: out of memory");
    for (size_t i = 0; i < count; i++) p->weights[i] = ((float)(i % 17) - 8) / 8.0f / sqrtf((float)p->channels);
    options.device = device;
    options.precision = (tsm_precision)bench_find_precision(precision);
    options.threads = threads;
    options.shift_method = TSM_SHIFT_COPY;
    TSM_TRY_RETURN(tsm_engine_create_of_graph(&p->engine, &p->graph, &options, error));
    TSM_TRY_RETURN(tsm_context_create(&p->context, p->engine, error));
    TSM_TRY_RETURN(tsm_context_plan(p->context, &shape, error));
    return tsm_context_profile(p->context, NULL, RUNS, &p->rows, &p->row_count, error);
}

static void read_rows(bench_ceilings *c, const probe *p, double number_bytes, bool copy)
{
    const double pixels = (double)p->frames * p->side * p->side, values = pixels * p->channels;

    for (int i = 0; i < p->row_count; i++) {
        const tsm_profile_row *row = &p->rows[i];
        const double per_s = 1e3 / row->ms;

        if (strcmp(row->layer, "product") == 0)
            c->flops_per_s = fmax(c->flops_per_s, 2 * values * p->channels * per_s);
        if (copy && strcmp(row->layer, "copy") == 0 && row->macs == 0)
            c->bytes_per_s = fmax(c->bytes_per_s, 2 * values * number_bytes * per_s);
    }
}

static void close_probe(probe *p)
{
    tsm_free(p->rows);
    tsm_context_destroy(&p->context);
    tsm_engine_destroy(&p->engine);
    tsm_graph_destroy(&p->graph);
    tsm_free(p->weights);
}

tsm_status bench_measure_ceilings(bench_ceilings *c, const char *device, const char *precision, int threads,
                                  tsm_error *error)
{
    const bool cpu = strcmp(device, "cpu") == 0;
    probe p = { .channels = cpu ? 1024 : 2048, .frames = 8, .side = cpu ? 32 : 64 };
    const double number_bytes = precision[strcspn(precision, "0123456789")] == '3' ? 4 : 2;
    tsm_status status;

    memset(c, 0, sizeof *c);
    TSM_TRY(profile(&p, device, precision, threads, error));
    read_rows(c, &p, number_bytes, !cpu);
    if (cpu) TSM_TRY(measure_copies(c, threads, error));
fail:
    close_probe(&p);
    return status;
}

/* ---- What they mean ---- */

/* The rate of the smallest copy that is no smaller. */
static double rate_for(const bench_ceilings *c, double bytes)
{
    for (int i = 0; i < BENCH_FOOTPRINTS; i++)
        if (c->footprints[i] > 0 && bytes <= c->footprints[i]) return c->cached[i];
    return c->bytes_per_s;
}

double bench_floor_s(const bench_ceilings *c, double bytes, double macs, bool *memory)
{
    const double moving = bytes / rate_for(c, bytes), multiplying = 2 * macs / c->flops_per_s;

    *memory = moving > multiplying;
    return fmax(moving, multiplying);
}

json_t *bench_ceilings_json(const bench_ceilings *c)
{
    json_t *json = json_pack("{s:f, s:f}", "gflops", c->flops_per_s * 1e-9, "gb_per_s", c->bytes_per_s * 1e-9);
    json_t *cached = json_array();

    for (int i = 0; i < BENCH_FOOTPRINTS; i++)
        if (c->footprints[i] > 0)
            json_array_append_new(
                cached, json_pack("{s:f, s:f}", "mb", c->footprints[i] * 1e-6, "gb_per_s", c->cached[i] * 1e-9));
    json_object_set_new(json, "copies", cached);
    return json;
}
