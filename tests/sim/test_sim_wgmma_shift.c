/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_wgmma_shift.c - the proof of the shift on wgmma and TMA: the bits of the same kernel on a shifted copy of
 * the input. Folds of the networks, clips' ends, strides, both directions, both placements.
 */
#include "wgmma_support.h"

typedef struct layer {
    const char *name;
    int channels, filters, kernel, stride, n_div;
} layer;

/* Channels of wider layers are cut down; folds, which say how boxes lie, are those of the networks. */
static const layer layers[] = {
    { "r18 layer2", 64, 64, 3, 2, 8 },       { "r18 layer3", 128, 16, 3, 2, 8 },
    { "r18 layer4.1", 512, 8, 3, 1, 8 },     { "r50 layer1", 256, 64, 1, 1, 8 },
    { "r50 layer2", 512, 128, 1, 1, 8 },     { "r50 layer3", 1024, 64, 1, 1, 8 },
    { "r50 layer4", 2048, 64, 1, 1, 8 },     { "mobilenetv2 64", 64, 96, 1, 1, 8 },
    { "mobilenetv2 160", 160, 64, 1, 1, 8 }, { "mobilenetv2 24", 24, 144, 1, 1, 8 },
    { "n_div 4", 64, 32, 3, 1, 4 },          { "n_div 2", 64, 32, 1, 1, 2 },
    { "n_div 1", 64, 32, 1, 1, 1 },
};

/* Two clips of one frame, which have no neighbours; or a clip of T = 3, whose 3 x 5 pixels divide no tile. */
static void check_fold(const layer *l, tsm_dtype dtype, int t, uint32_t seed)
{
    tsm_conv_kernel_spec spec =
        dense_spec(dtype, t == 1 ? 2 : 1, t, 3, 5, l->channels, l->filters, l->kernel, l->stride);
    const char *why;

    shift_spec(&spec, l->n_div);
    spec.act = TSM_KERNEL_ACT_RELU;
    if (!tsm_conv_wgmma_serves(&spec, &why)) {
        ck_assert_int_ne(spec.fold * 2 % 16, 0);
        return;
    }
    for (int tiled = l->kernel == 1; tiled >= 0; tiled--) {
        wgmma_check_same(&spec, (tsm_conv_wgmma_way){ 3, 1, tiled }, seed);
        if (l->channels <= 96) wgmma_check(&spec, (tsm_conv_wgmma_way){ 3, 1, tiled }, seed);
    }
}

START_TEST(folds)
{
    check_fold(&layers[_i], group_types[_i % 2], 3, (uint32_t)(_i * 16));
    check_fold(&layers[_i], group_types[_i % 2], 1, (uint32_t)(_i * 16 + 8));
}
END_TEST

typedef struct boundary {
    int n, t, h, w, kernel, stride, fold, end, step;
    bool tiled;
} boundary;

/* Clips that begin and end within a tile, tiles that begin within a frame, both directions, one fold alone. */
static const boundary boundaries[] = {
    { 3, 2, 3, 3, 1, 1, 8, 16, 1, true },    { 3, 2, 3, 3, 1, 1, 8, 16, -1, true },
    { 2, 5, 1, 1, 1, 1, 8, 8, -1, true },    { 2, 3, 9, 9, 1, 1, 32, 64, 1, true },
    { 2, 3, 9, 9, 1, 1, 16, 24, -1, false }, { 1, 1, 7, 7, 3, 1, 8, 16, 1, false },
    { 2, 3, 7, 5, 3, 2, 8, 8, -1, false },   { 1, 4, 8, 6, 3, 2, 32, 64, 1, false },
    { 5, 3, 2, 2, 1, 2, 16, 32, -1, false }, { 2, 8, 5, 5, 3, 1, 0, 16, 1, false },
    { 4, 3, 5, 5, 1, 1, 8, 40, 1, false },
};

START_TEST(bounds)
{
    const boundary *b = &boundaries[_i];
    tsm_conv_kernel_spec spec = dense_spec(group_types[_i % 2], b->n, b->t, b->h, b->w, 64, 32, b->kernel, b->stride);

    spec.fold = b->fold;
    spec.end = b->end;
    spec.step = b->step;
    wgmma_check_same(&spec, (tsm_conv_wgmma_way){ 3, 2, b->tiled }, (uint32_t)(600 + _i));
    wgmma_check(&spec, (tsm_conv_wgmma_way){ 3, 2, b->tiled }, (uint32_t)(600 + _i));
}
END_TEST

/* Placement `block`: the last convolution of a block adds the block's input, shifted. */
START_TEST(residual)
{
    for (int fold = 8; fold <= 24; fold += 16) {
        tsm_conv_kernel_spec spec = dense_spec(group_types[_i], 2, 3, 5, 3, 32, 64, _i ? 3 : 1, 1);

        spec.residual_pitch = spec.filters + 8;
        spec.residual_fold = fold;
        spec.residual_end = 2 * fold;
        spec.step = fold == 8 ? -1 : 1;
        spec.act = TSM_KERNEL_ACT_RELU;
        wgmma_check_same(&spec, (tsm_conv_wgmma_way){ 2, 1, !_i }, (uint32_t)(800 + fold));
        wgmma_check(&spec, (tsm_conv_wgmma_way){ 2, 1, !_i }, (uint32_t)(800 + fold));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shift on wgmma");
    TCase *tests = tcase_create("shift");

    if (!has_groups()) {
        puts("skipped: no GPU of compute capability 9.0");
        return 0;
    }
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, folds, 0, COUNT_OF(layers));
    tcase_add_loop_test(tests, bounds, 0, COUNT_OF(boundaries));
    tcase_add_loop_test(tests, residual, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
