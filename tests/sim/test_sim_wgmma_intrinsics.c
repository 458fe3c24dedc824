/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_wgmma_intrinsics.c - products of warpgroups, sum by sum, and boxes of tensor maps, chunk by chunk: what
 * wgmma_geometry.h and wgmma_maps.h say of them, on the simulated device and on a GPU.
 */
#include "wgmma_support.h"

#include "kernels/conv/wgmma_geometry.h"
#include "wgmma_probes.h"

enum { ROWS = TSM_PROBE_GROUP_ROWS, FILTERS = TSM_PROBE_GROUP_FILTERS, K = TSM_WGMMA_K_BYTES / 2, THREADS = 128 };

/* A matrix of rows x K, and its bytes as an operand in parts. */
static char *laid_out(float *values, int rows, int part, tsm_dtype type, uint32_t seed)
{
    float *hashed = hashed_array((size_t)(rows * K), seed);
    uint16_t *encoded = encode(hashed, (size_t)(rows * K), type);
    char *bytes = malloc((size_t)rows * TSM_WGMMA_K_BYTES), *memory;

    ck_assert_ptr_nonnull(bytes);
    for (int row = 0; row < rows; row++)
        for (int k = 0; k < K; k++) {
            values[row * K + k] = hashed[row * K + k];
            memcpy(bytes + tsm_wgmma_place(row, 2 * k, rows, part), &encoded[row * K + k], 2);
        }
    memory = device_copy(bytes, (size_t)rows * TSM_WGMMA_K_BYTES, 0);
    free(hashed);
    free(encoded);
    free(bytes);
    return memory;
}

START_TEST(group_products)
{
    static const int parts[] = { 128, 64, 32, 16 };
    static float a[ROWS * K], b[FILTERS * K], got[THREADS][FILTERS / 2];
    const tsm_dtype type = group_types[_i / 4];
    char *input = laid_out(a, ROWS, parts[_i % 4], type, 1), *filters = laid_out(b, FILTERS, 128, type, 2);
    char *out = device_room(sizeof got, 0);

    begin_case((unsigned)_i);
    DEVICE_OK(tsm_probe_group(type, input, filters, (float *)out, parts[_i % 4], NULL));
    device_read(got, out, sizeof got);
    for (int thread = 0; thread < THREADS; thread++)
        for (int i = 0; i < FILTERS / 2; i++) {
            const int row = thread / 32 * 16 + thread % 32 / 4 + i % 4 / 2 * 8;
            const int filter = i / 4 * 8 + thread % 4 * 2 + i % 2;
            double sum = 0, magnitude = 0;

            for (int k = 0; k < K; k++) {
                sum += (double)a[row * K + k] * (double)b[filter * K + k];
                magnitude += fabs((double)a[row * K + k] * (double)b[filter * K + k]);
            }
            ck_assert_msg(fabs((double)got[thread][i] - sum) <= magnitude * K * 0x1p-24,
                          "thread %d, sum %d (row %d, filter %d) is %g, want %g", thread, i, row, filter,
                          (double)got[thread][i], sum);
        }
    device_release(input, 0);
    device_release(filters, 0);
    device_release(out, 0);
}
END_TEST

/* ---- Boxes ---- */

/* Element c of the pixel that row `row` of a box reads, shifted by `on` frames; 0 where there is none. */
static uint16_t boxed(const tsm_conv_kernel_spec *s, const uint16_t *in, const tsm_probe_place *at, bool im2col,
                      int row, int c)
{
    int pixel[4] = { at->at[0], at->at[1], at->at[2], at->at[3] };
    const int low[3] = { -s->pad, -s->pad, -1 }, sizes[3] = { s->w, s->h, s->t };
    const int ends[3] = { s->w + s->pad - (s->kernel_w - 1), s->h + s->pad - (s->kernel_h - 1), s->t - 1 };
    const int steps[3] = { s->stride, s->stride, 1 };

    if (!im2col) {
        const int64_t place = (int64_t)at->at[0] + row, pixels = (int64_t)s->t * s->h * s->w;
        if (place < 0 || place >= pixels || at->at[1] >= s->n || c >= s->channels) return 0;
        return in[(at->at[1] * pixels + place) * s->in_pitch + c];
    }
    for (; row > 0; row--) {
        int axis = 0;
        while (axis < 3 && (pixel[axis] += steps[axis]) >= ends[axis]) {
            pixel[axis] = low[axis];
            axis++;
        }
        if (axis == 3) pixel[3]++;
    }
    for (int i = 0; i < 3; i++) {
        pixel[i] += at->tap[i];
        if (pixel[i] < 0 || pixel[i] >= sizes[i]) return 0;
    }
    if (pixel[3] >= s->n || c >= s->channels) return 0;
    return in[((((int64_t)pixel[3] * s->t + pixel[2]) * s->h + pixel[1]) * s->w + pixel[0]) * s->in_pitch + c];
}

