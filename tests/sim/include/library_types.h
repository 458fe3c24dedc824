/* SPDX-License-Identifier: Apache-2.0 */
/* library_types.h - of the simulated device: the element types of its libraries, with CUDA's values. */
#ifndef TSM_SIM_LIBRARY_TYPES_H
#define TSM_SIM_LIBRARY_TYPES_H

typedef enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 } cudaDataType;
typedef cudaDataType cudaDataType_t;

#endif
