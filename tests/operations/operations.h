/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations.h - one table of what networks are made of, and one way to run a row of it on any backend.
 *
 * A row is a small network with seeded weights: every kind of convolution between others, with every shift before it
 * and every activation behind; attention in all its sizes; the blocks of the families; random graphs.
 * operation_agrees runs it on a backend and compares the logits, and every value on the way that the backend shows,
 * with the plain-C reference, which sums in double. A new operation is a row, or a builder with rows, in the file of
 * its group.
 */
#ifndef TSM_OPERATIONS_OPERATIONS_H
#define TSM_OPERATIONS_OPERATIONS_H

#include "networks.h"

#define OPERATION_NAME 112
#define OPERATION_TEXT 400

typedef enum operation_size {
    OPERATION_PLAIN,
    OPERATION_QUICK, /* one of those in which every operation occurs, for tools and machines that are slow */
    OPERATION_LARGE, /* too much for a simulated device */
    OPERATION_HUGE   /* and for a CPU */
} operation_size;

typedef struct operation {
    const struct operation_group *group;
    char name[OPERATION_NAME];
    network net;
    tsm_shape shape;
    operation_size size;
    double slack;  /* times the tolerance of the precision; deep networks have more than one */
    uint32_t seed; /* of weights and pixels */

    tsm_dims *shapes;
    float *pixels;
    float *want;    /* logits of the graph as it was drawn, before any pass */
    float **values; /* of every node of the graph as it is now */
} operation;

/* Some rows, one idea. `make` fills what stands above `shapes`, from an operation that is zero. */
typedef struct operation_group {
    const char *name;
    int (*count)(void);
    void (*make)(operation *op, int row);
} operation_group;

extern const operation_group operations_of_convolution, operations_of_attention, operations_of_networks,
    operations_at_random;

/* All groups as one table. */
int operation_count(void);
operation_size operation_size_at(int index);
int operation_index(const char *name); /* which must be there */

/* How a backend gets the graph: with shifts, sums and activations as nodes of their own, only norms folded; or as the
 * passes leave it. */
typedef enum operation_form { OPERATION_DRAWN, OPERATION_OPTIMIZED } operation_form;

void operation_open(operation *op, int index, operation_form form);
void operation_close(operation *op);

/* Runs it on a backend twice, with a poisoned output between guards; the second time on an arena full of the first
 * run's values, and with every value shown. False, with one line that says why, where the backend refuses it, the
 * runs give different bits, a guard or the input was written to, or a value is too far from the reference's. */
bool operation_agrees(const operation *op, const tsm_backend *backend, const tsm_backend_config *config,
                      char why[OPERATION_TEXT]);

/* Logits of one run; malloc'ed. */
float *operation_logits(const operation *op, const tsm_backend *backend, const tsm_backend_config *config);

#endif
