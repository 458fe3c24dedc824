/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift.c - tsm-bench shift: what the shift costs before the first convolution of each ResNet-50 stage on a CPU.
 *
 * Each way is timed with its convolution, as moving data also takes the caches away from it; the input is written
 * anew before each run, as the layer before would. Results are first compared with those of the plain copy.
 *
 * --predict, without a GPU: launches, bytes and the least time of each way on one, of every convolution that shifts
 * in ResNet-50 and 101 and in MobileNetV2. On a GPU tsm-gpu-check convs times the same ways.
 */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "bench.h"
#include "core/status.h"
#include "cpu/dnnl_shim.h"
#include "cpu/gather.h"
#include "cpu/ops.h"
#include "cuda/predict.h"

enum { NONE, COPY, INPLACE, GATHER, WAYS };
static const char *const way_names[WAYS] = { "none", "copy", "inplace", "gather" };

/* Shifted 1x1 convolutions of ResNet-50 at 224x224; `count` of them in the network. */
static const struct {
    const char *name;
    int size, channels, out, count;
} stages[] = { { "layer1.0", 56, 64, 64, 1 },    { "layer1.1-2", 56, 256, 64, 2 },
               { "layer2.0", 56, 256, 128, 1 },  { "layer2.1-3", 28, 512, 128, 3 },
               { "layer3.0", 28, 512, 256, 1 },  { "layer3.1-5", 14, 1024, 256, 5 },
               { "layer4.0", 14, 1024, 512, 1 }, { "layer4.1-2", 7, 2048, 512, 2 } };
#define STAGES    ((int)(sizeof stages / sizeof *stages))
#define SHIFT_DIV 8
#define MAX_RUNS  1000

typedef struct settings {
    int segments, threads, iters, batch;
    const char *device, *precision;
    bool json, predict;
} settings;

/* One convolution with all its buffers. */
typedef struct stage {
    tsm_dims dims;
    tsm_shift shift;
    int out_channels;
    size_t count, out_count;
    float *source, *x, *shifted, *edges, *weights, *bias, *packed, *out, *want;
    void *dnnl_weights, *scratch;
    tsm_dnnl_op op;
    tsm_dnnl_bound on_x, on_shifted;
} stage;

typedef struct timing {
    double total_ms[WAYS], move_ms[WAYS], memcpy_ms;
} timing;

typedef struct machine {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} machine;

static tsm_status allocate(stage *s)
{
    const size_t k = (size_t)s->dims.c, n = (size_t)s->out_channels;

    s->source = tsm_alloc_aligned(s->count, sizeof *s->source);
    s->x = tsm_alloc_aligned(s->count, sizeof *s->x);
    s->shifted = tsm_alloc_aligned(s->count, sizeof *s->shifted);
    s->edges = tsm_alloc_aligned(tsm_cpu_shift_edge_count(&s->dims, s->shift), sizeof *s->edges);
    s->weights = tsm_alloc_aligned(k * n, sizeof *s->weights);
    s->bias = tsm_alloc_aligned(n, sizeof *s->bias);
    s->packed = tsm_alloc_aligned(tsm_cpu_gather_packed_count((int)n, (int)k), sizeof *s->packed);
    s->out = tsm_alloc_aligned(s->out_count, sizeof *s->out);
    s->want = tsm_alloc_aligned(s->out_count, sizeof *s->want);
    s->dnnl_weights = tsm_alloc_aligned(s->op.weight_bytes, 1);
    s->scratch = tsm_alloc_aligned(s->op.scratch_bytes, 1);
    return s->source && s->x && s->shifted && s->edges && s->weights && s->bias && s->packed && s->out && s->want &&
                   s->dnnl_weights && s->scratch
               ? TSM_OK
               : TSM_ERROR_MEMORY;
}

