/* SPDX-License-Identifier: Apache-2.0 */
/* prepared.h - a graph ready for the CPU: the oneDNN engine, and every weight in the layouts that plans want. */
#ifndef TSM_CPU_PREPARED_H
#define TSM_CPU_PREPARED_H

#include <pthread.h>

#include "graph/backend.h"
#include "dnnl_shim.h"
#include "inverted.h"
#include "team.h"

/* One weight in one layout. Lives until its graph is released, at a fixed address. */
typedef struct tsm_cpu_pack {
    tsm_dnnl_layout layout; /* NULL: that of gather.h, winograd.h or inverted.h */
    void *data;
    struct tsm_cpu_pack *next;
} tsm_cpu_pack;

struct tsm_prepared {
    const tsm_graph *graph;
    dnnl_engine_t engine;
    int threads;
    tsm_shift_method shift_method; /* COPY, INPLACE, or GATHER where it can be and INPLACE elsewhere */
    uint64_t max_bytes;
    tsm_cancel cancel;
    tsm_cpu_part *parts;  /* of every node */
    tsm_cpu_pack **packs; /* a list per node; only grows, under the lock */
    pthread_mutex_t lock;
    uint64_t weight_bytes;
};

/* The part that a node plays in a block that runs as one. */
static inline tsm_cpu_part tsm_cpu_part_in(const tsm_prepared *prepared, int node)
{
    return prepared->parts[node];
}

/* Whether the block that ends with a PROJECT node has an EXPAND. */
static inline bool tsm_cpu_expands(const tsm_prepared *prepared, int project)
{
    return prepared->parts[project - 2] == TSM_CPU_EXPAND;
}

/* Packs the weights of every CONV and FC node, one layer at a time. */
tsm_status tsm_cpu_weights_prepare(tsm_prepared *prepared, tsm_error *error);
void tsm_cpu_weights_release(tsm_prepared *prepared);

/* Which kernels compute a CONV or FC node; its weights are packed for them alone. */
typedef enum tsm_cpu_way { TSM_CPU_DNNL, TSM_CPU_GATHER, TSM_CPU_WINOGRAD } tsm_cpu_way;

tsm_cpu_way tsm_cpu_way_of(const tsm_graph *graph, tsm_shift_method method, int node);

/* True where a node's shift is done by the addresses that its kernel reads from. */
bool tsm_cpu_shifts_in_load(const tsm_graph *graph, tsm_shift_method method, int node);

/* Pixels a side of the frames that a network is made for. */
int tsm_cpu_usual_side(const tsm_graph *graph);

/* The weights of `node` in `layout` (NULL: as the kernel of ours wants them), repacked from another layout if no plan
 * has wanted this one before. Thread-safe. */
tsm_status tsm_cpu_weights_get(tsm_prepared *prepared, int node, tsm_dnnl_layout layout, const void **data,
                               tsm_error *error);

/* ---- What there is (support.c) ------------------------------------------------------------------------------- */

/* Whether anything runs with `config`; if not, why, in `text`. */
bool tsm_cpu_config_supported(const tsm_backend_config *config, char text[TSM_SUPPORT_TEXT]);

bool tsm_cpu_supports(const tsm_backend_config *config, const tsm_graph *graph, int node,
                      char text[TSM_SUPPORT_TEXT]);

/* The shift method that `wanted` means on this CPU: COPY, INPLACE or GATHER. */
tsm_shift_method tsm_cpu_choose_method(tsm_shift_method wanted);

/* ---- Products (product.c): CONV and FC nodes as oneDNN ops --------------------------------------------------- */

/* True where a node is a matrix product over pixels: FC, and 1x1 convolutions without padding. With a stride it reads
 * the pixels that tsm_cpu_pick_pixels picks. */
bool tsm_cpu_is_matmul(const tsm_node *node);

/* Compiles the op of a node from `in` to `out`; the epilogue is the node's. */
tsm_status tsm_cpu_product_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_node *node, const tsm_dims *in,
                                  const tsm_dims *out, tsm_error *error);

/* The layout in which tsm_node_weights writes the node's weights. */
tsm_status tsm_cpu_product_plain(tsm_dnnl_layout *layout, const tsm_node *node, tsm_error *error);

#endif
