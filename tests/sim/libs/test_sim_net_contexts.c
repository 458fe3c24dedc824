/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_contexts.c - engines and contexts of the CUDA plugin on the simulated device: where tensors may lie,
 * whose stream, what a run costs, threads, lack of memory, and devices that are not there.
 */
#include "net_support.h"
#include "threads.h"

enum { N = 2, T = 8, H = 32, W = 40, C = 3, CLASSES = 7, PIXELS = N * T * C * H * W };

static const tsm_shape shape = { N, T, H, W };
static const size_t logit_bytes = N * CLASSES * sizeof(float);

static tsm_engine *make_golden(const char *path, tsm_precision precision)
{
    tsm_model *model = load_model(path);
    tsm_engine *engine = make_cuda_engine(model, precision, TSM_SHIFT_AUTO);

    tsm_model_destroy(&model);
    return engine;
}

static tsm_engine *make_r18(tsm_precision precision)
{
    return make_golden(GOLDEN("r18"), precision);
}

static tsm_tensor in_memory(tsm_tensor tensor, tsm_memory memory)
{
    tensor.memory = memory;
    return tensor;
}

/* Host tensors in and out. */
static void run(tsm_context *context, float *data, float *logits)
{
    tsm_tensor input = planes_tensor(data, N, T, C, H, W), output = logits_tensor(logits, N, CLASSES);
    tsm_error error;

    memset(logits, 0xff, logit_bytes);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    assert_no_failure();
}

static const char *const graph_modes[] = { "on", "off" };

/* Convolutions alone; and with attention, whose products take scratch and several rounds. */
static const char *const networks[] = { GOLDEN("r18"), GOLDEN("r50_nl") };

/* ---- What a run costs ---- */

typedef struct device_tensors {
    float *data, *logits;
    tsm_tensor input, output;
} device_tensors;

static device_tensors upload(const float *data)
{
    device_tensors d = { .data = (float *)(void *)device_copy(data, PIXELS * sizeof(float), 0),
                         .logits = (float *)(void *)device_room(logit_bytes, 0) };

    DEVICE_OK(cudaStreamSynchronize(NULL)); /* the caller's own duty */
    d.input = in_memory(planes_tensor(d.data, N, T, C, H, W), TSM_MEMORY_DEVICE);
    d.output = in_memory(logits_tensor(d.logits, N, CLASSES), TSM_MEMORY_DEVICE);
    return d;
}

static void release(device_tensors *d)
{
    DEVICE_OK(cudaFree(d->data));
    DEVICE_OK(cudaFree(d->logits));
}

START_TEST(enqueue_neither_allocates_nor_waits)
{
    set_mode(graph_modes[_i % 2], "off");
    tsm_engine *engine = make_golden(networks[_i / 2], TSM_PRECISION_FP16);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), want[N * CLASSES], got[N * CLASSES];
    cudaStream_t stream = make_stream();
    device_tensors d = upload(data);
    tsm_error error;

    run(context, data, want);
    const tsm_sim_counters before = tsm_sim_count();
    ck_assert_uint_gt(host_allocations(), 100); /* it does count: engine and plan */
    for (int i = 0; i < 3; i++) assert_ok(tsm_enqueue(context, &d.input, &d.output, stream, &error), &error);
    ck_assert_uint_eq(host_allocations(), 0);
    tsm_sim_counters after = tsm_sim_count();
    ck_assert_uint_eq(after.allocations, before.allocations);
    ck_assert_uint_eq(after.frees, before.frees);
    ck_assert_uint_eq(after.synchronisations, before.synchronisations);
    ck_assert_uint_eq(after.launches, before.launches); /* nothing was waited for, so nothing has run */
    DEVICE_OK(cudaStreamSynchronize(stream));
    after = tsm_sim_count();
    ck_assert_uint_gt(after.launches, before.launches);
    ck_assert_uint_eq(after.graph_launches - before.graph_launches, _i % 2 ? 0 : 3);
    ck_assert_uint_eq((after.matmuls + after.convolutions - before.matmuls - before.convolutions) % 3, 0);
    device_read(got, d.logits, logit_bytes);
    assert_bytes(got, want, logit_bytes, "device tensors on the caller's stream");
    release(&d);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    DEVICE_OK(cudaStreamDestroy(stream));
    free(data);
    assert_nothing_left();
}
END_TEST

