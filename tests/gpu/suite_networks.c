/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_networks.c - the published architectures on the CUDA backend against the reference: at every precision, for
 * every way to realise the shift, from float planes with CUDA graphs and from bytes without, tuned and not.
 */
#include "check.h"

#define SEED 50u

typedef struct network_case {
    const char *name;
    network_spec spec;
    tsm_shape shape;
} network_case;

#define TUNED 2 /* of the first, which are also run in every way from bytes */

/* Where they shift; both ways, without attention, with logits of clips. */
#define INSIDE         TSM_PLACE_BLOCKRES, TSM_BIDIRECTIONAL, TSM_NONLOCAL_NONE, false
#define BEFORE         TSM_PLACE_BLOCK, TSM_BIDIRECTIONAL, TSM_NONLOCAL_NONE, false
#define NONLOCAL(mode) TSM_PLACE_BLOCKRES, TSM_BIDIRECTIONAL, TSM_NONLOCAL_##mode, false

static const network_case networks[] = {
    { "R50", { "resnet50", 16, 10, 8, INSIDE }, { 2, 4, 45, 37 } },
    { "R18", { "resnet18", 16, 7, 8, INSIDE }, { 2, 3, 33, 40 } },
    { "R18 block", { "resnet18", 16, 7, 8, BEFORE }, { 1, 4, 32, 32 } },
    { "R50 block", { "resnet50", 16, 10, 8, BEFORE }, { 1, 3, 32, 32 } },
    { "R50 n_div 3", { "resnet50", 8, 10, 3, INSIDE }, { 1, 2, 32, 32 } },
    { "R50 one frame", { "resnet50", 8, 3, 8, INSIDE }, { 3, 1, 32, 32 } },
    { "TSN R50", { "resnet50", 8, 5, 0, INSIDE }, { 1, 3, 32, 32 } },
    { "R50 vd, mirrored",
      { "resnet50_vd", 16, 10, 8, TSM_PLACE_BLOCKRES, TSM_MIRRORED, TSM_NONLOCAL_NONE, false },
      { 2, 4, 45, 37 } },
    { "R18 from the past, frames",
      { "resnet18", 16, 10, 8, TSM_PLACE_BLOCKRES, TSM_UNIDIRECTIONAL, TSM_NONLOCAL_NONE, true },
      { 2, 4, 33, 40 } },
    { "R50 non-local", { "resnet50", 16, 10, 8, NONLOCAL(EMBEDDED_GAUSSIAN) }, { 2, 4, 45, 61 } },
    { "R50 non-local, dot product", { "resnet50", 16, 10, 8, NONLOCAL(DOT_PRODUCT) }, { 2, 4, 45, 61 } },
    { "R50 non-local, gaussian", { "resnet50", 16, 10, 8, NONLOCAL(GAUSSIAN) }, { 3, 3, 33, 40 } },
};
#define NETWORKS ((int)(sizeof networks / sizeof *networks))

/* How a graph is run: at precisions from one to the other, with each way to shift. */
typedef struct way {
    tsm_precision first, last;
    bool automatic, graphs, tune; /* automatic: the way that the backend finds best, too */
} way;

static const way all = { TSM_PRECISION_FP32, TSM_PRECISION_BF16, false, false, false };
static const way half = { TSM_PRECISION_FP16, TSM_PRECISION_FP16, false, false, false };

static void check_graph(const tsm_graph *graph, const tsm_shape *shape, const tsm_tensor *input, const way *how,
                        const char *of)
{
    static const tsm_shift_method methods[] = { TSM_SHIFT_AUTO, TSM_SHIFT_COPY, TSM_SHIFT_OVERLAP, TSM_SHIFT_GATHER };
    float *want = reference_logits(graph, shape, input);

    for (int p = how->first; p <= (int)how->last; p++)
        for (int m = !how->automatic; m < (p == TSM_PRECISION_FP32 ? 3 : 4); m++) { /* gather has no float32 */
            tsm_backend_config config = how->tune ? make_tuned_config((tsm_precision)p, methods[m])
                                                  : make_config((tsm_precision)p, methods[m]);
            char name[160];

            config.graphs = config.graphs && how->graphs;
            snprintf(name, sizeof name, "%s, %s, %s, %s%s%s", of, precision_names[p], method_names[methods[m]],
                     input->dtype == TSM_UINT8 ? "bytes" : "planes", config.graphs ? ", graph" : "",
                     how->tune ? ", tuned" : "");
            compare_logits(graph, shape, &config, input, want, name);
        }
    free(want);
}

/* From planes with CUDA graphs, and from bytes without. */
static void check_network(const tsm_graph *graph, const tsm_shape *shape, way planes, way bytes, const char *name)
{
    const tsm_dims dims = { shape->n, shape->t, shape->h, shape->w, 3 };
    const size_t count = (size_t)tsm_dims_count(&dims);
    float *values = hashed_array(count, SEED);
    uint8_t *pixels = must(malloc(count));
    const tsm_tensor floats = planes_of(values, &dims), frames = bytes_of(pixels, &dims);

    for (size_t k = 0; k < count; k++) pixels[k] = (uint8_t)(128 + 127 * values[k]);
    planes.graphs = true;
    check_graph(graph, shape, &floats, &planes, name);
    check_graph(graph, shape, &frames, &bytes, name);
    free(pixels);
    free(values);
}

static void check_case(const network_case *c, way planes, way bytes)
{
    network net = network_of_arch(&c->spec);

    check_network(net.graph, &c->shape, planes, bytes, c->name);
    network_free(&net);
}

void suite_smoke(void)
{
    network_case one = { "R50 in small", { "resnet50", 16, 10, 8, INSIDE }, { 1, 8, 64, 64 } };
    way single = half;

    if (small_sizes) one.shape = (tsm_shape){ 1, 4, 32, 32 };
    single.first = single.last = TSM_PRECISION_FP32;
    check_case(&one, single, single);
    check_case(&one, half, half);
}

/* MobileNetV2's blocks are a row of the table of operations. */
void suite_networks(void)
{
    operation op;

    for (int i = small_sizes; i < (small_sizes ? 2 : NETWORKS); i++)
        check_case(&networks[i], small_sizes ? half : all, i < TUNED && !small_sizes ? all : half);
    operation_open(&op, operation_index("inverted residuals"), OPERATION_OPTIMIZED);
    check_network(op.net.graph, &op.shape, small_sizes ? half : all, half, op.name);
    operation_close(&op);
}

void suite_tuned(void)
{
    static const network_case small = { "R18 in small", { "resnet18", 8, 5, 8, INSIDE }, { 1, 2, 16, 16 } };
    way tuned = small_sizes ? half : all;

    tuned.tune = true;
    tuned.automatic = true;
    if (small_sizes)
        check_case(&small, tuned, tuned);
    else
        for (int i = 0; i < TUNED; i++) check_case(&networks[i], tuned, tuned);
}
