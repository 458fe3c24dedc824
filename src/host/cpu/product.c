/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.c - CONV and FC nodes as oneDNN ops.
 *
 * A 1x1 convolution is a matrix product over all pixels of all frames: as fast as the convolution kernels and with
 * one weight layout for all shapes. Everything else goes to the channels-last convolutions, but for what kernels of
 * ours compute.
 */
#include "prepared.h"

bool tsm_cpu_is_matmul(const tsm_node *node)
{
    if (node->op == TSM_OP_FC) return true;
    return node->kernel_h == 1 && node->kernel_w == 1 && node->pad == 0 && node->groups == 1;
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
