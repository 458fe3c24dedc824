/* SPDX-License-Identifier: Apache-2.0 */
/* lib_support.h - what the tests of the simulated runtime and libraries share. */
#ifndef TSM_SIM_LIB_SUPPORT_H
#define TSM_SIM_LIB_SUPPORT_H

#include "device_support.h"
#include "sim_libs.h"

/* A misuse must have been noticed that names these words. */
static inline void assert_failed(const char *call, const char *words)
{
    const char *failure = tsm_sim_failure();

    ck_assert_msg(failure != NULL, "%s: %s: was not noticed", call, words);
    ck_assert_msg(strstr(failure, call) && strstr(failure, words), "\"%s\" does not say \"%s\" and \"%s\"", failure,
                  call, words);
    tsm_sim_clear();
}

static inline void assert_no_failure(void)
{
    ck_assert_msg(!tsm_sim_failure(), "%s", tsm_sim_failure());
}

/* Nothing that a test made may be left. */
static inline void assert_nothing_left(void)
{
    ck_assert_msg(!tsm_sim_leaks(), "left: %s", tsm_sim_leaks());
    assert_no_failure();
}

static inline cudaStream_t make_stream(void)
{
    cudaStream_t stream = NULL;

    DEVICE_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return stream;
}

static inline cudaEvent_t make_event(void)
{
    cudaEvent_t event = NULL;

    DEVICE_OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    return event;
}

static inline tsm_dtype dtype_of(cudaDataType type)
{
    return type == CUDA_R_32F ? TSM_FLOAT32 : type == CUDA_R_16F ? TSM_FLOAT16 : TSM_BFLOAT16;
}

/* out = ReLU(in), the kernel of these tests. */
static inline tsm_kernel_add_args add_args(const void *in, void *out, int count)
{
    return (tsm_kernel_add_args){ .a = in,
                                  .out = out,
                                  .a_pitch = count,
                                  .b_pitch = count,
                                  .out_pitch = count,
                                  .rows = 1,
                                  .channels = count,
                                  .act = TSM_KERNEL_ACT_RELU,
                                  .dtype = TSM_FLOAT32 };
}

/* The nearest number of 11 bits, as tf32 has them. */
static inline double tf32_of(double x)
{
    return round_to(x, 11, -126);
}

#endif
