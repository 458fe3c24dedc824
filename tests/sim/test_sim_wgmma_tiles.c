/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_wgmma_tiles.c - every tile of every type of the convolutions on wgmma and TMA against the plain-C
 * reference: both ways to walk the rows, geometry, pitches, residuals, activations, blocks that take several tiles.
 */
#include "wgmma_support.h"

typedef struct geometry {
    const char *name;
    int n, t, h, w, channels, filters, kernel, stride, fold, end;
    int gap, blocks; /* elements behind each row */
    bool tiled, residual;
    tsm_kernel_act act;
} geometry;

static const geometry geometries[] = {
    { "1x1, clip by clip", 2, 2, 7, 9, 64, 72, 1, 1, 0, 0, 0, 1, true, false, TSM_KERNEL_ACT_RELU },
    { "1x1, shifted, residual", 2, 3, 7, 7, 128, 48, 1, 1, 64, 128, 0, 2, true, true, TSM_KERNEL_ACT_RELU },
    { "1x1, parts of 64 bytes, gaps", 2, 3, 5, 9, 96, 40, 1, 1, 32, 64, 8, 1, true, true, TSM_KERNEL_ACT_NONE },
    { "1x1, parts of 16 bytes", 1, 4, 6, 7, 64, 64, 1, 1, 8, 16, 0, 3, true, false, TSM_KERNEL_ACT_SIGMOID },
    { "1x1, all rows in one go", 3, 3, 5, 5, 64, 64, 1, 1, 16, 32, 0, 1, false, true, TSM_KERNEL_ACT_RELU },
    { "1x1, stride 2, gaps", 2, 3, 9, 7, 64, 72, 1, 2, 8, 16, 8, 1, false, true, TSM_KERNEL_ACT_LEAKY_RELU },
    { "3x3, shifted", 1, 3, 6, 5, 64, 64, 3, 1, 32, 64, 0, 1, false, false, TSM_KERNEL_ACT_RELU6 },
    { "3x3, stride 2, odd", 2, 2, 9, 11, 40, 40, 3, 2, 8, 16, 0, 2, false, true, TSM_KERNEL_ACT_RELU },
};

static tsm_conv_kernel_spec spec_of(const geometry *g, tsm_dtype dtype)
{
    tsm_conv_kernel_spec spec =
        dense_spec(dtype, g->n, g->t, g->h, g->w, g->channels, g->filters, g->kernel, g->stride);

    spec.fold = g->fold;
    spec.end = g->end;
    spec.in_pitch += g->gap;
    spec.out_pitch += g->gap;
    if (g->residual) spec.residual_pitch = spec.filters + g->gap;
    spec.act = g->act;
    return spec;
}

START_TEST(tiles)
{
    const geometry *g = &geometries[_i % COUNT_OF(geometries)];
    const int tile = _i / COUNT_OF(geometries);

    for (int d = 0; d < COUNT_OF(group_types); d++) {
        const tsm_conv_kernel_spec spec = spec_of(g, group_types[d]);
        wgmma_check(&spec, (tsm_conv_wgmma_way){ tile, g->blocks, g->tiled }, (uint32_t)(_i * 8 + d));
    }
}
END_TEST

/* K of more steps than stages, so that each is used several times, and of fewer; tiles that one block takes in turn.
 */
START_TEST(turns)
{
    for (int channels = 64; channels <= 640; channels += 192) {
        tsm_conv_kernel_spec spec = dense_spec(TSM_FLOAT16, 3, 2, 6, 6, channels, 136, 1, 1);

        spec.fold = 64 < channels ? 64 : 0;
        spec.end = 2 * spec.fold;
        wgmma_check(&spec, (tsm_conv_wgmma_way){ _i, 2, true }, (uint32_t)(1000 + _i * 8 + channels));
    }
}
END_TEST

/* Windows of other forms, padding, and one pixel altogether. */
START_TEST(windows)
{
    static const int cases[][5] = { { 1, 1, 1, 1, 0 }, { 3, 3, 3, 1, 1 }, { 5, 5, 2, 1, 1 },
                                    { 7, 7, 2, 2, 3 }, { 1, 3, 2, 1, 0 }, { 3, 1, 1, 3, 0 } };
    const int *c = cases[_i];
    tsm_conv_kernel_spec spec = dense_spec(TSM_FLOAT16, 1, 2, c[0], c[1], 32, 16, 1, c[3]);

    spec.kernel_h = c[0] < c[2] ? c[0] : c[2];
    spec.kernel_w = c[1] < c[2] ? c[1] : c[2];
    spec.pad = c[4];
    if (spec.pad >= spec.kernel_h) spec.pad = spec.kernel_h - 1;
    shift_spec(&spec, 4);
    wgmma_check(&spec, (tsm_conv_wgmma_way){ 3, 1, false }, (uint32_t)(1200 + _i));
}
END_TEST

/* Many schedules of one launch: the same bits, and nobody waits for ever. */
START_TEST(schedules)
{
    const tsm_conv_kernel_spec spec = spec_of(&geometries[_i ? 7 : 1], TSM_BFLOAT16);
    const size_t bytes = (size_t)(spec.n * spec.t * tsm_conv_kernel_out_h(&spec) * tsm_conv_kernel_out_w(&spec)) *
                         (size_t)spec.out_pitch * dtype_bytes(spec.dtype);
    void *first = NULL;
    conv_run run;

    conv_begin(&run, &spec, 77);
    for (unsigned seed = 0; seed < 12; seed++) {
        void *out;
        begin_case(2000 + seed);
        out = wgmma_output(&run, (tsm_conv_wgmma_way){ 3, 1 + (int)seed % 3, !_i });
        if (first) assert_bytes(out, first, bytes, "another order");
        if (first)
            free(out);
        else
            first = out;
    }
    free(first);
    conv_end(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wgmma tiles");
    TCase *tests = tcase_create("tiles");

    if (!has_groups()) {
        puts("skipped: no GPU of compute capability 9.0");
        return 0;
    }
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, tiles, 0, TSM_WGMMA_TILE_COUNT * COUNT_OF(geometries));
    tcase_add_loop_test(tests, turns, 0, TSM_WGMMA_TILE_COUNT);
    tcase_add_loop_test(tests, windows, 0, 6);
    tcase_add_loop_test(tests, schedules, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
