/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c - see trial.h. */
#include "trial.h"

#include <math.h>
#include <string.h>

#include "cuda/alignment.h"
#include "tune.h"

#define PATTERN_ELEMENTS   16381 /* a prime, so that rows do not repeat */
#define SAMPLE_ELEMENTS    (1 << 15)
#define ROUNDS             3
#define RUNS_PER_ROUND     10
#define TOLERANCE_EPSILONS 16   /* of the largest output; sums of the same products in another order */
#define TOLERANCE_FP32     1e-4 /* fp32 kernels may be Winograd's */

static size_t output_element(const tsm_conv_spec *spec)
{
    return spec->float_out ? sizeof(float) : (size_t)tsm_cuda_dtype_of(spec->precision)->bytes;
}

static tsm_dtype output_dtype(const tsm_conv_spec *spec)
{
    return spec->float_out ? TSM_FLOAT32 : tsm_cuda_dtype_of(spec->precision)->type;
}

/* Deterministic values in [-1, 1). */
static void make_pattern(float *values)
{
    uint32_t x = 12345;

    for (size_t i = 0; i < PATTERN_ELEMENTS; i++) {
        x = x * 1664525u + 1013904223u;
        values[i] = (float)(int32_t)x * 0x1p-31f;
    }
}

/* The pattern once from the host, then doubled on the device. */
static tsm_status fill(const tsm_trial *trial, void *to, size_t bytes, tsm_dtype type, tsm_error *error)
{
    float pattern[PATTERN_ELEMENTS], converted[PATTERN_ELEMENTS];
    size_t done = PATTERN_ELEMENTS * (type == TSM_FLOAT32 ? sizeof(float) : sizeof(uint16_t));

    make_pattern(pattern);
    tsm_cuda_round(converted, pattern, PATTERN_ELEMENTS, type);
    if (done > bytes) done = bytes;
    TSM_CUDA(cudaMemcpyAsync(to, converted, done, cudaMemcpyHostToDevice, trial->stream));
    while (done < bytes) {
        size_t more = done < bytes - done ? done : bytes - done;

        TSM_CUDA(cudaMemcpyAsync((char *)to + done, to, more, cudaMemcpyDeviceToDevice, trial->stream));
        done += more;
    }
    TSM_CUDA(cudaStreamSynchronize(trial->stream));
    return TSM_OK;
}

static tsm_status allocate(tsm_trial *trial, tsm_error *error)
{
    const tsm_conv_spec *spec = trial->spec;
    const tsm_cuda_dtype *dtype = tsm_cuda_dtype_of(spec->precision);
    const size_t element = (size_t)dtype->bytes, out_element = output_element(spec);
    const size_t in = tsm_cuda_align((size_t)tsm_conv_spec_input_count(spec) * element);
    const size_t weights = tsm_cuda_align((size_t)tsm_conv_spec_weight_count(spec) * element);
    const size_t bias = tsm_cuda_align((size_t)spec->filters * out_element);
    const size_t residual = tsm_cuda_align((size_t)tsm_conv_spec_residual_count(spec) * out_element);
    const size_t out = tsm_cuda_align((size_t)tsm_conv_spec_output_count(spec) * out_element);
    char *at;

    TSM_CUDA(cudaMalloc((void **)&trial->memory, in + weights + bias + residual + out));
    at = trial->memory;
    TSM_TRY_RETURN(fill(trial, at, in, dtype->type, error));
    trial->buffers.in = at + (size_t)spec->in_offset * element;
    TSM_TRY_RETURN(fill(trial, at += in, weights, dtype->type, error));
    trial->buffers.weights = at;
    TSM_TRY_RETURN(fill(trial, at += weights, bias, output_dtype(spec), error));
    trial->buffers.bias = at;
    at += bias;
    if (residual) {
        TSM_TRY_RETURN(fill(trial, at, residual, output_dtype(spec), error));
        trial->buffers.residual = at;
    }
    trial->buffers.out = at + residual;
    return TSM_OK;
}

tsm_status tsm_trial_open(tsm_trial *trial, const tsm_conv_spec *spec, const tsm_cuda_libraries *libraries,
                          cudaStream_t stream, tsm_error *error)
{
    size_t count = (size_t)tsm_conv_spec_output_count(spec);
    tsm_status status;

    memset(trial, 0, sizeof *trial);
    trial->spec = spec;
    trial->libraries = libraries;
    trial->stream = stream;
    trial->sample = count < SAMPLE_ELEMENTS ? count : SAMPLE_ELEMENTS;
    trial->want = tsm_alloc_aligned(2 * trial->sample, output_element(spec));
    trial->got = tsm_alloc_aligned(2 * trial->sample, output_element(spec));
    if (!trial->want || !trial->got) {
        status = tsm_fail_memory(error, 2 * trial->sample * output_element(spec));
        goto fail;
    }
    TSM_TRY(allocate(trial, error));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&trial->begin, cudaEventDefault));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&trial->end, cudaEventDefault));
    TSM_CUDNN_TRY(cudnnSetStream(libraries->dnn, stream));
    return TSM_OK;
