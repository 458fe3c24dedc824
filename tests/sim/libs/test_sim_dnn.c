/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_dnn.c - the simulated cuDNN: fused convolutions against plain loops, on every engine; misuse is
 * noticed. */
#include "dnn_support.h"

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

int main(void)
{
    Suite *suite = suite_create("simulated cuDNN");
    TCase *tests = tcase_create("graphs");

    tcase_add_loop_test(tests, convolutions, 0, COUNT_OF(cases));
    tcase_add_test(tests, misuse);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
