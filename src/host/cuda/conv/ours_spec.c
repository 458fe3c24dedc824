/* SPDX-License-Identifier: Apache-2.0 */
/* ours_spec.c - a convolution as our own kernels see it, see ours.h; needs no CUDA. */
#include "ours.h"

static tsm_kernel_act act_of(tsm_act act)
{
    static const tsm_kernel_act acts[] = {
        [TSM_ACT_NONE] = TSM_KERNEL_ACT_NONE,       [TSM_ACT_RELU] = TSM_KERNEL_ACT_RELU,
        [TSM_ACT_RELU6] = TSM_KERNEL_ACT_RELU6,     [TSM_ACT_LEAKY_RELU] = TSM_KERNEL_ACT_LEAKY_RELU,
        [TSM_ACT_SIGMOID] = TSM_KERNEL_ACT_SIGMOID,
    };

    return acts[act];
}

/* Frames of a clip, 1 where nothing is shifted. */
static int64_t clip_of(const tsm_conv_spec *s)
{
    return s->frames > 0 ? s->frames : 1;
}

static const char *refuse(const tsm_conv_spec *s)
{
    const int64_t most = 1 << 30;

    if (s->precision == TSM_PRECISION_FP32) return "its tensor cores do not multiply fp32";
    if (s->float_out) return "it makes no float32 output at this precision";
    if (s->in_offset) return "it reads whole rows";
    if (s->frames < 0 || s->images % clip_of(s)) return "its images are no clips";
    if (s->shift.end && s->residual_shift.end && s->shift.step != s->residual_shift.step)
        return "its input and its residual shift in two directions";
    if (s->joined_channels > most || s->joined_h > most || s->joined_w > most || s->images > most || s->h > most ||
        s->w > most || s->channels > most || s->filters > most)
        return "a size is above 2^30";
    return NULL;
}

bool tsm_conv_ours_spec(tsm_conv_kernel_spec *ours, const tsm_conv_spec *s, const char **why)
{
    *why = refuse(s);
    if (*why) return false;
    *ours = (tsm_conv_kernel_spec){
        .dtype = tsm_cuda_dtype_of(s->precision)->type,
        .n = (int)(s->images / clip_of(s)),
        .t = (int)clip_of(s),
        .h = (int)s->h,
        .w = (int)s->w,
        .channels = (int)s->channels,
        .filters = (int)s->filters,
        .kernel_h = s->kernel_h,
        .kernel_w = s->kernel_w,
        .stride = s->stride,
        .pad = s->pad,
        .groups = s->groups,
        .in_pitch = s->in_pitch,
        .out_pitch = s->out_pitch,
        .residual_pitch = s->residual_pitch,
        .fold = s->shift.fold,
        .end = s->shift.end,
        .step = s->shift.end ? s->shift.step : s->residual_shift.step,
        .residual_fold = s->residual_shift.fold,
        .residual_end = s->residual_shift.end,
        .joined_channels = (int)s->joined_channels,
        .joined_h = (int)s->joined_h,
        .joined_w = (int)s->joined_w,
        .joined_stride = s->joined_stride,
        .joined_pitch = s->joined_pitch,
        .act = act_of(s->act),
    };
    return tsm_conv_kernel_serves(ours, why);
}
