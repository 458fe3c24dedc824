/* SPDX-License-Identifier: Apache-2.0 */
/* dnnl_shim.c - see dnnl_shim.h. */
#include "dnnl_shim.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "team.h"

/* Dims and strides are dnnl_dims_t, of which ndim values count: version 2 declares its parameters as whole arrays. */
#define WEIGHT_DIMS 5

static const char *status_text(dnnl_status_t code)
{
    switch (code) {
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "unimplemented";
    case dnnl_runtime_error: return "runtime error";
    default: return "failed";
    }
}

tsm_status tsm_dnnl_fail(tsm_error *error, dnnl_status_t code, const char *expression)
{
    return tsm_fail(error, code == dnnl_out_of_memory ? TSM_ERROR_MEMORY : TSM_ERROR_DEVICE,
                    "oneDNN: %s (%d) in %.300s", status_text(code), (int)code, expression);
}

static char version_text[40];

static void write_version(void)
{
    const dnnl_version_t *version = dnnl_version();

    snprintf(version_text, sizeof version_text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
}

const char *tsm_dnnl_version(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, write_version);
    return version_text;
}

/* ---- Layouts ------------------------------------------------------------------------------------------------ */

tsm_status tsm_dnnl_layout_clone(tsm_dnnl_layout *layout, tsm_dnnl_layout from, tsm_error *error)
{
    TSM_DNNL(tsm_dnnl_try_layout_copy(layout, from));
    return TSM_OK;
}

void tsm_dnnl_layout_destroy(tsm_dnnl_layout *layout)
{
    tsm_dnnl_free_layout(*layout);
    *layout = NULL;
}

bool tsm_dnnl_layout_equal(tsm_dnnl_layout a, tsm_dnnl_layout b)
{
    return dnnl_memory_desc_equal(a, b) != 0;
}

size_t tsm_dnnl_layout_bytes(tsm_dnnl_layout layout)
{
    return dnnl_memory_desc_get_size(layout);
}

static dnnl_status_t layout_matrix(tsm_dnnl_layout *layout, int64_t rows, int64_t columns, tsm_dnnl_order order)
{
    const dnnl_dims_t dims = { rows, columns }, by_row = { columns, 1 }, by_column = { 1, rows };

    if (order == TSM_DNNL_LIKED) return tsm_dnnl_try_layout_any(layout, 2, dims);
    return tsm_dnnl_try_layout_strided(layout, 2, dims, order == TSM_DNNL_ROWS ? by_row : by_column);
}

tsm_status tsm_dnnl_matmul_plain(tsm_dnnl_layout *layout, int64_t n, int64_t k, tsm_error *error)
{
    TSM_DNNL(layout_matrix(layout, k, n, TSM_DNNL_COLUMNS));
    return TSM_OK;
}

/* Fills the dims of (O,I,kh,kw) or, with groups, (g,O/g,I/g,kh,kw) weights, and the strides of (O,kh,kw,I/g). */
static int conv_weight_dims(const tsm_dnnl_conv *what, dnnl_dims_t dims, dnnl_dims_t strides)
{
    const int64_t g = what->groups, in = what->in_channels / g, out = what->out_channels / g;
    const int64_t row = what->kernel_w * in, filter = what->kernel_h * row;
    const int64_t all_dims[WEIGHT_DIMS] = { g, out, in, what->kernel_h, what->kernel_w };
    const int64_t all_strides[WEIGHT_DIMS] = { out * filter, filter, 1, row, in };
    const int first = g > 1 ? 0 : 1;

    memcpy(dims, all_dims + first, (size_t)(WEIGHT_DIMS - first) * sizeof *dims);
    memcpy(strides, all_strides + first, (size_t)(WEIGHT_DIMS - first) * sizeof *strides);
    return WEIGHT_DIMS - first;
}

tsm_status tsm_dnnl_conv_plain(tsm_dnnl_layout *layout, const tsm_dnnl_conv *what, tsm_error *error)
{
    dnnl_dims_t dims, strides;
    const int ndim = conv_weight_dims(what, dims, strides);

    TSM_DNNL(tsm_dnnl_try_layout_strided(layout, ndim, dims, strides));
    return TSM_OK;
}

