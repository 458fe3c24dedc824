/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_dnn.c - the simulated cuDNN: fused convolutions against plain loops, on every engine; malformed
 * descriptors get the codes of cuDNN 9.19; misuse is noticed.
 */
#include <cudnn.h>

#include "lib_support.h"

typedef cudnnBackendDescriptor_t desc;

#define DNN_OK(call)                                                                                                 \
    do {                                                                                                             \
        cudnnStatus_t status_ = (call);                                                                              \
        ck_assert_msg(status_ == CUDNN_STATUS_SUCCESS && !tsm_sim_failure(), "%s: %s, %s", #call,                    \
                      cudnnGetErrorString(status_), tsm_sim_failure() ? tsm_sim_failure() : "refused");              \
    } while (0)

/* ---- Descriptors ---- */

/* What a test made, in order; destroyed together. */
static desc made[256];
static int made_count;

static desc make(cudnnBackendDescriptorType_t type)
{
    ck_assert_int_lt(made_count, COUNT_OF(made));
    DNN_OK(cudnnBackendCreateDescriptor(type, &made[made_count]));
    return made[made_count++];
}

static void destroy_all(void)
{
    while (made_count) DNN_OK(cudnnBackendDestroyDescriptor(made[--made_count]));
    assert_nothing_left();
}

static void set(desc to, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                const void *value)
{
    DNN_OK(cudnnBackendSetAttribute(to, name, type, count, value));
}

