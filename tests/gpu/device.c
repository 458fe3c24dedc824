/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - what the results of a run are results of: the GPU, its libraries and where they came from, and the
 * bandwidth that a plain copy in its memory reaches. */
#include "check.h"

#ifndef TSM_BENCH_COMMIT
#define TSM_BENCH_COMMIT "unknown"
#endif

#define ROUNDS 20

/* The folders that the CUDA libraries of this process were loaded from, each once. */
static void print_folders(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4400], seen[8][4096];
    int count = 0;

    while (maps && fgets(line, sizeof line, maps)) {
        char *path = strchr(line, '/'), *name = path ? strrchr(path, '/') : NULL;
        int i = 0;

        if (!name || (strncmp(name, "/libcud", 7) != 0 && strncmp(name, "/libcublas", 10) != 0)) continue;
        *name = '\0';
        while (i < count && strcmp(seen[i], path) != 0) i++;
        if (i < count || count == 8) continue;
        snprintf(seen[count++], sizeof seen[0], "%s", path);
        printf("libraries from %s\n", path);
    }
    if (maps) fclose(maps);
}

/* Reading plus writing, the best of several rounds: a GPU that was idle needs a few to raise its clocks. */
static tsm_status time_copy(char *memory, size_t bytes, double *best_ms, tsm_error *error)
{
    cudaEvent_t begin = NULL, end = NULL;
    cudaStream_t stream = NULL;
    tsm_status status;

    TSM_CUDA_TRY(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&begin, cudaEventDefault));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&end, cudaEventDefault));
    TSM_CUDA_TRY(cudaMemsetAsync(memory, 77, bytes, stream));
    for (int round = 0; round < ROUNDS; round++) {
        float ms;

        TSM_CUDA_TRY(cudaEventRecord(begin, stream));
        TSM_CUDA_TRY(cudaMemcpyAsync(memory + bytes, memory, bytes, cudaMemcpyDeviceToDevice, stream));
        TSM_CUDA_TRY(cudaEventRecord(end, stream));
        TSM_CUDA_TRY(cudaEventSynchronize(end));
        TSM_CUDA_TRY(cudaEventElapsedTime(&ms, begin, end));
        if (round == 0 || ms < *best_ms) *best_ms = ms;
    }
    status = TSM_OK;
fail:
    if (begin) cudaEventDestroy(begin);
    if (end) cudaEventDestroy(end);
    if (stream) cudaStreamDestroy(stream);
    return status;
}

static tsm_status print_bandwidth(tsm_error *error)
{
    const size_t bytes = small_sizes ? (size_t)1 << 20 : (size_t)1 << 30;
    char *memory = NULL;
    double ms = 0;
    tsm_status status;

    TSM_CUDA(cudaMalloc((void **)&memory, 2 * bytes));
    status = time_copy(memory, bytes, &ms, error);
    cudaFree(memory);
    TSM_TRY_RETURN(status);
    printf("copy of %.0f MB: %.2f TB/s read and written\n", (double)bytes / 1e6, 2 * (double)bytes / ms * 1e-9);
    return TSM_OK;
}

int describe_device(void)
{
    struct cudaDeviceProp properties;
    tsm_error error = { 0 };
    int driver = 0;

    if (!check(cudaGetDeviceProperties(&properties, 0) == cudaSuccess, "device", "no properties")) return 1;
    check(cudaDriverGetVersion(&driver) == cudaSuccess, "device", "no driver version");
    printf("%s, sm_%d%d, %d multiprocessors\n", properties.name, properties.major, properties.minor,
           properties.multiProcessorCount);
    printf("CUDA driver %d, runtime %d, cuDNN %zu, cuBLASLt %zu, commit %s\n", driver, CUDART_VERSION,
           cudnnGetVersion(), cublasLtGetVersion(), TSM_BENCH_COMMIT);
    print_folders();
    check_ok(print_bandwidth(&error), &error, "device");
    return checks_failed() ? 1 : 0;
}
