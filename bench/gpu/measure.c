/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - see measure.h. */
#include "measure.h"

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

static uint8_t *make_pixels(const session *s)
{
    const size_t count = (size_t)tsm_dims_count(session_input(s));
    uint8_t *pixels = must(malloc(count));

    for (size_t i = 0; i < count; i++) pixels[i] = (uint8_t)(128 + 127 * hashed_value((uint32_t)i, 7));
    return pixels;
}

static tsm_status open_run(bench_run *run, const bench_case *c, measurement *m, tsm_error *error)
{
    size_t count;
    uint8_t *pixels;

    TSM_TRY_RETURN(session_open(&run->session, tsm_cuda_backend(), c->graph, &c->config, &c->shape, error));
    m->prepare_ms = run->session.prepare_ms;
    m->plan_ms = run->session.plan_ms;
    m->bytes = tsm_cuda_backend()->worker_bytes(run->session.worker);
    m->weight_bytes = run->session.report.weight_bytes;
    count = (size_t)tsm_dims_count(session_input(&run->session));
    TSM_CUDA(cudaMalloc(&run->pixels, count));
    TSM_CUDA(cudaMalloc(&run->logits, (size_t)tsm_dims_count(session_output(&run->session)) * sizeof(float)));
    pixels = make_pixels(&run->session);
    TSM_CUDA(cudaMemcpy(run->pixels, pixels, count, cudaMemcpyHostToDevice));
    TSM_CUDA(cudaStreamSynchronize(NULL));
    free(pixels);
    TSM_CUDA(cudaStreamCreateWithFlags(&run->stream, cudaStreamNonBlocking));
    run->input = bytes_of(run->pixels, session_input(&run->session));
    run->output = logits_of(run->logits, session_output(&run->session));
    run->input.memory = run->output.memory = TSM_MEMORY_DEVICE;
    run->input.device = run->output.device = c->config.device_index;
    return TSM_OK;
}

float *bench_judge(const bench_case *c)
{
    const tsm_backend_config config = make_config(TSM_PRECISION_FP32, TSM_SHIFT_COPY);
    tsm_error error = { 0 };
    float *logits = NULL;
    session s;

    if (!check_ok(session_open(&s, tsm_cuda_backend(), c->graph, &config, &c->shape, &error), &error, "judge"))
        return NULL;
    logits = poisoned_array((size_t)tsm_dims_count(session_output(&s)));
    const tsm_tensor input = bytes_of(make_pixels(&s), session_input(&s));
    const tsm_tensor output = logits_of(logits, session_output(&s));
    check_ok(session_run(&s, &input, &output, &error), &error, "judge");
    free(input.data);
    session_close(&s);
    return logits;
}

/* Fifty layers deep. */
static void check_logits(const bench_case *c, const float *got, size_t count)
{
    static const double tolerances[] = { 1e-3, 2e-2, 2e-2, 0.16 };
    const double tolerance = tolerances[c->config.precision];
    const difference d = largest_difference(got, c->want, count);

    check(d.worst <= tolerance * d.largest, "bench", "logit %zu is %.6g, in float32 %.6g; allowed are %g of %g", d.at,
          (double)got[d.at], (double)c->want[d.at], tolerance, d.largest);
}

/* Logits of the batch; the caller frees them. */
static float *read_logits(const bench_run *run, tsm_error *error)
{
    const size_t count = (size_t)tsm_dims_count(session_output(&run->session));
    float *logits = poisoned_array(count);

    if (cudaStreamSynchronize(run->stream) != cudaSuccess ||
        cudaMemcpy(logits, run->logits, count * sizeof *logits, cudaMemcpyDeviceToHost) != cudaSuccess)
        tsm_fail(error, TSM_ERROR_DEVICE, "the logits could not be read"); /* they stay poison, and fail */
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
        const size_t count = (size_t)tsm_dims_count(session_output(&run.session));

        before = read_logits(&run, &error);
        check_logits(c, before, count);
        status = measure(&run, c, m, &error);
        after = read_logits(&run, &error);
        check(memcmp(before, after, count * sizeof *after) == 0, "bench", "logits changed between runs");
    }
    free(before);
    free(after);
    close_run(&run);
    return check_ok(status, &error, "bench");
}
