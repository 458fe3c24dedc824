/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma_fp16.cu - the kernels on wgmma and TMA of all tiles for fp16. See wgmma_kernel.h. */
#include "wgmma_kernel.h"

cudaError_t tsm::wgmma_launch_fp16(const WgmmaPlan &p, int tile, int blocks, cudaStream_t stream)
{
    return wgmma_launch_type<Fp16>(p, tile, blocks, stream);
}
