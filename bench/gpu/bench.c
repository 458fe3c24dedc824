/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c - how fast TSM-R50 runs on a GPU: clips a second of TSM and of TSN in the same run for each way to realise
 * the shift, latency of one clip, host time of an enqueue, time to make an engine and a plan, device memory.
 *
 * `suite results` verifies; here logits must be numbers and the same before and after the timing. No transfers are
 * timed: input and logits are in device memory; each plan uses a CUDA graph unless TSM_CUDA_GRAPH=off.
 */
#include "../../tests/gpu/check.h"

#include <math.h>
#include <time.h>

#ifndef TSM_BENCH_COMMIT
#define TSM_BENCH_COMMIT "unknown"
#endif

#define MAX_RUNS 2000

typedef struct bench_options {
    tsm_precision precision;
    int batches[8], batch_count;
    double seconds; /* of measuring, a case */
} bench_options;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

/* Times in order; p in percent, nearest rank. */
static double percentile(const double *sorted, int count, double p)
{
    int rank = (int)ceil(p / 100 * count) - 1;

    return sorted[rank < 0 ? 0 : rank];
}

typedef struct measurement {
    double prepare_ms, plan_ms, enqueue_us, p50, p90, p99, least, clips_per_s;
    uint64_t bytes, weight_bytes;
    int runs;
} measurement;

typedef struct bench_case {
    const tsm_graph *graph;
    tsm_backend_config config;
    int batch;
    double seconds;
} bench_case;

/* One session with its tensors in device memory. */
typedef struct bench_run {
    session session;
    tsm_tensor input, output;
    cudaStream_t stream;
    void *pixels, *logits;
} bench_run;

static void close_run(bench_run *run)
{
    session_close(&run->session);
    if (run->stream) cudaStreamDestroy(run->stream);
    cudaFree(run->pixels);
    cudaFree(run->logits);
}

static tsm_status open_session(bench_run *run, const bench_case *c, measurement *m, tsm_error *error)
{
    const tsm_shape shape = { c->batch, 8, 224, 224 };
    const tsm_backend *backend = tsm_cuda_backend();
    double begin = now_ms();

    run->session.backend = backend;
    run->session.shaped = must(tsm_graph_clone(c->graph));
    TSM_TRY_RETURN(tsm_graph_infer(run->session.shaped, &shape, error));
    TSM_TRY_RETURN(backend->prepare(&run->session.state, c->graph, &c->config, &run->session.report, error));
    m->prepare_ms = now_ms() - begin;
    begin = now_ms();
    TSM_TRY_RETURN(backend->plan(&run->session.plan, run->session.state, run->session.shaped, &m->bytes, error));
    m->plan_ms = now_ms() - begin;
    m->weight_bytes = run->session.report.weight_bytes;
    return TSM_OK;
}

static tsm_status open_run(bench_run *run, const bench_case *c, measurement *m, tsm_error *error)
{
    size_t count;
    uint8_t *bytes;

    TSM_TRY_RETURN(open_session(run, c, m, error));
    count = (size_t)tsm_dims_count(session_input(&run->session));
    bytes = must(malloc(count));
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(128 + 127 * random_value((uint32_t)i, 7));
    TSM_CUDA(cudaMalloc(&run->pixels, count));
    TSM_CUDA(cudaMalloc(&run->logits, (size_t)tsm_dims_count(session_output(&run->session)) * sizeof(float)));
    TSM_CUDA(cudaMemcpy(run->pixels, bytes, count, cudaMemcpyHostToDevice));
    TSM_CUDA(cudaStreamSynchronize(NULL));
    free(bytes);
    TSM_CUDA(cudaStreamCreateWithFlags(&run->stream, cudaStreamNonBlocking));
    run->input = bytes_of(run->pixels, session_input(&run->session));
    run->output = logits_of(run->logits, session_output(&run->session));
    run->input.memory = run->output.memory = TSM_MEMORY_DEVICE;
    run->input.device = run->output.device = c->config.device_index;
    return TSM_OK;
}

