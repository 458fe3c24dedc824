/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.cu - whether kernels are launched to begin while the one before them ends.
 *
 * Programmatic dependent launch hides what a launch costs behind the last blocks of the kernel before, a library's
 * included; a captured stream keeps it as an edge of the graph. It needs sm_90. TSM_CUDA_PDL=off switches it off, for
 * whoever suspects it.
 */
#include "device.h"

#ifndef TSM_SIMULATED_DEVICE
#include <stdlib.h>

constexpr int kEarlyMajor = 9;

bool tsm_kernels_begin_early()
{
    static const char *const variable = getenv("TSM_CUDA_PDL");
    static const bool wanted = !variable || strcmp(variable, "off") != 0;
    int device = 0, major = 0;

    return wanted && cudaGetDevice(&device) == cudaSuccess &&
           cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
           major >= kEarlyMajor;
}
#endif