fail:
    tsm_trial_close(trial);
    return status;
}

void tsm_trial_close(tsm_trial *trial)
{
    if (trial->begin) cudaEventDestroy(trial->begin);
    if (trial->end) cudaEventDestroy(trial->end);
    if (trial->memory) cudaFree(trial->memory);
    if (trial->workspace) cudaFree(trial->workspace);
    tsm_free(trial->want);
    tsm_free(trial->got);
    memset(trial, 0, sizeof *trial);
}

static tsm_status ensure_workspace(tsm_trial *trial, size_t bytes, tsm_error *error)
{
    if (bytes <= trial->workspace_bytes) return TSM_OK;
    if (trial->workspace) cudaFree(trial->workspace);
    trial->workspace = NULL;
    trial->workspace_bytes = 0;
    TSM_CUDA(cudaMalloc((void **)&trial->workspace, bytes));
    trial->workspace_bytes = bytes;
    return TSM_OK;
}

/* Runs once over a poisoned output and brings both ends of it home. */
static tsm_status run_sample(tsm_trial *trial, const tsm_conv_bound *bound, void *sample, tsm_error *error)
{
    const size_t element = output_element(trial->spec), count = (size_t)tsm_conv_spec_output_count(trial->spec);
    const size_t bytes = trial->sample * element;
    const char *out = trial->buffers.out;

    TSM_CUDA(cudaMemsetAsync(trial->buffers.out, 0xff, count * element, trial->stream));
    TSM_TRY_RETURN(tsm_conv_enqueue(bound, trial->libraries, trial->stream, error));
    TSM_CUDA(cudaStreamSynchronize(trial->stream));
    TSM_CUDA(cudaMemcpy(sample, out, bytes, cudaMemcpyDeviceToHost));
    TSM_CUDA(
        cudaMemcpy((char *)sample + bytes, out + (count - trial->sample) * element, bytes, cudaMemcpyDeviceToHost));
    return TSM_OK;
}

/* Index in the output of element i of a sample. */
static size_t sample_index(const tsm_trial *trial, size_t i)
{
    return i < trial->sample ? i : (size_t)tsm_conv_spec_output_count(trial->spec) - 2 * trial->sample + i;
}

static bool samples_agree(const tsm_trial *trial)
{
    const tsm_conv_spec *spec = trial->spec;
    const tsm_dtype type = output_dtype(spec);
    const double epsilon = tsm_cuda_dtype_of(spec->precision)->epsilon;
    double largest = 0, tolerance;

    for (size_t i = 0; i < 2 * trial->sample; i++)
        if (sample_index(trial, i) % (size_t)spec->out_pitch < (size_t)spec->filters)
            largest = fmax(largest, fabs((double)tsm_number_at(trial->want, type, (int64_t)i)));
    tolerance = fmax(TOLERANCE_EPSILONS * epsilon, TOLERANCE_FP32) * largest;
    for (size_t i = 0; i < 2 * trial->sample; i++) {
        double want = (double)tsm_number_at(trial->want, type, (int64_t)i),
               got = (double)tsm_number_at(trial->got, type, (int64_t)i);

        if (sample_index(trial, i) % (size_t)spec->out_pitch >= (size_t)spec->filters) continue;
        if (!(fabs(got - want) <= tolerance)) return false;
    }
    return true;
}

static tsm_status measure(const tsm_trial *trial, const tsm_conv_bound *bound, float *milliseconds, tsm_error *error)
{
    for (int round = 0; round < ROUNDS; round++) {
        float elapsed = 0;

        TSM_CUDA(cudaEventRecord(trial->begin, trial->stream));
        for (int i = 0; i < RUNS_PER_ROUND; i++)
            TSM_TRY_RETURN(tsm_conv_enqueue(bound, trial->libraries, trial->stream, error));
        TSM_CUDA(cudaEventRecord(trial->end, trial->stream));
        TSM_TRY_RETURN(tsm_tune_elapsed(&elapsed, trial->begin, trial->end, error));
        if (round == 0 || elapsed / RUNS_PER_ROUND < *milliseconds) *milliseconds = elapsed / RUNS_PER_ROUND;
    }
    return TSM_OK;
}

tsm_status tsm_trial_run(tsm_trial *trial, const tsm_conv *conv, bool *agrees, float *milliseconds, tsm_error *error)
{
    tsm_conv_bound *bound = NULL;
    tsm_status status;

    *agrees = false;
    TSM_TRY(ensure_workspace(trial, conv->workspace_bytes, error));
    trial->buffers.workspace = trial->workspace;
    TSM_TRY(tsm_conv_bind(&bound, conv, &trial->buffers, error));
    TSM_TRY(run_sample(trial, bound, trial->has_want ? trial->got : trial->want, error));
    *agrees = !trial->has_want || samples_agree(trial);
    trial->has_want = true;
    if (*agrees) TSM_TRY(measure(trial, bound, milliseconds, error));
    status = TSM_OK;
fail:
    tsm_conv_unbind(bound);
    return status;
}
