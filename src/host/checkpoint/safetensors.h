/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors.h - reads the safetensors container: u64 header length, JSON header, tensors one after another.
 *
 * The header is read and checked against the size of the source before the tensors are; these are then read once,
 * into one aligned block that the checkpoint owns. Files promise no alignment of single tensors: data pointers may be
 * unaligned for their type, and whoever uses one copes.
 */
#ifndef TSM_CHECKPOINT_SAFETENSORS_H
#define TSM_CHECKPOINT_SAFETENSORS_H

#include "checkpoint.h"
#include "source.h"

#define TSM_SAFETENSORS_MAX_HEADER 100000000u /* bytes, as the format says */
#define TSM_SAFETENSORS_MAX_VALUES 262144u    /* JSON values in a header: some 20,000 tensors */

/* Errors: FORMAT, naming the tensor and the rule it breaks; IO; MEMORY. */
tsm_status tsm_safetensors_read(tsm_checkpoint **checkpoint, const tsm_source *source, tsm_error *error);

#endif
