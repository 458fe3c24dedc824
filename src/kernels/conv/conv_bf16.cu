/* SPDX-License-Identifier: Apache-2.0 */
/* conv_bf16.cu - the convolution kernels of all tiles for bf16. See kernel.h. */
#include "kernel.h"

cudaError_t tsm::conv_launch_bf16(const ConvPlan &p, int tile, cudaStream_t stream)
{
    return conv_launch_type<Bf16>(p, tile, stream);
}
