/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - networks ready to run, checked against the reference; the face of network/. */
#ifndef TSM_BENCH_NETWORK_H
#define TSM_BENCH_NETWORK_H

#include "engine/engine.h"
#include "random_model.h"
#include "variant.h"

/* A checkpoint, or a network with random weights. */
typedef struct bench_source {
    const char *name; /* as the user said it */
    char path[4096];  /* "": the bytes below */
    void *data;
    size_t bytes;
} bench_source;

/* `model` is a path, a name that bench_random_knows, or NULL: TSM_MODEL, else the model that comes with the command.
 * Errors: IO, ARGUMENT. */
tsm_status bench_source_open(bench_source *source, const char *model, tsm_error *error);
void bench_source_close(bench_source *source);

/* As tsm_model_load. */
tsm_status bench_source_load(tsm_model **model, const bench_source *source, const tsm_model_options *options,
                             tsm_error *error);

typedef struct bench_spec {
    const bench_source *source;
    const char *variant;   /* of variant.h */
    const char *device;    /* "auto" */
    const char *precision; /* "fp32" */
    const char *shift;     /* "auto"; of the variants tsm and block */
    int threads, batch, segments, size, streams;
} bench_spec;

/* What one thread runs a network with. */
typedef struct bench_stream {
    tsm_context *context;
    tsm_tensor output;
} bench_stream;

typedef struct bench_network {
    char name[32]; /* "tsm", "tsm copy", "tsn" */
    tsm_engine *engine;
    tsm_engine_info info;
    tsm_shape shape;
    int classes, shifts;
    uint64_t macs; /* of a batch */
    double prepare_ms, plan_ms;
    bench_stream *streams;
    int stream_count;
} bench_network;

/* Errors: as loading, making the engine and planning; ARGUMENT for a word that there is not. */
tsm_status bench_network_open(bench_network *network, const bench_spec *spec, tsm_error *error);
void bench_network_close(bench_network *network);

/* Frames of a batch in 8 bits, the same for everybody; in memory of the network's device, to be released with
 * tsm_engine_release. */
tsm_status bench_make_input(tsm_tensor *input, const bench_network *network, tsm_error *error);

tsm_status bench_network_run(const bench_network *network, int stream, const tsm_tensor *input, double *ms,
                             tsm_error *error);

/* Bytes of activations and workspace, of all streams. */
uint64_t bench_network_bytes(const bench_network *network);

/* What is timed must be right. Finite, not all equal, the same twice. Errors: INTERNAL. */
tsm_status bench_check_repeats(const bench_network *network, const tsm_tensor *input, tsm_error *error);

/* The same network, one clip of `size` pixels a side, against the plain-C reference in float32: *worst is the largest
 * difference of a logit, as a part of the largest logit. Errors: INTERNAL where it is more than the precision
 * explains. */
tsm_status bench_check_reference(const bench_spec *spec, int size, double *worst, tsm_error *error);

/* The largest difference between logits of stream 0 of two networks, as a part of the largest. */
double bench_compare_logits(const bench_network *a, const bench_network *b);

/* Of names: -1 where there is none. */
int bench_find_precision(const char *name);
int bench_find_shift(const char *name);

#endif
