/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_results.c - what the CUDA backend computes, against the reference: every kind of convolution, whole networks,
 * at every precision, for every way to realise the shift, with and without a CUDA graph.
 */
#include "check.h"

#include "passes/passes.h"

#define SEED 50u

/* ---- One convolution between two others --------------------------------------------------------------------------
 */

typedef enum neighbours { ALONE, RESIDUAL, RESIDUAL_READ_AGAIN, INPUT_READ_AGAIN, INPUT_IS_RESIDUAL } neighbours;

typedef struct conv_case {
    tsm_shape shape;
    int from, to, kernel, stride, groups, fold;
    neighbours around;
    tsm_act act;
} conv_case;

static const conv_case cases[] = {
    { { 1, 8, 7, 7 }, 64, 16, 1, 1, 1, 8, ALONE, TSM_ACT_RELU },
    { { 1, 4, 7, 7 }, 64, 64, 1, 1, 1, 8, INPUT_READ_AGAIN, TSM_ACT_RELU },
    { { 2, 3, 5, 9 }, 32, 17, 1, 1, 1, 4, INPUT_READ_AGAIN, TSM_ACT_NONE },
    { { 2, 3, 5, 9 }, 30, 17, 1, 1, 1, 3, INPUT_READ_AGAIN, TSM_ACT_NONE },
    { { 3, 1, 4, 6 }, 16, 16, 1, 1, 1, 2, INPUT_READ_AGAIN, TSM_ACT_RELU6 },
    { { 1, 2, 9, 9 }, 20, 20, 3, 1, 1, 2, INPUT_READ_AGAIN, TSM_ACT_RELU },
    { { 2, 4, 11, 6 }, 24, 9, 3, 2, 1, 5, ALONE, TSM_ACT_RELU },
    { { 1, 4, 11, 6 }, 24, 40, 1, 2, 1, 3, INPUT_READ_AGAIN, TSM_ACT_NONE },
    { { 2, 2, 6, 5 }, 10, 12, 1, 2, 1, 0, ALONE, TSM_ACT_NONE },
    { { 1, 3, 8, 8 }, 16, 16, 3, 1, 16, 2, ALONE, TSM_ACT_RELU6 },
    { { 1, 3, 8, 8 }, 12, 18, 3, 1, 3, 0, ALONE, TSM_ACT_RELU },
    { { 1, 2, 15, 13 }, 3, 64, 7, 2, 1, 0, ALONE, TSM_ACT_RELU },
    { { 1, 4, 5, 5 }, 32, 32, 1, 1, 1, 0, RESIDUAL, TSM_ACT_RELU },
    { { 2, 4, 5, 5 }, 8, 8, 3, 1, 1, 1, RESIDUAL, TSM_ACT_RELU },
    { { 2, 4, 5, 5 }, 33, 33, 1, 1, 1, 4, RESIDUAL_READ_AGAIN, TSM_ACT_RELU },
    { { 1, 5, 4, 4 }, 16, 16, 3, 1, 1, 2, RESIDUAL_READ_AGAIN, TSM_ACT_NONE },
    { { 1, 5, 4, 4 }, 32, 32, 1, 1, 1, 4, INPUT_IS_RESIDUAL, TSM_ACT_RELU },
    { { 2, 3, 4, 4 }, 24, 24, 3, 1, 1, 24, INPUT_IS_RESIDUAL, TSM_ACT_RELU },
    { { 1, 3, 6, 6 }, 12, 12, 1, 1, 1, 7, INPUT_READ_AGAIN, TSM_ACT_RELU },
};

static network build_case(const conv_case *c)
{
    network net = network_start();
    const int before = network_conv(&net, "before", 0, 3, c->from, 1, 1, 1, TSM_ACT_NONE);
    const int other = c->around == RESIDUAL || c->around == RESIDUAL_READ_AGAIN
                          ? network_conv(&net, "other", 0, 3, c->to, 1, 1, 1, TSM_ACT_NONE)
                          : -1;
    const int conv = network_conv(&net, "conv", before, c->from, c->to, c->kernel, c->stride, c->groups, c->act);
    int last = conv;

    net.graph->nodes[conv].shift = tsm_shift_both(c->fold, c->from);
    if (c->around == INPUT_IS_RESIDUAL)
        net.graph->nodes[conv].inputs[1] = before;
    else
        net.graph->nodes[conv].inputs[1] = other;
    if (c->around == RESIDUAL_READ_AGAIN) last = network_node(&net, TSM_OP_ADD, "again", conv, other);
    if (c->around == INPUT_READ_AGAIN) {
        const int again = network_conv(&net, "again", before, c->from, c->to, 1, c->stride, 1, TSM_ACT_NONE);

        last = network_node(&net, TSM_OP_ADD, "sum", conv, again);
    }
    network_head(&net, last, c->to);
    return net;
}

