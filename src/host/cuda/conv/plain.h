/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - the face of what in this folder needs no CUDA: what is asked of a convolution, and of our own kernels. */
#ifndef TSM_CUDA_CONV_PLAIN_H
#define TSM_CUDA_CONV_PLAIN_H

#include "descriptor.h"
#include "ours_spec.h"

#endif