static void set_part(desc to, cudnnBackendAttributeName_t name, desc part)
{
    set(to, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

typedef struct tensor_spec {
    int64_t id, n, c, h, w, pitch;
    cudnnDataType_t type;
    bool is_virtual;
} tensor_spec;

static desc fill_tensor(const tensor_spec *s)
{
    const int64_t dims[] = { s->n, s->c, s->h, s->w }, alignment = 2;
    const int64_t strides[] = { s->h * s->w * s->pitch, 1, s->w * s->pitch, s->pitch };
    desc tensor = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);

    set(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &s->type);
    set(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    set(tensor, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    set(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &s->id);
    set(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    set(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &s->is_virtual);
    return tensor;
}

static desc tensor(int64_t id, int64_t n, int64_t c, int64_t h, int64_t w, int64_t pitch, cudnnDataType_t type,
                   bool is_virtual)
{
    desc made_tensor = fill_tensor(&(tensor_spec){ id, n, c, h, w, pitch, type, is_virtual });

    DNN_OK(cudnnBackendFinalize(made_tensor));
    return made_tensor;
}

static desc fill_convolution(int64_t stride, int64_t pad)
{
    const int64_t rank = 2, ones[] = { 1, 1 }, strides[] = { stride, stride }, pads[] = { pad, pad };
    const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    desc conv = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

    set(conv, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &rank);
    set(conv, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    set(conv, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(conv, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    set(conv, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    set(conv, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
    set(conv, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
    return conv;
}

static desc conv_operation(desc x, desc w, desc y, desc shape, cudnnStatus_t want)
{
    desc operation = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);

    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, shape);
    ck_assert_int_eq(cudnnBackendFinalize(operation), want);
    return operation;
}

static desc pointwise_operation(cudnnPointwiseMode_t mode, double upper, desc x, desc other, desc y,
                                cudnnStatus_t want)
{
    desc pointwise = make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR), operation;

    set(pointwise, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    if (upper > 0) set(pointwise, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 1, &upper);
    DNN_OK(cudnnBackendFinalize(pointwise));
    operation = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise);
    set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (other) set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, other);
    set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    ck_assert_int_eq(cudnnBackendFinalize(operation), want);
    return operation;
}

static desc graph_of(cudnnHandle_t handle, int count, desc *operations, cudnnStatus_t want)
{
    desc graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);

    set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, operations);
    ck_assert_int_eq(cudnnBackendFinalize(graph), want);
    return graph;
}

/* Configurations of a mode, appended to `configs`; returns the new count. */
static int query(desc graph, cudnnBackendHeurMode_t mode, desc *configs, int count)
{
    desc heuristics = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    int64_t found = 0;

    set_part(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    DNN_OK(cudnnBackendFinalize(heuristics));
    DNN_OK(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0,
                                    &found, NULL));
    for (int64_t i = 0; i < found; i++) configs[count + i] = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    DNN_OK(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, found,
                                    &found, configs + count));
    return count + (int)found;
}

/* ---- Convolutions against plain loops ---- */

enum { X = 1, W, Z, BIAS, Y, FIRST_VIRTUAL = 16 };

typedef struct conv_case {
    int n, c, h, w, k, kernel, stride, pad, groups, gap;
    bool residual;
    double clip; /* -1: no activation, 0: ReLU, 6: ReLU6 */
    cudnnDataType_t type;
} conv_case;

static const conv_case cases[] = {
    { 2, 5, 7, 6, 9, 3, 1, 1, 1, 0, true, 0, CUDNN_DATA_FLOAT },
    { 1, 4, 15, 13, 17, 7, 2, 3, 1, 0, false, 0, CUDNN_DATA_FLOAT },
    { 2, 16, 5, 5, 24, 1, 2, 0, 1, 8, false, -1, CUDNN_DATA_HALF },
    { 2, 16, 6, 5, 16, 3, 1, 1, 1, 8, true, 0, CUDNN_DATA_HALF },
    { 1, 12, 6, 5, 18, 3, 2, 1, 3, 0, true, 6, CUDNN_DATA_BFLOAT16 },
    { 1, 8, 9, 9, 8, 3, 1, 0, 8, 4, false, 6, CUDNN_DATA_FLOAT },
};

typedef struct conv_run {
    conv_case c;
    int oh, ow, x_pitch, y_pitch;
    cudnnHandle_t handle;
    tsm_dtype dtype;
    size_t x_count, w_count, y_count;
    float *x, *w, *z, *bias;
    char *device_x, *device_w, *device_z, *device_bias, *device_y, *workspace;
    desc configs[32];
    int config_count;
} conv_run;

#define WORKSPACE (1u << 20)

static desc build_graph(conv_run *r)
{
    const conv_case *c = &r->c;
    const cudnnDataType_t type = c->type, wide = CUDNN_DATA_FLOAT;
    desc x = tensor(X, c->n, c->c, c->h, c->w, r->x_pitch, type, false), operations[4], value;
    desc w = tensor(W, c->k, c->c / c->groups, c->kernel, c->kernel, c->c / c->groups, type, false);
    desc bias = tensor(BIAS, 1, c->k, 1, 1, c->k, type, false), shape = fill_convolution(c->stride, c->pad);
    desc y = tensor(Y, c->n, c->k, r->oh, r->ow, r->y_pitch, type, false), next;
    int count = 0;

    DNN_OK(cudnnBackendFinalize(shape));
    value = tensor(FIRST_VIRTUAL, c->n, c->k, r->oh, r->ow, c->k, wide, true);
    operations[count++] = conv_operation(x, w, value, shape, CUDNN_STATUS_SUCCESS);
    if (c->residual) {
        desc z = tensor(Z, c->n, c->k, r->oh, r->ow, r->y_pitch, type, false);
        next = tensor(FIRST_VIRTUAL + 1, c->n, c->k, r->oh, r->ow, c->k, wide, true);
        operations[count++] = pointwise_operation(CUDNN_POINTWISE_ADD, 0, value, z, next, CUDNN_STATUS_SUCCESS);
        value = next;
    }
    next = c->clip < 0 ? y : tensor(FIRST_VIRTUAL + 2, c->n, c->k, r->oh, r->ow, c->k, wide, true);
    operations[count++] = pointwise_operation(CUDNN_POINTWISE_ADD, 0, value, bias, next, CUDNN_STATUS_SUCCESS);
    if (c->clip >= 0)
        operations[count++] =
            pointwise_operation(CUDNN_POINTWISE_RELU_FWD, c->clip, next, NULL, y, CUDNN_STATUS_SUCCESS);
    return graph_of(r->handle, count, operations, CUDNN_STATUS_SUCCESS);
}

static conv_run open_run(const conv_case *c)
{
    conv_run r = { .c = *c };
    desc graph;

    r.oh = (c->h + 2 * c->pad - c->kernel) / c->stride + 1;
    r.ow = (c->w + 2 * c->pad - c->kernel) / c->stride + 1;
    r.x_pitch = c->c + c->gap;
    r.y_pitch = c->k + c->gap;
    r.dtype = c->type == CUDNN_DATA_FLOAT ? TSM_FLOAT32 : c->type == CUDNN_DATA_HALF ? TSM_FLOAT16 : TSM_BFLOAT16;
    r.x_count = (size_t)(c->n * c->h * c->w * r.x_pitch);
    r.w_count = (size_t)(c->k * c->kernel * c->kernel * (c->c / c->groups));
    r.y_count = (size_t)(c->n * r.oh * r.ow * r.y_pitch);
    r.device_x = device_values(&r.x, r.x_count, 1, r.dtype, 0);
    r.device_w = device_values(&r.w, r.w_count, 2, r.dtype, 0);
    r.device_z = device_values(&r.z, r.y_count, 3, r.dtype, 0);
    r.device_bias = device_values(&r.bias, (size_t)c->k, 4, r.dtype, 0);
    r.device_y = device_room(r.y_count * dtype_bytes(r.dtype), 0);
    r.workspace = device_room(WORKSPACE, 0);
    DNN_OK(cudnnCreate(&r.handle));
    graph = build_graph(&r);
    r.config_count = query(graph, CUDNN_HEUR_MODE_A, r.configs, 0);
    r.config_count = query(graph, CUDNN_HEUR_MODE_FALLBACK, r.configs, r.config_count);
    return r;
}

static void close_run(conv_run *r)
{
    char *const memory[] = { r->device_x, r->device_w, r->device_z, r->device_bias, r->device_y, r->workspace };
    float *const host[] = { r->x, r->w, r->z, r->bias };

    for (int i = 0; i < COUNT_OF(memory); i++) DEVICE_OK(cudaFree(memory[i]));
    for (int i = 0; i < COUNT_OF(host); i++) free(host[i]);
    DNN_OK(cudnnDestroy(r->handle));
    destroy_all();
}

/* NULL where the engine does not support the graph after all. */
static desc plan_of(const conv_run *r, int config)
{
    desc plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    cudnnStatus_t status;

    set(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &r->handle);
    set_part(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, r->configs[config]);
    status = cudnnBackendFinalize(plan);
    ck_assert(status == CUDNN_STATUS_SUCCESS || status == CUDNN_STATUS_NOT_SUPPORTED);
    return status == CUDNN_STATUS_SUCCESS ? plan : NULL;
}

static desc pack_of(const conv_run *r, const void *x, void *workspace)
{
    const int64_t ids[] = { X, W, BIAS, Y, Z };
    const void *pointers[] = { x, r->device_w, r->device_bias, r->device_y, r->device_z };
    desc pack = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);

    set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 5, ids);
    set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 5, pointers);
    set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    DNN_OK(cudnnBackendFinalize(pack));
    return pack;
}

