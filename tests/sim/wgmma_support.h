/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma_support.h - running one convolution of the family on wgmma and TMA, and judging it; see conv_support.h. */
#ifndef TSM_SIM_WGMMA_SUPPORT_H
#define TSM_SIM_WGMMA_SUPPORT_H

#include "conv_support.h"

#include "kernels/conv/wgmma.h"

static const tsm_dtype group_types[] = { TSM_FLOAT16, TSM_BFLOAT16 };

/* Whether the device has the instructions at all. */
static inline bool has_groups(void)
{
    struct cudaDeviceProp properties;

    return cudaGetDeviceProperties(&properties, 0) == cudaSuccess && properties.major == 9;
}

static inline tsm_conv_wgmma_args wgmma_args(const conv_run *run, tsm_conv_wgmma_way way)
{
    return (tsm_conv_wgmma_args){ .conv = { .spec = run->spec,
                                            .in = run->device_in,
                                            .weights = run->device_filters,
                                            .bias = run->device_bias,
                                            .residual = run->device_residual,
                                            .out = run->device_out },
                                  .way = way };
}

/* Runs it; the output's bytes, gaps included (0xff), are returned, to be freed. */
static inline void *wgmma_output(const conv_run *run, tsm_conv_wgmma_way way)
{
    const size_t bytes = (size_t)(run->out_rows * run->spec.out_pitch) * dtype_bytes(run->spec.dtype);
    tsm_conv_wgmma_args args = wgmma_args(run, way);
    void *out = malloc(bytes);

    ck_assert_ptr_nonnull(out);
    DEVICE_OK(tsm_conv_wgmma_prepare(&args));
    DEVICE_OK(cudaMemsetAsync(run->device_out, 0xff, bytes, NULL));
    DEVICE_OK(tsm_conv_wgmma_run(&args, NULL));
    device_read(out, run->device_out, bytes);
    return out;
}

/* One case against the reference. */
static inline void wgmma_check(const tsm_conv_kernel_spec *spec, tsm_conv_wgmma_way way, uint32_t seed)
{
    conv_run run;
    void *out;

    begin_case(seed);
    conv_begin(&run, spec, seed);
    out = wgmma_output(&run, way);
    conv_judge(&run, out);
    free(out);
    conv_end(&run);
}

/* One case against the same kernel on shifted copies, bit by bit. */
static inline void wgmma_check_same(const tsm_conv_kernel_spec *spec, tsm_conv_wgmma_way way, uint32_t seed)
{
    conv_run run, copies;
    void *gathered, *copied;

    begin_case(seed);
    conv_begin(&run, spec, seed);
    gathered = wgmma_output(&run, way);
    copies = conv_copies(&run);
    copied = wgmma_output(&copies, way);
    conv_copies_end(&copies, &run);
    assert_bytes(gathered, copied, (size_t)(run.out_rows * spec->out_pitch) * dtype_bytes(spec->dtype), "gather");
    free(gathered);
    free(copied);
    conv_end(&run);
}

#endif