/* What run copies from and to pageable memory goes through pinned memory of the worker's. */
START_TEST(run_copies_pinned_memory)
{
    set_mode("on", "off");
    tsm_engine *engine = make_golden(networks[0], TSM_PRECISION_FP16);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), first[N * CLASSES], second[N * CLASSES];

    run(context, data, first);
    const tsm_sim_counters before = tsm_sim_count();
    run(context, data, second);
    const tsm_sim_counters after = tsm_sim_count();
    assert_bytes(second, first, logit_bytes, "the second run");
    ck_assert_uint_eq(after.pageable, before.pageable);
    ck_assert_uint_ge(after.copies - before.copies, 2 + PIXELS * sizeof(float) / 20000); /* in pieces */
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(data);
    assert_nothing_left();
}
END_TEST

/* The arena is one: a second stream waits for the first without being told. */
START_TEST(streams_of_one_context_take_turns)
{
    set_mode(graph_modes[_i % 2], "off");
    begin_case((unsigned)_i);
    tsm_engine *engine = make_r18(TSM_PRECISION_FP32);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), *other = hashed_array(PIXELS, 2), want[2][N * CLASSES], got[N * CLASSES];
    cudaStream_t streams[] = { make_stream(), make_stream() };
    tsm_error error;

    run(context, data, want[0]);
    run(context, other, want[1]);
    device_tensors d[] = { upload(data), upload(other) };
    for (int i = 0; i < 4; i++)
        assert_ok(tsm_enqueue(context, &d[i % 2].input, &d[i % 2].output, streams[i % 2], &error), &error);
    for (int i = 0; i < 2; i++) {
        DEVICE_OK(cudaStreamSynchronize(streams[i]));
        device_read(got, d[i].logits, logit_bytes);
        assert_bytes(got, want[i], logit_bytes, "two streams");
        release(&d[i]);
    }
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    for (int i = 0; i < 2; i++) DEVICE_OK(cudaStreamDestroy(streams[i]));
    free(data);
    free(other);
    assert_nothing_left();
}
END_TEST

START_TEST(callers_capture)
{
    set_mode(graph_modes[_i % 2], "off");
    tsm_engine *engine = make_golden(networks[_i / 2], TSM_PRECISION_BF16);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), *other = hashed_array(PIXELS, 2), want[N * CLASSES], got[N * CLASSES];
    cudaStream_t stream = make_stream();
    device_tensors d = upload(data);
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    tsm_error error;

    run(context, other, want);
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    assert_ok(tsm_enqueue(context, &d.input, &d.output, stream, &error), &error);
    DEVICE_OK(cudaStreamEndCapture(stream, &graph));
    DEVICE_OK(cudaGraphInstantiate(&exec, graph, 0));
    DEVICE_OK(cudaMemcpyAsync(d.data, other, PIXELS * sizeof(float), cudaMemcpyHostToDevice, stream));
    DEVICE_OK(cudaGraphLaunch(exec, stream));
    DEVICE_OK(cudaMemcpyAsync(got, d.logits, logit_bytes, cudaMemcpyDeviceToHost, stream));
    assert_bytes(got, want, logit_bytes, "captured by the caller");
    DEVICE_OK(cudaGraphExecDestroy(exec));
    DEVICE_OK(cudaGraphDestroy(graph));
    release(&d);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    DEVICE_OK(cudaStreamDestroy(stream));
    free(data);
    free(other);
    assert_nothing_left();
}
END_TEST

/* ---- Tensors ---- */

START_TEST(pinned_tensors)
{
    set_mode("on", "off");
    tsm_engine *engine = make_r18(TSM_PRECISION_FP32);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), *pinned = NULL, *logits = NULL, want[N * CLASSES];
    cudaStream_t stream = make_stream();
    tsm_error error;

    run(context, data, want);
    DEVICE_OK(cudaMallocHost((void **)&pinned, PIXELS * sizeof(float)));
    DEVICE_OK(cudaMallocHost((void **)&logits, logit_bytes));
    memcpy(pinned, data, PIXELS * sizeof(float));
    tsm_tensor input = in_memory(planes_tensor(pinned, N, T, C, H, W), TSM_MEMORY_PINNED);
    tsm_tensor output = in_memory(logits_tensor(logits, N, CLASSES), TSM_MEMORY_PINNED);
    assert_ok(tsm_enqueue(context, &input, &output, stream, &error), &error);
    DEVICE_OK(cudaStreamSynchronize(stream));
    assert_bytes(logits, want, logit_bytes, "pinned tensors");
    DEVICE_OK(cudaFreeHost(pinned));
    DEVICE_OK(cudaFreeHost(logits));
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    DEVICE_OK(cudaStreamDestroy(stream));
    free(data);
    assert_nothing_left();
}
END_TEST

