/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_networks.c - whole networks on the CUDA backend against the reference: at every precision, for every way to
 * realise the shift, from float planes and from bytes, with and without a CUDA graph.
 */
#include "check.h"

#define SEED 50u

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
    { "inverted residuals", network_inverted, SPEC(NULL, 16, 11, 8, TSM_PLACE_BLOCKRES), { 2, 4, 17, 15 } },
    { "R50", network_resnet, SPEC("resnet50", 16, 10, 8, TSM_PLACE_BLOCKRES), { 2, 4, 45, 37 } },
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

static void check_case(const network_case *c, tsm_precision first, tsm_precision last)
{
    const tsm_dims dims = { c->shape.n, c->shape.t, c->shape.h, c->shape.w, 3 };
    size_t count = (size_t)tsm_dims_count(&dims);
    float *pixels = random_floats(count, SEED);
    uint8_t *bytes = must(malloc(count));
    const tsm_tensor planes = planes_of(pixels, &dims), frames = bytes_of(bytes, &dims);

    for (size_t k = 0; k < count; k++) bytes[k] = (uint8_t)(128 + 127 * pixels[k]);
    check_network(c, &planes, first, last, true);
    check_network(c, &frames, first, last, false);
    free(bytes);
    free(pixels);
}

static void check_cases(size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (small_sizes)
            check_case(&networks[i], TSM_PRECISION_FP16, TSM_PRECISION_FP16);
        else
            check_case(&networks[i], TSM_PRECISION_FP32, TSM_PRECISION_BF16);
}

void suite_smoke(void)
{
    network_case one = {
        "R50 in small", network_resnet, SPEC("resnet50", 16, 10, 8, TSM_PLACE_BLOCKRES), { 1, 8, 64, 64 }
    };

    if (small_sizes) one.shape = (tsm_shape){ 1, 4, 32, 32 };
    check_case(&one, TSM_PRECISION_FP32, TSM_PRECISION_FP32);
    check_case(&one, TSM_PRECISION_FP16, TSM_PRECISION_FP16);
}

void suite_networks(void)
{
    check_cases(small_sizes ? 2 : sizeof networks / sizeof *networks);
}

void suite_tuned(void)
{
    check_cases(small_sizes ? 1 : 2);
}