static float expected(const conv_run *r, int n, int y, int x, int k)
{
    const conv_case *c = &r->c;
    const int depth = c->c / c->groups, group = k / (c->k / c->groups);
    const size_t at = (size_t)(((n * r->oh + y) * r->ow + x) * r->y_pitch + k);
    double sum = 0;

    for (int i = 0; i < c->kernel; i++)
        for (int j = 0; j < c->kernel; j++)
            for (int d = 0; d < depth; d++) {
                int h = y * c->stride - c->pad + i, w = x * c->stride - c->pad + j;
                if (h < 0 || h >= c->h || w < 0 || w >= c->w) continue;
                sum += (double)r->x[((n * c->h + h) * c->w + w) * r->x_pitch + group * depth + d] *
                       (double)r->w[((k * c->kernel + i) * c->kernel + j) * depth + d];
            }
    sum += (double)r->bias[k] + (c->residual ? (double)r->z[at] : 0);
    if (c->clip >= 0 && sum < 0) sum = 0;
    return (float)(c->clip > 0 && sum > c->clip ? c->clip : sum);
}

/* What an engine says of itself decides how close it must be. */
static double tolerance_of(const conv_run *r, int config)
{
    desc engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendNumericalNote_t notes[8];
    int64_t found = 0;
    double tolerance = sum_tolerance(r->dtype, r->c.c * r->c.kernel * r->c.kernel);

    DNN_OK(cudnnBackendGetAttribute(r->configs[config], CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                    &found, &engine));
    DNN_OK(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, 8, &found,
                                    notes));
    for (int64_t i = 0; i < found; i++) {
        if (notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE && r->dtype == TSM_FLOAT32) tolerance += 0x1p-10;
        if (notes[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) tolerance += 0x1p-8;
    }
    return tolerance;
}

