/* SPDX-License-Identifier: Apache-2.0 */
/* random_graphs.h - random graphs of everything there is, by whatever draws the numbers. */
#ifndef TSM_OPERATIONS_RANDOM_GRAPHS_H
#define TSM_OPERATIONS_RANDOM_GRAPHS_H

#include "networks.h"

#define RANDOM_GRAPH_VALUES 14 /* at most */

/* A number from 0 to bound - 1. */
typedef int random_draw(void *state, int bound);

/* A network of so many values that are read early, late, twice or never, and a classifier. Its input has 4 channels
 * and may be of any size; its weights follow from `seed`. */
network random_graph(random_draw *draw, void *state, int values, uint32_t seed);

#endif
