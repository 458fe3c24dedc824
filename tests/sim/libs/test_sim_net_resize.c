/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_resize.c - plans whose frames come at another size, on the simulated device: resized there to the same
 * bits as on the host, wherever the frames lie, without an allocation or a wait in enqueue.
 */
#include "net_support.h"

#include "resizes.h"

static tsm_engine *make_r18(void)
{
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine *engine = make_cuda_engine(model, TSM_PRECISION_FP32, TSM_SHIFT_AUTO);

    tsm_model_destroy(&model);
    return engine;
}

START_TEST(equals_resized_frames)
{
    set_mode("on", "off");
    begin_case((unsigned)_i);
    tsm_engine *engine = make_r18();

    check_resize(engine, &resizes[_i]);
    tsm_engine_destroy(&engine);
    assert_nothing_left();
}
END_TEST

typedef struct buffers {
    tsm_tensor input, output;
    tsm_memory memory;
} buffers;

static buffers make_buffers(const uint8_t *frames, const tsm_resize *r, tsm_memory memory)
{
    const size_t bytes = RESIZE_IMAGES * resize_frame_bytes(r), out = RESIZE_LOGITS * sizeof(float);
    void *data = NULL, *logits = NULL;
    buffers b = { .memory = memory };

    if (memory == TSM_MEMORY_DEVICE) {
        DEVICE_OK(cudaMalloc(&data, bytes));
        DEVICE_OK(cudaMalloc(&logits, out));
        DEVICE_OK(cudaMemcpy(data, frames, bytes, cudaMemcpyHostToDevice));
        DEVICE_OK(cudaStreamSynchronize(NULL));
    } else {
        DEVICE_OK(cudaMallocHost(&data, bytes));
        DEVICE_OK(cudaMallocHost(&logits, out));
        memcpy(data, frames, bytes);
    }
    b.input = resize_tensor(data, r);
    b.output = logits_tensor(logits, RESIZE_N, RESIZE_LOGITS);
    b.input.memory = b.output.memory = memory;
    return b;
}

static void release_buffers(buffers *b)
{
    if (b->memory == TSM_MEMORY_DEVICE) {
        DEVICE_OK(cudaFree(b->input.data));
        DEVICE_OK(cudaFree(b->output.data));
    } else {
        DEVICE_OK(cudaFreeHost(b->input.data));
        DEVICE_OK(cudaFreeHost(b->output.data));
    }
}

static void read_logits(float got[RESIZE_LOGITS], const buffers *b)
{
    if (b->memory == TSM_MEMORY_DEVICE)
        device_read(got, b->output.data, RESIZE_LOGITS * sizeof *got);
    else
        memcpy(got, b->output.data, RESIZE_LOGITS * sizeof *got);
}

/* Device and pinned memory, with a CUDA graph and without. */
START_TEST(enqueue_neither_allocates_nor_waits)
{
    set_mode(_i & 1 ? "on" : "off", "off");
    const tsm_resize *r = &resizes[1];
    tsm_engine *engine = make_r18();
    tsm_context *context = make_resize_context(engine, r);
    uint8_t *frames = resize_frames(r, 4);
    float want[RESIZE_LOGITS], got[RESIZE_LOGITS];
    buffers b = make_buffers(frames, r, _i & 2 ? TSM_MEMORY_DEVICE : TSM_MEMORY_PINNED);
    cudaStream_t stream = make_stream();
    tsm_error error;

    resize_logits(engine, r, frames, want);
    const tsm_sim_counters before = tsm_sim_count();
    ck_assert_uint_gt(host_allocations(), 0);
    for (int i = 0; i < 2; i++) assert_ok(tsm_enqueue(context, &b.input, &b.output, stream, &error), &error);
    ck_assert_uint_eq(host_allocations(), 0);
    const tsm_sim_counters after = tsm_sim_count();
    ck_assert_uint_eq(after.allocations, before.allocations);
    ck_assert_uint_eq(after.frees, before.frees);
    ck_assert_uint_eq(after.synchronisations, before.synchronisations);
    ck_assert_uint_eq(after.launches, before.launches); /* nothing was waited for, so nothing has run */
    DEVICE_OK(cudaStreamSynchronize(stream));
    read_logits(got, &b);
    assert_bytes(got, want, sizeof want, "enqueued frames");
    release_buffers(&b);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    DEVICE_OK(cudaStreamDestroy(stream));
    free(frames);
    assert_nothing_left();
}
END_TEST

/* The first thing that a context does may be a capture by the caller. */
START_TEST(callers_capture)
{
    set_mode("on", "off");
    const tsm_resize *r = &resizes[0];
    tsm_engine *engine = make_r18();
    tsm_context *context = make_resize_context(engine, r);
    uint8_t *frames = resize_frames(r, 4);
    float want[RESIZE_LOGITS], got[RESIZE_LOGITS];
    buffers b = make_buffers(frames, r, TSM_MEMORY_DEVICE);
    cudaStream_t stream = make_stream();
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    tsm_error error;

    resize_logits(engine, r, frames, want);
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    assert_ok(tsm_enqueue(context, &b.input, &b.output, stream, &error), &error);
    DEVICE_OK(cudaStreamEndCapture(stream, &graph));
    DEVICE_OK(cudaGraphInstantiate(&exec, graph, 0));
    DEVICE_OK(cudaGraphLaunch(exec, stream));
    DEVICE_OK(cudaStreamSynchronize(stream));
    read_logits(got, &b);
    assert_bytes(got, want, sizeof want, "captured by the caller");
    DEVICE_OK(cudaGraphExecDestroy(exec));
    DEVICE_OK(cudaGraphDestroy(graph));
    release_buffers(&b);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    DEVICE_OK(cudaStreamDestroy(stream));
    free(frames);
    assert_nothing_left();
}
END_TEST

/* Tables and arena fail in turn; the context can be planned afterwards. */
START_TEST(device_memory_runs_out)
{
    set_mode("on", "off");
    tsm_engine *engine = make_r18();
    tsm_context *context = make_context(engine, NULL);
    tsm_status status = TSM_ERROR_MEMORY;
    tsm_error error;
    int n = 0;

    while (status != TSM_OK) {
        tsm_sim_fail_allocation(++n);
        status = tsm_context_plan_resize(context, &resize_shape, &resizes[0], &error);
        tsm_sim_fail_allocation(0);
        if (status != TSM_OK) assert_error(status, &error, TSM_ERROR_MEMORY, "cuda");
    }
    ck_assert_int_ge(n, 3);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    assert_nothing_left();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resize on the plugin");
    TCase *tests = tcase_create("resize");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, equals_resized_frames, 0, COUNT_OF(resizes));
    tcase_add_loop_test(tests, enqueue_neither_allocates_nor_waits, 0, 4);
    tcase_add_test(tests, callers_capture);
    tcase_add_test(tests, device_memory_runs_out);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