START_TEST(convolutions)
{
    conv_run r = open_run(&cases[_i]);
    float *want = malloc(r.y_count * sizeof *want);
    int ran = 0, refused = 0;

    for (int config = 0; config < r.config_count; config++) {
        desc plan = plan_of(&r, config);

        refused += !plan;
        if (!plan) continue;
        DEVICE_OK(cudaMemsetAsync(r.device_y, 0x11, r.y_count * dtype_bytes(r.dtype), NULL));
        float *before = device_result(r.device_y, r.y_count, r.dtype);
        DNN_OK(cudnnBackendExecute(r.handle, plan, pack_of(&r, r.device_x, r.workspace)));
        float *got = device_result(r.device_y, r.y_count, r.dtype);
        for (int i = 0; i < (int)r.y_count; i++) {
            int pixel = i / r.y_pitch, k = i % r.y_pitch;
            want[i] =
                k < r.c.k ? expected(&r, pixel / (r.oh * r.ow), pixel / r.ow % r.oh, pixel % r.ow, k) : before[i];
        }
        assert_close(got, want, r.y_count, tolerance_of(&r, config), "convolution");
        free(before);
        free(got);
        ran++;
    }
    ck_assert_int_ge(ran, 5);
    ck_assert_int_eq(refused, 1);
    free(want);
    close_run(&r);
}
END_TEST

/* ---- Plans as text ---- */

/* malloc'ed. */
static char *text_of(desc plan)
{
    int64_t length = 0;
    char *text;

    DNN_OK(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0, &length,
                                    NULL));
    text = calloc((size_t)length + 1, 1);
    DNN_OK(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, length,
                                    &length, text));
    return text;
}

static desc fill_from_text(cudnnHandle_t handle, const char *text)
{
    desc plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);

    if (handle) set(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    set(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(text), text);
    return plan;
}

static float *run_plan(const conv_run *r, desc plan)
{
    DEVICE_OK(cudaMemsetAsync(r->device_y, 0x11, r->y_count * dtype_bytes(r->dtype), NULL));
    DNN_OK(cudnnBackendExecute(r->handle, plan, pack_of(r, r->device_x, r->workspace)));
    return device_result(r->device_y, r->y_count, r->dtype);
}

static int64_t engine_of(desc plan)
{
    desc config = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR), engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    int64_t found = 0, index = -1;

    DNN_OK(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                    &found, &config));
    DNN_OK(cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &found,
                                    &engine));
    DNN_OK(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &found, &index));
    return index;
}

/* A plan of a text is the plan that the text was of: engine, bits and text. */
START_TEST(texts_make_plans)
{
    conv_run r = open_run(&cases[_i]);

    for (int config = 0; config < r.config_count; config += 2) {
        desc plan = plan_of(&r, config), again;
        char *text, *second;
        float *want, *got;

        if (!plan) continue;
        text = text_of(plan);
        again = fill_from_text(r.handle, text);
        DNN_OK(cudnnBackendFinalize(again));
        ck_assert_int_eq(engine_of(again), engine_of(plan));
        second = text_of(again);
        ck_assert_str_eq(second, text);
        want = run_plan(&r, plan);
        got = run_plan(&r, again);
        assert_bytes(got, want, r.y_count * sizeof *got, "the plan of a text");
        free(got);
        free(want);
        free(second);
        free(text);
    }
    close_run(&r);
}
END_TEST

/* Cut off anywhere it is refused; where cuDNN 9.19 ends the process there is a failure. */
START_TEST(texts_are_refused)
{
    conv_run r = open_run(&cases[0]);
    char *text = text_of(plan_of(&r, 1)), *name = strstr(text, "\"name\":\"") + 8;

    for (size_t length = strlen(text) - 1; length > 0; length -= length > 40 ? 40 : 1) {
        desc plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);

        set(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &r.handle);
        set(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)length, text);
        ck_assert_int_eq(cudnnBackendFinalize(plan), CUDNN_STATUS_BAD_PARAM);
        DNN_OK(cudnnBackendDestroyDescriptor(made[--made_count]));
    }
    ck_assert_int_eq(cudnnBackendFinalize(fill_from_text(NULL, text)), CUDNN_STATUS_BAD_PARAM);
    assert_failed("cudnnBackendFinalize", "without a handle");
    *name = 'x';
    ck_assert_int_eq(cudnnBackendFinalize(fill_from_text(r.handle, text)), CUDNN_STATUS_BAD_PARAM);
    assert_failed("cudnnBackendFinalize", "no number");
    free(text);
    close_run(&r);
}
END_TEST