static tsm_status open_stage(stage *s, const machine *m, int index, int segments, tsm_error *error)
{
    const int size = stages[index].size, k = stages[index].channels, n = stages[index].out;
    const int64_t rows = (int64_t)segments * size * size;
    const tsm_dnnl_matmul matmul = { .m = rows, .n = n, .k = k, .epilogue = { .bias = true, .act = TSM_ACT_RELU } };
    tsm_dnnl_layout plain = NULL;
    tsm_status status;

    s->dims = (tsm_dims){ 1, segments, size, size, k };
    s->shift = tsm_shift_both(k / SHIFT_DIV, k);
    s->out_channels = n;
    s->count = (size_t)(rows * k);
    s->out_count = (size_t)(rows * n);
    TSM_TRY(tsm_dnnl_matmul_create(&s->op, m->engine, &matmul, error));
    if (allocate(s) != TSM_OK) return tsm_fail_memory(error, s->count * sizeof *s->x);
    for (size_t i = 0; i < s->count; i++) s->source[i] = (float)(i * 7919 % 1009) / 1009.0f;
    for (int i = 0; i < k * n; i++) s->weights[i] = ((float)(i * 31 % 127) - 63.0f) / 63.0f;
    for (int i = 0; i < n; i++) s->bias[i] = (float)i / (float)n;
    TSM_TRY(tsm_dnnl_matmul_plain(&plain, n, k, error));
    TSM_TRY(tsm_dnnl_reorder(m->engine, plain, s->weights, s->op.weights, s->dnnl_weights, error));
    tsm_cpu_gather_pack(s->weights, s->packed, n, k);
    TSM_TRY(tsm_dnnl_bind(&s->on_x, &s->op, m->engine, m->stream, s->x, s->dnnl_weights, s->bias, s->out, s->scratch,
                          error));
    TSM_TRY(tsm_dnnl_bind(&s->on_shifted, &s->op, m->engine, m->stream, s->shifted, s->dnnl_weights, s->bias, s->out,
                          s->scratch, error));
fail:
    tsm_dnnl_layout_destroy(&plain);
    return status;
}

static void close_stage(stage *s)
{
    void *const buffers[] = { s->source, s->x,   s->shifted, s->edges,        s->weights, s->bias,
                              s->packed, s->out, s->want,    s->dnnl_weights, s->scratch };

    tsm_dnnl_bound_clear(&s->on_x);
    tsm_dnnl_bound_clear(&s->on_shifted);
    tsm_dnnl_op_clear(&s->op);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) tsm_free(buffers[i]);
}

/* Runs one way once; *move_ms is what it spent on moving data. */
static dnnl_status_t run_way(stage *s, int way, double *move_ms)
{
    const tsm_cpu_gather gather = {
        s->x, s->packed, s->bias, s->out, s->dims, s->out_channels, s->shift, TSM_ACT_RELU
    };
    const double start = bench_now_ms();
    dnnl_status_t status = dnnl_success;

    if (way == COPY) tsm_cpu_shift_copy(s->x, s->shifted, &s->dims, s->shift);
    if (way == INPLACE) tsm_cpu_shift_in_place(s->x, s->edges, &s->dims, s->shift);
    *move_ms = bench_now_ms() - start;
    if (way == GATHER) {
        tsm_cpu_gather_run(&gather);
    } else {
        status = tsm_dnnl_execute(way == COPY ? &s->on_shifted : &s->on_x);
    }
    const double end = bench_now_ms();
    if (way == INPLACE) {
        tsm_cpu_unshift_in_place(s->x, s->edges, &s->dims, s->shift);
        *move_ms += bench_now_ms() - end;
    }
    return status;
}

/* Bytes read and written to move data, there and back. */
static double moved_bytes(const stage *s, int way)
{
    const double all = 2.0 * (double)s->count * sizeof(float);

    return way == COPY ? all : way == INPLACE ? 2 * all * 2 / SHIFT_DIV : 0;
}

static bool available(int way)
{
    return way != GATHER || tsm_cpu_gather_available();
}

/* A sum of k products below 1 is off by k * eps at most, whatever its order. */
static tsm_status verify(stage *s, tsm_error *error)
{
    const double tolerance = s->dims.c * 1.2e-7 * s->dims.c;
    double ignored;

    memcpy(s->x, s->source, s->count * sizeof *s->x);
    for (int way = COPY; way < WAYS; way++) {
        if (!available(way)) continue;
        memset(s->out, 0xff, s->out_count * sizeof *s->out);
        TSM_DNNL(run_way(s, way, &ignored));
        if (way == COPY) memcpy(s->want, s->out, s->out_count * sizeof *s->out);
        for (size_t i = 0; i < s->out_count; i++) {
            if (!(fabs((double)s->out[i] - (double)s->want[i]) <= tolerance))
                return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: element %zu is %g, not %g", way_names[way], i,
                                (double)s->out[i], (double)s->want[i]);
        }
    }
    return TSM_OK;
}

/* Copies the activation with as many threads as the ways have: the bandwidth to hold theirs against. */
static double time_memcpy(stage *s)
{
    const double start = bench_now_ms();

#pragma omp parallel
    {
        const size_t threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
        const size_t first = s->count * thread / threads, end = s->count * (thread + 1) / threads;

        memcpy(s->shifted + first, s->x + first, (end - first) * sizeof *s->x);
    }
    return bench_now_ms() - start;
}

