/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_model.h - full-size networks with random weights, so that a bench needs no checkpoint.
 *
 * The same name gives the same weights on every machine. Weights are scaled by fan-in and the last norm of a residual
 * branch is damped, so that activations stay near one through all blocks: a bench whose values overflow, or are all
 * zero, measures something else.
 */
#ifndef TSM_BENCH_RANDOM_MODEL_H
#define TSM_BENCH_RANDOM_MODEL_H

#include <stdbool.h>
#include <tsm/tsm.h>

/* resnet18, 34, 50, 101, 152 and mobilenetv2. */
bool bench_random_knows(const char *arch);

/* A TSM of the release, 8 frames, 400 classes, n_div 8, as a safetensors file in memory, to be released with
 * tsm_free. Errors: ARGUMENT, MEMORY. */
tsm_status bench_random_model(const char *arch, void **data, size_t *bytes, tsm_error *error);

#endif
