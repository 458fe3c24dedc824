/* dnnl_shim.c - see dnnl_shim.h. Functions that differ between oneDNN 2 and 3 come first, in pairs. */
#include "dnnl_shim.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

#if DNNL_VERSION_MAJOR >= 3

static dnnl_status_t layout_strided(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims,
                                    const dnnl_dims_t strides)
{
    return dnnl_memory_desc_create_with_strides(layout, ndim, dims, dnnl_f32, strides);
}

static dnnl_status_t layout_any(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims)
{
    return dnnl_memory_desc_create_with_tag(layout, ndim, dims, dnnl_f32, dnnl_format_tag_any);
}

static dnnl_status_t layout_copy(tsm_dnnl_layout *layout, const_dnnl_memory_desc_t from)
{
    return dnnl_memory_desc_clone(layout, from);
}

void tsm_dnnl_layout_destroy(tsm_dnnl_layout *layout)
{
    if (*layout) dnnl_memory_desc_destroy(*layout);
    *layout = NULL;
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}

static dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta)
{
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
}

static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                                 dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(desc, engine, layouts[0], layouts[1], layouts[2], layouts[3], attr);
}

static dnnl_status_t conv_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                               const dnnl_dims_t stride, const dnnl_dims_t pad, dnnl_primitive_attr_t attr)
{
    const dnnl_dims_t dilation = { 0, 0 };

    return dnnl_convolution_forward_primitive_desc_create(desc, engine, dnnl_forward_inference,
                                                          dnnl_convolution_direct, layouts[0], layouts[1], layouts[2],
                                                          layouts[3], stride, dilation, pad, pad, attr);
}

static dnnl_status_t reorder_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, tsm_dnnl_layout from,
                                  tsm_dnnl_layout to)
{
    return dnnl_reorder_primitive_desc_create(desc, from, engine, to, engine, NULL);
}

#else

static tsm_dnnl_layout layout_new(const dnnl_memory_desc_t *from)
{
    tsm_dnnl_layout layout = tsm_alloc_zero(1, sizeof *layout);

    if (layout) *layout = *from;
    return layout;
}

static dnnl_status_t layout_strided(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims,
                                    const dnnl_dims_t strides)
{
    dnnl_memory_desc_t desc;
    dnnl_status_t status = dnnl_memory_desc_init_by_strides(&desc, ndim, dims, dnnl_f32, strides);

    if (status != dnnl_success) return status;
    return (*layout = layout_new(&desc)) ? dnnl_success : dnnl_out_of_memory;
}

static dnnl_status_t layout_any(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims)
{
    dnnl_memory_desc_t desc;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&desc, ndim, dims, dnnl_f32, dnnl_format_tag_any);

    if (status != dnnl_success) return status;
    return (*layout = layout_new(&desc)) ? dnnl_success : dnnl_out_of_memory;
}

static dnnl_status_t layout_copy(tsm_dnnl_layout *layout, const dnnl_memory_desc_t *from)
{
    return (*layout = layout_new(from)) ? dnnl_success : dnnl_out_of_memory;
}

void tsm_dnnl_layout_destroy(tsm_dnnl_layout *layout)
{
    tsm_free(*layout);
    *layout = NULL;
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f);
}

static dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
}

static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                                 dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t op;
    dnnl_status_t status = dnnl_matmul_desc_init(&op, layouts[0], layouts[1], layouts[2], layouts[3]);

    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(desc, &op, attr, engine, NULL);
}

static dnnl_status_t conv_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                               const dnnl_dims_t stride, const dnnl_dims_t pad, dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t op;
    dnnl_status_t status =
        dnnl_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct, layouts[0],
                                           layouts[1], layouts[2], layouts[3], stride, pad, pad);

    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(desc, &op, attr, engine, NULL);
}

static dnnl_status_t reorder_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, tsm_dnnl_layout from,
                                  tsm_dnnl_layout to)
{
    return dnnl_reorder_primitive_desc_create(desc, from, engine, to, engine, NULL);
}

#endif

/* ---- Layouts ------------------------------------------------------------------------------------------------ */

tsm_status tsm_dnnl_layout_clone(tsm_dnnl_layout *layout, tsm_dnnl_layout from, tsm_error *error)
{
    TSM_DNNL(layout_copy(layout, from));
    return TSM_OK;
}

bool tsm_dnnl_layout_equal(tsm_dnnl_layout a, tsm_dnnl_layout b)
{
    return dnnl_memory_desc_equal(a, b) != 0;
}

size_t tsm_dnnl_layout_bytes(tsm_dnnl_layout layout)
{
    return dnnl_memory_desc_get_size(layout);
}

tsm_status tsm_dnnl_matmul_plain(tsm_dnnl_layout *layout, int64_t n, int64_t k, tsm_error *error)
{
    const dnnl_dims_t dims = { k, n }, strides = { 1, k };

    TSM_DNNL(layout_strided(layout, 2, dims, strides));
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

    TSM_DNNL(layout_strided(layout, ndim, dims, strides));
    return TSM_OK;
}

static dnnl_status_t layout_nhwc(tsm_dnnl_layout *layout, int64_t n, int64_t c, int64_t h, int64_t w)
{
    const dnnl_dims_t dims = { n, c, h, w }, strides = { h * w * c, 1, w * c, c };

    return layout_strided(layout, 4, dims, strides);
}

static dnnl_status_t layout_rows(tsm_dnnl_layout *layout, int64_t rows, int64_t columns)
{
    const dnnl_dims_t dims = { rows, columns }, strides = { columns, 1 };

    return layout_strided(layout, 2, dims, strides);
}