START_TEST(bytes_are_normalised)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine *engine = make_r18(TSM_PRECISION_FP32);
    tsm_context *context = make_context(engine, &shape);
    uint8_t *bytes = malloc(PIXELS);
    float *data = poisoned_array(PIXELS), from_bytes[N * CLASSES], from_floats[N * CLASSES];
    tsm_tensor input = bytes_tensor(bytes, N, T, H, W), output = logits_tensor(from_bytes, N, CLASSES);
    tsm_error error;

    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    for (int i = 0; i < PIXELS; i++) bytes[i] = (uint8_t)((hashed_value((uint32_t)i, 5) + 1) * 127.99f);
    for (int i = 0; i < PIXELS; i++) {
        int c = i / (H * W) % C, pixel = i / (C * H * W) * H * W + i % (H * W);

        data[i] = ((float)bytes[pixel * C + c] / 255.0f - info.mean[c]) / info.std[c];
    }
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    run(context, data, from_floats);
    assert_close(from_bytes, from_floats, N * CLASSES, 0, "uint8 frames");
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    tsm_model_destroy(&model);
    free(data);
    free(bytes);
    assert_nothing_left();
}
END_TEST

START_TEST(refused_tensors)
{
    set_mode("on", "off");
    tsm_engine *engine = make_r18(TSM_PRECISION_FP32);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), logits[N * CLASSES];
    device_tensors d = upload(data);
    tsm_tensor host = planes_tensor(data, N, T, C, H, W), output = logits_tensor(logits, N, CLASSES), wrong;
    tsm_error error;

    assert_error(tsm_enqueue(context, &host, &d.output, NULL, &error), &error, TSM_ERROR_ARGUMENT,
                 "input: only pinned");
    assert_error(tsm_enqueue(context, &d.input, &output, NULL, &error), &error, TSM_ERROR_ARGUMENT,
                 "output: only pinned");
    wrong = in_memory(host, TSM_MEMORY_DEVICE);
    assert_error(tsm_run(context, &wrong, &output, &error), &error, TSM_ERROR_ARGUMENT,
                 "input: is not in device memory");
    wrong = in_memory(host, TSM_MEMORY_PINNED);
    assert_error(tsm_run(context, &wrong, &output, &error), &error, TSM_ERROR_ARGUMENT,
                 "input: is not in pinned memory");
    wrong = d.input;
    wrong.device = 1;
    assert_error(tsm_run(context, &wrong, &output, &error), &error, TSM_ERROR_ARGUMENT, "input: is on cuda:1");
    assert_no_failure(); /* each was refused before the device saw it */
    release(&d);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(data);
    assert_nothing_left();
}
END_TEST

/* ---- Engines and threads ---- */

START_TEST(devices)
{
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;
    tsm_engine *engine = NULL;
    tsm_error error;

    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error); /* auto takes the GPU */
    ck_assert_int_eq(tsm_engine_get_info(engine, &info), TSM_OK);
    ck_assert_str_eq(info.device, "cuda:0");
    ck_assert_ptr_nonnull(strstr(info.library, "cuDNN 9."));
    tsm_engine_destroy(&engine);
    options.device = "cuda:1";
    assert_error(tsm_engine_create(&engine, model, &options, &error), &error, TSM_ERROR_DEVICE, "no such GPU");
    tsm_sim_set_devices(0);
    options.device = "cuda";
    assert_error(tsm_engine_create(&engine, model, &options, &error), &error, TSM_ERROR_DEVICE,
                 "no GPU in this machine");
    options.device = "auto";
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    ck_assert_int_eq(tsm_engine_get_info(engine, &info), TSM_OK);
    ck_assert_str_eq(info.device, "cpu");
    tsm_engine_destroy(&engine);
    tsm_sim_set_devices(1);
    tsm_model_destroy(&model);
    assert_nothing_left();
}
END_TEST