static dnnl_status_t layout_nhwc(tsm_dnnl_layout *layout, int64_t n, int64_t c, int64_t h, int64_t w)
{
    const dnnl_dims_t dims = { n, c, h, w }, strides = { h * w * c, 1, w * c, c };

    return tsm_dnnl_try_layout_strided(layout, 4, dims, strides);
}

/* ---- Ops ---------------------------------------------------------------------------------------------------- */

static dnnl_status_t append_act(dnnl_post_ops_t ops, tsm_act act)
{
    switch (act) {
    case TSM_ACT_RELU: return tsm_dnnl_try_append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
    case TSM_ACT_RELU6: return tsm_dnnl_try_append_eltwise(ops, dnnl_eltwise_clip, 0, 6);
    case TSM_ACT_LEAKY_RELU: return tsm_dnnl_try_append_eltwise(ops, dnnl_eltwise_relu, TSM_LEAKY_SLOPE, 0);
    case TSM_ACT_SIGMOID: return tsm_dnnl_try_append_eltwise(ops, dnnl_eltwise_logistic, 0, 0);
    case TSM_ACT_NONE:
    case TSM_ACT_COUNT: break;
    }
    return dnnl_success;
}

static dnnl_status_t attr_create(dnnl_primitive_attr_t *attr, const tsm_dnnl_epilogue *epilogue)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = tsm_dnnl_try_post_ops(&ops);

    if (status == dnnl_success && epilogue->factor != 0)
        status = tsm_dnnl_try_append_eltwise(ops, dnnl_eltwise_linear, epilogue->factor, 0);
    if (status == dnnl_success && epilogue->sum) status = tsm_dnnl_try_append_sum(ops);
    if (status == dnnl_success) status = append_act(ops, epilogue->act);
    if (status == dnnl_success) status = tsm_dnnl_try_attr(attr, ops);
    if (ops) dnnl_post_ops_destroy(ops);
    return status;
}

/* Compiles `desc` into op->primitive. */
static dnnl_status_t op_finish(tsm_dnnl_op *op, const_dnnl_primitive_desc_t desc)
{
    dnnl_status_t status =
        tsm_dnnl_try_layout_copy(&op->scratch, dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0));

    if (status == dnnl_success) status = tsm_dnnl_try_primitive(&op->primitive, desc);
    if (status == dnnl_success) op->scratch_bytes = tsm_dnnl_layout_bytes(op->scratch);
    return status;
}

/* The same for a product, and takes over the layout that it settled on for its weights. */
static dnnl_status_t product_finish(tsm_dnnl_op *op, const_dnnl_primitive_desc_t desc)
{
    dnnl_status_t status =
        tsm_dnnl_try_layout_copy(&op->weights, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0));

    if (status == dnnl_success) op->weight_bytes = tsm_dnnl_layout_bytes(op->weights);
    return status == dnnl_success ? op_finish(op, desc) : status;
}

static dnnl_status_t matmul_layouts(tsm_dnnl_op *op, const tsm_dnnl_matmul *what, tsm_dnnl_layout *weights)
{
    const tsm_dnnl_order source = what->source_columns ? TSM_DNNL_COLUMNS : TSM_DNNL_ROWS;
    dnnl_status_t status = layout_matrix(&op->source, what->m, what->k, source);

    if (status == dnnl_success) status = layout_matrix(&op->destination, what->m, what->n, TSM_DNNL_ROWS);
    if (status == dnnl_success && what->epilogue.bias) status = layout_matrix(&op->bias, 1, what->n, TSM_DNNL_ROWS);
    if (status == dnnl_success) status = layout_matrix(weights, what->k, what->n, what->weights);
    return status;
}

tsm_status tsm_dnnl_matmul_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_dnnl_matmul *what,
                                  tsm_error *error)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t desc = NULL;
    tsm_dnnl_layout weights = NULL;
    tsm_status status = TSM_OK;

    memset(op, 0, sizeof *op);
    TSM_DNNL_TRY(attr_create(&attr, &what->epilogue));
    TSM_DNNL_TRY(matmul_layouts(op, what, &weights));
    const tsm_dnnl_layout layouts[4] = { op->source, weights, op->bias, op->destination };
    TSM_DNNL_TRY(tsm_dnnl_try_matmul(&desc, engine, layouts, attr));
    TSM_DNNL_TRY(product_finish(op, desc));
