/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.c - see descriptor.h. */
#include "descriptor.h"

#include <stdio.h>
#include <string.h>

#include "kernels/conv/geometry.h"

static void append_shift(char text[TSM_CONV_SPEC_TEXT], const char *of, const tsm_shift *shift)
{
    const size_t used = strlen(text);

    if (!shift->end) return;
    snprintf(text + used, TSM_CONV_SPEC_TEXT - used, ",%s%d-%d%c", of, shift->fold, shift->end,
             shift->step > 0 ? '+' : '-');
}

static void append_shifts(char text[TSM_CONV_SPEC_TEXT], const tsm_conv_spec *s)
{
    const size_t used = strlen(text);

    snprintf(text + used, TSM_CONV_SPEC_TEXT - used, ",t%d", s->frames);
    append_shift(text, "s", &s->shift);
    append_shift(text, "r", &s->residual_shift);
}

static void append_whose(char text[TSM_CONV_SPEC_TEXT], tsm_conv_whose whose)
{
    static const char *const words[] = {
        [TSM_CONV_LIBRARIES] = "", [TSM_CONV_ANY] = ",any", [TSM_CONV_OURS] = ",ours"
    };
    const size_t used = strlen(text);

    snprintf(text + used, TSM_CONV_SPEC_TEXT - used, "%s", words[whose]);
}

static void append_joined(char text[TSM_CONV_SPEC_TEXT], const tsm_conv_spec *s)
{
    const size_t used = strlen(text);

    if (!s->joined_channels) return;
    snprintf(text + used, TSM_CONV_SPEC_TEXT - used, ",j%lldx%lldx%lld/%llds%d", (long long)s->joined_h,
             (long long)s->joined_w, (long long)s->joined_channels, (long long)s->joined_pitch, s->joined_stride);
}

void tsm_conv_spec_print(const tsm_conv_spec *s, char text[TSM_CONV_SPEC_TEXT])
{
    snprintf(text, TSM_CONV_SPEC_TEXT,
             "%s,%lldx%lldx%lldx%lld/%lld+%lld,%dx%ds%dp%dg%d,%lldx%lldx%lld/%lld%s,z%lld,%s",
             tsm_cuda_dtype_of(s->precision)->name, (long long)s->images, (long long)s->h, (long long)s->w,
             (long long)s->channels, (long long)s->in_pitch, (long long)s->in_offset, s->kernel_h, s->kernel_w,
             s->stride, s->pad, s->groups, (long long)s->oh, (long long)s->ow, (long long)s->filters,
             (long long)s->out_pitch, s->float_out ? "f" : "", (long long)s->residual_pitch, tsm_act_name(s->act));
    if (tsm_conv_spec_gathers(s))
        append_shifts(text, s);
    else
        append_whose(text, s->whose);
    append_joined(text, s);
}

bool tsm_conv_spec_gathers(const tsm_conv_spec *spec)
{
    return spec->shift.end || spec->residual_shift.end;
}

bool tsm_conv_spec_is_ours(const tsm_conv_spec *spec)
{
    return tsm_conv_spec_gathers(spec) || spec->joined_channels || spec->whose == TSM_CONV_OURS;
}

static int64_t padded(const tsm_conv_spec *spec, int64_t channels)
{
    const int64_t unit = TSM_CONV_PACK_BYTES / tsm_cuda_dtype_of(spec->precision)->bytes;

    return tsm_conv_spec_is_ours(spec) ? (channels + unit - 1) / unit * unit : channels;
}

int64_t tsm_conv_spec_tap(const tsm_conv_spec *spec)
{
    return padded(spec, spec->channels / spec->groups);
}

int64_t tsm_conv_spec_row(const tsm_conv_spec *spec)
{
    return spec->kernel_h * spec->kernel_w * tsm_conv_spec_tap(spec) + padded(spec, spec->joined_channels);
}

bool tsm_conv_spec_is_product(const tsm_conv_spec *spec)
{
    return spec->kernel_h == 1 && spec->kernel_w == 1 && spec->stride == 1 && spec->pad == 0 && spec->groups == 1;
}

static int64_t pitched_count(int64_t pixels, int64_t pitch, int64_t channels)
{
    return (pixels - 1) * pitch + channels;
}

int64_t tsm_conv_spec_input_count(const tsm_conv_spec *s)
{
    return s->in_offset + pitched_count(s->images * s->h * s->w, s->in_pitch, s->channels);
}

int64_t tsm_conv_spec_weight_count(const tsm_conv_spec *s)
{
    return s->filters * tsm_conv_spec_row(s);
}

int64_t tsm_conv_spec_output_count(const tsm_conv_spec *s)
{
    return pitched_count(s->images * s->oh * s->ow, s->out_pitch, s->filters);
}

int64_t tsm_conv_spec_residual_count(const tsm_conv_spec *s)
{
    return s->residual_pitch ? pitched_count(s->images * s->oh * s->ow, s->residual_pitch, s->filters) : 0;
}

int64_t tsm_conv_spec_joined_count(const tsm_conv_spec *s)
{
    if (!s->joined_channels) return 0;
    return pitched_count(s->images * s->joined_h * s->joined_w, s->joined_pitch, s->joined_channels);
}
