/* SPDX-License-Identifier: Apache-2.0 */
/* conv_support.h - running one convolution of src/kernels/conv on the simulated device, and judging it. */
#ifndef TSM_SIM_CONV_SUPPORT_H
#define TSM_SIM_CONV_SUPPORT_H

#include "device_support.h"

#include "kernels/conv/conv_kernels.h"
#include "kernels/conv/reference.h"

/* A convolution with its operands on both sides. Values are hashed, and such as the type holds. */
typedef struct conv_run {
    tsm_conv_kernel_spec spec;
    float *in, *filters, *bias, *residual, *joined, *joined_filters; /* as the device sees them */
    char *device_in, *device_filters, *device_bias, *device_residual, *device_joined, *device_out;
    int64_t out_rows;
} conv_run;

/* A spec without gaps, with the geometry that a test names. */
static inline tsm_conv_kernel_spec dense_spec(tsm_dtype dtype, int n, int t, int h, int w, int channels, int filters,
                                              int kernel, int stride)
{
    return (tsm_conv_kernel_spec){ .dtype = dtype,
                                   .n = n,
                                   .t = t,
                                   .h = h,
                                   .w = w,
                                   .channels = channels,
                                   .filters = filters,
                                   .kernel_h = kernel,
                                   .kernel_w = kernel,
                                   .stride = stride,
                                   .pad = kernel / 2,
                                   .groups = 1,
                                   .in_pitch = channels,
                                   .out_pitch = filters,
                                   .step = 1 };
}

/* The shift of MIT and mmaction2 by 1 / n_div. */
static inline void shift_spec(tsm_conv_kernel_spec *spec, int n_div)
{
    spec->fold = spec->channels / n_div;
    spec->end = 2 * spec->fold < spec->channels ? 2 * spec->fold : spec->channels;
}

static inline char *packed_filters(const tsm_conv_kernel_spec *spec, float *filters, float *joined)
{
    const size_t count = (size_t)(spec->filters * spec->kernel_h * spec->kernel_w * spec->channels);
    const size_t bytes = tsm_conv_kernel_packed_bytes(spec);
    void *encoded = encode(filters, count, spec->dtype), *packed = malloc(bytes), *more = NULL;
    char *memory;

    ck_assert_ptr_nonnull(packed);
    if (joined) more = encode(joined, (size_t)spec->filters * (size_t)spec->joined_channels, spec->dtype);
    tsm_conv_kernel_pack(packed, encoded, more, spec);
    free(more);
    memory = device_copy(packed, bytes, 0);
    free(encoded);
    free(packed);
    return memory;
}

static inline void conv_begin(conv_run *run, const tsm_conv_kernel_spec *spec, uint32_t seed)
{
    const size_t taps = (size_t)(spec->kernel_h * spec->kernel_w);
    const size_t pixels = (size_t)(spec->n * spec->t * spec->h) * (size_t)spec->w;
    const char *why = NULL;

    ck_assert_msg(tsm_conv_kernel_serves(spec, &why), "not served: %s", why);
    *run = (conv_run){ .spec = *spec };
    run->out_rows = (int64_t)spec->n * spec->t * tsm_conv_kernel_out_h(spec) * tsm_conv_kernel_out_w(spec);
    run->device_in = device_values(&run->in, pixels * (size_t)spec->in_pitch, seed, spec->dtype, 0);
    run->filters = hashed_array((size_t)(spec->filters * spec->channels) * taps, seed + 1);
    if (spec->joined_channels) {
        const size_t joined = (size_t)(spec->n * spec->t * spec->joined_h) * (size_t)spec->joined_w;

        run->device_joined =
            device_values(&run->joined, joined * (size_t)spec->joined_pitch, seed + 4, spec->dtype, 0);
        run->joined_filters = hashed_array((size_t)(spec->filters * spec->joined_channels), seed + 5);
    }
    run->device_filters = packed_filters(spec, run->filters, run->joined_filters);
    run->device_bias = device_values(&run->bias, (size_t)spec->filters, seed + 2, spec->dtype, 0);
    if (spec->residual_pitch)
        run->device_residual =
            device_values(&run->residual, (size_t)(run->out_rows * spec->residual_pitch), seed + 3, spec->dtype, 0);
    run->device_out = device_room((size_t)(run->out_rows * spec->out_pitch) * dtype_bytes(spec->dtype), 0);
}

static inline void conv_end(conv_run *run)
{
    device_release(run->device_in, 0);
    device_release(run->device_filters, 0);
    device_release(run->device_bias, 0);
    if (run->device_residual) device_release(run->device_residual, 0);
    if (run->device_joined) device_release(run->device_joined, 0);
    device_release(run->device_out, 0);
    free(run->joined);
    free(run->joined_filters);
    free(run->in);
    free(run->filters);
    free(run->bias);
    free(run->residual);
}

