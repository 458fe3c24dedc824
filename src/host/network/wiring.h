/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wiring.h - what the families wire their layers with to a graph.
 *
 * Every function takes and returns node indices and passes -1 (out of memory) through, so that wiring reads as the
 * network; the check is once, at the end. Layers are consumed in the order in which they are listed.
 */
#ifndef TSM_NETWORK_WIRING_H
#define TSM_NETWORK_WIRING_H

#include "model/object.h"

typedef struct tsm_wiring {
    const tsm_model *model;
    tsm_graph *graph;
    int next;       /* layer to be placed */
    tsm_act act;    /* the one that most of the network has */
    char block[56]; /* "base_model.layer1.0" */
} tsm_wiring;

/* Appends a node that reads `input`; named after the block where `name` begins with a dot. */
int tsm_wire(tsm_wiring *w, tsm_op op, const char *name, int input);

/* Places the next layer of the list; or the next two, a convolution and its batch norm. */
int tsm_wire_layer(tsm_wiring *w, int input);
int tsm_wire_conv(tsm_wiring *w, int input);

int tsm_wire_act(tsm_wiring *w, const char *name, int input);

/* A shift of a value of so many channels; the value itself where nothing of them moves. */
int tsm_wire_shift(tsm_wiring *w, const char *name, int input, int channels);

/* A node of two operands. */
int tsm_wire_pair(tsm_wiring *w, tsm_op op, const char *name, int first, int second);

/* MAXPOOL, or AVGPOOL over windows. */
int tsm_wire_pool(tsm_wiring *w, tsm_op op, const char *name, int input, int kernel, int stride, int pad);

#endif