/* Logits of the batch, which must be numbers; the caller frees them. */
static float *read_logits(const bench_run *run)
{
    size_t count = (size_t)tsm_dims_count(session_output(&run->session));
    float *logits = must(malloc(count * sizeof *logits));

    cudaStreamSynchronize(run->stream);
    cudaMemcpy(logits, run->logits, count * sizeof *logits, cudaMemcpyDeviceToHost);
    for (size_t i = 0; i < count; i++) check(isfinite(logits[i]), "bench", "logit %zu is not a number", i);
    return logits;
}

/* Latency: enqueue and wait, one at a time. Throughput: enqueued back to back. */
static tsm_status measure(bench_run *run, const bench_case *c, measurement *m, tsm_error *error)
{
    const tsm_backend *backend = tsm_cuda_backend();
    static double times[MAX_RUNS], host[MAX_RUNS];
    double begin = now_ms(), least_ms = c->seconds * 1e3;
    int repeats;

    for (m->runs = 0; m->runs < MAX_RUNS && (m->runs < 10 || now_ms() - begin < least_ms); m->runs++) {
        double start = now_ms();

        TSM_TRY_RETURN(backend->enqueue(run->session.plan, &run->input, &run->output, run->stream, error));
        host[m->runs] = (now_ms() - start) * 1e3;
        TSM_CUDA(cudaStreamSynchronize(run->stream));
        times[m->runs] = now_ms() - start;
    }
    qsort(times, (size_t)m->runs, sizeof *times, compare_doubles);
    qsort(host, (size_t)m->runs, sizeof *host, compare_doubles);
    m->least = times[0];
    m->p50 = percentile(times, m->runs, 50);
    m->p90 = percentile(times, m->runs, 90);
    m->p99 = percentile(times, m->runs, 99);
    m->enqueue_us = percentile(host, m->runs, 50);
    repeats = (int)(least_ms / m->p50) + 3;
    begin = now_ms();
    for (int i = 0; i < repeats; i++)
        TSM_TRY_RETURN(backend->enqueue(run->session.plan, &run->input, &run->output, run->stream, error));
    TSM_CUDA(cudaStreamSynchronize(run->stream));
    m->clips_per_s = repeats * c->batch / ((now_ms() - begin) * 1e-3);
    return TSM_OK;
}

static tsm_status warm_up(bench_run *run, tsm_error *error)
{
    for (int i = 0; i < 5; i++)
        TSM_TRY_RETURN(tsm_cuda_backend()->enqueue(run->session.plan, &run->input, &run->output, run->stream, error));
    return TSM_OK;
}

static bool bench_one(const bench_case *c, measurement *m)
{
    tsm_error error = { 0 };
    bench_run run;
    float *before = NULL, *after = NULL;
    tsm_status status;

    memset(&run, 0, sizeof run);
    memset(m, 0, sizeof *m);
    status = open_run(&run, c, m, &error);
    if (status == TSM_OK) status = warm_up(&run, &error);
    if (status == TSM_OK) {
        before = read_logits(&run);
        status = measure(&run, c, m, &error);
        after = read_logits(&run);
        check(memcmp(before, after, (size_t)tsm_dims_count(session_output(&run.session)) * sizeof *after) == 0,
              "bench", "logits changed between runs");
    }
    free(before);
    free(after);
    close_run(&run);
    return check_ok(status, &error, "bench");
}

static void print_json(const char *name, const bench_case *c, const measurement *m, const measurement *tsn,
                       const char *device)
{
    printf("{\"device\": \"%s\", \"commit\": \"%s\", \"network\": \"%s\", \"precision\": \"%s\", \"shift\": \"%s\", "
           "\"batch\": %d, "
           "\"runs\": %d, \"clips_per_s\": %.1f, \"frames_per_s\": %.1f, "
           "\"latency_ms\": {\"min\": %.4f, \"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f}, \"enqueue_us\": %.2f, "
           "\"prepare_ms\": %.1f, \"plan_ms\": %.1f, \"arena_mb\": %.1f, \"weights_mb\": %.1f",
           device, TSM_BENCH_COMMIT, name, precision_names[c->config.precision], method_names[c->config.shift_method],
           c->batch, m->runs, m->clips_per_s, 8 * m->clips_per_s, m->least, m->p50, m->p90, m->p99, m->enqueue_us,
           m->prepare_ms, m->plan_ms, (double)m->bytes * 1e-6, (double)m->weight_bytes * 1e-6);
    if (tsn)
        printf(", \"against\": {\"name\": \"tsn\", \"clips_per_s\": %.1f, \"ratio\": %.4f}", tsn->clips_per_s,
               m->clips_per_s / tsn->clips_per_s);
    printf("}\n");
}

