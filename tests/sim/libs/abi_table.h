/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abi_table.h - every constant and size that the headers of the simulation share with CUDA's, as name and value.
 * Compiled twice, with one's headers and with the other's; what differs is a mistake of the simulation.
 */
#ifndef TSM_SIM_ABI_TABLE_H
#define TSM_SIM_ABI_TABLE_H

typedef struct abi_entry {
    const char *name;
    long long value;
} abi_entry;

extern const abi_entry abi_sim[], abi_real[];
extern const int abi_sim_count, abi_real_count;

#ifdef ABI_TABLE
#include <cublasLt.h>
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#define V(name)    { #name, (long long)(name) },
#define SIZE(type) { "sizeof " #type, (long long)sizeof(type) },

const abi_entry ABI_TABLE[] = {
    V(CUDA_SUCCESS) V(CUDA_ERROR_INVALID_VALUE) V(CU_TENSOR_MAP_DATA_TYPE_FLOAT16) V(CU_TENSOR_MAP_DATA_TYPE_BFLOAT16) V(
        CU_TENSOR_MAP_INTERLEAVE_NONE) V(CU_TENSOR_MAP_SWIZZLE_NONE) V(CU_TENSOR_MAP_SWIZZLE_32B)
        V(CU_TENSOR_MAP_SWIZZLE_64B) V(CU_TENSOR_MAP_SWIZZLE_128B) V(CU_TENSOR_MAP_L2_PROMOTION_NONE) V(
            CU_TENSOR_MAP_L2_PROMOTION_L2_256B) V(CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) V(cudaDriverEntryPointSuccess)
            V(cudaDriverEntryPointSymbolNotFound) V(cudaDriverEntryPointVersionNotSufficent) V(cudaEnableDefault) SIZE(CUtensorMap) SIZE(
                CUtensorMapSwizzle) SIZE(CUresult) V(cudaSuccess) V(cudaErrorInvalidValue)
                V(cudaErrorMemoryAllocation) V(cudaErrorInvalidConfiguration) V(cudaErrorInvalidDevicePointer) V(cudaErrorInsufficientDriver) V(
                    cudaErrorNoDevice) V(cudaErrorInvalidDevice) V(cudaErrorInvalidResourceHandle)
                    V(cudaErrorIllegalState) V(cudaErrorNotReady) V(
                        cudaErrorLaunchFailure) V(cudaErrorNotSupported) V(cudaErrorStreamCaptureUnsupported)
                        V(cudaErrorStreamCaptureInvalidated) V(cudaErrorStreamCaptureMerge) V(cudaErrorStreamCaptureUnmatched) V(
                            cudaErrorStreamCaptureUnjoined) V(cudaErrorStreamCaptureIsolation) V(cudaErrorStreamCaptureImplicit) V(cudaErrorCapturedEvent)
                            V(cudaErrorStreamCaptureWrongThread) V(cudaMemcpyHostToHost) V(cudaMemcpyHostToDevice) V(
                                cudaMemcpyDeviceToHost) V(cudaMemcpyDeviceToDevice) V(cudaMemcpyDefault) V(cudaMemoryTypeUnregistered)
                                V(cudaMemoryTypeHost) V(cudaMemoryTypeDevice) V(cudaMemoryTypeManaged) V(
                                    cudaStreamCaptureModeGlobal) V(cudaStreamCaptureModeThreadLocal)
                                    V(
                                        cudaStreamCaptureModeRelaxed) V(cudaStreamCaptureStatusNone)
                                        V(cudaStreamCaptureStatusActive) V(cudaStreamCaptureStatusInvalidated) V(cudaStreamDefault) V(
                                            cudaStreamNonBlocking) V(cudaEventDefault) V(cudaEventBlockingSync) V(cudaEventDisableTiming) V(CUDA_R_32F)
                                            V(CUDA_R_16F) V(CUDA_R_16BF) V(CUBLAS_STATUS_SUCCESS) V(
                                                CUBLAS_STATUS_NOT_INITIALIZED) V(CUBLAS_STATUS_ALLOC_FAILED) V(CUBLAS_STATUS_INVALID_VALUE)
                                                V(CUBLAS_STATUS_EXECUTION_FAILED) V(CUBLAS_STATUS_INTERNAL_ERROR) V(
                                                    CUBLAS_STATUS_NOT_SUPPORTED) V(CUBLAS_OP_N)
                                                    V(CUBLAS_OP_T) V(CUBLAS_COMPUTE_32F) V(CUBLAS_COMPUTE_32F_FAST_TF32) V(
                                                        CUBLASLT_MATMUL_DESC_TRANSA) V(CUBLASLT_MATMUL_DESC_TRANSB)
                                                        V(CUBLASLT_MATMUL_DESC_EPILOGUE) V(
                                                            CUBLASLT_MATMUL_DESC_BIAS_POINTER) V(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE) V(CUBLASLT_EPILOGUE_DEFAULT) V(CUBLASLT_EPILOGUE_RELU) V(CUBLASLT_EPILOGUE_BIAS) V(CUBLASLT_EPILOGUE_RELU_BIAS) V(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) V(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) V(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) V(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES) V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES) V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES) V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES) V(CUBLASLT_REDUCTION_SCHEME_NONE) V(CUBLASLT_REDUCTION_SCHEME_INPLACE) V(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) V(CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE) V(CUBLASLT_REDUCTION_SCHEME_MASK) V(CUDNN_STATUS_SUCCESS) V(CUDNN_STATUS_NOT_INITIALIZED) V(CUDNN_STATUS_BAD_PARAM) V(CUDNN_STATUS_BAD_PARAM_NULL_POINTER)
                                                            V(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER) V(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED) V(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE) V(
                                                                CUDNN_STATUS_NOT_SUPPORTED) V(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN) V(CUDNN_STATUS_NOT_SUPPORTED_SHAPE)
                                                                V(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED) V(
                                                                    CUDNN_STATUS_ALLOC_FAILED) V(CUDNN_STATUS_EXECUTION_FAILED) V(CUDNN_DATA_FLOAT)
                                                                    V(CUDNN_DATA_HALF) V(CUDNN_DATA_BFLOAT16) V(
                                                                        CUDNN_CONVOLUTION) V(CUDNN_CROSS_CORRELATION) V(CUDNN_POINTWISE_ADD)
                                                                        V(
                                                                            CUDNN_POINTWISE_RELU_FWD) V(CUDNN_HEUR_MODE_FALLBACK)
                                                                            V(CUDNN_HEUR_MODE_A) V(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) V(
                                                                                CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) V(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)
                                                                                V(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) V(
                                                                                    CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION)
                                                                                    V(
                                                                                        CUDNN_BACKEND_POINTWISE_DESCRIPTOR) V(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR) V(CUDNN_BACKEND_ENGINE_DESCRIPTOR) V(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR) V(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) V(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) V(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR) V(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) V(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) V(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR) V(CUDNN_BACKEND_TENSOR_DESCRIPTOR) V(CUDNN_TYPE_HANDLE) V(CUDNN_TYPE_DATA_TYPE) V(CUDNN_TYPE_BOOLEAN) V(CUDNN_TYPE_INT64) V(CUDNN_TYPE_FLOAT) V(CUDNN_TYPE_DOUBLE)
                                                                                        V(CUDNN_TYPE_VOID_PTR) V(CUDNN_TYPE_CONVOLUTION_MODE) V(
                                                                                            CUDNN_TYPE_HEUR_MODE) V(CUDNN_TYPE_NUMERICAL_NOTE)
                                                                                            V(CUDNN_TYPE_POINTWISE_MODE) V(CUDNN_TYPE_BACKEND_DESCRIPTOR) V(
                                                                                                CUDNN_TYPE_BEHAVIOR_NOTE) V(CUDNN_TYPE_CHAR)
                                                                                                V(CUDNN_ATTR_POINTWISE_MODE) V(CUDNN_ATTR_POINTWISE_MATH_PREC) V(
                                                                                                    CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP) V(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP)
                                                                                                    V(
                                                                                                        CUDNN_ATTR_CONVOLUTION_COMP_TYPE) V(CUDNN_ATTR_CONVOLUTION_CONV_MODE)
                                                                                                        V(
                                                                                                            CUDNN_ATTR_CONVOLUTION_DILATIONS) V(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES)
                                                                                                            V(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS) V(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS) V(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) V(CUDNN_ATTR_ENGINEHEUR_MODE) V(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH) V(CUDNN_ATTR_ENGINEHEUR_RESULTS) V(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP) V(CUDNN_ATTR_ENGINECFG_ENGINE) V(CUDNN_ATTR_EXECUTION_PLAN_HANDLE) V(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG) V(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) V(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION) V(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP) V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA) V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA)
                                                                                                                V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC) V(
                                                                                                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W)
                                                                                                                    V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X) V(
                                                                                                                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y)
                                                                                                                        V(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                                                                                                                            V(CUDNN_ATTR_OPERATION_POINTWISE_XDESC)
                                                                                                                                V(CUDNN_ATTR_OPERATION_POINTWISE_BDESC)
                                                                                                                                    V(CUDNN_ATTR_OPERATION_POINTWISE_YDESC)
                                                                                                                                        V(CUDNN_ATTR_OPERATIONGRAPH_HANDLE) V(CUDNN_ATTR_OPERATIONGRAPH_OPS) V(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT) V(CUDNN_ATTR_TENSOR_DATA_TYPE) V(CUDNN_ATTR_TENSOR_DIMENSIONS) V(CUDNN_ATTR_TENSOR_STRIDES) V(CUDNN_ATTR_TENSOR_UNIQUE_ID) V(CUDNN_ATTR_TENSOR_IS_VIRTUAL) V(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS) V(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS) V(CUDNN_ATTR_VARIANT_PACK_WORKSPACE) V(CUDNN_ATTR_ENGINE_GLOBAL_INDEX) V(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) V(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE) SIZE(struct
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              cudaPointerAttributes)
                                                                                                                                            SIZE(cublasLtMatmulAlgo_t) SIZE(cublasLtMatmulHeuristicResult_t){ "workspaceSize",
                                                                                                                                                                                                              (long long)offsetof(
                                                                                                                                                                                                                  cublasLtMatmulHeuristicResult_t,
                                                                                                                                                                                                                  workspaceSize) },
    { "state", (long long)offsetof(cublasLtMatmulHeuristicResult_t, state) },
    { "device", (long long)offsetof(struct cudaPointerAttributes, device) },
    { "devicePointer", (long long)offsetof(struct cudaPointerAttributes, devicePointer) },
    SIZE(cudnnDataType_t) SIZE(cudnnBackendDescriptor_t)
};
const int ABI_COUNT = sizeof ABI_TABLE / sizeof *ABI_TABLE;
#endif
#endif
