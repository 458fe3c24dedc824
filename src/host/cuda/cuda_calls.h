/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cuda_calls.h - the CUDA headers of the host side (NVTX aside): what we call, and how calls are checked.
 *
 * The plugin makes no other calls than these, so this list is also what the simulated device offers (tests/sim/libs).
 * Symbols are linked, not looked up: where a library is missing, opening the plugin fails and says which.
 *
 * Runtime
 *   - devices: cudaGetDeviceCount, cudaGetDevice, cudaSetDevice, cudaGetDeviceProperties (name, major, minor,
 *     multiProcessorCount and l2CacheSize are read), cudaDriverGetVersion
 *   - errors: cudaGetErrorName, cudaGetErrorString, cudaGetLastError
 *   - memory: cudaMalloc, cudaFree, cudaMallocHost, cudaFreeHost, cudaMemcpy (host to device), cudaMemcpyAsync (any
 *     direction, but no cudaMemcpyDefault), cudaMemsetAsync, cudaPointerGetAttributes (type, device)
 *   - streams: cudaStreamCreateWithFlags (cudaStreamNonBlocking), cudaStreamDestroy, cudaStreamSynchronize,
 *     cudaStreamWaitEvent, cudaStreamIsCapturing
 *   - events: cudaEventCreateWithFlags (cudaEventDefault, cudaEventDisableTiming), cudaEventRecord,
 *     cudaEventSynchronize, cudaEventElapsedTime, cudaEventDestroy
 *   - graphs: cudaStreamBeginCapture (cudaStreamCaptureModeThreadLocal), cudaStreamEndCapture, cudaGraphInstantiate
 *     (no flags), cudaGraphUpload, cudaGraphLaunch, cudaGraphExecDestroy, cudaGraphDestroy
 *
 * Runtime, of the kernels alone (src/kernels, as nvcc compiles them; the simulation has launches of its own)
 *   - cudaLaunchKernelExC (programmatic stream serialization), cudaDeviceGetAttribute (ComputeCapabilityMajor),
 *     cudaFuncSetAttribute (MaxDynamicSharedMemorySize)
 *
 * cuBLASLt
 *   - cublasLtCreate, cublasLtDestroy, cublasLtGetVersion, cublasLtGetStatusString
 *   - cublasLtMatmulDescCreate, -SetAttribute (TRANSA, TRANSB, EPILOGUE, BIAS_POINTER, BIAS_DATA_TYPE), -Destroy;
 *     epilogues BIAS and RELU_BIAS; CUBLAS_COMPUTE_32F and _32F_FAST_TF32, scale CUDA_R_32F
 *   - cublasLtMatrixLayoutCreate, -SetAttribute (BATCH_COUNT, STRIDED_BATCH_OFFSET), -Destroy: column-major, leading
 *     dimensions beyond the rows; CUDA_R_32F, _16F, _16BF
 *   - cublasLtMatmulPreferenceCreate, -SetAttribute (MAX_WORKSPACE_BYTES, REDUCTION_SCHEME_MASK,
 *     MIN_ALIGNMENT_A..D_BYTES), -Destroy; cublasLtMatmulAlgoGetHeuristic (algo, workspaceSize, state are read)
 *   - cublasLtMatmul: of convolutions D(n,m) = A(k,n)^T B(k,m), A the weights, B the activations, beta 0 or 1; of
 *     attention, without epilogue, strided batches of A^T B, A B and A B^T times alpha, beta 0. D may be float32
 *     where A and B have 16 bits; C and D share their type, but neither pitch nor address. Workspaces begin at
 *     multiples of 256 bytes (alignment.h)
 *
 * cuDNN 9, backend API
 *   - cudnnCreate, cudnnDestroy, cudnnSetStream, cudnnGetVersion, cudnnGetErrorString, cudnnGetLastErrorString
 *   - cudnnBackendCreateDescriptor, -DestroyDescriptor, -SetAttribute, -GetAttribute, -Finalize, -Execute on
 *     - TENSOR: dimensions N, C, H, W; strides of NHWC, that may be pitched; BYTE_ALIGNMENT, IS_VIRTUAL, UNIQUE_ID
 *     - CONVOLUTION: 2-D cross-correlation; OPERATION_CONVOLUTION_FORWARD: alpha 1, beta 0; the number of groups
 *       follows from the filter's second dimension
 *     - POINTWISE: ADD, RELU_FWD, for ReLU6 with both clips; OPERATION_POINTWISE: X, B, Y
 *     - OPERATIONGRAPH: HANDLE, OPS; ENGINEHEUR: MODE_A, MODE_FALLBACK, the RESULTS first counted, then fetched
 *     - ENGINECFG: ENGINE; ENGINE: GLOBAL_INDEX, NUMERICAL_NOTE, BEHAVIOR_NOTE
 *     - EXECUTION_PLAN: HANDLE, ENGINE_CONFIG (also read), JSON_REPRESENTATION (read, or set instead of the
 *       configuration), WORKSPACE_SIZE; VARIANT_PACK: UNIQUE_IDS, DATA_POINTERS, WORKSPACE
 *     - DEVICEPROP: only in tests/unit/cuda/test_cudnn_*.c, on the real library
 */
