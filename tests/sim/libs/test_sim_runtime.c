/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_runtime.c - the simulated runtime: what works as in CUDA, and every misuse that it must notice. */
#include "lib_support.h"

enum { BYTES = 1024 };

/* ---- Memory ---- */

START_TEST(copies_go_round)
{
    char in[BYTES], out[BYTES], *device = device_room(BYTES, 0), *second = device_room(BYTES, 0);
    cudaStream_t stream = make_stream();

    for (int i = 0; i < BYTES; i++) in[i] = (char)i;
    DEVICE_OK(cudaMemcpyAsync(device, in, BYTES, cudaMemcpyHostToDevice, stream));
    memset(in, 0, sizeof in); /* pageable memory was read when the call returned */
    DEVICE_OK(cudaMemcpyAsync(second, device, BYTES, cudaMemcpyDeviceToDevice, stream));
    DEVICE_OK(cudaMemcpyAsync(out, second, BYTES, cudaMemcpyDeviceToHost, stream));
    for (int i = 0; i < BYTES; i++) ck_assert_int_eq(out[i], (char)i);
    DEVICE_OK(cudaStreamDestroy(stream));
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaFree(second));
    assert_nothing_left();
}
END_TEST

START_TEST(pinned_memory_is_read_late)
{
    char *pinned = NULL, *device = device_room(BYTES, 0), out[BYTES];
    struct cudaPointerAttributes at;
    cudaStream_t stream = make_stream();

    DEVICE_OK(cudaMallocHost((void **)&pinned, BYTES));
    memset(pinned, 1, BYTES);
    DEVICE_OK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream));
    memset(pinned, 2, BYTES);
    DEVICE_OK(cudaMemcpyAsync(out, device, BYTES, cudaMemcpyDeviceToHost, stream));
    ck_assert_int_eq(out[0], 2);
    DEVICE_OK(cudaPointerGetAttributes(&at, pinned + 5));
    ck_assert_int_eq(at.type, cudaMemoryTypeHost);
    DEVICE_OK(cudaPointerGetAttributes(&at, device + 5));
    ck_assert_int_eq(at.type, cudaMemoryTypeDevice);
    DEVICE_OK(cudaPointerGetAttributes(&at, out));
    ck_assert_int_eq(at.type, cudaMemoryTypeUnregistered);
    DEVICE_OK(cudaFreeHost(pinned));
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaStreamDestroy(stream));
    assert_nothing_left();
}
END_TEST

START_TEST(bad_addresses)
{
    char host[BYTES] = { 0 }, *device = device_copy(host, BYTES, 0), *gone = device_room(BYTES, 0);

    DEVICE_OK(cudaFree(gone));
    ck_assert_int_ne(cudaMemcpy(device, host, BYTES + 1, cudaMemcpyHostToDevice), cudaSuccess);
    assert_failed("cudaMemcpy", "target: its 1025 bytes");
    ck_assert_int_ne(cudaMemcpy(host, device + 1, BYTES, cudaMemcpyDeviceToHost), cudaSuccess);
    assert_failed("cudaMemcpy", "source");
    ck_assert_int_ne(cudaMemcpy(host, device, 4, cudaMemcpyHostToDevice), cudaSuccess);
    assert_failed("cudaMemcpy", "source: is device memory");
    ck_assert_int_ne(cudaMemcpyAsync(host, host, 4, cudaMemcpyDeviceToHost, NULL), cudaSuccess);
    assert_failed("cudaMemcpyAsync", "source: is host memory");
    ck_assert_int_ne(cudaMemcpy(device, NULL, 4, cudaMemcpyHostToDevice), cudaSuccess);
    assert_failed("cudaMemcpy", "source: is NULL");
    ck_assert_int_ne(cudaMemsetAsync(gone, 0, 4, NULL), cudaSuccess);
    assert_failed("cudaMemsetAsync", "freed allocation");
    ck_assert_int_ne(cudaFree(gone), cudaSuccess);
    assert_failed("cudaFree", "no live allocation begins here");
    ck_assert_int_ne(cudaFree(device + 16), cudaSuccess);
    assert_failed("cudaFree", "16 bytes into an allocation");
    ck_assert_int_ne(cudaFree(host), cudaSuccess);
    assert_failed("cudaFree", "outside of device memory");
    DEVICE_OK(cudaFree(device));
    assert_nothing_left();
}
END_TEST

START_TEST(unwritten_memory)
{
    char host[BYTES], *device = device_room(BYTES, 0);

    if (tsm_sim_instrumented()) {
        DEVICE_OK(cudaMemsetAsync(device, 0, 100, NULL));
        ck_assert_int_ne(cudaMemcpy(host, device, 101, cudaMemcpyDeviceToHost), cudaSuccess);
        assert_failed("cudaMemcpy", "nobody has written, 100 bytes into");
    }
    DEVICE_OK(cudaFree(device));
    assert_nothing_left();
}
END_TEST

