/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_conv_tiles.c - every tile of every type of the convolutions with a shift in their load, on the simulated
 * device, against the plain-C reference: geometry, pitches, residuals, activations, parts of K.
 */
#include "conv_support.h"

typedef struct geometry {
    const char *name;
    int n, t, h, w, channels, filters, kernel, stride, n_div; /* n_div 0: no shift */
    int gap;                                                  /* elements behind each row */
    bool residual;
    tsm_kernel_act act;
    int parts;
} geometry;

/* Channels in units of 16 bytes, so that a case is the same for all types. */
static const geometry geometries[] = {
    { "1x1", 1, 2, 9, 9, 8, 8, 1, 1, 0, 0, false, TSM_KERNEL_ACT_RELU, 1 },
    { "1x1, shifted, residual", 2, 3, 5, 7, 16, 12, 1, 1, 8, 0, true, TSM_KERNEL_ACT_RELU, 1 },
    { "1x1, stride 2, gaps", 1, 4, 7, 5, 8, 9, 1, 2, 8, 8, true, TSM_KERNEL_ACT_NONE, 1 },
    { "3x3, shifted", 1, 3, 6, 5, 8, 8, 3, 1, 8, 0, false, TSM_KERNEL_ACT_RELU6, 1 },
    { "3x3, stride 2, odd", 1, 2, 7, 9, 8, 5, 3, 2, 8, 0, true, TSM_KERNEL_ACT_LEAKY_RELU, 1 },
    { "1x1, parts", 1, 2, 5, 5, 40, 8, 1, 1, 8, 0, true, TSM_KERNEL_ACT_RELU, 3 },
    { "3x3, parts", 1, 2, 4, 4, 8, 16, 3, 1, 4, 0, false, TSM_KERNEL_ACT_SIGMOID, 4 },
};

static tsm_conv_kernel_spec spec_of(const geometry *g, tsm_dtype dtype)
{
    const int unit = 16 / (int)dtype_bytes(dtype);
    tsm_conv_kernel_spec spec =
        dense_spec(dtype, g->n, g->t, g->h, g->w, g->channels * unit, g->filters * unit, g->kernel, g->stride);

    if (g->n_div) shift_spec(&spec, g->n_div);
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

    for (int d = 0; d < COUNT_OF(float_types); d++) {
        const tsm_conv_kernel_spec spec = spec_of(g, float_types[d]);
        conv_check(&spec, (tsm_conv_kernel_way){ tile, g->parts }, (uint32_t)(_i * 8 + d));
    }
}
END_TEST

/* The convolution of a shortcut as more of K: strides, gaps, clips that end within tiles, parts that begin in it. */
START_TEST(joined)
{
    static const struct {
        int h, stride, units, parts;
    } cases[] = { { 9, 1, 8, 1 }, { 5, 2, 24, 1 }, { 4, 2, 16, 3 }, { 3, 3, 40, 4 } };
    const int at = _i % COUNT_OF(cases), tile = _i / COUNT_OF(cases);

    for (int d = 0; d < COUNT_OF(float_types); d++) {
        const int unit = 16 / (int)dtype_bytes(float_types[d]), h = cases[at].h, w = h + 2;
        tsm_conv_kernel_spec spec = dense_spec(float_types[d], 1, 3, h, w, 16 * unit, 9 * unit, 1, 1);

        shift_spec(&spec, 8);
        spec.joined_channels = cases[at].units * unit;
        spec.joined_pitch = spec.joined_channels + unit;
        spec.joined_stride = cases[at].stride;
        spec.joined_h = (h - 1) * cases[at].stride + 1;
        spec.joined_w = (w - 1) * cases[at].stride + 1;
        spec.act = TSM_KERNEL_ACT_RELU;
        conv_check(&spec, (tsm_conv_kernel_way){ tile, cases[at].parts }, (uint32_t)(3000 + _i * 8 + d));
    }
}
END_TEST

/* Channels that fill no step: the tail is zeros, whatever lies behind the pixel. */
START_TEST(tails)
{
    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (int units = 1; units <= 7; units += 3) {
            const int unit = 16 / (int)dtype_bytes(float_types[d]);
            tsm_conv_kernel_spec spec = dense_spec(float_types[d], 1, 2, 4, 5, units * unit, 3 * unit, 3, 1);

            spec.in_pitch += unit;
            conv_check(&spec, (tsm_conv_kernel_way){ 2, 1 }, (uint32_t)(1000 + d * 8 + units));
        }
}
END_TEST

/* Windows of other forms, padding that a window may lie in but for one pixel, and one pixel altogether. */
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
    conv_check(&spec, (tsm_conv_kernel_way){ 2, 1 }, (uint32_t)(1200 + _i));
}
END_TEST

/* Bits do not depend on the order of blocks, also where K is in parts. */
START_TEST(bits_repeat)
{
    const tsm_conv_kernel_spec spec = spec_of(&geometries[5], float_types[_i]);
    const size_t bytes = (size_t)(2 * 5 * 5 * spec.out_pitch) * dtype_bytes(spec.dtype);
    void *first = NULL;
    conv_run run;

    conv_begin(&run, &spec, 77);
    for (unsigned seed = 0; seed < 4; seed++) {
        void *out;
        begin_case(2000 + seed);
        out = conv_output(&run, (tsm_conv_kernel_way){ 3, 4 });
        if (first) assert_bytes(out, first, bytes, "another order of blocks");
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
    Suite *suite = suite_create("convolution tiles");
    TCase *tests = tcase_create("tiles");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, tiles, 0, TSM_CONV_TILE_COUNT * COUNT_OF(geometries));
    tcase_add_loop_test(tests, joined, 0, TSM_CONV_TILE_COUNT * 4);
    tcase_add_test(tests, tails);
    tcase_add_loop_test(tests, windows, 0, 6);
    tcase_add_loop_test(tests, bits_repeat, 0, COUNT_OF(float_types));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
