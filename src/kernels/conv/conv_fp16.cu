/* SPDX-License-Identifier: Apache-2.0 */
/* conv_fp16.cu - the convolution kernels of all tiles for fp16. See kernel.h. */
#include "kernel.h"

cudaError_t tsm::conv_launch_fp16(const ConvPlan &p, int tile, cudaStream_t stream)
{
    return conv_launch_type<Fp16>(p, tile, stream);
}