/* Runs it; the output's bytes, gaps included (0xff), are returned, to be freed. */
static inline void *conv_output(const conv_run *run, tsm_conv_kernel_way way)
{
    const tsm_conv_kernel_spec *spec = &run->spec;
    const size_t bytes = (size_t)(run->out_rows * spec->out_pitch) * dtype_bytes(spec->dtype);
    const size_t counters = tsm_conv_kernel_counter_bytes(spec, way);
    tsm_conv_kernel_args args = { .spec = *spec,
                                  .way = way,
                                  .in = run->device_in,
                                  .joined = run->device_joined,
                                  .weights = run->device_filters,
                                  .bias = run->device_bias,
                                  .residual = run->device_residual,
                                  .out = run->device_out };
    void *out = malloc(bytes);

    ck_assert_ptr_nonnull(out);
    if (counters) {
        uint32_t *after = malloc(counters);
        args.workspace = device_room(tsm_conv_kernel_workspace_bytes(spec, way), 0);
        args.counters = device_room(counters, 0);
        DEVICE_OK(cudaMemsetAsync(args.counters, 0, counters, NULL));
        DEVICE_OK(cudaMemsetAsync(run->device_out, 0xff, bytes, NULL));
        DEVICE_OK(tsm_conv_kernel_run(&args, NULL));
        device_read(after, args.counters, counters);
        for (size_t i = 0; i < counters / sizeof *after; i++) ck_assert_uint_eq(after[i], 0);
        free(after);
        device_release(args.workspace, 0);
        device_release(args.counters, 0);
    } else {
        DEVICE_OK(cudaMemsetAsync(run->device_out, 0xff, bytes, NULL));
        DEVICE_OK(tsm_conv_kernel_run(&args, NULL));
    }
    device_read(out, run->device_out, bytes);
    return out;
}

/* The largest error that rounding explains: K additions in float32, each of at most half a unit in the last place of
 * the sum of the magnitudes; then the activation, of which a sigmoid is flat and costs a few units; then one
 * rounding to the type, and half the distance of its smallest numbers. */
static inline double conv_tolerance(const tsm_conv_kernel_spec *spec, double want, double magnitude)
{
    const double terms = (double)(spec->kernel_h * spec->kernel_w * spec->channels + spec->joined_channels) + 4;

    return 0.501 * dtype_epsilon(spec->dtype) * fabs(want) + terms * 0x1p-24 * magnitude +
           (spec->act == TSM_KERNEL_ACT_SIGMOID ? 4 * 0x1p-23 : 0) + (spec->dtype == TSM_FLOAT16 ? 0x1p-25 : 0);
}

static inline void conv_judge(const conv_run *run, const void *bytes)
{
    const tsm_conv_kernel_spec *spec = &run->spec;
    const size_t filters = (size_t)spec->filters, pitch = (size_t)spec->out_pitch, rows = (size_t)run->out_rows;
    double *want = malloc(rows * filters * sizeof *want), *magnitude = malloc(rows * filters * sizeof *magnitude);
    float *got = malloc(rows * pitch * sizeof *got);

    ck_assert(want && magnitude && got);
    decode(got, bytes, rows * pitch, spec->dtype);
    tsm_conv_kernel_reference(spec, &(tsm_conv_kernel_operands){ .in = run->in,
                                                                 .filters = run->filters,
                                                                 .bias = run->bias,
                                                                 .residual = run->residual,
                                                                 .joined = run->joined,
                                                                 .joined_filters = run->joined_filters,
                                                                 .out = want,
                                                                 .magnitude = magnitude });
    for (size_t row = 0; row < rows; row++)
        for (size_t n = 0; n < pitch; n++) {
            const double x = (double)got[row * pitch + n];
            const size_t i = row * filters + n;

            if (n >= filters ? !isnan(x) : !(fabs(x - want[i]) <= conv_tolerance(spec, want[i], magnitude[i])))
                ck_abort_msg("row %zu, filter %zu is %.9g, want %.9g", row, n, x,
                             n < filters ? want[i] : (double)NAN);
        }
    free(want);
    free(magnitude);
    free(got);
}

/* One case against the reference. */
static inline void conv_check(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way, uint32_t seed)
{
    conv_run run;
    void *out;

    begin_case(seed);
    conv_begin(&run, spec, seed);
    out = conv_output(&run, way);
    conv_judge(&run, out);
    free(out);
    conv_end(&run);
}

/* ---- The shift as a copy, for comparison ---- */

/* A shifted copy of a value on the device, by the kernel of the shift method `copy`. */
static inline char *shifted_copy(const char *in, const tsm_conv_kernel_spec *s, int pixels, int channels,
                                 int64_t pitch, int fold, int end)
{
    const size_t bytes = dtype_bytes(s->dtype);
    char *out = device_room((size_t)(s->n * s->t * pixels) * (size_t)channels * bytes, 0);

    DEVICE_OK(tsm_kernel_shift(&(tsm_kernel_shift_args){ .in = in,
                                                         .out = out,
                                                         .in_pitch = pitch,
                                                         .out_pitch = channels,
                                                         .n = s->n,
                                                         .t = s->t,
                                                         .pixels = pixels,
                                                         .channels = channels,
                                                         .fold = fold,
                                                         .end = end,
                                                         .step = s->step,
                                                         .element_bytes = (int)bytes },
                               NULL));
    return out;
}

/* The run without its shifts, on shifted copies of what it shifts. */
static inline conv_run conv_copies(const conv_run *run)
{
    const tsm_conv_kernel_spec *s = &run->spec;
    conv_run plain = *run;

    plain.device_in = shifted_copy(run->device_in, s, s->h * s->w, s->channels, s->in_pitch, s->fold, s->end);
    plain.spec.in_pitch = s->channels;
    plain.spec.fold = plain.spec.end = 0;
    if (s->residual_end) {
        const int pixels = tsm_conv_kernel_out_h(s) * tsm_conv_kernel_out_w(s);
        plain.device_residual = shifted_copy(run->device_residual, s, pixels, s->filters, s->residual_pitch,
                                             s->residual_fold, s->residual_end);
        plain.spec.residual_pitch = s->filters;
        plain.spec.residual_fold = plain.spec.residual_end = 0;
    }
    return plain;
}

static inline void conv_copies_end(conv_run *copies, const conv_run *run)
{
    device_release(copies->device_in, 0);
    if (run->spec.residual_end) device_release(copies->device_residual, 0);
}

#endif
