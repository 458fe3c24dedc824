/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_conv_shift.c - the proof of the shift: a convolution that reads shifted channels has the bits of the same
 * kernel on a shifted copy of its input. Every fold of the networks, boundaries, strides, both placements.
 */
#include "conv_support.h"

static void check_same(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way, uint32_t seed)
{
    conv_run run, copies;
    void *gathered, *copied;

    begin_case(seed);
    conv_begin(&run, spec, seed);
    gathered = conv_output(&run, way);
    copies = conv_copies(&run);
    copied = conv_output(&copies, way);
    conv_copies_end(&copies, &run);
    assert_bytes(gathered, copied, (size_t)(run.out_rows * spec->out_pitch) * dtype_bytes(spec->dtype), "gather");
    free(gathered);
    free(copied);
    conv_end(&run);
}

/* ---- Folds of the networks, at scaled-down sizes ---- */

typedef struct layer {
    const char *name;
    int channels, filters, kernel, stride, n_div;
} layer;

/* The convolutions behind shifts: R18 and R34 (3x3, first of a BasicBlock), R50 and R101 (c1 of bottlenecks; the
 * wider ones have the folds of 2048 channels), MobileNetV2 (expansions), PP-TSM (R50-vd: the same widths, stride 1).
 */
static const layer layers[] = {
    { "r18 layer1", 64, 64, 3, 1, 8 },       { "r18 layer2", 64, 128, 3, 2, 8 },
    { "r18 layer3", 128, 16, 3, 2, 8 },      { "r18 layer4", 256, 16, 3, 2, 8 },
    { "r18 layer4.1", 512, 8, 3, 1, 8 },     { "r50 layer1.0", 64, 64, 1, 1, 8 },
    { "r50 layer1", 256, 64, 1, 1, 8 },      { "r50 layer2", 512, 128, 1, 1, 8 },
    { "r50 layer3", 1024, 64, 1, 1, 8 },     { "r50 layer4", 2048, 64, 1, 1, 8 },
    { "mobilenetv2 24", 24, 144, 1, 1, 8 },  { "mobilenetv2 32", 32, 192, 1, 1, 8 },
    { "mobilenetv2 64", 64, 384, 1, 1, 8 },  { "mobilenetv2 96", 96, 64, 1, 1, 8 },
    { "mobilenetv2 160", 160, 64, 1, 1, 8 }, { "n_div 3", 64, 32, 1, 1, 3 },
    { "n_div 4", 64, 32, 3, 1, 4 },          { "n_div 2", 64, 32, 1, 1, 2 },
    { "n_div 1", 64, 32, 1, 1, 1 },
};

/* In types of 4 and of 2 bytes. Two clips of one frame, which have no neighbours; or a clip of T = 3, whose 3 x 5
 * pixels divide no tile. */
static void check_fold(const layer *l, tsm_dtype dtype, int t, uint32_t seed)
{
    tsm_conv_kernel_spec spec =
        dense_spec(dtype, t == 1 ? 2 : 1, t, 3, 5, l->channels, l->filters, l->kernel, l->stride);
    tsm_conv_kernel_way way = { 3, 1 };
    const char *why;

    shift_spec(&spec, l->n_div);
    spec.act = TSM_KERNEL_ACT_RELU;
    if (!tsm_conv_kernel_serves(&spec, &why)) {
        ck_assert_str_eq(why, "a fold is not a multiple of 4 bytes");
        ck_assert_int_ne(spec.fold * (int)dtype_bytes(dtype) % 4, 0);
        return;
    }
    if (!tsm_conv_kernel_way_serves(&spec, way)) way.tile = 2;
    check_same(&spec, way, seed);
    if (l->channels <= 96) conv_check(&spec, way, seed);
}

START_TEST(folds)
{
    for (int d = 0; d < 2; d++) check_fold(&layers[_i], float_types[d], 3, (uint32_t)(_i * 16 + d));
    check_fold(&layers[_i], TSM_FLOAT16, 1, (uint32_t)(_i * 16 + 8));
}
END_TEST