/* ---- Ops ---------------------------------------------------------------------------------------------------- */

static dnnl_status_t attr_create(dnnl_primitive_attr_t *attr, const tsm_dnnl_epilogue *epilogue)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attr);

    if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success) status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && epilogue->sum) status = append_sum(ops);
    if (status == dnnl_success && epilogue->act == TSM_ACT_RELU)
        status = append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
    if (status == dnnl_success && epilogue->act == TSM_ACT_RELU6)
        status = append_eltwise(ops, dnnl_eltwise_clip, 0, 6);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    if (ops) dnnl_post_ops_destroy(ops);
    return status;
}

/* Compiles `desc` into op->primitive and takes over the layouts that it settled on. */
static dnnl_status_t op_finish(tsm_dnnl_op *op, const_dnnl_primitive_desc_t desc)
{
    dnnl_status_t status = layout_copy(&op->weights, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0));

    if (status == dnnl_success)
        status = layout_copy(&op->scratch, dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0));
    if (status == dnnl_success) status = dnnl_primitive_create(&op->primitive, desc);
    if (status == dnnl_success) {
        op->weight_bytes = tsm_dnnl_layout_bytes(op->weights);
        op->scratch_bytes = tsm_dnnl_layout_bytes(op->scratch);
    }
    return status;
}

static dnnl_status_t matmul_layouts(tsm_dnnl_op *op, const tsm_dnnl_matmul *what, tsm_dnnl_layout *any)
{
    const dnnl_dims_t weight_dims = { what->k, what->n };
    dnnl_status_t status = layout_rows(&op->source, what->m, what->k);

    if (status == dnnl_success) status = layout_rows(&op->destination, what->m, what->n);
    if (status == dnnl_success && what->epilogue.bias) status = layout_rows(&op->bias, 1, what->n);
    if (status == dnnl_success) status = layout_any(any, 2, weight_dims);
    return status;
}

tsm_status tsm_dnnl_matmul_create(tsm_dnnl_op *op, dnnl_engine_t engine, const tsm_dnnl_matmul *what,
                                  tsm_error *error)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t desc = NULL;
    tsm_dnnl_layout any = NULL;
    tsm_status status = TSM_OK;

    memset(op, 0, sizeof *op);
    TSM_DNNL_TRY(attr_create(&attr, &what->epilogue));
    TSM_DNNL_TRY(matmul_layouts(op, what, &any));
    const tsm_dnnl_layout layouts[4] = { op->source, any, op->bias, op->destination };
    TSM_DNNL_TRY(matmul_desc(&desc, engine, layouts, attr));
    TSM_DNNL_TRY(op_finish(op, desc));
fail:
    if (status != TSM_OK) tsm_dnnl_op_clear(op);
    tsm_dnnl_layout_destroy(&any);
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
    if (status == dnnl_success && what->epilogue.bias) status = layout_strided(&op->bias, 1, bias_dims, bias_strides);
    if (status == dnnl_success) status = layout_any(any, ndim, dims);
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
    TSM_DNNL_TRY(conv_desc(&desc, engine, layouts, stride, pad, attr));
    TSM_DNNL_TRY(op_finish(op, desc));
fail:
    if (status != TSM_OK) tsm_dnnl_op_clear(op);
    tsm_dnnl_layout_destroy(&any);
    if (desc) dnnl_primitive_desc_destroy(desc);
    if (attr) dnnl_primitive_attr_destroy(attr);
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

/* ---- Execution ---------------------------------------------------------------------------------------------- */

tsm_status tsm_dnnl_reorder(dnnl_engine_t engine, tsm_dnnl_layout from_layout, const void *from,
                            tsm_dnnl_layout to_layout, void *to, tsm_error *error)
{
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t memory[2] = { NULL, NULL };
    dnnl_stream_t stream = NULL;
    tsm_status status = TSM_OK;

    TSM_DNNL_TRY(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    TSM_DNNL_TRY(reorder_desc(&desc, engine, from_layout, to_layout));
    TSM_DNNL_TRY(dnnl_primitive_create(&primitive, desc));
    TSM_DNNL_TRY(dnnl_memory_create(&memory[0], from_layout, engine, (void *)(uintptr_t)from));
    TSM_DNNL_TRY(dnnl_memory_create(&memory[1], to_layout, engine, to));
    const dnnl_exec_arg_t args[2] = { { DNNL_ARG_FROM, memory[0] }, { DNNL_ARG_TO, memory[1] } };
    TSM_DNNL_TRY(dnnl_primitive_execute(primitive, stream, 2, args));
    TSM_DNNL_TRY(dnnl_stream_wait(stream));
fail:
    for (int i = 0; i < 2; i++) {
        if (memory[i]) dnnl_memory_destroy(memory[i]);
    }
    if (primitive) dnnl_primitive_destroy(primitive);
    if (desc) dnnl_primitive_desc_destroy(desc);
    if (stream) dnnl_stream_destroy(stream);
    return status;
}

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
        TSM_DNNL_TRY(dnnl_memory_create(memory, edges[i].layout, engine, (void *)(uintptr_t)edges[i].data));
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

dnnl_status_t tsm_dnnl_execute(const tsm_dnnl_bound *bound)
{
    dnnl_status_t status = dnnl_primitive_execute(bound->op->primitive, bound->stream, bound->count, bound->args);

    return status == dnnl_success ? dnnl_stream_wait(bound->stream) : status;
}