static tsm_status time_stage(stage *s, int iters, timing *result, tsm_error *error)
{
    static double total[WAYS][MAX_RUNS], move[WAYS][MAX_RUNS], copy[MAX_RUNS];

    for (int i = 0; i < iters; i++) {
        for (int way = 0; way < WAYS; way++) {
            if (!available(way)) continue;
            memcpy(s->x, s->source, s->count * sizeof *s->x);
            const double start = bench_now_ms();
            TSM_DNNL(run_way(s, way, &move[way][i]));
            total[way][i] = bench_now_ms() - start;
        }
        memcpy(s->x, s->source, s->count * sizeof *s->x);
        copy[i] = time_memcpy(s);
    }
    for (int way = 0; way < WAYS; way++) {
        result->total_ms[way] = available(way) ? bench_median(total[way], iters) : 0;
        result->move_ms[way] = available(way) ? bench_median(move[way], iters) : 0;
    }
    result->memcpy_ms = bench_median(copy, iters);
    return TSM_OK;
}

static void report_stage(FILE *to, const stage *s, int index, const timing *t, json_t *results)
{
    for (int way = 0; way < WAYS; way++) {
        const double bytes = moved_bytes(s, way), speed = bytes > 0 ? bytes / t->move_ms[way] * 1e-6 : 0;
        const double memcpy_speed = moved_bytes(s, COPY) / t->memcpy_ms * 1e-6;

        if (!available(way)) continue;
        fprintf(to, "%-11s %-8s %9.3f %9.3f %9.3f %9.2f %9.1f %9.1f\n", stages[index].name, way_names[way],
                t->total_ms[way], t->total_ms[way] - t->total_ms[NONE], t->move_ms[way], bytes * 1e-6, speed,
                memcpy_speed);
        json_array_append_new(
            results, json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f}", "stage", stages[index].name, "method",
                               way_names[way], "count", stages[index].count, "total_ms", t->total_ms[way], "extra_ms",
                               t->total_ms[way] - t->total_ms[NONE], "move_ms", t->move_ms[way], "moved_bytes", bytes,
                               "gb_per_s", speed, "memcpy_gb_per_s", memcpy_speed));
    }
}

static tsm_status bench_stages(const settings *set, FILE *to, json_t *results, double extra_ms[WAYS],
                               tsm_error *error)
{
    machine m = { 0 };
    stage s = { 0 };
    tsm_status status = TSM_OK;

    TSM_DNNL_TRY(tsm_dnnl_try_engine(&m.engine));
    TSM_DNNL_TRY(tsm_dnnl_try_stream(&m.stream, m.engine));
    for (int i = 0; i < STAGES; i++) {
        timing t = { 0 };

        TSM_TRY(open_stage(&s, &m, i, set->segments, error));
        TSM_TRY(verify(&s, error));
        TSM_TRY(time_stage(&s, set->iters, &t, error));
        report_stage(to, &s, i, &t, results);
        for (int way = 0; way < WAYS; way++) extra_ms[way] += stages[i].count * (t.total_ms[way] - t.total_ms[NONE]);
        close_stage(&s);
        memset(&s, 0, sizeof s);
    }
fail:
    close_stage(&s);
    if (m.stream) dnnl_stream_destroy(m.stream);
    if (m.engine) dnnl_engine_destroy(m.engine);
    return status;
}

static void report_sum(const settings *set, FILE *to, json_t *results, const double extra_ms[WAYS])
{
    json_t *sums = json_object();

    fprintf(to, "all 16 shifts, ms over none:");
    for (int way = COPY; way < WAYS; way++) {
        if (!available(way)) continue;
        fprintf(to, "  %s %.2f", way_names[way], extra_ms[way]);
        json_object_set_new(sums, way_names[way], json_real(extra_ms[way]));
    }
    fputc('\n', to);
    json_t *json = json_pack("{s:s, s:s, s:s, s:i, s:i, s:O, s:O}", "cpu", bench_cpu_name(), "library",
                             tsm_dnnl_version(), "commit", bench_commit(), "threads", omp_get_max_threads(),
                             "segments", set->segments, "stages", results, "extra_ms", sums);
    if (set->json) bench_print_json(json_incref(json));
    json_decref(json);
    json_decref(sums);
}

/* ---- What a GPU would have to do ---- */

/* 1x1 convolutions with a shift before them at 224x224, and how often they occur. The libraries have no ReLU6 behind
 * a product: it is a launch of its own there. */
