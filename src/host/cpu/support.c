/* SPDX-License-Identifier: Apache-2.0 */
/* support.c - what the CPU backend can run, and how it would, before anything is made. */
#include <stdio.h>

#include "gather.h"
#include "prepared.h"

static const char *precision_name(tsm_precision precision)
{
    static const char *const names[] = { "fp32", "tf32", "fp16", "bf16", "int8", "fp8" };

    return (unsigned)precision < sizeof names / sizeof *names ? names[precision] : "unknown";
}

bool tsm_cpu_config_supported(const tsm_backend_config *config, char text[TSM_SUPPORT_TEXT])
{
    static const char *const methods[] = { "auto", "copy", "overlap", "inplace", "gather" };
    const char *available = tsm_cpu_gather_available() ? "copy, inplace and gather" : "copy and inplace";
    const tsm_shift_method method = config->shift_method;

    if (config->precision != TSM_PRECISION_FP32) {
        snprintf(text, TSM_SUPPORT_TEXT, "precision %s is not available, only fp32",
                 precision_name(config->precision));
        return false;
    }
    if (method == TSM_SHIFT_AUTO || method == TSM_SHIFT_COPY || method == TSM_SHIFT_INPLACE ||
        (method == TSM_SHIFT_GATHER && tsm_cpu_gather_available()))
        return true;
    snprintf(text, TSM_SUPPORT_TEXT, "shift method %s is not available, only %s",
             (unsigned)method <= TSM_SHIFT_GATHER ? methods[method] : "unknown", available);
    return false;
}

tsm_shift_method tsm_cpu_choose_method(tsm_shift_method wanted)
{
    if (wanted != TSM_SHIFT_AUTO) return wanted;
    return tsm_cpu_gather_available() ? TSM_SHIFT_GATHER : TSM_SHIFT_INPLACE;
}

/* How a convolution's shift is realised. */
static const char *shift_text(const tsm_graph *graph, int index, tsm_shift_method method)
{
    const tsm_node *node = &graph->nodes[index];

    if (node->shift.end == 0) return "";
    if (tsm_cpu_shifts_in_load(graph, method, index)) return ", shift gathered";
    return method == TSM_SHIFT_COPY ? ", shift copied" : ", shift in place";
}

static void describe(const tsm_graph *graph, int index, tsm_shift_method method, char text[TSM_SUPPORT_TEXT])
{
    const tsm_node *node = &graph->nodes[index];
    const char *what = "loop";

    if (node->op == TSM_OP_INPUT) what = "read by a loop";
    if (node->op == TSM_OP_ATTENTION) what = "oneDNN matrix products by tiles";
    if (node->op == TSM_OP_FC) what = "oneDNN matrix product";
    if (node->op == TSM_OP_CONV) {
        what = node->groups > 1 ? "oneDNN convolution in groups" : "oneDNN convolution";
        if (tsm_cpu_is_matmul(node)) what = "1x1 as a oneDNN matrix product";
        if (tsm_cpu_way_of(graph, method, index) == TSM_CPU_GATHER)
            what = "1x1 as a matrix product of our own, AVX-512";
        if (tsm_cpu_way_of(graph, method, index) == TSM_CPU_WINOGRAD) what = "3x3 by Winograd's F(4x4, 3x3), AVX-512";
        if (tsm_cpu_part_of(graph, method, index) != TSM_CPU_NO_PART)
            what = "part of an inverted residual in one pass, AVX-512";
    }
    snprintf(text, TSM_SUPPORT_TEXT, "%s%s", what, shift_text(graph, index, method));
}

bool tsm_cpu_supports(const tsm_backend_config *config, const tsm_graph *graph, int index,
                      char text[TSM_SUPPORT_TEXT])
{
    const tsm_node *node = &graph->nodes[index];

    if (!tsm_cpu_config_supported(config, text)) return false;
    if (node->op == TSM_OP_BATCHNORM || node->op >= TSM_OP_COUNT) {
        snprintf(text, TSM_SUPPORT_TEXT, "%s must be folded before", tsm_op_name(node->op));
        return false;
    }
    describe(graph, index, tsm_cpu_choose_method(config->shift_method), text);
    return true;
}
