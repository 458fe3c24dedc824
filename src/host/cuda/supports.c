/* SPDX-License-Identifier: Apache-2.0 */
/* supports.c - whether a node can run, and how: from its operation, the precision and the shapes of its weights. */
#include <stdio.h>

#include "convolution.h"
#include "gather.h"
#include "prepared.h"
#include "nodes.h"

static bool say(bool can, char text[TSM_SUPPORT_TEXT], const char *what)
{
    snprintf(text, TSM_SUPPORT_TEXT, "%s", what);
    return can;
}

/* Whether the shift is read as it is, and if not, why not. */
static bool gathers(const tsm_backend_config *config, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype,
                    const char **why)
{
    tsm_conv_kernel_spec spec;

    *why = NULL;
    return config->shift_method == TSM_SHIFT_GATHER && tsm_gather_may(&spec, graph, index, dtype, why);
}

static const char *shift_in_words(const tsm_backend_config *config, const tsm_node *node, const tsm_cuda_dtype *dtype)
{
    if (!node->shift.end) return "";
    if (config->shift_method == TSM_SHIFT_GATHER || config->shift_method == TSM_SHIFT_COPY ||
        !tsm_cuda_can_overlap(node, dtype))
        return ", shift copied";
    return ", shift overlapped where its neighbours allow it";
}

static bool supports_conv(const tsm_backend_config *config, const tsm_graph *graph, int index,
                          char text[TSM_SUPPORT_TEXT])
{
    const tsm_node *node = &graph->nodes[index];
    const tsm_cuda_dtype *dtype = tsm_cuda_dtype_of(config->precision);
    char how[TSM_CONV_WHY];
    const char *why;
    tsm_convolution c;

    if (gathers(config, graph, index, dtype, &why))
        return say(true, text, "a convolution of our own, shifted as it reads");
    tsm_convolution_sketch(&c, graph, index, dtype);
    if (c.depthwise) {
        snprintf(how, sizeof how, "a depthwise kernel");
    } else if (!tsm_conv_serves(&c.spec, how)) {
        snprintf(text, TSM_SUPPORT_TEXT, "%s", how);
        return false;
    }
    snprintf(text, TSM_SUPPORT_TEXT, "%.80s%s%s%s%s%s", how, c.later ? ", then a kernel of " : "",
             c.later ? tsm_act_name(c.later) : "", shift_in_words(config, node, dtype), why ? " since " : "",
             why ? why : "");
    return true;
}

static bool supports_op(const tsm_backend_config *config, const tsm_graph *graph, int index,
                        char text[TSM_SUPPORT_TEXT])
{
    const tsm_node *node = &graph->nodes[index];

    switch (node->op) {
    case TSM_OP_CONV:
    case TSM_OP_FC: return supports_conv(config, graph, index, text);
    case TSM_OP_ATTENTION: return say(true, text, "matrix products of cuBLASLt, softmax by a kernel");
    case TSM_OP_MAXPOOL:
        if (node->kernel_h != node->kernel_w) return say(false, text, "no kernel for a maximum over oblong windows");
        break;
    case TSM_OP_BATCHNORM:
    case TSM_OP_COUNT: snprintf(text, TSM_SUPPORT_TEXT, "no kernel for %s", tsm_op_name(node->op)); return false;
    default: break;
    }
    return say(true, text, "a kernel");
}

bool tsm_cuda_supports(const tsm_backend_config *config, const tsm_graph *graph, int index,
                       char text[TSM_SUPPORT_TEXT])
{
    const tsm_cuda_dtype *dtype = tsm_cuda_dtype_of(config->precision);

    if (!dtype) return say(false, text, "only the precisions fp32, tf32, fp16 and bf16 are available");
    if (config->shift_method == TSM_SHIFT_INPLACE)
        return say(false, text, "only the shift methods auto, copy, overlap and gather are available");
    if (config->shift_method == TSM_SHIFT_GATHER && config->precision == TSM_PRECISION_FP32)
        return say(false, text,
                   "the shift method gather is not available at fp32, which tensor cores do not multiply");
    return tsm_cuda_layout_serves(graph, index, dtype, text) && supports_op(config, graph, index, text);
}