static const struct {
    const char *layer;
    int size, channels, out, in_r50, in_r101, in_mobilenet;
} shifted[] = {
    { "R layer1.0", 56, 64, 64, 1, 1, 0 },       { "R layer1.1-2", 56, 256, 64, 2, 2, 0 },
    { "R layer2.0", 56, 256, 128, 1, 1, 0 },     { "R layer2.1-3", 28, 512, 128, 3, 3, 0 },
    { "R layer3.0", 28, 512, 256, 1, 1, 0 },     { "R layer3.1-", 14, 1024, 256, 5, 22, 0 },
    { "R layer4.0", 14, 1024, 512, 1, 1, 0 },    { "R layer4.1-2", 7, 2048, 512, 2, 2, 0 },
    { "MobileNetV2 24", 56, 24, 144, 0, 0, 1 },  { "MobileNetV2 32", 28, 32, 192, 0, 0, 2 },
    { "MobileNetV2 64", 14, 64, 384, 0, 0, 3 },  { "MobileNetV2 96", 14, 96, 576, 0, 0, 2 },
    { "MobileNetV2 160", 7, 160, 960, 0, 0, 2 },
};

enum { LIBRARY, OURS, OURS_SHIFTED, OVERLAP_LIBRARY, COPY_LIBRARY, PREDICTED };
static const char *const predicted_names[PREDICTED] = { "library, no shift", "ours, no shift", "ours, shifted",
                                                        "overlap + library", "copy + library" };

/* A shifted convolution one way: what it launches and moves. */
typedef struct predicted {
    int launches;
    double bytes, least_bytes, flops;
} predicted;

/* A fold that is no multiple of 4 bytes is copied before ours, too. */
static predicted predict_way(int at, int way, double pixels, double element)
{
    const double k = shifted[at].channels, n = shifted[at].out, whole = 2 * pixels * k * element;
    const int fold = shifted[at].channels / SHIFT_DIV;
    predicted p = { .launches = 1, .least_bytes = element * (pixels * (k + n) + k * n), .flops = 2 * pixels * k * n };
    const bool is_ours = way == OURS || way == OURS_SHIFTED, odd = fold * (int)element % 4 != 0;
    const bool copies = way == COPY_LIBRARY || (way == OVERLAP_LIBRARY && 2 * fold * (int)element % 16 != 0) ||
                        (way == OURS_SHIFTED && odd);

    p.bytes = p.least_bytes;
    if (copies) {
        p.bytes += whole;
        p.launches++;
    } else if (way == OVERLAP_LIBRARY) {
        p.bytes += whole * 2 * fold / k;
        p.launches++;
    }
    if (!is_ours && shifted[at].in_mobilenet) {
        p.bytes += 2 * pixels * n * element;
        p.launches++;
    }
    return p;
}

/* The least seconds of one launch at a ceiling, and those of what moves beside it. */
static double predicted_seconds(const predicted *p, const tsm_ceiling *gpu, double rate, double bytes)
{
    const double by_bytes = p->least_bytes / gpu->bytes_per_s, by_flops = p->flops / rate;

    return (by_bytes > by_flops ? by_bytes : by_flops) + (bytes - p->least_bytes) / gpu->bytes_per_s;
}

static void predict_shape(const settings *set, int at, double element, FILE *to, json_t *rows)
{
    const double pixels = (double)set->batch * set->segments * shifted[at].size * shifted[at].size;

    for (int way = 0; way < PREDICTED; way++) {
        const predicted p = predict_way(at, way, pixels, element);
        const tsm_ceiling *gpu;
        json_t *on = json_array();

        fprintf(to, "%-16s %d %2d %d  %-18s %8d %9.2f", shifted[at].layer, shifted[at].in_r50, shifted[at].in_r101,
                shifted[at].in_mobilenet, predicted_names[way], p.launches, p.bytes * 1e-6);
        for (int i = 0; (gpu = tsm_ceiling_of(set->device, i)) != NULL; i++) {
            const double rate = gpu->flops_16_per_s / (element > 2 ? 2 : 1);
            const double floor = predicted_seconds(&p, gpu, rate, p.least_bytes);
            const double seconds = predicted_seconds(&p, gpu, rate, p.bytes);

            fprintf(to, " %9.2f %5.2f", seconds * 1e6, floor / seconds);
            json_array_append_new(on, json_pack("{s:s, s:f, s:f}", "gpu", gpu->name, "us", seconds * 1e6,
                                                "share_of_floor", floor / seconds));
        }
        fputc('\n', to);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:i, s:f, s:f, s:o}", "layer", shifted[at].layer, "way",
                                              predicted_names[way], "launches", p.launches, "bytes", p.bytes,
                                              "least_bytes", p.least_bytes, "at", on));
    }
}

