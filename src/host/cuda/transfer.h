/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.h - the caller's tensors: where they lie, and their way into the arena and out of it. */
#ifndef TSM_CUDA_TRANSFER_H
#define TSM_CUDA_TRANSFER_H

#include "plan.h"

/* Refuses tensors whose memory is not what they say, or not of this device. `pageable`: host memory that is not
 * pinned will do. Errors: ARGUMENT. */
tsm_status tsm_cuda_check_tensor(const tsm_tensor *tensor, const char *name, const tsm_cuda_device *device,
                                 bool pageable, tsm_error *error);

/* The caller's tensor to the network's input: resized, dtype, channels last, normalised, padded. `findings` in device
 * memory: float32 that is not finite is noted there; NULL: not looked for. */
tsm_status tsm_cuda_enqueue_input(const tsm_plan *plan, const tsm_binding *binding, const tsm_tensor *input,
                                  tsm_cuda_findings *findings, cudaStream_t stream, tsm_error *error);

/* The logits to the caller's tensor; likewise. Waits where that is in pageable memory. */
tsm_status tsm_cuda_enqueue_output(const tsm_plan *plan, const tsm_tensor *output, tsm_cuda_findings *findings,
                                   cudaStream_t stream, tsm_error *error);

/* Runs what reads and writes the caller's tensors once, on an arena: the first run must not be what loads a
 * kernel. */
tsm_status tsm_cuda_warm_up_transfer(const tsm_plan *plan, const tsm_binding *binding, cudaStream_t stream,
                                     tsm_error *error);

#endif
