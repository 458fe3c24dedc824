/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv.h - one convolution on the GPU, by either library, behind one door.
 *
 * A conv is a spec with the kernel chosen for it; steps of one plan share it. A bound conv has its buffers and can be
 * put on a stream without any allocation.
 */
#ifndef TSM_CUDA_CONV_CONV_H
#define TSM_CUDA_CONV_CONV_H

#include "dnn_plan.h"
#include "gemm.h"

/* One of each a plan: a cuDNN handle belongs to one thread at a time. */
typedef struct tsm_cuda_libraries {
    cublasLtHandle_t blas;
    cudnnHandle_t dnn;
} tsm_cuda_libraries;

tsm_status tsm_cuda_libraries_open(tsm_cuda_libraries *libraries, tsm_error *error);
void tsm_cuda_libraries_close(tsm_cuda_libraries *libraries);

typedef enum tsm_conv_library { TSM_CONV_GEMM, TSM_CONV_DNN } tsm_conv_library;

/* A place in a library's list of candidates, which is the same each time for one GPU and version. */
typedef struct tsm_conv_choice {
    tsm_conv_library library;
    int index;
} tsm_conv_choice;

typedef struct tsm_conv {
    tsm_conv_spec spec;
    tsm_conv_choice choice;
    size_t workspace_bytes;
    tsm_matmul gemm;     /* TSM_CONV_GEMM */
    tsm_dnn_graph graph; /* TSM_CONV_DNN */
    cudnnBackendDescriptor_t plan;
} tsm_conv;

#define TSM_CONV_MAX_CHOICES 16

/* What is worth trying, best guess first: cuBLASLt where it serves, then cuDNN's precompiled engines in the order of
 * its heuristics; engines that compile at run time only where there is nothing else. Errors: UNSUPPORTED where
 * nothing is. */
tsm_status tsm_conv_choices(tsm_conv_choice *choices, int *count, const tsm_cuda_libraries *libraries,
                            const tsm_conv_spec *spec, tsm_error *error);

/* Errors: DEVICE; a plan that the library cannot make is no reason to give up the other choices. */
tsm_status tsm_conv_make(tsm_conv *conv, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                         tsm_conv_choice choice, tsm_error *error);

/* The same from the text of a plan instead of the heuristics. Errors: DEVICE, whatever is wrong with the text: then
 * tsm_conv_make is the way. */
tsm_status tsm_conv_load(tsm_conv *conv, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                         tsm_conv_choice choice, const char *text, tsm_error *error);

/* The plan as such a text, released with tsm_free; NULL where there is none to keep. */
char *tsm_conv_plan_text(const tsm_conv *conv);
void tsm_conv_clear(tsm_conv *conv);

/* Device addresses; `in` is that of the first channel that is read. */
typedef struct tsm_conv_buffers {
    const void *in, *weights, *bias, *residual;
    void *out, *workspace;
} tsm_conv_buffers;

typedef struct tsm_conv_bound {
    const tsm_conv *conv; /* must outlive it */
    tsm_gemm_buffers buffers;
    cublasLtMatmulDesc_t operation;
    cudnnBackendDescriptor_t pack;
} tsm_conv_bound;

tsm_status tsm_conv_bind(tsm_conv_bound *bound, const tsm_conv *conv, const tsm_conv_buffers *buffers,
                         tsm_error *error);
void tsm_conv_bound_clear(tsm_conv_bound *bound);

/* Puts the work on the stream. cuDNN uses the stream that its handle was given. */
tsm_status tsm_conv_enqueue(const tsm_conv_bound *bound, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                            tsm_error *error);

#endif