/* Everything of the engine is on the second GPU, and the caller's stays current. */
START_TEST(second_device)
{
    set_mode("on", "off");
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *first = make_r18(TSM_PRECISION_FP16), *second = NULL;
    float *data = hashed_array(PIXELS, 1), want[N * CLASSES], got[N * CLASSES];
    tsm_tensor output = logits_tensor(got, N, CLASSES);
    int current = -1;
    tsm_error error;

    tsm_sim_set_devices(2);
    options.device = "cuda:1";
    options.precision = TSM_PRECISION_FP16;
    assert_ok(tsm_engine_create(&second, model, &options, &error), &error);
    tsm_context *contexts[] = { make_context(first, &shape), make_context(second, &shape) };
    run(contexts[0], data, want);
    run(contexts[1], data, got);
    assert_bytes(got, want, logit_bytes, "cuda:1");
    DEVICE_OK(cudaGetDevice(&current));
    ck_assert_int_eq(current, 0);
    device_tensors d = upload(data);
    assert_error(tsm_run(contexts[1], &d.input, &output, &error), &error, TSM_ERROR_ARGUMENT, "input: is on cuda:0");
    release(&d);
    DEVICE_OK(cudaSetDevice(1));
    d = upload(data);
    d.input.device = d.output.device = 1;
    DEVICE_OK(cudaSetDevice(0));
    assert_ok(tsm_run(contexts[1], &d.input, &d.output, &error), &error);
    assert_no_failure();
    release(&d);
    for (int i = 0; i < 2; i++) tsm_context_destroy(&contexts[i]);
    tsm_engine_destroy(&first);
    tsm_engine_destroy(&second);
    tsm_sim_set_devices(1);
    tsm_model_destroy(&model);
    free(data);
    assert_nothing_left();
}
END_TEST

START_TEST(threads_share_an_engine)
{
    set_mode("on", "off");
    tsm_engine *engine = make_r18(TSM_PRECISION_FP16);

    assert_threads_agree(&(thread_work){ .engine = engine, .shape = &shape, .classes = CLASSES, .rounds = 2 }, 3);
    tsm_engine_destroy(&engine);
    assert_nothing_left();
}
END_TEST

/* Every allocation of device memory fails once, in turn: one error, nothing left behind. */
START_TEST(device_memory_runs_out)
{
    set_mode("on", "off");
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_status status = TSM_ERROR_MEMORY;
    int n = 0;

    options.device = "cuda";
    while (status != TSM_OK) {
        tsm_engine *engine = NULL;
        tsm_context *context = NULL;
        tsm_error error;

        tsm_sim_fail_allocation(++n);
        status = tsm_engine_create(&engine, model, &options, &error);
        if (status == TSM_OK) {
            context = make_context(engine, NULL);
            status = tsm_context_plan(context, &shape, &error);
        }
        tsm_sim_fail_allocation(0);
        if (status != TSM_OK) assert_error(status, &error, TSM_ERROR_MEMORY, "cuda");
        tsm_context_destroy(&context);
        tsm_engine_destroy(&engine);
        assert_nothing_left();
    }
    ck_assert_int_ge(n, 3); /* weights and arena, at least */
    tsm_model_destroy(&model);
}
END_TEST

/* A context may go while what it enqueued is still on its way. */
START_TEST(context_goes_mid_flight)
{
    set_mode(graph_modes[_i], "off");
    tsm_engine *engine = make_r18(TSM_PRECISION_FP32);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), want[N * CLASSES], got[N * CLASSES];
    cudaStream_t stream = make_stream();
    device_tensors d = upload(data);
    tsm_error error;

    run(context, data, want);
    assert_ok(tsm_enqueue(context, &d.input, &d.output, stream, &error), &error);
    tsm_context_destroy(&context);
    DEVICE_OK(cudaMemcpyAsync(got, d.logits, logit_bytes, cudaMemcpyDeviceToHost, stream));
    assert_bytes(got, want, logit_bytes, "context destroyed");
    release(&d);
    tsm_engine_destroy(&engine);
    DEVICE_OK(cudaStreamDestroy(stream));
    free(data);
    assert_nothing_left();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contexts of the plugin");
    TCase *costs = tcase_create("costs"), *tensors = tcase_create("tensors"), *engines = tcase_create("engines");

    tcase_set_timeout(costs, 0);
    tcase_set_timeout(tensors, 0);
    tcase_set_timeout(engines, 0);
    tcase_add_loop_test(costs, enqueue_neither_allocates_nor_waits, 0, 2 * COUNT_OF(networks));
    tcase_add_test(costs, run_copies_pinned_memory);
    tcase_add_loop_test(costs, streams_of_one_context_take_turns, 0, 4);
    tcase_add_loop_test(costs, callers_capture, 0, 2 * COUNT_OF(networks));
    tcase_add_test(tensors, pinned_tensors);
    tcase_add_test(tensors, bytes_are_normalised);
    tcase_add_test(tensors, refused_tensors);
    tcase_add_test(engines, devices);
    tcase_add_test(engines, second_device);
    tcase_add_test(engines, threads_share_an_engine);
    tcase_add_test(engines, device_memory_runs_out);
    tcase_add_loop_test(engines, context_goes_mid_flight, 0, 2);
    suite_add_tcase(suite, costs);
    suite_add_tcase(suite, tensors);
    suite_add_tcase(suite, engines);
    return run_suite(suite);
}
