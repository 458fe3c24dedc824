/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - tsm-gpu-check: `suite` proves the CUDA backend on the device at hand, `bench` and `shift` measure it. */
#include "check.h"

static int device_missing(void)
{
    int count = 0;
    cudaError_t code = cudaGetDeviceCount(&count);

    if (code == cudaSuccess && count > 0) return 0;
    printf("skipped: no GPU (%s)\n", cudaGetErrorName(code));
    return 77;
}

static int run_suites(const char *only)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } suites[] = { { "results", suite_results }, { "operations", suite_operations }, { "networks", suite_networks },
                   { "smoke", suite_smoke },     { "resize", suite_resize },         { "rules", suite_rules } };
    int found = 0;

    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        int made = checks_made(), failed = checks_failed();

        if (strcmp(only, suites[i].name) != 0) continue;
        found = 1;
        suites[i].run();
        printf("%s: %d checks, %d failed\n", suites[i].name, checks_made() - made, checks_failed() - failed);
    }
    if (!found) fprintf(stderr, "tsm-gpu-check: no suite %s\n", only);
    return !found || checks_made() == 0 || checks_failed() ? 1 : 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: tsm-gpu-check device\n"
                    "       tsm-gpu-check suite results|operations|networks|smoke|resize|rules\n"
                    "       tsm-gpu-check bench [--batch N] [--precision fp32|tf32|fp16|bf16] [--seconds S]\n"
                    "       tsm-gpu-check shift\n");
    return 2;
}

int main(int argc, char **argv)
{
    int missing;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2) return usage();
    missing = device_missing();
    if (missing) return missing;
    if (strcmp(argv[1], "device") == 0) return 0;
    if (strcmp(argv[1], "suite") == 0 && argc == 3) return run_suites(argv[2]);
    if (strcmp(argv[1], "bench") == 0) return bench_networks(argc - 2, argv + 2);
    if (strcmp(argv[1], "shift") == 0) return bench_shift(argc - 2, argv + 2);
    return usage();
}
