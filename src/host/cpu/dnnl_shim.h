/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnnl_shim.h - the little of oneDNN that the CPU backend needs, alike for versions 2 and 3.
 *
 * The C API broke between them: memory and operation descriptors became handles, post-ops lost or gained parameters.
 * Everything that differs is behind dnnl_calls.h, which also keeps exceptions in. An op is a compiled primitive with
 * the layouts it wants; a bound op is one with its buffers, ready to execute without allocation.
 */
#ifndef TSM_CPU_DNNL_SHIM_H
#define TSM_CPU_DNNL_SHIM_H

#include "dnnl_calls.h"
#include "graph/backend.h"

/* Evaluates a oneDNN call once; a failure is recorded with the call and oneDNN's name for it, and returned. */
#define TSM_DNNL(call)                                                                                               \
    do {                                                                                                             \
        dnnl_status_t tsm_dnnl_status_ = (call);                                                                     \
        if (tsm_dnnl_status_ != dnnl_success) return tsm_dnnl_fail(error, tsm_dnnl_status_, #call);                  \
    } while (0)

/* The same with `goto fail` and the code in `status`. */
#define TSM_DNNL_TRY(call)                                                                                           \
    do {                                                                                                             \
        dnnl_status_t tsm_dnnl_status_ = (call);                                                                     \
        if (tsm_dnnl_status_ != dnnl_success) {                                                                      \
            status = tsm_dnnl_fail(error, tsm_dnnl_status_, #call);                                                  \
            goto fail;                                                                                               \
        }                                                                                                            \
    } while (0)

tsm_status tsm_dnnl_fail(tsm_error *error, dnnl_status_t code, const char *expression);

/* "oneDNN 2.6.3", of the library that is loaded. Static string. */
const char *tsm_dnnl_version(void);

/* What happens to a sum of products before it is stored: bias, a factor, the old value of the destination, then
 * act. */
typedef struct tsm_dnnl_epilogue {
    bool bias;
    bool sum;
    tsm_act act;
    float factor; /* 0: none */
} tsm_dnnl_epilogue;

/* How a matrix lies in memory: as the implementation likes best, or in dense rows or columns. */
typedef enum tsm_dnnl_order { TSM_DNNL_LIKED, TSM_DNNL_ROWS, TSM_DNNL_COLUMNS } tsm_dnnl_order;

/* (m,k) x (k,n) -> (m,n), dense rows; weights usually in the layout that is liked best. Rows with a pitch would be
 * refused by version 2's fast kernels. */
typedef struct tsm_dnnl_matmul {
    int64_t m, n, k;
    bool source_columns; /* (m,k) is in dense columns instead */
    tsm_dnnl_order weights;
    tsm_dnnl_epilogue epilogue;
} tsm_dnnl_matmul;

/* Convolution of `images` dense images, channels last; weights as above. */
typedef struct tsm_dnnl_conv {
    int64_t images, h, w, in_channels, oh, ow, out_channels, groups;
    int64_t kernel_h, kernel_w, stride, pad;
    tsm_dnnl_epilogue epilogue;
} tsm_dnnl_conv;

typedef struct tsm_dnnl_op {
    dnnl_primitive_t primitive;
    tsm_dnnl_layout source, weights, bias, destination, scratch;
    size_t weight_bytes, scratch_bytes;
} tsm_dnnl_op;

/* Compiles a primitive for the calling thread's omp_get_max_threads(). Errors: DEVICE, MEMORY. */
tsm_status tsm_dnnl_matmul_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_dnnl_matmul *what,
                                  tsm_error *error);
tsm_status tsm_dnnl_conv_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_dnnl_conv *what, tsm_error *error);
void tsm_dnnl_op_clear(tsm_dnnl_op *op);

/* oneDNN's name for the implementation that it chose, "brgconv:avx512_core". Lives as long as the op. */
const char *tsm_dnnl_op_how(const tsm_dnnl_op *op);

/* Layouts of plain weights: (O,I) or (O,kh,kw,I) as tsm_node_weights writes them, for the matmul or the
 * convolution. */
tsm_status tsm_dnnl_matmul_plain(tsm_dnnl_layout *layout, int64_t n, int64_t k, tsm_error *error);
tsm_status tsm_dnnl_conv_plain(tsm_dnnl_layout *layout, const tsm_dnnl_conv *what, tsm_error *error);

tsm_status tsm_dnnl_layout_clone(tsm_dnnl_layout *layout, tsm_dnnl_layout from, tsm_error *error);
void tsm_dnnl_layout_destroy(tsm_dnnl_layout *layout);
bool tsm_dnnl_layout_equal(tsm_dnnl_layout a, tsm_dnnl_layout b);
size_t tsm_dnnl_layout_bytes(tsm_dnnl_layout layout);

/* Compiles the copy of (k,n) weights that lie in dense rows or columns into the layout that a matmul likes best. Its
 * bounds have no weights and no bias. */
tsm_status tsm_dnnl_pack_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_dnnl_matmul *what,
                                const tsm_dnnl_op *matmul, tsm_dnnl_order order, tsm_error *error);

/* Copies `from` to `to`, changing the layout. Blocking; on the calling thread alone, as oneDNN allocates on the way,
 * and what another thread throws nobody can catch. */
tsm_status tsm_dnnl_reorder(dnnl_engine_t engine, tsm_dnnl_layout from_layout, const void *from,
                            tsm_dnnl_layout to_layout, void *to, tsm_error *error);

/* An op with its buffers. Belongs to one thread at a time; the op must outlive it. */
typedef struct tsm_dnnl_bound {
    const tsm_dnnl_op *op;
    dnnl_stream_t stream;    /* borrowed */
    dnnl_memory_t memory[5]; /* of source and destination first */
    dnnl_exec_arg_t args[5];
    int count;
} tsm_dnnl_bound;

tsm_status tsm_dnnl_bind(tsm_dnnl_bound *bound, const tsm_dnnl_op *op, dnnl_engine_t engine, dnnl_stream_t stream,
                         const float *source, const void *weights, const float *bias, float *destination,
                         void *scratch, tsm_error *error);
void tsm_dnnl_bound_clear(tsm_dnnl_bound *bound);

/* Other source and destination for the executions to come. */
dnnl_status_t tsm_dnnl_bound_move(const tsm_dnnl_bound *bound, const float *source, float *destination);

/* Executes and waits. */
dnnl_status_t tsm_dnnl_execute(const tsm_dnnl_bound *bound);

#endif
