/* SPDX-License-Identifier: Apache-2.0 */
/* make.c - tsm-bench make: a full-size network with random weights, as a file. */
#include "bench.h"
#include "network/network.h"

static const bench_manual manual = {
    "make", "writes a full-size network with random weights", "NETWORK OUT.safetensors",
    "NETWORK is resnet18, 34, 50, 101, 152 or mobilenetv2: a TSM of 8 frames and 400 classes.\n"
    "The same name gives the same weights everywhere, and they are those that --model NETWORK\n"
    "of other subcommands takes: peers read them out of the file.\n",
    "  tsm-bench make resnet50 r50.safetensors\n"
};

int bench_make(int argc, char **argv)
{
    const bench_option options[] = { { 0 } };
    void *data = NULL;
    size_t bytes = 0;
    tsm_error error = { 0 };
    int positional;
    FILE *file;
    bool written;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &positional)) return BENCH_USAGE;
    if (positional != 2) return bench_fail("make: a network and a file are needed"), BENCH_USAGE;
    if (bench_random_model(argv[0], &data, &bytes, &error) != TSM_OK) return bench_fail("%s", error.text);
    file = fopen(argv[1], "wb");
    written = file && fwrite(data, 1, bytes, file) == bytes;
    if (file && fclose(file) != 0) written = false;
    tsm_free(data);
    return written ? BENCH_DONE : bench_fail("%s: cannot be written", argv[1]);
}