START_TEST(leaks_are_named)
{
    char *device = device_room(BYTES, 0);
    cudaStream_t stream = make_stream();
    cudaEvent_t event = make_event();

    ck_assert_str_eq(tsm_sim_leaks(), "1 allocation(s), 1 stream(s), 1 event(s)");
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaStreamDestroy(stream));
    DEVICE_OK(cudaEventDestroy(event));
    assert_nothing_left();
    ck_assert_int_ne(cudaStreamSynchronize(stream), cudaSuccess);
    assert_failed("cudaStreamSynchronize", "destroyed");
    ck_assert_int_ne(cudaEventRecord(event, NULL), cudaSuccess);
    assert_failed("cudaEventRecord", "destroyed");
}
END_TEST

START_TEST(memory_runs_out)
{
    void *memory = &memory;

    tsm_sim_fail_allocation(2);
    DEVICE_OK(cudaMalloc(&memory, 16));
    DEVICE_OK(cudaFree(memory));
    ck_assert_int_eq(cudaMalloc(&memory, 16), cudaErrorMemoryAllocation);
    ck_assert_ptr_null(memory);
    ck_assert_int_eq(cudaGetLastError(), cudaErrorMemoryAllocation);
    ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
    DEVICE_OK(cudaMalloc(&memory, 16));
    DEVICE_OK(cudaFree(memory));
    assert_nothing_left();
}
END_TEST

static char noted[400];
static void note(const char *failure)
{
    snprintf(noted, sizeof noted, "%s", failure);
}

START_TEST(failures_reach_the_hook)
{
    tsm_sim_set_hook(note);
    cudaFree(noted);
    tsm_sim_set_hook(NULL);
    ck_assert_ptr_nonnull(strstr(noted, "cudaFree: memory: no live allocation begins here"));
    assert_failed("cudaFree", "memory");
}
END_TEST

/* ---- Streams and events ---- */

/* Writes on one stream, reads on another, with an event between. */
static void cross(cudaStream_t first, cudaStream_t second, char *device, char *copy)
{
    cudaEvent_t event = make_event();

    DEVICE_OK(cudaMemsetAsync(device, 3, BYTES, first));
    DEVICE_OK(cudaEventRecord(event, first));
    DEVICE_OK(cudaStreamWaitEvent(second, event, 0));
    DEVICE_OK(cudaMemcpyAsync(copy, device, BYTES, cudaMemcpyDeviceToDevice, second));
    cudaStreamSynchronize(second);
    cudaStreamSynchronize(first);
    DEVICE_OK(cudaEventDestroy(event));
}

START_TEST(streams_need_an_order)
{
    char zeros[BYTES] = { 0 }, out[BYTES], *device = device_copy(zeros, BYTES, 0), *copy = device_room(BYTES, 0);
    cudaStream_t first = make_stream(), second = make_stream();

    begin_case((unsigned)_i);
    DEVICE_OK(cudaStreamSynchronize(NULL));
    cross(first, second, device, copy);
    assert_no_failure();
    device_read(out, copy, BYTES);
    ck_assert_int_eq(out[BYTES - 1], 3);
    cross(first, second, device, copy);
    assert_no_failure();
    DEVICE_OK(cudaMemsetAsync(device, 4, BYTES, first)); /* after what the host has waited for */
    DEVICE_OK(cudaStreamSynchronize(first));
    tsm_sim_clear();
    DEVICE_OK(cudaMemsetAsync(device, 5, BYTES, second));
    DEVICE_OK(cudaMemcpyAsync(copy, device, BYTES, cudaMemcpyDeviceToDevice, first));
    cudaStreamSynchronize(first);
    cudaStreamSynchronize(second);
    assert_failed("streams without order", "nothing orders the two");
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaFree(copy));
    DEVICE_OK(cudaStreamDestroy(first));
    DEVICE_OK(cudaStreamDestroy(second));
    assert_nothing_left();
}
END_TEST

/* cudaMemcpy from pageable memory may return before the copy is over. */
START_TEST(small_copies_are_not_waited_for)
{
    char host[BYTES] = { 1 }, *device = device_room(BYTES, 0), *copy = device_room(BYTES, 0);
    cudaStream_t stream = make_stream();

    DEVICE_OK(cudaMemcpy(device, host, BYTES, cudaMemcpyHostToDevice));
    cudaMemcpyAsync(copy, device, BYTES, cudaMemcpyDeviceToDevice, stream);
    cudaStreamSynchronize(stream);
    assert_failed("streams without order", "cudaMemcpy on stream 0");
    DEVICE_OK(cudaMemcpy(device, host, BYTES, cudaMemcpyHostToDevice));
    DEVICE_OK(cudaStreamSynchronize(NULL));
    DEVICE_OK(cudaMemcpyAsync(copy, device, BYTES, cudaMemcpyDeviceToDevice, stream));
    DEVICE_OK(cudaStreamSynchronize(stream));
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaFree(copy));
    DEVICE_OK(cudaStreamDestroy(stream));
    assert_nothing_left();
}
END_TEST