START_TEST(misuse)
{
    conv_run r = open_run(&cases[3]);
    const size_t x_bytes = r.x_count * dtype_bytes(r.dtype);
    char *fresh = device_room(x_bytes, 0);
    float host[16] = { 0 };
    desc plan = NULL, hungry = NULL;

    for (int i = 0; i < r.config_count; i++) {
        desc made_plan = plan_of(&r, i);
        int64_t workspace = 0, found = 0;

        if (!made_plan) continue;
        DNN_OK(cudnnBackendGetAttribute(made_plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                                        &found, &workspace));
        *(workspace ? &hungry : &plan) = made_plan;
    }
    ck_assert_int_ne(cudnnBackendExecute(r.handle, plan, pack_of(&r, host, NULL)), CUDNN_STATUS_SUCCESS);
    assert_failed("cudnnBackendExecute", "tensor 1: is host memory");
    ck_assert_int_ne(cudnnBackendExecute(r.handle, plan, pack_of(&r, r.device_x + 32, NULL)), CUDNN_STATUS_SUCCESS);
    assert_failed("cudnnBackendExecute", "tensor 1: its");
    ck_assert_int_ne(cudnnBackendExecute(r.handle, plan, pack_of(&r, r.device_x + 1, NULL)), CUDNN_STATUS_SUCCESS);
    assert_failed("cudnnBackendExecute", "tensor 1: is not a multiple of 2");
    ck_assert_int_ne(cudnnBackendExecute(r.handle, hungry, pack_of(&r, r.device_x, NULL)), CUDNN_STATUS_SUCCESS);
    assert_failed("cudnnBackendExecute", "workspace: is NULL");
    if (tsm_sim_instrumented()) {
        ck_assert_int_ne(cudnnBackendExecute(r.handle, plan, pack_of(&r, fresh, NULL)), CUDNN_STATUS_SUCCESS);
        assert_failed("cudnnBackendExecute", "tensor 1: reads what nobody has written");
    }
    DEVICE_OK(cudaFree(fresh));
    ck_assert_int_ne(cudnnBackendExecute(r.handle, plan, pack_of(&r, fresh, NULL)), CUDNN_STATUS_SUCCESS);
    assert_failed("cudnnBackendExecute", "freed allocation");
    close_run(&r);
    ck_assert_int_ne(cudnnBackendFinalize(plan), CUDNN_STATUS_SUCCESS);
    assert_failed("cudnnBackendFinalize", "any more");
}
END_TEST

/* ---- Codes, as cuDNN 9.19 gave them for the same calls ---- */

START_TEST(codes_of_attributes)
{
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const int64_t one = 1, many[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    int64_t found = 0, id = 0;
    desc open = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR), final = tensor(1, 1, 8, 4, 4, 8, type, false), none = NULL;

    ck_assert_int_eq(cudnnBackendCreateDescriptor((cudnnBackendDescriptorType_t)9999, &none), 4003);
    ck_assert_int_eq(cudnnBackendFinalize(open), 2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &type),
                     2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_INT64, 1, &one), 2010);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 2, many),
                     2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, NULL),
                     2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 9, many), 0);
    ck_assert_int_eq(cudnnBackendSetAttribute(final, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &one), 2000);
    ck_assert_int_eq(cudnnBackendFinalize(final), 2000);
    ck_assert_int_eq(cudnnBackendGetAttribute(open, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &found, &id),
                     1001);
    ck_assert_int_eq(cudnnBackendGetAttribute(final, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &found, &id),
                     0);
    ck_assert(found == 1 && id == 1);
    ck_assert_int_eq(cudnnBackendGetAttribute(final, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1, &found, &id),
                     2010);
    ck_assert_int_eq(
        cudnnBackendGetAttribute(final, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &found, &id), 2000);
    for (int i = 0; i < 20; i++) {
        if (cudnnBackendCreateDescriptor((cudnnBackendDescriptorType_t)i, &none) != CUDNN_STATUS_SUCCESS) continue;
        /* Alone of all, a pointwise descriptor has a default for everything. */
        ck_assert_int_eq(cudnnBackendFinalize(none), i == CUDNN_BACKEND_POINTWISE_DESCRIPTOR ? 0 : 2000);
        ck_assert_int_eq(cudnnBackendDestroyDescriptor(none), 0);
    }
    destroy_all();
}
END_TEST

