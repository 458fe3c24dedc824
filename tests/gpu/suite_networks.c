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

#define RESNET(...)                                                                                                  \
    {                                                                                                                \
        .shift_div = 8, .place = TSM_PLACE_BLOCKRES, __VA_ARGS__                                                     \
    }

#define TUNED 2 /* of the first, which are also run in every way from bytes */

static const network_case networks[] = {
    { "R50", RESNET(.arch = "resnet50", .width = 16, .classes = 10), { 2, 4, 45, 37 } },
    { "R18", RESNET(.arch = "resnet18", .width = 16, .classes = 7), { 2, 3, 33, 40 } },
    { "R18 block",
      RESNET(.arch = "resnet18", .width = 16, .classes = 7, .place = TSM_PLACE_BLOCK),
      { 1, 4, 32, 32 } },
    { "R50 block",
      RESNET(.arch = "resnet50", .width = 16, .classes = 10, .place = TSM_PLACE_BLOCK),
      { 1, 3, 32, 32 } },
    { "R50 n_div 3", RESNET(.arch = "resnet50", .width = 8, .classes = 10, .shift_div = 3), { 1, 2, 32, 32 } },
    { "R50 one frame", RESNET(.arch = "resnet50", .width = 8, .classes = 3), { 3, 1, 32, 32 } },
    { "TSN R50", RESNET(.arch = "resnet50", .width = 8, .classes = 5, .shift_div = 0), { 1, 3, 32, 32 } },
    { "R50 vd, mirrored",
      RESNET(.arch = "resnet50_vd", .width = 16, .classes = 10, .direction = TSM_MIRRORED),
      { 2, 4, 45, 37 } },
    { "R18 from the past, frames",
      RESNET(.arch = "resnet18", .width = 16, .classes = 10, .direction = TSM_UNIDIRECTIONAL, .per_frame = true),
      { 2, 4, 33, 40 } },
    { "R50 non-local",
      RESNET(.arch = "resnet50", .width = 16, .classes = 10, .nonlocal = TSM_NONLOCAL_EMBEDDED_GAUSSIAN),
      { 2, 4, 45, 61 } },
    { "R50 non-local, dot product",
      RESNET(.arch = "resnet50", .width = 16, .classes = 10, .nonlocal = TSM_NONLOCAL_DOT_PRODUCT),
      { 2, 4, 45, 61 } },
    { "R50 non-local, gaussian",
      RESNET(.arch = "resnet50", .width = 16, .classes = 10, .nonlocal = TSM_NONLOCAL_GAUSSIAN),
      { 3, 3, 33, 40 } },
};
#define NETWORKS ((int)(sizeof networks / sizeof *networks))

/* How a graph is run: at precisions and with methods from one to the other. */
typedef struct way {
    tsm_precision first, last;
    tsm_shift_method least, most;
    bool graphs, tune;
} way;

static const way all = { TSM_PRECISION_FP32, TSM_PRECISION_BF16, TSM_SHIFT_COPY, TSM_SHIFT_OVERLAP, false, false };
static const way half = { TSM_PRECISION_FP16, TSM_PRECISION_FP16, TSM_SHIFT_COPY, TSM_SHIFT_OVERLAP, false, false };

static void check_graph(const tsm_graph *graph, const tsm_shape *shape, const tsm_tensor *input, const way *way,
                        const char *of)
{
    float *want = reference_logits(graph, shape, input);

    for (int p = way->first; p <= (int)way->last; p++)
        for (int m = way->least; m <= (int)way->most; m++) {
            tsm_backend_config config = make_config((tsm_precision)p, (tsm_shift_method)m);
            char name[160];

            config.graphs = config.graphs && way->graphs;
            config.tune = way->tune;
            snprintf(name, sizeof name, "%s, %s, %s, %s%s%s", of, precision_names[p], method_names[m],
                     input->dtype == TSM_UINT8 ? "bytes" : "planes", config.graphs ? ", graph" : "",
                     way->tune ? ", tuned" : "");
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
    network_case one = { "R50 in small", RESNET(.arch = "resnet50", .width = 16, .classes = 10), { 1, 8, 64, 64 } };
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

    for (int i = 0; i < (small_sizes ? 1 : NETWORKS); i++)
        check_case(&networks[i], small_sizes ? half : all, i < TUNED && !small_sizes ? all : half);
    operation_open(&op, operation_index("inverted residuals"), OPERATION_OPTIMIZED);
    check_network(op.net.graph, &op.shape, small_sizes ? half : all, half, op.name);
    operation_close(&op);
}

void suite_tuned(void)
{
    way tuned = small_sizes ? half : all;

    tuned.tune = true;
    tuned.least = TSM_SHIFT_AUTO;
    for (int i = 0; i < (small_sizes ? 1 : TUNED); i++) check_case(&networks[i], tuned, tuned);
}
