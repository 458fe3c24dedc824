/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_operations.c - what the CUDA backend computes of networks other than ResNets and MobileNetV2, against the
 * reference: shifts of all directions, activations, average pools in shortcuts, squeeze and excitation, attention in
 * its three modes, logits of every frame.
 */
#include "check.h"

#define SEED 51u

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
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        check_operation(&operations[i], TSM_PRECISION_FP32, TSM_PRECISION_BF16);
}

void smoke_operations(void)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (operations[i].small) check_operation(&operations[i], TSM_PRECISION_FP16, TSM_PRECISION_FP16);
}
