/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h - which convolutions the family of conv_kernels.h serves, how their filters are packed, and in which ways
 * they can be run: plain C, so that a plan can be predicted where there is no CUDA.
 */
#ifndef TSM_KERNELS_CONV_SPEC_H
#define TSM_KERNELS_CONV_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tsm/tsm.h>

#include "../act.h"
#include "tiles.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Input (n, t, h, w, channels), output (n, t, oh, ow, filters); a pitch is the elements from a pixel to the next. */
typedef struct tsm_conv_kernel_spec {
    tsm_dtype dtype;
    int n, t, h, w, channels;
    int filters, kernel_h, kernel_w, stride, pad, groups;
    int64_t in_pitch, out_pitch, residual_pitch; /* residual_pitch 0: no residual */
    int fold, end, step;                         /* the shift of the input; end 0: none */
    int residual_fold, residual_end;             /* the residual read with the same step; end 0: as it lies */

    /* A 1x1 convolution of another input, (n, t, joined_h, joined_w, joined_channels), is added before the activation:
     * its channels are more of K. joined_channels 0: none. */
    int joined_channels, joined_h, joined_w, joined_stride;
    int64_t joined_pitch;
    tsm_kernel_act act;
} tsm_conv_kernel_spec;

/* Whether the family has a kernel for it; if not, *why is a static text: "the fold is not a multiple of 4 bytes". */
bool tsm_conv_kernel_serves(const tsm_conv_kernel_spec *spec, const char **why);

/* Output pixels along each axis. */
int tsm_conv_kernel_out_h(const tsm_conv_kernel_spec *spec);
int tsm_conv_kernel_out_w(const tsm_conv_kernel_spec *spec);

/* ---- Filters ---- */

/* Packed filters are (filters, taps, channels padded with zeros to a multiple of 64 bytes); tf32 is rounded. Behind
 * the taps of a filter are those of what is joined, padded as well. */
size_t tsm_conv_kernel_packed_bytes(const tsm_conv_kernel_spec *spec);

/* On the host, from (filters, kernel_h, kernel_w, channels) of the spec's dtype and (filters, joined_channels), which
 * is not read where nothing is joined. */
void tsm_conv_kernel_pack(void *packed, const void *filters, const void *joined, const tsm_conv_kernel_spec *spec);

/* ---- Tiles and parts ---- */

typedef struct tsm_conv_tile {
    int rows, filters, k_bytes, stages, threads;
} tsm_conv_tile;

/* tile < TSM_CONV_TILE_COUNT. */
const tsm_conv_tile *tsm_conv_kernel_tile(int tile);

#define TSM_CONV_MAX_PARTS 32

/* How a served convolution is run: which tile, and into how many parts K is cut, each a block of its own. */
typedef struct tsm_conv_kernel_way {
    int tile, parts;
} tsm_conv_kernel_way;

/* What is worth a try on a GPU of so many multiprocessors, best guess first; at most `room`. Returns their number. */
int tsm_conv_kernel_ways(tsm_conv_kernel_way *ways, int room, const tsm_conv_kernel_spec *spec, int multiprocessors);

/* Whether the spec can be run so: a tile that steps 128 bytes needs channels that are a multiple of as many. */
bool tsm_conv_kernel_way_serves(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way);

/* Device memory that parts need, both 0 for one part: sums, written and read by one launch; counters, which must be
 * zero before a launch and are zero after it. */
size_t tsm_conv_kernel_workspace_bytes(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way);
size_t tsm_conv_kernel_counter_bytes(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way);

#ifdef __cplusplus
}
#endif
#endif
