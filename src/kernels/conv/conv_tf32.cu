/* SPDX-License-Identifier: Apache-2.0 */
/* conv_tf32.cu - the convolution kernels of all tiles for tf32. See kernel.h. */
#include "kernel.h"

cudaError_t tsm::conv_launch_tf32(const ConvPlan &p, int tile, cudaStream_t stream)
{
    return conv_launch_type<Tf32>(p, tile, stream);
}