#ifndef TSM_CUDA_CUDA_CALLS_H
#define TSM_CUDA_CUDA_CALLS_H

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include "core/status.h"

/* Where a call was made, for the text of its failure. */
typedef struct tsm_cuda_place {
    const char *expression, *file;
    int line;
} tsm_cuda_place;

#define TSM_CUDA_PLACE(call) ((tsm_cuda_place){ #call, __FILE__, __LINE__ })

/* Fill the record with the device, the call, its place and the library's words; return MEMORY for a lack of memory,
 * DEVICE otherwise. */
tsm_status tsm_cuda_fail(tsm_error *error, cudaError_t code, tsm_cuda_place place);
tsm_status tsm_cublas_fail(tsm_error *error, cublasStatus_t code, tsm_cuda_place place);
tsm_status tsm_cudnn_fail(tsm_error *error, cudnnStatus_t code, tsm_cuda_place place);

#define TSM_CALL_(type, success, failed, call, leave)                                                                \
    do {                                                                                                             \
        type tsm_code_ = (call);                                                                                     \
        if (tsm_code_ != (success)) {                                                                                \
            tsm_status tsm_status_ = TSM_NOT_OK(failed(error, tsm_code_, TSM_CUDA_PLACE(call)));                     \
            leave(tsm_status_);                                                                                      \
        }                                                                                                            \
    } while (0)
#define TSM_LEAVE_RETURN_(code) return (code)
#define TSM_LEAVE_FAIL_(code)                                                                                        \
    status = (code);                                                                                                 \
    goto fail

/* Evaluate a call once; a failure is recorded in `error` and returned ... */
#define TSM_CUDA(call)   TSM_CALL_(cudaError_t, cudaSuccess, tsm_cuda_fail, call, TSM_LEAVE_RETURN_)
#define TSM_CUBLAS(call) TSM_CALL_(cublasStatus_t, CUBLAS_STATUS_SUCCESS, tsm_cublas_fail, call, TSM_LEAVE_RETURN_)
#define TSM_CUDNN(call)  TSM_CALL_(cudnnStatus_t, CUDNN_STATUS_SUCCESS, tsm_cudnn_fail, call, TSM_LEAVE_RETURN_)

/* ... or goes to `fail` with the code in `status`. */
#define TSM_CUDA_TRY(call)   TSM_CALL_(cudaError_t, cudaSuccess, tsm_cuda_fail, call, TSM_LEAVE_FAIL_)
#define TSM_CUBLAS_TRY(call) TSM_CALL_(cublasStatus_t, CUBLAS_STATUS_SUCCESS, tsm_cublas_fail, call, TSM_LEAVE_FAIL_)
#define TSM_CUDNN_TRY(call)  TSM_CALL_(cudnnStatus_t, CUDNN_STATUS_SUCCESS, tsm_cudnn_fail, call, TSM_LEAVE_FAIL_)

/* Milliseconds from `begin` to `end`, two timing events that were recorded; blocking. */
tsm_status tsm_cuda_elapsed(float *milliseconds, cudaEvent_t begin, cudaEvent_t end, tsm_error *error);

#endif