static int predict_shapes(const settings *set)
{
    const bool half = strcmp(set->precision, "fp16") == 0 || strcmp(set->precision, "bf16") == 0;
    FILE *to = set->json ? stderr : stdout;
    const tsm_ceiling *gpu;
    json_t *rows;

    if (!half && strcmp(set->precision, "tf32") != 0)
        return bench_fail("shift: --predict knows fp16, bf16 and tf32, not %s", set->precision);
    if (!tsm_ceiling_of(set->device, 0))
        return bench_fail("shift: --device %s: no figures of such a GPU", set->device);
    fprintf(to,
            "%d clips of %d frames of 224x224, %s; us at least, and the floor's share of them\n"
            "* how often in R50, R101, MobileNetV2\n",
            set->batch, set->segments, set->precision);
    fprintf(to, "%-16s %-6s  %-18s %8s %9s", "layer", "in *", "way", "launches", "MB");
    for (int i = 0; (gpu = tsm_ceiling_of(set->device, i)) != NULL; i++) fprintf(to, " %9s %5s", gpu->name, "");
    fputc('\n', to);
    rows = json_array();
    for (size_t at = 0; at < sizeof shifted / sizeof *shifted; at++)
        predict_shape(set, (int)at, half ? 2 : 4, to, rows);
    if (!set->json) {
        json_decref(rows);
        return BENCH_DONE;
    }
    bench_print_json(json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "commit", bench_commit(), "device", set->device,
                               "precision", set->precision, "batch", set->batch, "segments", set->segments, "ways",
                               rows));
    return BENCH_DONE;
}

static const bench_manual manual = {
    "shift", "the ways to realise the shift, one convolution at a time", "[OPTION]...",
    "Each way is timed with the convolution that follows it, before the first convolution of\n"
    "each ResNet-50 stage on a CPU, as moving data also takes the caches away from it. Results\n"
    "are first compared with those of the plain copy. --predict instead says what a GPU would\n"
    "have to launch and to move for each shifted convolution of three networks.\n",
    "  tsm-bench shift\n"
    "  tsm-bench shift --segments 16 --threads 1 --json\n"
    "  tsm-bench shift --predict --device sm_90 --batch 1\n"
};

int bench_shift(int argc, char **argv)
{
    settings set = { .segments = 8,
                     .threads = omp_get_max_threads(),
                     .iters = 25,
                     .batch = 32,
                     .device = "sm_90",
                     .precision = "fp16" };
    const bench_option options[] = { { "segments", BENCH_COUNT, &set.segments, "T", "frames a clip" },
                                     { "threads", BENCH_COUNT, &set.threads, "N", "CPU threads" },
                                     { "iters", BENCH_COUNT, &set.iters, "N", "runs of each way" },
                                     { "predict", BENCH_FLAG, &set.predict, NULL,
                                       "what a GPU would launch and move" },
                                     { "device", BENCH_TEXT, &set.device, "D", "that GPU: sm_80 or sm_90" },
                                     { "precision", BENCH_TEXT, &set.precision, "P", "fp16, bf16 or tf32, on it" },
                                     { "batch", BENCH_COUNT, &set.batch, "N", "clips, on it" },
                                     { "json", BENCH_FLAG, &set.json, NULL, "JSON on stdout, the table on stderr" },
                                     { 0 } };
    double extra_ms[WAYS] = { 0 };
    int positional, result = BENCH_DONE;
    tsm_error error;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &positional)) return BENCH_USAGE;
    if (positional || set.segments < 1 || set.threads < 1 || set.iters < 1 || set.iters > MAX_RUNS || set.batch < 1) {
        bench_fail("shift: %s", positional ? "takes no input" : "a value is out of range");
        return BENCH_USAGE;
    }
    if (set.predict) return predict_shapes(&set);
    FILE *to = set.json ? stderr : stdout;
    json_t *results = json_array();
    omp_set_num_threads(set.threads);
    fprintf(to, "ResNet-50 224x224, %d frames, %s, %s, %d threads, commit %s; medians of %d\n", set.segments,
            bench_cpu_name(), tsm_dnnl_version(), set.threads, bench_commit(), set.iters);
    fprintf(to, "%-11s %-8s %9s %9s %9s %9s %9s %9s\n", "stage", "method", "total ms", "over none", "moving ms",
            "moved MB", "GB/s", "memcpy");
    if (bench_stages(&set, to, results, extra_ms, &error) != TSM_OK)
        result = bench_fail("%s", error.text);
    else
        report_sum(&set, to, results, extra_ms);
    json_decref(results);
    return result;
}
