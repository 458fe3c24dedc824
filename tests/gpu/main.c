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

static int run_suite(const char *name)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } suites[] = { { "smoke", suite_smoke },      { "operations", suite_operations }, { "networks", suite_networks },
                   { "tuned", suite_tuned },      { "resize", suite_resize },         { "rules", suite_rules },
                   { "refusals", suite_refusals } };
    const double begin = now_ms();
    size_t i = 0;

    while (i < sizeof suites / sizeof *suites && strcmp(name, suites[i].name) != 0) i++;
    if (i == sizeof suites / sizeof *suites) {
        fprintf(stderr, "tsm-gpu-check: no suite %s\n", name);
        return 2;
    }
    suites[i].run();
    printf("%s: %d checks, %d failed, %.1f s\n", name, checks_made(), checks_failed(), (now_ms() - begin) * 1e-3);
    return checks_made() == 0 || checks_failed() ? 1 : 0;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: tsm-gpu-check [--small] device\n"
            "       tsm-gpu-check [--small] suite smoke|operations|networks|tuned|resize|rules\n"
            "       tsm-gpu-check [--small] bench [--batch N] [--precision fp32|tf32|fp16|bf16] [--seconds S]\n"
            "                                     [--floor-us F] [--json FILE]\n"
            "       tsm-gpu-check [--small] shift|convolutions [--json FILE]\n"
            "       --wgmma: with our convolutions on wgmma\n");
    return 2;
}

int main(int argc, char **argv)
{
    int missing;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (; argc > 1 && strncmp(argv[1], "--", 2) == 0; argc--, argv++)
        if (strcmp(argv[1], "--small") == 0)
            small_sizes = true;
        else if (strcmp(argv[1], "--plain") == 0)
            plain = true;
        else if (strcmp(argv[1], "--wgmma") == 0)
            on_wgmma = true;
        else
            return usage();
    if (argc < 2) return usage();
    missing = device_missing();
    if (missing) return missing;
    if (strcmp(argv[1], "device") == 0 && argc == 2) return describe_device();
    if (strcmp(argv[1], "suite") == 0 && argc == 3) return run_suite(argv[2]);
    if (strcmp(argv[1], "bench") == 0) return bench_networks(argc - 2, argv + 2);
    if (strcmp(argv[1], "layers") == 0) return bench_layers(argc - 2, argv + 2);
    if (strcmp(argv[1], "shift") == 0) return bench_shift(argc - 2, argv + 2);
    if (strcmp(argv[1], "convolutions") == 0) return bench_convolutions(argc - 2, argv + 2);
    return usage();
}
