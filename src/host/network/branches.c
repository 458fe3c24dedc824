/* SPDX-License-Identifier: Apache-2.0 */
/* branches.c - see branches.h. */
#include "branches.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BATCHNORM_EPS 1e-5

/* ---- Which there are --------------------------------------------------------------------------------------- */

/* A convolution and its batch norm; returns the next free part. */
static tsm_layer *list_conv(tsm_layer *part, const char *block, const char *branch, const tsm_layer *merged,
                            int kernel)
{
    char name[48];

    snprintf(name, sizeof name, "%s.conv", branch);
    *part = tsm_layer_conv(block, name, merged->in, merged->out, kernel, merged->stride);
    part->groups = merged->groups;
    snprintf(name, sizeof name, "%s.norm", branch);
    part[1] = tsm_layer_norm(block, name, merged->out);
    return part + 2;
}

tsm_status tsm_branches_list(const tsm_layer *merged, tsm_layer **parts, int *count, tsm_error *error)
{
    const tsm_mobileone *block = merged->merged;
    const size_t room = 2 * (size_t)block->branches + 3;
    tsm_layer *part = tsm_alloc_zero(room, sizeof *part);
    char prefix[TSM_LAYER_NAME], name[32];

    *parts = part;
    *count = 0;
    if (!part) return tsm_fail_memory(error, room * sizeof *part);
    /* The block's name: without the last dot. */
    snprintf(prefix, sizeof prefix, "%.*s", (int)(strrchr(merged->name, '.') - merged->name), merged->name);
    if (block->norm_branch) *part++ = tsm_layer_norm(prefix, ".branch_norm", merged->out);
    if (block->scale_branch) part = list_conv(part, prefix, ".branch_scale", merged, 1);
    for (int i = 0; i < block->branches; i++) {
        snprintf(name, sizeof name, ".branch_conv_list.%d", i);
        part = list_conv(part, prefix, name, merged, merged->kernel);
    }
    *count = (int)(part - *parts);
    return TSM_OK;
}

/* ---- Their sum --------------------------------------------------------------------------------------------- */

static double value_at(const tsm_layer *layer, int which, int channel)
{
    return tsm_number_at(layer->tensors[which].data, layer->tensors[which].dtype, channel);
}

/* Adds what output channel `channel` of a branch has to the `taps` of the kernel. A branch of norm alone (conv NULL)
 * has a 1 where a channel reads itself; a kernel of one tap is the middle of a larger one. */
static void add_taps(const tsm_layer *merged, const tsm_layer *conv, int channel, double factor, double *taps,
                     float *scratch)
{
    const int area = merged->kernel * merged->kernel, inputs = merged->in / merged->groups;
    const int64_t count = conv ? (int64_t)inputs * conv->kernel * conv->kernel : 0;
    const tsm_weight *weight = conv ? &conv->tensors[TSM_WEIGHT] : NULL;

    if (!conv) {
        taps[(int64_t)(channel % inputs) * area + area / 2] += factor;
        return;
    }
    tsm_numbers_to_float((const char *)weight->data + (size_t)(channel * count) * tsm_dtype_bytes(weight->dtype),
                         weight->dtype, count, scratch);
    if (conv->kernel == merged->kernel)
        for (int64_t i = 0; i < count; i++) taps[i] += scratch[i] * factor;
    else
        for (int64_t i = 0; i < count; i++) taps[i * area + area / 2] += scratch[i] * factor;
}

/* The taps of one output channel, and the bias behind them. */
static void sum_channel(const tsm_layer *merged, const tsm_layer *parts, int count, int channel, double *taps,
                        int64_t tap_count, float *scratch)
{
    memset(taps, 0, (size_t)(tap_count + 1) * sizeof *taps);
    for (int i = 0; i < count; i++) {
        const tsm_layer *conv = parts[i].kind == TSM_LAYER_CONV ? &parts[i++] : NULL, *norm = &parts[i];
        const double factor =
            value_at(norm, TSM_WEIGHT, channel) / sqrt(value_at(norm, TSM_VARIANCE, channel) + BATCHNORM_EPS);

        add_taps(merged, conv, channel, factor, taps, scratch);
        taps[tap_count] += value_at(norm, TSM_BIAS, channel) - value_at(norm, TSM_MEAN, channel) * factor;
    }
}

static tsm_status round_values(const tsm_layer *merged, const double *values, int64_t count, float *out,
                               tsm_error *error)
{
    for (int64_t i = 0; i < count; i++) {
        if (!(fabs(values[i]) <= (double)FLT_MAX))
            return tsm_fail(error, TSM_ERROR_MODEL, "the branches of %s make %g, beyond the range of float32",
                            merged->name, values[i]);
        out[i] = (float)values[i];
    }
    return TSM_OK;
}

static tsm_status sum_branches(const tsm_layer *merged, const tsm_layer *parts, int count, int64_t tap_count,
                               tsm_error *error)
{
    float *kernel = merged->owned[TSM_WEIGHT], *bias = merged->owned[TSM_BIAS];
    double *taps = tsm_alloc_aligned((size_t)tap_count + 1, sizeof *taps);
    float *scratch = tsm_alloc_aligned((size_t)tap_count, sizeof *scratch);
    tsm_status status = TSM_OK;

    if (!taps || !scratch) status = tsm_fail_memory(error, ((size_t)tap_count + 1) * sizeof *taps);
    for (int channel = 0; status == TSM_OK && channel < merged->out; channel++) {
        sum_channel(merged, parts, count, channel, taps, tap_count, scratch);
        TSM_TRY(round_values(merged, taps, tap_count, kernel + channel * tap_count, error));
        TSM_TRY(round_values(merged, taps + tap_count, 1, bias + channel, error));
    }
fail:
    tsm_free(taps);
    tsm_free(scratch);
    return status;
}

tsm_status tsm_branches_merge(tsm_layer *merged, const tsm_layer *parts, int count, tsm_error *error)
{
    const int64_t tap_count = (int64_t)(merged->in / merged->groups) * merged->kernel * merged->kernel;
    const int64_t counts[] = { [TSM_WEIGHT] = merged->out * tap_count, [TSM_BIAS] = merged->out };

    for (int which = TSM_WEIGHT; which <= TSM_BIAS; which++) {
        float *values = tsm_alloc_aligned((size_t)counts[which], sizeof *values);

        if (!values) return tsm_fail_memory(error, (size_t)counts[which] * sizeof *values);
        merged->owned[which] = values;
        merged->tensors[which] = (tsm_weight){ values, TSM_FLOAT32, counts[which] };
    }
    return sum_branches(merged, parts, count, tap_count, error);
}