typedef struct box_case {
    int kernel, stride, fold; /* the fold says how wide a box is */
    bool tiled;
    tsm_probe_place place;
} box_case;

static const box_case boxes[] = {
    { 1, 1, 64, true, { 0, { 5, 1 }, { 0 } } },                 /* inside */
    { 1, 1, 64, true, { 64, { -35, 0 }, { 0 } } },              /* before the clip, and the channels' tail */
    { 1, 1, 32, true, { 32, { 80, 1 }, { 0 } } },               /* past its end */
    { 1, 1, 16, true, { 16, { 3, 1 }, { 0 } } },                /* narrower parts */
    { 1, 1, 8, true, { 72, { -1, 0 }, { 0 } } },                /* no swizzle */
    { 3, 1, 64, false, { 0, { -1, -1, -1, 0 }, { 0, 0, 1 } } }, /* the first window */
    { 3, 1, 32, false, { 32, { 2, 3, 0, 0 }, { 2, 1, 0 } } },   /* the frame before, across frames and clips */
    { 3, 1, 64, false, { 64, { 1, 2, 1, 1 }, { 1, 2, 2 } } },   /* the frame after; past the last clip */
    { 3, 2, 8, false, { 8, { 1, 3, -1, 1 }, { 0, 1, 2 } } },    /* a stride, no swizzle */
    { 1, 2, 16, false, { 16, { 2, 4, 0, 0 }, { 0, 0, 0 } } },   /* a stride without padding: corners that differ */
};

START_TEST(box)
{
    const box_case *b = &boxes[_i];
    tsm_conv_kernel_spec spec = dense_spec(TSM_FLOAT16, 2, 3, 7, 5, 80, 64, b->kernel, b->stride);
    const size_t count = (size_t)(spec.n * spec.t * spec.h * spec.w) * 88;
    const int rows = tsm_conv_wgmma_tile(0)->rows, width = b->fold < 64 ? b->fold : 64, part = 2 * width;
    uint16_t *in = malloc(2 * count), *got = malloc((size_t)(rows * part));
    char *memory, *out = device_room((size_t)(rows * part), 0);
    tsm_conv_wgmma_args args = { .way = { 0, 1, b->tiled } };

    ck_assert(in && got);
    spec.in_pitch = 88;
    spec.fold = b->fold;
    spec.end = b->fold;
    for (size_t i = 0; i < count; i++) in[i] = (uint16_t)(1 + i * 7919 % 30000);
    memory = device_copy(in, 2 * count, 0);
    args.conv.spec = spec;
    args.conv.in = args.conv.weights = args.conv.out = memory;
    begin_case((unsigned)_i);
    DEVICE_OK(tsm_conv_wgmma_prepare(&args));
    DEVICE_OK(tsm_probe_box(args.maps.input, !b->tiled, &b->place, out, rows * part, NULL));
    device_read(got, out, (size_t)(rows * part));
    for (int row = 0; row < rows; row++)
        for (int c = 0; c < width; c++) {
            const uint16_t want = boxed(&spec, in, &b->place, !b->tiled, row, b->place.channel + c);
            const uint16_t found = got[tsm_wgmma_swizzle((uint32_t)(row * part + 2 * c), part) / 2];

            ck_assert_msg(found == want, "pixel %d, channel %d is %d, want %d", row, c, found, want);
        }
    device_release(memory, 0);
    device_release(out, 0);
    free(in);
    free(got);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wgmma intrinsics");
    TCase *tests = tcase_create("intrinsics");

    if (!has_groups()) {
        puts("skipped: no GPU of compute capability 9.0");
        return 0;
    }
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, group_products, 0, 8);
    tcase_add_loop_test(tests, box, 0, COUNT_OF(boxes));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
