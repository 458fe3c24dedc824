/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_shift.c - the shift kernel alone against a device-to-device copy of the same bytes, at the shapes of TSM-R50.
 *
 * `copy` moves every channel, `overlap` only the quarter that moves; bytes are those that must be read and written.
 */
#include "../../tests/gpu/check.h"

#include "kernels/kernels.h"

#define ROUNDS (small_sizes ? 1 : 7)
#define RUNS   (small_sizes ? 1 : 20)

typedef struct shift_shape {
    int pixels, channels;
} shift_shape;

typedef struct shift_bench {
    int batch;
    cudaStream_t stream;
    FILE *json; /* NULL: none */
} shift_bench;

static const shift_shape shapes[] = {
    { 56 * 56, 64 }, { 56 * 56, 256 }, { 28 * 28, 512 }, { 14 * 14, 1024 }, { 7 * 7, 2048 }
};

/* What is timed: a shift, or a copy of `bytes` where shift.in is NULL. */
typedef struct shift_work {
    tsm_kernel_shift_args shift;
    void *to;
    const void *from;
    size_t bytes;
} shift_work;

static tsm_status enqueue_work(const shift_work *w, cudaStream_t stream, tsm_error *error)
{
    if (w->shift.in)
        TSM_CUDA(tsm_kernel_shift(&w->shift, stream));
    else
        TSM_CUDA(cudaMemcpyAsync(w->to, w->from, w->bytes, cudaMemcpyDeviceToDevice, stream));
    return TSM_OK;
}

/* The least time of several rounds, after one to warm up. */
static tsm_status time_work(const shift_work *w, cudaStream_t stream, double *ms, tsm_error *error)
{
    cudaEvent_t begin = NULL, end = NULL;
    tsm_status status;

    TSM_CUDA_TRY(cudaEventCreateWithFlags(&begin, cudaEventDefault));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&end, cudaEventDefault));
    for (int round = 0; round <= ROUNDS; round++) {
        float elapsed;

        TSM_CUDA_TRY(cudaEventRecord(begin, stream));
        for (int i = 0; i < RUNS; i++) TSM_TRY(enqueue_work(w, stream, error));
        TSM_CUDA_TRY(cudaEventRecord(end, stream));
        TSM_CUDA_TRY(cudaEventSynchronize(end));
        TSM_CUDA_TRY(cudaEventElapsedTime(&elapsed, begin, end));
        if (round <= 1 || elapsed / RUNS < *ms) *ms = elapsed / RUNS;
    }
    status = TSM_OK;
fail:
    if (begin) cudaEventDestroy(begin);
    if (end) cudaEventDestroy(end);
    return status;
}

/* One way to shift beside a copy of as many bytes; those that must be read and written count. */
typedef struct shift_result {
    const char *method;
    double bytes, ms, copy_ms;
} shift_result;

static void print_json(const shift_bench *bench, const shift_shape *s, const shift_result *r)
{
    fprintf(bench->json,
            "{\"bench\": \"shift\", \"method\": \"%s\", \"batch\": %d, \"pixels\": %d, \"channels\": %d, "
            "\"dtype\": \"16 bits\", \"us\": %.2f, \"gb_per_s\": %.1f, \"of_copy\": %.3f}\n",
            r->method, bench->batch, s->pixels, s->channels, r->ms * 1e3, r->bytes / r->ms * 1e-6,
            r->copy_ms / r->ms);
}

static void print_results(const shift_bench *bench, const shift_shape *s, const shift_result results[2])
{
    printf("b%d, %d pixels x %d channels:", bench->batch, s->pixels, s->channels);
    for (int i = 0; i < 2; i++) {
        const shift_result *r = &results[i];

        printf(" %s %.1f us, %.2f TB/s, %.2f of a copy%s", r->method, r->ms * 1e3, r->bytes / r->ms * 1e-9,
               r->copy_ms / r->ms, i ? "\n" : ";");
        if (bench->json) print_json(bench, s, r);
    }
}

static tsm_status bench_shape(const shift_bench *bench, const shift_shape *s, tsm_error *error)
{
    const int fold = s->channels / 8, t = 8;
    const size_t rows = (size_t)bench->batch * t * (size_t)s->pixels, bytes = rows * (size_t)s->channels * 2;
    char *in = NULL, *out = NULL;
    shift_result results[2] = { { .method = "copy", .bytes = 2.0 * (double)bytes },
                                { .method = "overlap", .bytes = 0.5 * (double)bytes } };
    shift_work w = { .bytes = bytes };
    tsm_status status;

    TSM_CUDA_TRY(cudaMalloc((void **)&in, bytes + bytes / 4));
    TSM_CUDA_TRY(cudaMalloc((void **)&out, bytes));
    TSM_CUDA_TRY(cudaMemsetAsync(in, 0, bytes + bytes / 4, bench->stream));
    w.to = out;
    w.from = in;
    TSM_TRY(time_work(&w, bench->stream, &results[0].copy_ms, error));
    w.bytes = bytes / 4;
    TSM_TRY(time_work(&w, bench->stream, &results[1].copy_ms, error));
    w.shift = (tsm_kernel_shift_args){ .in = in,
                                       .out = out,
                                       .in_pitch = s->channels,
                                       .out_pitch = s->channels,
                                       .n = bench->batch,
                                       .t = t,
                                       .pixels = s->pixels,
                                       .channels = s->channels,
                                       .fold = fold,
                                       .end = 2 * fold,
                                       .step = 1,
                                       .element_bytes = 2 };
    TSM_TRY(time_work(&w, bench->stream, &results[0].ms, error));
    w.shift.in_pitch = w.shift.out_pitch = s->channels + 2 * fold;
    w.shift.out = in + 2 * (size_t)s->channels;
    w.shift.channels = 2 * fold;
    TSM_TRY(time_work(&w, bench->stream, &results[1].ms, error));
    print_results(bench, s, results);
fail:
    cudaFree(in);
    cudaFree(out);
    return status;
}

int bench_shift(int argc, char **argv)
{
    static const int batches[] = { 32, 1 };
    shift_bench bench = { 0 };
    tsm_error error = { 0 };

    if (argc != 0 && (argc != 2 || strcmp(argv[0], "--json") != 0))
        return fprintf(stderr, "tsm-gpu-check shift: the only option is --json FILE\n"), 2;
    if (!check(cudaStreamCreateWithFlags(&bench.stream, cudaStreamNonBlocking) == cudaSuccess, "shift", "no stream"))
        return 1;
    if (argc) bench.json = fopen(argv[1], "a");
    for (size_t b = small_sizes; b < sizeof batches / sizeof *batches; b++)
        for (size_t i = small_sizes ? 4 : 0; i < sizeof shapes / sizeof *shapes; i++) {
            bench.batch = batches[b];
            check_ok(bench_shape(&bench, &shapes[i], &error), &error, "shift");
        }
    if (bench.json) fclose(bench.json);
    cudaStreamDestroy(bench.stream);
    return checks_failed() ? 1 : 0;
}
