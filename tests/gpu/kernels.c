/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels.c - tsm-gpu-kernels: the kernels' tests of tests/sim, one after the other, on the device that this is
 * linked with. No library takes part, so that what they say is said of our kernels alone.
 */
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The main of tests/sim/test_sim_NAME.c. */
int kernel_tests_of_shift(void);
int kernel_tests_of_pool(void);
int kernel_tests_of_conv(void);
int kernel_tests_of_input(void);
int kernel_tests_of_rows(void);
int kernel_tests_of_intrinsics(void);
int kernel_tests_of_conv_host(void);
int kernel_tests_of_conv_tiles(void);
int kernel_tests_of_conv_shift(void);
int kernel_tests_of_wgmma_intrinsics(void);
int kernel_tests_of_wgmma_host(void);
int kernel_tests_of_wgmma_tiles(void);
int kernel_tests_of_wgmma_shift(void);

static const struct {
    const char *name;
    int (*run)(void);
} tests[] = {
    { "shift", kernel_tests_of_shift },
    { "pool", kernel_tests_of_pool },
    { "conv", kernel_tests_of_conv },
    { "input", kernel_tests_of_input },
    { "rows", kernel_tests_of_rows },
    { "intrinsics", kernel_tests_of_intrinsics },
    { "conv_host", kernel_tests_of_conv_host },
    { "conv_tiles", kernel_tests_of_conv_tiles },
    { "conv_shift", kernel_tests_of_conv_shift },
    { "wgmma_intrinsics", kernel_tests_of_wgmma_intrinsics },
    { "wgmma_host", kernel_tests_of_wgmma_host },
    { "wgmma_tiles", kernel_tests_of_wgmma_tiles },
    { "wgmma_shift", kernel_tests_of_wgmma_shift },
};

/* Whether it is named, or none is. */
static int is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return 1;
    return argc < 2;
}

int main(int argc, char **argv)
{
    int count = 0, failed = 0;
    cudaError_t code = cudaGetDeviceCount(&count);

    if (code != cudaSuccess || count == 0) {
        printf("skipped: no GPU (%s)\n", cudaGetErrorName(code));
        return 77;
    }
    setenv("CK_FORK", "no", 1); /* CUDA does not survive it */
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (is_wanted(tests[i].name, argc, argv)) failed += tests[i].run() != 0;
    return failed ? 1 : 0;
}
