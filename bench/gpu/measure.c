/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - see measure.h. */
#include "measure.h"

#include <math.h>

#define MAX_RUNS 2000

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

static tsm_status open_run(bench_run *run, const bench_case *c, measurement *m, tsm_error *error)
{
    size_t count;
    uint8_t *bytes;

    TSM_TRY_RETURN(session_open(&run->session, tsm_cuda_backend(), c->graph, &c->config, &c->shape, error));
    m->prepare_ms = run->session.prepare_ms;
    m->plan_ms = run->session.plan_ms;
    m->bytes = tsm_cuda_backend()->worker_bytes(run->session.worker);
    m->weight_bytes = run->session.report.weight_bytes;
    count = (size_t)tsm_dims_count(session_input(&run->session));
    bytes = must(malloc(count));
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(128 + 127 * hashed_value((uint32_t)i, 7));
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
    static double times[MAX_RUNS], host[MAX_RUNS];
    const int least_runs = small_sizes ? 2 : 10;
    double begin = now_ms(), least_ms = small_sizes ? 0 : c->seconds * 1e3;
    int repeats;

    for (m->runs = 0; m->runs < MAX_RUNS && (m->runs < least_runs || now_ms() - begin < least_ms); m->runs++) {
        double start = now_ms();

        TSM_TRY_RETURN(session_enqueue(&run->session, &run->input, &run->output, run->stream, error));
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
    repeats = (int)(least_ms / m->p50) + least_runs;
    begin = now_ms();
    for (int i = 0; i < repeats; i++)
        TSM_TRY_RETURN(session_enqueue(&run->session, &run->input, &run->output, run->stream, error));
    TSM_CUDA(cudaStreamSynchronize(run->stream));
    m->clips_per_s = repeats * c->shape.n / ((now_ms() - begin) * 1e-3);
    return TSM_OK;
}

/* Until clocks have risen; an idle GPU takes a while. */
static tsm_status warm_up(bench_run *run, tsm_error *error)
{
    const double least_ms = small_sizes ? 0 : 300, begin = now_ms();

    do {
        for (int i = 0; i < (small_sizes ? 1 : 5); i++)
            TSM_TRY_RETURN(session_enqueue(&run->session, &run->input, &run->output, run->stream, error));
        TSM_CUDA(cudaStreamSynchronize(run->stream));
    } while (now_ms() - begin < least_ms);
    return TSM_OK;
}

bool measure_case(const bench_case *c, measurement *m)
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
