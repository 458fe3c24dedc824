/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.c - CONV and FC nodes as oneDNN ops.
 *
 * A 1x1 convolution is a matrix product over all pixels of all frames: as fast as the convolution kernels and with
 * one weight layout for all shapes. Everything else goes to the channels-last convolutions, but for what kernels of
 * ours compute.
 */
#include "prepared.h"
#include "winograd.h"

/* Up to here moving channels costs more than the kernel of gather.h loses to oneDNN's, and both sum in the same
 * order: beyond, oneDNN sums in several parts. */
#define GATHER_MOST_CHANNELS 512

bool tsm_cpu_is_matmul(const tsm_node *node)
{
    if (node->op == TSM_OP_FC) return true;
    return node->kernel_h == 1 && node->kernel_w == 1 && node->pad == 0 && node->groups == 1;
}

static bool gathers(tsm_shift_method method, const tsm_node *node)
{
    return method == TSM_SHIFT_GATHER && node->op == TSM_OP_CONV && node->shift.end > 0 && tsm_cpu_is_matmul(node) &&
           node->stride == 1 && node->inputs[1] < 0 && node->in_channels <= GATHER_MOST_CHANNELS;
}

tsm_cpu_way tsm_cpu_way_of(tsm_shift_method method, const tsm_node *node)
{
    if (tsm_cpu_winograd_available() && tsm_cpu_winograd_suits(node)) return TSM_CPU_WINOGRAD;
    return gathers(method, node) ? TSM_CPU_GATHER : TSM_CPU_DNNL;
}

bool tsm_cpu_shifts_in_load(tsm_shift_method method, const tsm_node *node)
{
    return method == TSM_SHIFT_GATHER && node->shift.end > 0 && tsm_cpu_way_of(method, node) != TSM_CPU_DNNL;
}

static tsm_dnnl_epilogue epilogue_of(const tsm_node *node)
{
    const bool conv = node->op == TSM_OP_CONV;

    return (tsm_dnnl_epilogue){ .bias = node->bias != NULL,
                                .sum = conv && node->inputs[1] >= 0,
                                .act = conv ? node->act : TSM_ACT_NONE };
}

static tsm_dnnl_conv conv_of(const tsm_node *node, const tsm_dims *in, const tsm_dims *out)
{
    return (tsm_dnnl_conv){ .images = (int64_t)in->n * in->t,
                            .h = in->h,
                            .w = in->w,
                            .in_channels = node->in_channels,
                            .oh = out->h,
                            .ow = out->w,
                            .out_channels = node->out_channels,
                            .groups = node->groups,
                            .kernel_h = node->kernel_h,
                            .kernel_w = node->kernel_w,
                            .stride = node->stride,
                            .pad = node->pad,
                            .epilogue = epilogue_of(node) };
}

tsm_status tsm_cpu_product_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_node *node, const tsm_dims *in,
                                  const tsm_dims *out, tsm_error *error)
{
    const tsm_dnnl_matmul matmul = { .m = (int64_t)out->n * out->t * out->h * out->w,
                                     .n = node->out_channels,
                                     .k = node->in_channels,
                                     .epilogue = epilogue_of(node) };
    const tsm_dnnl_conv conv = conv_of(node, in, out);
    tsm_status status;

    if (tsm_cpu_is_matmul(node)) {
        status = tsm_dnnl_matmul_create(op, engine, &matmul, error);
    } else {
        status = tsm_dnnl_conv_create(op, engine, &conv, error);
    }
    return status == TSM_OK ? TSM_OK : tsm_error_prefix(error, status, node->name);
}

tsm_status tsm_cpu_product_plain(tsm_dnnl_layout *layout, const tsm_node *node, tsm_error *error)
{
    const tsm_dims any = { 1, 1, 1, 1, 1 };
    const tsm_dnnl_conv conv = conv_of(node, &any, &any); /* the image size is of no account here */

    if (tsm_cpu_is_matmul(node)) return tsm_dnnl_matmul_plain(layout, node->out_channels, node->in_channels, error);
    return tsm_dnnl_conv_plain(layout, &conv, error);
}