static void check_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const conv_case *c = &cases[i];
        network net = build_case(c);
        const tsm_dims dims = { c->shape.n, c->shape.t, c->shape.h, c->shape.w, 3 };
        float *pixels = random_floats((size_t)tsm_dims_count(&dims), SEED + (uint32_t)i);
        const tsm_tensor input = planes_of(pixels, &dims);
        float *want = reference_logits(net.graph, &c->shape, &input, check_mean, check_deviation);

        for (int p = TSM_PRECISION_FP32; p <= TSM_PRECISION_BF16; p++)
            for (int m = TSM_SHIFT_COPY; m <= TSM_SHIFT_OVERLAP; m++) {
                tsm_backend_config config = make_config((tsm_precision)p, (tsm_shift_method)m);
                char name[80];

                snprintf(name, sizeof name, "convolution %zu, %s, %s", i, precision_names[p], method_names[m]);
                compare_logits(&net, &c->shape, &config, &input, want, name);
            }
        free(want);
        free(pixels);
        network_free(&net);
    }
}

/* ---- Networks ----------------------------------------------------------------------------------------------------
 */

typedef struct network_case {
    const char *name;
    network (*build)(const network_spec *spec);
    network_spec spec;
    tsm_shape shape;
} network_case;

#define SPEC(arch, width, classes, div, place)                                                                       \
    {                                                                                                                \
        arch, width, classes, div, place, TSM_BIDIRECTIONAL, TSM_NONLOCAL_NONE, false                                \
    }

static const network_case networks[] = {
    { "R50", network_resnet, SPEC("resnet50", 16, 10, 8, TSM_PLACE_BLOCKRES), { 2, 4, 45, 37 } },
    { "inverted residuals", network_inverted, SPEC(NULL, 16, 11, 8, TSM_PLACE_BLOCKRES), { 2, 4, 17, 15 } },
    { "R18", network_resnet, SPEC("resnet18", 16, 7, 8, TSM_PLACE_BLOCKRES), { 2, 3, 33, 40 } },
    { "R18 block", network_resnet, SPEC("resnet18", 16, 7, 8, TSM_PLACE_BLOCK), { 1, 4, 32, 32 } },
    { "R50 block", network_resnet, SPEC("resnet50", 16, 10, 8, TSM_PLACE_BLOCK), { 1, 3, 32, 32 } },
    { "R50 n_div 3", network_resnet, SPEC("resnet50", 8, 10, 3, TSM_PLACE_BLOCKRES), { 1, 2, 32, 32 } },
    { "R50 one frame", network_resnet, SPEC("resnet50", 8, 3, 8, TSM_PLACE_BLOCKRES), { 3, 1, 32, 32 } },
    { "TSN R50", network_resnet, SPEC("resnet50", 8, 5, 0, TSM_PLACE_BLOCKRES), { 1, 3, 32, 32 } },
};

static void check_network(const network_case *c, const tsm_tensor *input, tsm_precision first, tsm_precision last,
                          bool graphs)
{
    network net = c->build(&c->spec);
    float *want = reference_logits(net.graph, &c->shape, input, check_mean, check_deviation);

    setenv("TSM_CUDA_GRAPH", graphs ? "on" : "off", 1);
    for (int p = first; p <= (int)last; p++)
        for (int m = TSM_SHIFT_AUTO; m <= TSM_SHIFT_OVERLAP; m++) {
            tsm_backend_config config = make_config((tsm_precision)p, (tsm_shift_method)m);
            char name[120];

            snprintf(name, sizeof name, "%s, %s, %s, %s, %s", c->name, precision_names[p], method_names[m],
                     input->dtype == TSM_UINT8 ? "bytes" : "planes", graphs ? "graph" : "plain");
            compare_logits(&net, &c->shape, &config, input, want, name);
        }
    unsetenv("TSM_CUDA_GRAPH");
    free(want);
    network_free(&net);
}

static void check_case(const network_case *c, bool all)
{
    const tsm_dims dims = { c->shape.n, c->shape.t, c->shape.h, c->shape.w, 3 };
    size_t count = (size_t)tsm_dims_count(&dims);
    float *pixels = random_floats(count, SEED);
    uint8_t *bytes = must(malloc(count));
    const tsm_tensor planes = planes_of(pixels, &dims), frames = bytes_of(bytes, &dims);

    for (size_t k = 0; k < count; k++) bytes[k] = (uint8_t)(128 + 127 * pixels[k]);
    if (all) check_network(c, &planes, TSM_PRECISION_FP32, TSM_PRECISION_BF16, true);
    if (all)
        check_network(c, &frames, TSM_PRECISION_FP32, TSM_PRECISION_BF16, false);
    else
        check_network(c, &frames, TSM_PRECISION_FP16, TSM_PRECISION_FP16, false);
    free(bytes);
    free(pixels);
}

void suite_results(void)
{
    check_cases();
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) check_case(&networks[i], true);
}

void suite_networks(void)
{
    for (size_t i = 0; i < 2; i++) check_case(&networks[i], true);
}

void suite_smoke(void)
{
    for (size_t i = 0; i < 2; i++) check_case(&networks[i], false);
    smoke_operations();
}