START_TEST(blocking_streams_take_turns)
{
    char host[BYTES] = { 1 }, *device = device_room(BYTES, 0);
    cudaStream_t stream = NULL;

    DEVICE_OK(cudaStreamCreateWithFlags(&stream, cudaStreamDefault));
    DEVICE_OK(cudaMemcpy(device, host, BYTES, cudaMemcpyHostToDevice));
    DEVICE_OK(cudaMemsetAsync(device, 7, BYTES, stream));
    DEVICE_OK(cudaMemcpy(host, device, BYTES, cudaMemcpyDeviceToHost));
    ck_assert_int_eq(host[9], 7);
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaStreamDestroy(stream));
    assert_nothing_left();
}
END_TEST

START_TEST(events_keep_time)
{
    cudaStream_t stream = make_stream();
    cudaEvent_t begin, end, plain = make_event();
    char *device = device_room(BYTES, 0);
    float elapsed = -1;

    DEVICE_OK(cudaEventCreateWithFlags(&begin, cudaEventDefault));
    DEVICE_OK(cudaEventCreateWithFlags(&end, cudaEventDefault));
    DEVICE_OK(cudaEventRecord(begin, stream));
    DEVICE_OK(cudaMemsetAsync(device, 0, BYTES, stream));
    DEVICE_OK(cudaEventRecord(end, stream));
    ck_assert_int_eq(cudaEventElapsedTime(&elapsed, begin, end), cudaErrorNotReady);
    DEVICE_OK(cudaEventSynchronize(end));
    DEVICE_OK(cudaEventElapsedTime(&elapsed, begin, end));
    ck_assert(elapsed > 0 && elapsed < 1);
    ck_assert_int_ne(cudaEventElapsedTime(&elapsed, plain, end), cudaSuccess);
    assert_failed("cudaEventElapsedTime", "keeps no time");
    DEVICE_OK(cudaEventDestroy(begin));
    DEVICE_OK(cudaEventDestroy(end));
    DEVICE_OK(cudaEventDestroy(plain));
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaStreamDestroy(stream));
    assert_nothing_left();
}
END_TEST

/* ---- Kernels on streams ---- */

START_TEST(kernels_are_queued)
{
    const float in[] = { -1, 2, -3, 4 };
    float out[4];
    char *device = device_copy(in, sizeof in, 0), *result = device_room(sizeof in, 0);
    cudaStream_t stream = make_stream();
    uint64_t before;

    DEVICE_OK(cudaStreamSynchronize(NULL));
    before = tsm_sim_count().launches;
    tsm_kernel_add_args args = add_args(device, result, 4);
    DEVICE_OK(tsm_kernel_add(&args, stream));
    ck_assert_uint_eq(tsm_sim_count().launches, before);
    memset(&args, 0xff, sizeof args); /* the launch has its own */
    DEVICE_OK(cudaMemcpyAsync(out, result, sizeof out, cudaMemcpyDeviceToHost, stream));
    ck_assert_uint_eq(tsm_sim_count().launches, before + 1);
    ck_assert(out[0] == 0 && out[1] == 2 && out[2] == 0 && out[3] == 4);
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaFree(result));
    DEVICE_OK(cudaStreamDestroy(stream));
    assert_nothing_left();
}
END_TEST

/* The blocks of one launch get the shared memory that those of another had, which is no use of it in common. */
START_TEST(shared_memory_needs_none)
{
    const float in[] = { 1, 2, 3, 4 };
    cudaStream_t streams[2] = { make_stream(), make_stream() };
    char *device = device_copy(in, sizeof in, 0), *results[2];
    float out;

    for (int i = 0; i < 2; i++) results[i] = device_room(sizeof out, 0);
    DEVICE_OK(cudaStreamSynchronize(NULL));
    for (int i = 0; i < 2; i++) {
        const tsm_kernel_avgpool_args args = { .in = device,
                                               .out = results[i],
                                               .groups = 1,
                                               .rows = 4,
                                               .channels = 1,
                                               .dtype = TSM_FLOAT32,
                                               .out_dtype = TSM_FLOAT32 };

        DEVICE_OK(tsm_kernel_avgpool(&args, streams[i]));
    }
    for (int i = 0; i < 2; i++) {
        DEVICE_OK(cudaMemcpyAsync(&out, results[i], sizeof out, cudaMemcpyDeviceToHost, streams[i]));
        ck_assert(out == 2.5f);
    }
    assert_no_failure();
    DEVICE_OK(cudaFree(device));
    for (int i = 0; i < 2; i++) DEVICE_OK(cudaFree(results[i]));
    for (int i = 0; i < 2; i++) DEVICE_OK(cudaStreamDestroy(streams[i]));
    assert_nothing_left();
}
END_TEST