fail:
    if (status != TSM_OK) tsm_dnnl_op_clear(op);
    tsm_dnnl_layout_destroy(&weights);
    if (desc) dnnl_primitive_desc_destroy(desc);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

static dnnl_status_t conv_layouts(tsm_dnnl_op *op, const tsm_dnnl_conv *what, tsm_dnnl_layout *any)
{
    dnnl_dims_t dims, strides;
    const dnnl_dims_t bias_dims = { what->out_channels }, bias_strides = { 1 };
    const int ndim = conv_weight_dims(what, dims, strides);
    dnnl_status_t status = layout_nhwc(&op->source, what->images, what->in_channels, what->h, what->w);

    if (status == dnnl_success)
        status = layout_nhwc(&op->destination, what->images, what->out_channels, what->oh, what->ow);
    if (status == dnnl_success && what->epilogue.bias)
        status = tsm_dnnl_try_layout_strided(&op->bias, 1, bias_dims, bias_strides);
    if (status == dnnl_success) status = tsm_dnnl_try_layout_any(any, ndim, dims);
    return status;
}

tsm_status tsm_dnnl_conv_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_dnnl_conv *what, tsm_error *error)
{
    const dnnl_dims_t stride = { what->stride, what->stride }, pad = { what->pad, what->pad };
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t desc = NULL;
    tsm_dnnl_layout any = NULL;
    tsm_status status = TSM_OK;

    memset(op, 0, sizeof *op);
    TSM_DNNL_TRY(attr_create(&attr, &what->epilogue));
    TSM_DNNL_TRY(conv_layouts(op, what, &any));
    const tsm_dnnl_layout layouts[4] = { op->source, any, op->bias, op->destination };
    TSM_DNNL_TRY(tsm_dnnl_try_conv(&desc, engine, layouts, stride, pad, attr));
    TSM_DNNL_TRY(product_finish(op, desc));
fail:
    if (status != TSM_OK) tsm_dnnl_op_clear(op);
    tsm_dnnl_layout_destroy(&any);
    if (desc) dnnl_primitive_desc_destroy(desc);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

/* A copy between layouts as an op: what it reads is its source, what it writes its destination. */
static tsm_status reorder_create(tsm_dnnl_op *op, dnnl_engine_t engine, tsm_dnnl_layout from, tsm_dnnl_layout to,
                                 tsm_error *error)
{
    const tsm_dnnl_epilogue none = { 0 };
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t desc = NULL;
    tsm_status status = TSM_OK;

    memset(op, 0, sizeof *op);
    TSM_DNNL_TRY(tsm_dnnl_try_layout_copy(&op->source, from));
    TSM_DNNL_TRY(tsm_dnnl_try_layout_copy(&op->destination, to));
    TSM_DNNL_TRY(attr_create(&attr, &none));
    TSM_DNNL_TRY(tsm_dnnl_try_reorder(&desc, engine, from, to, attr));
    TSM_DNNL_TRY(op_finish(op, desc));
fail:
    if (status != TSM_OK) tsm_dnnl_op_clear(op);
    if (desc) dnnl_primitive_desc_destroy(desc);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

tsm_status tsm_dnnl_pack_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_dnnl_matmul *what,
                                const tsm_dnnl_op *matmul, tsm_dnnl_order order, tsm_error *error)
{
    tsm_dnnl_layout plain = NULL;
    tsm_status status = TSM_OK;

    TSM_DNNL_TRY(layout_matrix(&plain, what->k, what->n, order));
    TSM_TRY(reorder_create(op, engine, plain, matmul->weights, error));
fail:
    tsm_dnnl_layout_destroy(&plain);
    return status;
}

void tsm_dnnl_op_clear(tsm_dnnl_op *op)
{
    if (op->primitive) dnnl_primitive_destroy(op->primitive);
    tsm_dnnl_layout_destroy(&op->source);
    tsm_dnnl_layout_destroy(&op->weights);
    tsm_dnnl_layout_destroy(&op->bias);
    tsm_dnnl_layout_destroy(&op->destination);
    tsm_dnnl_layout_destroy(&op->scratch);
    memset(op, 0, sizeof *op);
}

const char *tsm_dnnl_op_how(const tsm_dnnl_op *op)
{
    const_dnnl_primitive_desc_t desc = NULL;
    const char *how = NULL;

    if (dnnl_primitive_get_primitive_desc(op->primitive, &desc) == dnnl_success)
        dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, (void *)&how);
    return how ? how : "unknown";
}

