/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv.h - the face of this folder: a convolution on the GPU, by whichever family of kernels serves it best.
 *
 *   descriptor.h  what is to be computed: a spec
 *   family.h      who can: families, their candidates, convs made of them
 *   tune.h        which is best: from the cache, or by trial
 *   cache.h       what was found, on disk
 *   ours.h        which convolutions can shift as they read
 *   matmul.h      products of cuBLASLt, for attention too
 *   libraries.h   the handles
 */
#ifndef TSM_CUDA_CONV_CONV_H
#define TSM_CUDA_CONV_CONV_H

#include "cache.h"
#include "descriptor.h"
#include "family.h"
#include "libraries.h"
#include "matmul.h"
#include "ours.h"
#include "tune.h"

#endif
