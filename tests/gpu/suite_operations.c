/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_operations.c - the operations that networks are made of, on the CUDA backend against the reference: every
 * kind of convolution between others, shifts of all directions, activations, average pools in shortcuts, squeeze and
 * excitation, attention in its three modes, logits of every frame.
 */
#include "check.h"

#define SEED 51u

/* ---- One convolution between two others --------------------------------------------------------------------------
 */

typedef enum neighbours { ALONE, RESIDUAL, RESIDUAL_READ_AGAIN, INPUT_READ_AGAIN, INPUT_IS_RESIDUAL } neighbours;

typedef struct conv_case {
    tsm_shape shape;
    int from, to, kernel, stride, groups, fold;
    neighbours around;
    tsm_act act;
} conv_case;

static const conv_case convolutions[] = {
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

static void check_convolution(size_t index, tsm_precision first, tsm_precision last)
{
    const conv_case *c = &convolutions[index];
    const tsm_dims dims = { c->shape.n, c->shape.t, c->shape.h, c->shape.w, 3 };
    float *pixels = random_floats((size_t)tsm_dims_count(&dims), SEED + (uint32_t)index);
    const tsm_tensor input = planes_of(pixels, &dims);
    network net = build_case(c);
    float *want = reference_logits(net.graph, &c->shape, &input, check_mean, check_deviation);

    for (int p = first; p <= (int)last; p++)
        for (int m = TSM_SHIFT_COPY; m <= TSM_SHIFT_OVERLAP; m++) {
            const tsm_backend_config config = make_config((tsm_precision)p, (tsm_shift_method)m);
            char name[80];

            snprintf(name, sizeof name, "convolution %zu, %s, %s", index, precision_names[p], method_names[m]);
            compare_logits(&net, &c->shape, &config, &input, want, name);
        }
    free(want);
    free(pixels);
    network_free(&net);
}

/* ---- Small networks of one idea each --------------------------------------------------------------------------- */

typedef struct operation_case {
    const char *name;
    network (*build)(const network_spec *spec);
    network_spec spec;
    tsm_shape shape;
    bool small; /* one of those that every operation occurs in, for tools that are slow */
} operation_case;

#define RESNET(...)                                                                                                  \
    network_resnet,                                                                                                  \
    {                                                                                                                \
        .classes = 10, .shift_div = 8, .place = TSM_PLACE_BLOCKRES, __VA_ARGS__                                      \
    }
#define BUILT(net, ...)                                                                                              \
    net,                                                                                                             \
    {                                                                                                                \
        .shift_div = 8, __VA_ARGS__                                                                                  \
    }

static const operation_case operations[] = {
    { "shifts both ways", BUILT(network_shifts, .width = 32), { 2, 3, 9, 7 }, false },
    { "shifts mirrored", BUILT(network_shifts, .width = 64, .direction = TSM_MIRRORED), { 2, 4, 7, 6 }, true },
    { "shifts from the past",
      BUILT(network_shifts, .width = 64, .direction = TSM_UNIDIRECTIONAL),
      { 1, 5, 6, 5 },
      false },
    { "shifts of odd folds", BUILT(network_shifts, .width = 44, .direction = TSM_MIRRORED), { 2, 3, 5, 5 }, false },
    { "squeeze and excitation", BUILT(network_excited, .width = 32), { 2, 4, 33, 26 }, true },
    { "R50 vd, mirrored",
      RESNET(.arch = "resnet50_vd", .width = 16, .direction = TSM_MIRRORED),
      { 2, 4, 45, 37 },
      false },
    { "R18 from the past, frames",
      RESNET(.arch = "resnet18", .width = 16, .direction = TSM_UNIDIRECTIONAL, .per_frame = true),
      { 2, 4, 33, 40 },
      false },
    { "R50 non-local",
      RESNET(.arch = "resnet50", .width = 16, .nonlocal = TSM_NONLOCAL_EMBEDDED_GAUSSIAN),
      { 2, 4, 45, 61 },
      false },
    { "R50 non-local, dot product",
      RESNET(.arch = "resnet50", .width = 16, .nonlocal = TSM_NONLOCAL_DOT_PRODUCT),
      { 2, 4, 45, 61 },
      false },
    { "R50 non-local, gaussian",
      RESNET(.arch = "resnet50", .width = 16, .nonlocal = TSM_NONLOCAL_GAUSSIAN),
      { 3, 3, 33, 40 },
      false },
    /* As many scores as behind layer2 of R50 at 8 frames: more than fit at a time. */
    { "attention at full size",
      BUILT(network_attention, .width = 16, .nonlocal = TSM_NONLOCAL_EMBEDDED_GAUSSIAN),
      { 8, 8, 28, 28 },
      false },
    { "attention, dot product at full size",
      BUILT(network_attention, .width = 16, .nonlocal = TSM_NONLOCAL_DOT_PRODUCT),
      { 8, 8, 28, 28 },
      false },
    { "attention of odd sizes",
      BUILT(network_attention, .width = 22, .nonlocal = TSM_NONLOCAL_GAUSSIAN),
      { 5, 3, 11, 7 },
      true },
};

static void check_operation(const operation_case *c, tsm_precision first, tsm_precision last)
{
    const tsm_dims dims = { c->shape.n, c->shape.t, c->shape.h, c->shape.w, 3 };
    float *pixels = random_floats((size_t)tsm_dims_count(&dims), SEED);
    const tsm_tensor input = planes_of(pixels, &dims);
    network net = c->build(&c->spec);
    float *want = reference_logits(net.graph, &c->shape, &input, check_mean, check_deviation);

    for (int p = first; p <= (int)last; p++)
        for (int m = TSM_SHIFT_COPY; m <= TSM_SHIFT_OVERLAP; m++) {
            const tsm_backend_config config = make_config((tsm_precision)p, (tsm_shift_method)m);
            char name[120];

            snprintf(name, sizeof name, "%s, %s, %s", c->name, precision_names[p], method_names[m]);
            compare_logits(&net, &c->shape, &config, &input, want, name);
        }
    free(want);
    free(pixels);
    network_free(&net);
}

void suite_operations(void)
{
    const tsm_precision first = small_sizes ? TSM_PRECISION_FP16 : TSM_PRECISION_FP32;
    const tsm_precision last = small_sizes ? TSM_PRECISION_FP16 : TSM_PRECISION_BF16;

    for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++)
        if (!small_sizes || i % 4 == 0) check_convolution(i, first, last);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (!small_sizes || operations[i].small) check_operation(&operations[i], first, last);
}