/* ---- Boundaries ---- */

typedef struct boundary {
    int n, t, h, w, kernel, stride, fold, end, step, parts;
} boundary;

/* Clips that begin and end within a tile, both steps, one fold alone (uni-directional), all channels moving. */
static const boundary boundaries[] = {
    { 3, 2, 3, 3, 1, 1, 8, 16, 1, 1 },   { 3, 2, 3, 3, 1, 1, 8, 16, -1, 1 }, { 2, 5, 1, 1, 1, 1, 8, 8, -1, 1 },
    { 1, 1, 7, 7, 3, 1, 8, 16, 1, 1 },   { 2, 3, 7, 5, 3, 2, 8, 8, -1, 1 },  { 1, 4, 8, 6, 3, 2, 32, 64, 1, 1 },
    { 5, 3, 2, 2, 1, 2, 16, 32, -1, 1 }, { 2, 8, 2, 2, 3, 1, 8, 16, 1, 2 },  { 2, 3, 5, 5, 3, 1, 4, 12, 1, 1 },
    { 2, 3, 5, 5, 1, 1, 2, 6, 1, 1 },    { 2, 3, 5, 5, 3, 2, 6, 10, -1, 3 }, { 1, 3, 4, 4, 1, 1, 0, 10, 1, 1 },
};

START_TEST(bounds)
{
    const boundary *b = &boundaries[_i];

    for (int d = 0; d < COUNT_OF(float_types); d++) {
        tsm_conv_kernel_spec spec = dense_spec(float_types[d], b->n, b->t, b->h, b->w, 64, 32, b->kernel, b->stride);

        spec.fold = b->fold;
        spec.end = b->end;
        spec.step = b->step;
        check_same(&spec, (tsm_conv_kernel_way){ 3, b->parts }, (uint32_t)(600 + _i * 4 + d));
        conv_check(&spec, (tsm_conv_kernel_way){ 3, b->parts }, (uint32_t)(600 + _i * 4 + d));
    }
}
END_TEST

/* Placement `block`: the last convolution of a block adds the block's input, shifted. */
START_TEST(residual)
{
    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (int fold = 8; fold <= 24; fold += 16) {
            tsm_conv_kernel_spec spec = dense_spec(float_types[d], 2, 3, 5, 3, 32, 64, _i ? 3 : 1, 1);

            spec.residual_pitch = spec.filters + 8;
            spec.residual_fold = fold;
            spec.residual_end = 2 * fold;
            spec.step = fold == 8 ? -1 : 1;
            spec.act = TSM_KERNEL_ACT_RELU;
            check_same(&spec, (tsm_conv_kernel_way){ 2, 1 }, (uint32_t)(800 + d * 16 + fold));
            conv_check(&spec, (tsm_conv_kernel_way){ 2, 1 }, (uint32_t)(800 + d * 16 + fold));
        }
}
END_TEST

/* Where rows have gaps, as in the schedule of the shift method `overlap`. */
START_TEST(pitches)
{
    tsm_conv_kernel_spec spec = dense_spec(TSM_BFLOAT16, 2, 3, 4, 4, 64, 64, 3, 1);

    shift_spec(&spec, 8);
    spec.in_pitch += 16;
    spec.out_pitch += 16;
    for (int tile = 0; tile < TSM_CONV_TILE_COUNT; tile++)
        check_same(&spec, (tsm_conv_kernel_way){ tile, 1 }, (uint32_t)(900 + tile));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shift in the load");
    TCase *tests = tcase_create("shift");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, folds, 0, COUNT_OF(layers));
    tcase_add_loop_test(tests, bounds, 0, COUNT_OF(boundaries));
    tcase_add_loop_test(tests, residual, 0, 2);
    tcase_add_test(tests, pitches);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