START_TEST(codes_of_operations)
{
    const cudnnDataType_t f = CUDNN_DATA_FLOAT;
    const cudnnStatus_t good = CUDNN_STATUS_SUCCESS, bad = CUDNN_STATUS_BAD_PARAM;
    desc x = tensor(1, 1, 8, 6, 6, 8, f, false), w = tensor(2, 16, 8, 3, 3, 8, f, false),
         y = tensor(3, 1, 16, 6, 6, 16, f, true);
    desc shape = fill_convolution(1, 1), z = tensor(4, 1, 16, 6, 6, 16, f, false),
         out = tensor(5, 1, 16, 6, 6, 16, f, false);
    desc conv, add, relu;

    ck_assert_int_eq(cudnnBackendFinalize(fill_convolution(1, -1)), bad);
    DNN_OK(cudnnBackendFinalize(shape));
    conv = conv_operation(x, w, y, shape, good);
    conv_operation(x, tensor(2, 16, 4, 3, 3, 4, f, false), y, shape, good);
    conv_operation(x, w, tensor(3, 1, 16, 5, 6, 16, f, true), shape, bad);
    conv_operation(x, tensor(2, 16, 3, 3, 3, 3, f, false), y, shape, bad);
    conv_operation(fill_tensor(&(tensor_spec){ 1, 1, 8, 6, 6, 8, f, false }), w, y, shape, bad);
    add = pointwise_operation(CUDNN_POINTWISE_ADD, 0, y, z, out, good);
    pointwise_operation(CUDNN_POINTWISE_ADD, 0, y, NULL, out, bad);
    relu = pointwise_operation(CUDNN_POINTWISE_RELU_FWD, 0, y, NULL, out, good);
    graph_of(NULL, 2, (desc[]){ conv, add }, good);
    graph_of(NULL, 2, (desc[]){ add, conv }, good);
    graph_of(NULL, 1, (desc[]){ conv }, good);
    graph_of(NULL, 3, (desc[]){ conv, add, relu }, bad);
    graph_of(NULL, 2, (desc[]){ conv, conv }, bad);
    add = pointwise_operation(CUDNN_POINTWISE_ADD, 0, y, z, tensor(1, 1, 16, 6, 6, 16, f, false), good);
    graph_of(NULL, 2, (desc[]){ conv, add }, bad);
    desc open = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR),
         graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    ck_assert_int_eq(
        cudnnBackendSetAttribute(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &open),
        2004);
    destroy_all();
}
END_TEST

/* A graph that no engine takes has no heuristics. */
START_TEST(unsupported_graphs)
{
    const cudnnDataType_t f = CUDNN_DATA_FLOAT;
    const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    desc x = tensor(1, 1, 8, 6, 6, 8, f, false), out = tensor(5, 1, 8, 6, 6, 8, f, false);
    desc lone = pointwise_operation(CUDNN_POINTWISE_RELU_FWD, 0, x, NULL, out, CUDNN_STATUS_SUCCESS);
    desc heuristics = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);

    set_part(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_of(NULL, 1, &lone, CUDNN_STATUS_SUCCESS));
    set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    ck_assert_int_eq(cudnnBackendFinalize(heuristics), CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
    destroy_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulated cuDNN");
    TCase *tests = tcase_create("graphs");

    tcase_add_loop_test(tests, convolutions, 0, COUNT_OF(cases));
    tcase_add_loop_test(tests, texts_make_plans, 0, COUNT_OF(cases));
    tcase_add_test(tests, texts_are_refused);
    tcase_add_test(tests, misuse);
    tcase_add_test(tests, codes_of_attributes);
    tcase_add_test(tests, codes_of_operations);
    tcase_add_test(tests, unsupported_graphs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
