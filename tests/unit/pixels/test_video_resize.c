/* SPDX-License-Identifier: Apache-2.0 */
/* Scaling, byte for byte against Pillow and OpenCV, and parts against the whole. */
#include "pixels/pixels.h"
#include "video_support.h"

static tsm_video_mode mode_of(const char *name)
{
    return strcmp(name, "mit") == 0 ? TSM_MODE_MIT : TSM_MODE_MMACTION2;
}

static uint8_t *resized(tsm_video_mode mode, const uint8_t *in, int width, int height, int out_width, int out_height)
{
    uint8_t *out = malloc((size_t)out_width * (size_t)out_height * 3);
    tsm_error error;

    ck_assert_ptr_nonnull(out);
    assert_ok(tsm_resize_rgb(mode, in, width, height, out, out_width, out_height, &error), &error);
    return out;
}

START_TEST(test_references)
{
    size_t bytes;
    char *table = (char *)read_file(PIL_DATA "resize.txt", &bytes), *rest = table, *line, mode[16];
    int lines = 0;

    for (; (line = strsep(&rest, "\n")) && *line; lines++) {
        int width, height, out_width, out_height;
        uint8_t *in, *out;
        uint32_t want, got;
        ck_assert_int_eq(sscanf(line, "%15s %d %d %d %d : %x", mode, &width, &height, &out_width, &out_height, &want),
                         6);
        in = hashed_image(width, height, (uint32_t)(width + height));
        out = resized(mode_of(mode), in, width, height, out_width, out_height);
        got = crc32_of(out, (size_t)out_width * (size_t)out_height * 3);
        ck_assert_msg(got == want, "%s: got %08x", line, got);
        free(in);
        free(out);
    }
    ck_assert_int_eq(lines, 42);
    free(table);
}
END_TEST

/* A part has the bytes that it has in the whole, and nothing is written around it. */
static void check_part(tsm_resizer *resizer, tsm_video_mode mode, const tsm_rgb *in, int out_width, int out_height,
                       tsm_rect part)
{
    const tsm_resize_spec spec = { mode, in->width, in->height, out_width, out_height, part };
    uint8_t *whole = resized(mode, in->data, in->width, in->height, out_width, out_height);
    size_t row = (size_t)part.width * 3, bytes = row * (size_t)part.height;
    uint8_t *got = malloc(bytes + 16);
    tsm_error error;

    memset(got, 0xa5, bytes + 16);
    assert_ok(tsm_resizer_set(resizer, &spec, &error), &error);
    tsm_resizer_run(resizer, in->data, got);
    for (int y = 0; y < part.height; y++)
        ck_assert_mem_eq(got + (size_t)y * row,
                         whole + ((size_t)(part.y + y) * (size_t)out_width + (size_t)part.x) * 3, row);
    for (size_t i = 0; i < 16; i++) ck_assert_uint_eq(got[bytes + i], 0xa5);
    free(got);
    free(whole);
}

START_TEST(test_parts)
{
    static const int shapes[][4] = { { 90, 70, 41, 33 }, { 30, 20, 60, 41 }, { 50, 40, 50, 20 },
                                     { 50, 40, 31, 40 }, { 50, 40, 50, 40 }, { 41, 90, 80, 33 } };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int *s = shapes[i];
        uint8_t *pixels = hashed_image(s[0], s[1], (uint32_t)i);
        tsm_rgb in = { pixels, s[0], s[1] };
        tsm_resizer resizer = { 0 }; /* the same for all: what it keeps must not outlive a change */
        for (int mode = TSM_MODE_MIT; mode <= TSM_MODE_MMACTION2; mode++) {
            check_part(&resizer, mode, &in, s[2], s[3], (tsm_rect){ 0, 0, 7, 5 });
            check_part(&resizer, mode, &in, s[2], s[3], (tsm_rect){ s[2] - 9, s[3] - 6, 9, 6 });
            check_part(&resizer, mode, &in, s[2], s[3], (tsm_rect){ 3, 4, s[2] - 5, s[3] - 8 });
        }
        tsm_resizer_clear(&resizer);
        free(pixels);
    }
}
END_TEST

/* A flat image stays flat at every value: the weights of each position add up. */
START_TEST(test_flat_images)
{
    uint8_t in[19 * 13 * 3];

    for (int value = 0; value < 256; value += 5) {
        memset(in, value, sizeof in);
        for (int mode = TSM_MODE_MIT; mode <= TSM_MODE_MMACTION2; mode++) {
            uint8_t *out = resized(mode, in, 19, 13, 11, 29);
            for (int i = 0; i < 11 * 29 * 3; i++) ck_assert_int_eq(out[i], value);
            free(out);
        }
    }
}
END_TEST

/* Frames of one size share one set of tables, and give the bytes that a resize of their own gives. */
START_TEST(test_tables_are_kept)
{
    const tsm_resize_spec spec = { TSM_MODE_MIT, 40, 30, 23, 17, { 1, 2, 19, 11 } };

    for (int mode = TSM_MODE_MIT; mode <= TSM_MODE_MMACTION2; mode++) {
        tsm_resizer resizer = { 0 };
        tsm_resize_spec same = spec;
        uint8_t out[19 * 11 * 3];
        tsm_error error;

        same.mode = mode;
        assert_ok(tsm_resizer_set(&resizer, &same, &error), &error);
        for (uint32_t frame = 0; frame < 3; frame++) {
            uint8_t *in = hashed_image(40, 30, frame), *whole;

            tsm_alloc_fail_at(1);
            assert_ok(tsm_resizer_set(&resizer, &same, &error), &error);
            tsm_resizer_run(&resizer, in, out);
            ck_assert_uint_eq(tsm_alloc_fail_at(0), 0);
            whole = resized(mode, in, 40, 30, 23, 17);
            for (int y = 0; y < 11; y++) ck_assert_mem_eq(out + y * 19 * 3, whole + ((y + 2) * 23 + 1) * 3, 19 * 3);
            free(in);
            free(whole);
        }
        tsm_resizer_clear(&resizer);
    }
}
END_TEST

START_TEST(test_refusals)
{
    uint8_t pixels[12] = { 0 };
    tsm_error error;

    assert_error(tsm_resize_rgb(TSM_MODE_MIT, pixels, 0, 2, pixels, 2, 2, &error), &error, TSM_ERROR_ARGUMENT,
                 "0 x 2");
    assert_error(tsm_resize_rgb(TSM_MODE_MIT, pixels, 2, 2, pixels, 2, -1, &error), &error, TSM_ERROR_ARGUMENT,
                 "2 x -1");
    assert_error(tsm_resize_rgb(TSM_MODE_MIT, NULL, 2, 2, pixels, 2, 2, &error), &error, TSM_ERROR_ARGUMENT, "image");
    assert_error(tsm_resize_rgb(5, pixels, 2, 2, pixels, 1, 1, &error), &error, TSM_ERROR_ARGUMENT, "mode 5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_resize");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_references);
    tcase_add_test(tests, test_parts);
    tcase_add_test(tests, test_flat_images);
    tcase_add_test(tests, test_tables_are_kept);
    tcase_add_test(tests, test_refusals);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
