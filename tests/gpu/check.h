/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - what the checks of a GPU share: counting, random data, tensors, and one run of a graph.
 *
 * No test framework: the program must run on machines where nothing can be installed. It is linked with the CUDA
 * backend itself, so that the same checks run on a GPU and on the simulated device.
 */
#ifndef TSM_GPU_CHECK_H
#define TSM_GPU_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/cuda_calls.h"
#include "graph/backend.h"

/* The plugin's door. */
const tsm_backend *tsm_cuda_backend(void);

/* Counts and prints; a case that failed is named with its reason. Returns `ok`. */
bool check(bool ok, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool check_ok(tsm_status status, const tsm_error *error, const char *name);

/* The call must fail with `code` and name `word` in one line. */
bool check_refused(tsm_status status, const tsm_error *error, tsm_status code, const char *word, const char *name);

int checks_made(void);
int checks_failed(void);

/* Exits with a message: the program itself cannot go on. */
void *must(void *memory);

/* Element i of stream `seed`, in [-1, 1). */
float random_value(uint32_t i, uint32_t seed);
float *random_floats(size_t count, uint32_t seed);

/* The largest difference relative to the largest wanted value; infinite where something is not a number. */
double largest_error(const float *got, const float *want, size_t count);

/* Milliseconds since some moment. */
double now_ms(void);

/* Few and small cases: for a simulated device, and for tools that slow a GPU down. Set once, by main. */
extern bool small_sizes;

extern const char *const precision_names[];
extern const char *const method_names[];

tsm_tensor planes_of(float *data, const tsm_dims *dims);
tsm_tensor bytes_of(uint8_t *data, const tsm_dims *dims);
tsm_tensor logits_of(float *data, const tsm_dims *dims);

/* A graph on a backend, planned for one shape. */
typedef struct session {
    const tsm_backend *backend;
    void *state, *plan;
    tsm_graph *shaped;
    tsm_backend_report report;
    uint64_t bytes;
    double prepare_ms, plan_ms; /* what opening took */
} session;

tsm_status session_open(session *s, const tsm_backend *backend, const tsm_graph *graph,
                        const tsm_backend_config *config, const tsm_shape *shape, tsm_error *error);
void session_close(session *s);
tsm_status session_run(const session *s, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error);
tsm_status session_enqueue(const session *s, const tsm_tensor *input, const tsm_tensor *output, cudaStream_t stream,
                           tsm_error *error);
const tsm_dims *session_input(const session *s);
const tsm_dims *session_output(const session *s);

/* Logits on the reference backend; the caller frees them. */
float *reference_logits(const tsm_graph *graph, const tsm_shape *shape, const tsm_tensor *input, const float mean[3],
                        const float std[3]);

/* ---- networks.c ---- */

typedef struct network {
    tsm_graph *graph;
    float **arrays; /* that the graph borrows */
    int array_count;
} network;

/* What to build, with random weights; optimised. Zeroes are plain: bi-directional, no attention, logits of clips. */
typedef struct network_spec {
    const char *arch; /* of network_resnet */
    int width, classes;
    int shift_div; /* 0: TSN */
    tsm_shift_place place;
    tsm_shift_direction direction;
    tsm_nonlocal nonlocal;
    bool per_frame;
} network_spec;

/* An input of 3 channels and no layers yet; nodes are appended, the last one is the output. */
network network_start(void);
int network_node(network *net, tsm_op op, const char *name, int input, int second);
int network_conv(network *net, const char *name, int input, int from, int to, int kernel, int stride, int groups,
                 tsm_act act);
void network_head(network *net, int input, int channels); /* pool, classifier of 11 */
void network_free(network *net);

/* A ResNet as the loader builds it; "resnet50_vd" is PP-TSM's. */
network network_resnet(const network_spec *spec);

/* MobileNetV2 as far as backends are concerned: a stem, expansions with ReLU6, depthwise, projections, residuals with
 * a shift before the expansion. */
network network_inverted(const network_spec *spec);

/* MobileOne as far as backends are concerned: shifts before depthwise and 1x1 convolutions with ReLU, strides,
 * squeeze and excitation. */
network network_excited(const network_spec *spec);

/* Each kind of convolution with a shift before and each activation behind. */
network network_shifts(const network_spec *spec);

/* A non-local block between two convolutions, over all pixels of the input. */
network network_attention(const network_spec *spec);

/* ---- compare.c ---- */

extern const float check_mean[3], check_deviation[3];
tsm_backend_config make_config(tsm_precision precision, tsm_shift_method method);

/* Runs on the CUDA backend twice, the second time on an arena full of the first run's values: the same bits must
 * come, and those of `want` within the tolerance of the precision. */
void compare_logits(const network *net, const tsm_shape *shape, const tsm_backend_config *config,
                    const tsm_tensor *input, const float *want, const char *name);

/* ---- suites: each returns after counting its checks ---- */

void suite_smoke(void);      /* one small network: is anything right at all? */
void suite_operations(void); /* every kind of convolution, and what networks are made of besides */
void suite_networks(void);   /* ResNets and MobileNetV2 */
void suite_tuned(void);      /* two of them, for when kernels are timed */
void suite_resize(void);     /* frames that the GPU resizes */
void suite_rules(void);      /* memory, streams, threads, refusals, the cache of choices */

/* ---- device.c, bench/gpu: print what they measure as soon as it is there, return the exit status ---- */

int describe_device(void);
int bench_networks(int argc, char **argv);
int bench_shift(int argc, char **argv);

#endif
