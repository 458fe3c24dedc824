/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_capture.c - stream capture and graphs of the simulated runtime, and the calls that a capture forbids. */
#include "lib_support.h"

enum { BYTES = 1024 };

START_TEST(graphs_replay)
{
    float in[] = { -1, 2, -3, 4 }, out[4];
    char *device = device_copy(in, sizeof in, 0), *result = device_room(sizeof in, 0);
    cudaStream_t stream = make_stream(), other = make_stream();
    const tsm_kernel_add_args args = add_args(device, result, 4);
    enum cudaStreamCaptureStatus status;
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    uint64_t launches = tsm_sim_count().launches;

    DEVICE_OK(cudaStreamSynchronize(NULL));
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    DEVICE_OK(tsm_kernel_add(&args, stream));
    DEVICE_OK(cudaStreamIsCapturing(stream, &status));
    ck_assert_int_eq(status, cudaStreamCaptureStatusActive);
    DEVICE_OK(cudaStreamEndCapture(stream, &graph));
    DEVICE_OK(cudaStreamIsCapturing(stream, &status));
    ck_assert_int_eq(status, cudaStreamCaptureStatusNone);
    DEVICE_OK(cudaGraphInstantiate(&exec, graph, 0));
    DEVICE_OK(cudaGraphDestroy(graph));
    ck_assert_uint_eq(tsm_sim_count().launches, launches);
    for (int i = 0; i < 3; i++) {
        cudaStream_t where = i % 2 ? other : stream;

        in[1] = (float)i;
        DEVICE_OK(cudaStreamSynchronize(where));
        DEVICE_OK(cudaMemcpyAsync(device, in, sizeof in, cudaMemcpyHostToDevice, where));
        DEVICE_OK(cudaGraphLaunch(exec, where));
        DEVICE_OK(cudaMemcpyAsync(out, result, sizeof out, cudaMemcpyDeviceToHost, where));
        ck_assert(out[0] == 0 && out[1] == (float)i && out[3] == 4);
    }
    DEVICE_OK(cudaGraphLaunch(exec, stream)); /* one does not run beside itself */
    DEVICE_OK(cudaGraphLaunch(exec, other));
    DEVICE_OK(cudaStreamSynchronize(stream));
    DEVICE_OK(cudaStreamSynchronize(other));
    ck_assert_uint_eq(tsm_sim_count().launches, launches + 5);
    DEVICE_OK(cudaGraphExecDestroy(exec));
    ck_assert_int_ne(cudaGraphLaunch(exec, stream), cudaSuccess);
    assert_failed("cudaGraphLaunch", "destroyed");
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaFree(result));
    DEVICE_OK(cudaStreamDestroy(stream));
    DEVICE_OK(cudaStreamDestroy(other));
    assert_nothing_left();
}
END_TEST

