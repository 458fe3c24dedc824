/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wiring.h - what the families wire a network with.
 *
 * A family describes its network once, by walking from the input to the end: each step names a node or a layer and
 * appends it to the graph. The first walk collects the layers, whose tensors are then looked for; a later walk finds
 * them in the same order and gives each its tensors. So no list of layers can disagree with the graph.
 *
 * Every function takes and returns node indices, and after a failure -1, so that wiring reads as the network; the
 * check is once, at the end. Names that begin with a dot go on from w->block.
 */
#ifndef TSM_NETWORK_WIRING_H
#define TSM_NETWORK_WIRING_H

#include "layers.h"

typedef struct tsm_wiring {
    const tsm_model_config *config;
    tsm_graph *graph;
    const tsm_layer *bound; /* with their tensors; NULL: this walk collects the layers */
    int bound_count;
    tsm_layer *layers; /* collected so far; owned */
    int count;         /* of the layers that were placed */
    tsm_status status; /* the first failure, after which nothing is wired any more */
    tsm_act act;       /* the activation that most of the network has */
    char block[56];    /* "base_model.layer1.0" */
} tsm_wiring;

/* Appends a node that reads `input`. */
int tsm_wire(tsm_wiring *w, tsm_op op, const char *name, int input);

/* Places a layer, which has no tensors yet. */
int tsm_wire_layer(tsm_wiring *w, const tsm_layer *layer, int input);

/* A convolution of padding kernel / 2 without bias, and its batch norm. */
int tsm_wire_conv(tsm_wiring *w, const char *name, int in, int out, int kernel, int stride, int input);
int tsm_wire_norm(tsm_wiring *w, const char *name, int channels, int input);

int tsm_wire_act(tsm_wiring *w, const char *name, int input);

/* A shift of a value of so many channels; the value itself where nothing of them moves. */
int tsm_wire_shift(tsm_wiring *w, const char *name, int input, int channels);

/* A node of two operands. */
int tsm_wire_pair(tsm_wiring *w, tsm_op op, const char *name, int first, int second);

/* MAXPOOL, or AVGPOOL over windows. */
int tsm_wire_pool(tsm_wiring *w, tsm_op op, const char *name, int input, int kernel, int stride, int pad);

#endif
