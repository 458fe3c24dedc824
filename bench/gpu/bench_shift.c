/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_shift.c - the shift kernel alone against a device-to-device copy of the same bytes, at the shapes of TSM-R50.
 *
 * `copy` moves every channel, `overlap` only the quarter that moves; bytes are those that must be read and written.
 */
#include "../../tests/gpu/check.h"

#include "kernels/kernels.h"

#define ROUNDS 7
#define RUNS   20

typedef struct shift_shape {
    int pixels, channels;
} shift_shape;

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

static void print_line(const char *method, const shift_shape *s, int batch, double bytes, double ms, double copy_ms)
{
    printf("{\"bench\": \"shift\", \"method\": \"%s\", \"batch\": %d, \"pixels\": %d, \"channels\": %d, \"dtype\": "
           "\"16 bits\", "
           "\"us\": %.2f, \"gb_per_s\": %.1f, \"of_copy\": %.3f}\n",
           method, batch, s->pixels, s->channels, ms * 1e3, bytes / ms * 1e-6, copy_ms / ms);
}

static tsm_status bench_shape(const shift_shape *s, int batch, cudaStream_t stream, tsm_error *error)
{
    const int fold = s->channels / 8, t = 8;
    const size_t rows = (size_t)batch * t * (size_t)s->pixels, bytes = rows * (size_t)s->channels * 2;
    char *in = NULL, *out = NULL;
    double copy_ms = 0, shift_ms = 0, part_copy_ms = 0, overlap_ms = 0;
    shift_work w = { .bytes = bytes };
    tsm_status status;

    TSM_CUDA_TRY(cudaMalloc((void **)&in, bytes + bytes / 4));
    TSM_CUDA_TRY(cudaMalloc((void **)&out, bytes));
    TSM_CUDA_TRY(cudaMemsetAsync(in, 0, bytes + bytes / 4, stream));
    w.to = out;
    w.from = in;
    TSM_TRY(time_work(&w, stream, &copy_ms, error));
    w.bytes = bytes / 4;
    TSM_TRY(time_work(&w, stream, &part_copy_ms, error));
    w.shift = (tsm_kernel_shift_args){ .in = in,
                                       .out = out,
                                       .in_pitch = s->channels,
                                       .out_pitch = s->channels,
                                       .n = batch,
                                       .t = t,
                                       .pixels = s->pixels,
                                       .channels = s->channels,
                                       .fold = fold,
                                       .end = 2 * fold,
                                       .step = 1,
                                       .element_bytes = 2 };
    TSM_TRY(time_work(&w, stream, &shift_ms, error));
    w.shift.in_pitch = w.shift.out_pitch = s->channels + 2 * fold;
    w.shift.out = in + 2 * (size_t)s->channels;
    w.shift.channels = 2 * fold;
    TSM_TRY(time_work(&w, stream, &overlap_ms, error));
    print_line("copy", s, batch, 2.0 * (double)bytes, shift_ms, copy_ms);
    print_line("overlap", s, batch, 0.5 * (double)bytes, overlap_ms, part_copy_ms);
fail:
    cudaFree(in);
    cudaFree(out);
    return status;
}

int bench_shift(int argc, char **argv)
{
    static const int batches[] = { 1, 32 };
    cudaStream_t stream = NULL;
    tsm_error error = { 0 };

    (void)argv;
    if (argc > 0) return fprintf(stderr, "tsm-gpu-check shift has no options\n"), 2;
    if (!check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess, "shift", "no stream"))
        return 1;
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            check_ok(bench_shape(&shapes[i], batches[b], stream, &error), &error, "shift");
    cudaStreamDestroy(stream);
    return checks_failed() ? 1 : 0;
}