/* ---- Execution ---------------------------------------------------------------------------------------------- */

tsm_status tsm_dnnl_bind(tsm_dnnl_bound *bound, const tsm_dnnl_op *op, dnnl_engine_t engine, dnnl_stream_t stream,
                         const float *source, const void *weights, const float *bias, float *destination,
                         void *scratch, tsm_error *error)
{
    const struct {
        int arg;
        tsm_dnnl_layout layout;
        const void *data;
    } edges[5] = { { DNNL_ARG_SRC, op->source, source },
                   { DNNL_ARG_DST, op->destination, destination },
                   { DNNL_ARG_WEIGHTS, op->weights, weights },
                   { DNNL_ARG_SCRATCHPAD, op->scratch_bytes ? op->scratch : NULL, scratch },
                   { DNNL_ARG_BIAS, op->bias, bias } };
    tsm_status status = TSM_OK;

    memset(bound, 0, sizeof *bound);
    bound->op = op;
    bound->stream = stream;
    for (int i = 0; i < 5; i++) {
        if (!edges[i].layout) continue;
        dnnl_memory_t *memory = &bound->memory[bound->count];
        TSM_DNNL_TRY(tsm_dnnl_try_memory(memory, edges[i].layout, engine, (void *)(uintptr_t)edges[i].data));
        bound->args[bound->count++] = (dnnl_exec_arg_t){ edges[i].arg, *memory };
    }
    return TSM_OK;
fail:
    tsm_dnnl_bound_clear(bound);
    return status;
}

void tsm_dnnl_bound_clear(tsm_dnnl_bound *bound)
{
    for (int i = 0; i < 5; i++) {
        if (bound->memory[i]) dnnl_memory_destroy(bound->memory[i]);
    }
    memset(bound, 0, sizeof *bound);
}

dnnl_status_t tsm_dnnl_bound_move(const tsm_dnnl_bound *bound, const float *source, float *destination)
{
    dnnl_status_t status = dnnl_memory_set_data_handle(bound->memory[0], (void *)(uintptr_t)source);

    return status == dnnl_success ? dnnl_memory_set_data_handle(bound->memory[1], destination) : status;
}

dnnl_status_t tsm_dnnl_execute(const tsm_dnnl_bound *bound)
{
    return tsm_dnnl_try_execute(bound->op->primitive, bound->stream, bound->count, bound->args);
}

tsm_status tsm_dnnl_reorder(dnnl_engine_t engine, tsm_dnnl_layout from_layout, const void *from,
                            tsm_dnnl_layout to_layout, void *to, tsm_error *error)
{
    tsm_dnnl_op op = { 0 };
    tsm_dnnl_bound bound = { 0 };
    dnnl_stream_t stream = NULL;
    void *scratch = NULL;
    const tsm_cpu_threads before = tsm_cpu_threads_enter(1);
    tsm_status status = TSM_OK;

    TSM_DNNL_TRY(tsm_dnnl_try_stream(&stream, engine));
    TSM_TRY(reorder_create(&op, engine, from_layout, to_layout, error));
    scratch = tsm_alloc_aligned(op.scratch_bytes, 1);
    if (!scratch) {
        status = tsm_fail_memory(error, op.scratch_bytes);
        goto fail;
    }
    TSM_TRY(tsm_dnnl_bind(&bound, &op, engine, stream, from, NULL, NULL, to, scratch, error));
    TSM_DNNL_TRY(tsm_dnnl_execute(&bound));
fail:
    tsm_dnnl_bound_clear(&bound);
    tsm_dnnl_op_clear(&op);
    tsm_free(scratch);
    if (stream) dnnl_stream_destroy(stream);
    tsm_cpu_threads_leave(before);
    return status;
}