START_TEST(kernels_need_an_order)
{
    const float in[] = { -1, 2, -3, 4 };
    char *device = device_copy(in, sizeof in, 0), *result = device_room(sizeof in, 0);
    cudaStream_t first = make_stream(), second = make_stream();
    tsm_kernel_add_args args = add_args(device, result, 4);

    if (tsm_sim_instrumented()) {
        DEVICE_OK(cudaStreamSynchronize(NULL));
        DEVICE_OK(cudaMemsetAsync(device, 0, sizeof in, first));
        DEVICE_OK(tsm_kernel_add(&args, second));
        cudaStreamSynchronize(first);
        cudaStreamSynchronize(second);
        assert_failed("streams without order", "nothing orders the two");
    }
    DEVICE_OK(cudaFree(device));
    DEVICE_OK(cudaFree(result));
    DEVICE_OK(cudaStreamDestroy(first));
    DEVICE_OK(cudaStreamDestroy(second));
    assert_nothing_left();
}
END_TEST

START_TEST(two_devices)
{
    char host[BYTES] = { 0 }, *first = device_copy(host, BYTES, 0), *second;
    struct cudaPointerAttributes at;
    cudaStream_t stream;

    tsm_sim_set_devices(2);
    DEVICE_OK(cudaStreamSynchronize(NULL));
    DEVICE_OK(cudaSetDevice(1));
    second = device_room(BYTES, 0);
    stream = make_stream();
    DEVICE_OK(cudaPointerGetAttributes(&at, second + 9));
    ck_assert_int_eq(at.device, 1);
    DEVICE_OK(cudaMemsetAsync(second, 0, BYTES, stream));
    DEVICE_OK(cudaMemsetAsync(first, 0, BYTES, stream));
    ck_assert_int_ne(cudaStreamSynchronize(stream), cudaSuccess);
    assert_failed("cudaMemsetAsync", "is memory of another GPU");
    DEVICE_OK(cudaSetDevice(0));
    ck_assert_int_ne(cudaMemsetAsync(second, 0, BYTES, stream), cudaSuccess);
    assert_failed("cudaMemsetAsync", "the stream is of another GPU");
    DEVICE_OK(cudaFree(first));
    DEVICE_OK(cudaFree(second));
    DEVICE_OK(cudaStreamDestroy(stream));
    tsm_sim_set_devices(1);
    cudaGetLastError();
    assert_nothing_left();
}
END_TEST

START_TEST(devices)
{
    struct cudaDeviceProp properties;
    int count = 0, device = -1;

    DEVICE_OK(cudaGetDeviceCount(&count));
    DEVICE_OK(cudaGetDevice(&device));
    DEVICE_OK(cudaGetDeviceProperties(&properties, 0));
    ck_assert(count == 1 && device == 0 && properties.major >= 8 && strstr(properties.name, "simulated"));
    ck_assert_int_eq(cudaSetDevice(1), cudaErrorInvalidDevice);
    tsm_sim_set_devices(0);
    ck_assert_int_eq(cudaGetDeviceCount(&count), cudaErrorNoDevice);
    tsm_sim_set_devices(1);
    cudaGetLastError();
    assert_nothing_left();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulated runtime");
    TCase *memory = tcase_create("memory"), *streams = tcase_create("streams");

    tcase_add_test(memory, copies_go_round);
    tcase_add_test(memory, pinned_memory_is_read_late);
    tcase_add_test(memory, bad_addresses);
    tcase_add_test(memory, unwritten_memory);
    tcase_add_test(memory, leaks_are_named);
    tcase_add_test(memory, memory_runs_out);
    tcase_add_test(memory, failures_reach_the_hook);
    tcase_add_test(memory, devices);
    tcase_add_test(memory, two_devices);
    tcase_add_loop_test(streams, streams_need_an_order, 0, 8);
    tcase_add_test(streams, small_copies_are_not_waited_for);
    tcase_add_test(streams, blocking_streams_take_turns);
    tcase_add_test(streams, events_keep_time);
    tcase_add_test(streams, kernels_are_queued);
    tcase_add_test(streams, kernels_need_an_order);
    tcase_add_test(streams, shared_memory_needs_none);
    suite_add_tcase(suite, memory);
    suite_add_tcase(suite, streams);
    return run_suite(suite);
}