static bool parse_options(bench_options *options, int argc, char **argv)
{
    *options = (bench_options){ TSM_PRECISION_FP16, { 1, 8, 32 }, 3, 1 };
    for (int i = 0; i < argc; i += 2) {
        if (i + 1 == argc) return false;
        if (strcmp(argv[i], "--batch") == 0) {
            options->batches[0] = atoi(argv[i + 1]);
            options->batch_count = 1;
            if (options->batches[0] < 1) return false;
        } else if (strcmp(argv[i], "--seconds") == 0) {
            options->seconds = atof(argv[i + 1]);
        } else if (strcmp(argv[i], "--precision") == 0) {
            int p = 0;

            while (p <= TSM_PRECISION_BF16 && strcmp(argv[i + 1], precision_names[p]) != 0) p++;
            if (p > TSM_PRECISION_BF16) return false;
            options->precision = (tsm_precision)p;
        } else {
            return false;
        }
    }
    return true;
}

/* TSN before and after the ways to shift, the mean of both to be held against: clocks drift. */
static void bench_batch(const network *tsm, const network *tsn, const bench_options *options, int batch,
                        const char *device)
{
    bench_case c = { tsn->graph,
                     { .precision = options->precision,
                       .mean = { 0.485f, 0.456f, 0.406f },
                       .std = { 0.229f, 0.224f, 0.225f },
                       .shift_method = TSM_SHIFT_COPY },
                     batch,
                     options->seconds };
    measurement before, after, m[3];

    if (!bench_one(&c, &before)) return;
    c.graph = tsm->graph;
    for (int method = TSM_SHIFT_AUTO; method <= TSM_SHIFT_OVERLAP; method++) {
        c.config.shift_method = (tsm_shift_method)method;
        if (!bench_one(&c, &m[method])) return;
    }
    c.graph = tsn->graph;
    c.config.shift_method = TSM_SHIFT_COPY;
    if (!bench_one(&c, &after)) return;
    print_json("tsn-r50", &c, &before, NULL, device);
    before.clips_per_s = 0.5 * (before.clips_per_s + after.clips_per_s);
    for (int method = TSM_SHIFT_AUTO; method <= TSM_SHIFT_OVERLAP; method++) {
        c.config.shift_method = (tsm_shift_method)method;
        print_json("tsm-r50", &c, &m[method], &before, device);
    }
}

int bench_networks(int argc, char **argv)
{
    const network_spec tsm_spec = {
        .arch = "resnet50", .width = 64, .classes = 400, .shift_div = 8, .place = TSM_PLACE_BLOCKRES
    };
    const network_spec tsn_spec = {
        .arch = "resnet50", .width = 64, .classes = 400, .shift_div = 0, .place = TSM_PLACE_BLOCKRES
    };
    struct cudaDeviceProp properties;
    bench_options options;
    network tsm, tsn;

    if (!parse_options(&options, argc, argv)) {
        fprintf(stderr, "usage: tsm-gpu-check bench [--batch N] [--precision fp32|tf32|fp16|bf16] [--seconds S]\n");
        return 2;
    }
    if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return 1;
    tsm = network_resnet(&tsm_spec);
    tsn = network_resnet(&tsn_spec);
    for (int i = 0; i < options.batch_count; i++)
        bench_batch(&tsm, &tsn, &options, options.batches[i], properties.name);
    network_free(&tsm);
    network_free(&tsn);
    return checks_failed() ? 1 : 0;
}