static void end_invalid(cudaStream_t stream)
{
    cudaGraph_t graph = NULL;

    ck_assert_int_eq(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    ck_assert_ptr_null(graph);
}

START_TEST(capture_forbids)
{
    cudaStream_t stream = make_stream();
    cudaEvent_t before = make_event();
    char host[4] = { 0 }, *device = device_copy(host, 4, 0);
    void *memory = NULL;

    DEVICE_OK(cudaEventRecord(before, stream));
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    ck_assert_int_eq(cudaMalloc(&memory, 4), cudaErrorStreamCaptureUnsupported);
    assert_failed("cudaMalloc", "forbidden by a capture");
    end_invalid(stream);
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    ck_assert_int_eq(cudaFree(device), cudaErrorStreamCaptureUnsupported);
    assert_failed("cudaFree", "forbidden by a capture");
    end_invalid(stream);
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    ck_assert_int_ne(cudaMemcpy(device, host, 4, cudaMemcpyHostToDevice), cudaSuccess);
    assert_failed("cudaMemcpy", "forbidden by a capture");
    end_invalid(stream);
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    ck_assert_int_ne(cudaStreamSynchronize(stream), cudaSuccess);
    assert_failed("cudaStreamSynchronize", "forbidden by a capture");
    end_invalid(stream);
    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    ck_assert_int_eq(cudaStreamWaitEvent(stream, before, 0), cudaErrorStreamCaptureIsolation);
    assert_failed("cudaStreamWaitEvent", "outside of the capture");
    end_invalid(stream);
    ck_assert_int_ne(cudaStreamBeginCapture(NULL, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    assert_failed("cudaStreamBeginCapture", "legacy");
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaEventDestroy(before));
    DEVICE_OK(cudaStreamDestroy(stream));
    assert_nothing_left();
}
END_TEST

/* Another stream joins through an event, and must come back. */
START_TEST(captured_forks_must_join)
{
    cudaStream_t stream = make_stream(), other = make_stream();
    cudaEvent_t fork = make_event(), join = make_event();
    char out[BYTES], *device = device_room(BYTES, 0);
    cudaGraphExec_t exec = NULL;
    cudaGraph_t graph = NULL;

    for (int joined = 0; joined < 2; joined++) {
        DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
        DEVICE_OK(cudaMemsetAsync(device, 1, BYTES, stream));
        DEVICE_OK(cudaEventRecord(fork, stream));
        DEVICE_OK(cudaStreamWaitEvent(other, fork, 0));
        DEVICE_OK(cudaMemsetAsync(device, 2, BYTES, other));
        DEVICE_OK(cudaEventRecord(join, other));
        if (joined) DEVICE_OK(cudaStreamWaitEvent(stream, join, 0));
        ck_assert_int_eq(cudaStreamEndCapture(stream, &graph), joined ? cudaSuccess : cudaErrorStreamCaptureUnjoined);
        if (!joined) assert_failed("cudaStreamEndCapture", "has not come back");
    }
    DEVICE_OK(cudaGraphInstantiate(&exec, graph, 0));
    DEVICE_OK(cudaGraphLaunch(exec, stream));
    DEVICE_OK(cudaMemcpyAsync(out, device, BYTES, cudaMemcpyDeviceToHost, stream));
    ck_assert_int_eq(out[3], 2);
    DEVICE_OK(cudaGraphExecDestroy(exec));
    DEVICE_OK(cudaGraphDestroy(graph));
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaEventDestroy(fork));
    DEVICE_OK(cudaEventDestroy(join));
    DEVICE_OK(cudaStreamDestroy(stream));
    DEVICE_OK(cudaStreamDestroy(other));
    assert_nothing_left();
}
END_TEST

/* A graph that is launched after its memory has gone. */
START_TEST(graphs_outlive_memory)
{
    cudaStream_t stream = make_stream();
    char *device = device_room(BYTES, 0);
    cudaGraphExec_t exec = NULL;
    cudaGraph_t graph = NULL;

    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    DEVICE_OK(cudaMemsetAsync(device, 1, BYTES, stream));
    DEVICE_OK(cudaStreamEndCapture(stream, &graph));
    DEVICE_OK(cudaGraphInstantiate(&exec, graph, 0));
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaGraphLaunch(exec, stream));
    ck_assert_int_ne(cudaStreamSynchronize(stream), cudaSuccess);
    assert_failed("cudaMemsetAsync", "freed allocation");
    DEVICE_OK(cudaGraphExecDestroy(exec));
    DEVICE_OK(cudaGraphDestroy(graph));
    DEVICE_OK(cudaStreamDestroy(stream));
    assert_nothing_left();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulated capture");
    TCase *capture = tcase_create("capture");

    tcase_add_test(capture, graphs_replay);
    tcase_add_test(capture, capture_forbids);
    tcase_add_test(capture, captured_forks_must_join);
    tcase_add_test(capture, graphs_outlive_memory);
    suite_add_tcase(suite, capture);
    return run_suite(suite);
}
