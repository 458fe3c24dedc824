/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.h - a convolution as a library sees it: shapes, pitches and what is fused, no pointers. */
#ifndef TSM_CUDA_CONV_DESCRIPTOR_H
#define TSM_CUDA_CONV_DESCRIPTOR_H

#include "graph/backend.h"
#include "cuda/dtype.h"

/* Whose kernels may compute a convolution that shifts nothing; one that shifts as it reads is ours. */
typedef enum tsm_conv_whose { TSM_CONV_LIBRARIES, TSM_CONV_ANY, TSM_CONV_OURS } tsm_conv_whose;

/* out = act(conv(in) + residual + bias), NHWC. A pitch is the number of elements from a pixel to the next; what lies
 * between the channels and the pitch is neither read nor written. */
typedef struct tsm_conv_spec {
    tsm_precision precision;
    int64_t images, h, w, channels;
    int64_t oh, ow, filters;
    int kernel_h, kernel_w, stride, pad, groups;
    int64_t in_pitch, out_pitch;
    int64_t residual_pitch; /* 0: no residual */
    int64_t in_offset;      /* elements between an aligned address and the first channel that is read */
    bool float_out;         /* bias and output are float32, whatever the precision */
    tsm_act act;
    tsm_conv_whose whose;

    /* Shifts that the convolution itself makes, as it reads; end 0: none. */
    tsm_shift shift, residual_shift; /* of the input; of the residual */
    int frames;                      /* of a clip: images are clips of as many */

    /* A 1x1 convolution of another input, added before the activation; 0 channels: none. */
    int64_t joined_channels, joined_h, joined_w, joined_pitch;
    int joined_stride;
} tsm_conv_spec;

#define TSM_CONV_SPEC_TEXT 192

/* One word that tells specs apart, for caches and messages. */
void tsm_conv_spec_print(const tsm_conv_spec *spec, char text[TSM_CONV_SPEC_TEXT]);

/* Whether it shifts as it reads. */
bool tsm_conv_spec_gathers(const tsm_conv_spec *spec);

/* Whether only our own kernels may compute it. Filters are then packed as kernels/conv/conv_kernels.h has them; of
 * ANY they must be the same either way. */
bool tsm_conv_spec_is_ours(const tsm_conv_spec *spec);

/* Elements from the filters of one tap to those of the next. */
int64_t tsm_conv_spec_tap(const tsm_conv_spec *spec);

/* Elements of a filter, all taps and what is joined. */
int64_t tsm_conv_spec_row(const tsm_conv_spec *spec);

/* A matrix product: 1x1, stride 1, no padding, one group. */
bool tsm_conv_spec_is_product(const tsm_conv_spec *spec);

/* Elements from the first to behind the last of each operand. */
int64_t tsm_conv_spec_input_count(const tsm_conv_spec *spec);
int64_t tsm_conv_spec_weight_count(const tsm_conv_spec *spec);
int64_t tsm_conv_spec_output_count(const tsm_conv_spec *spec);
int64_t tsm_conv_spec_residual_count(const tsm_conv_spec *spec);
int64_t tsm_conv_spec_joined_count(const tsm_conv_spec *spec);

#endif
