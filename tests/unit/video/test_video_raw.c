/* SPDX-License-Identifier: Apache-2.0 */
/* test_video_raw.c - frames that are handed over unscaled: the resize that leads to each view gives the pixels of
 * that view, wherever the memory comes from; and options of a newer caller. */
#include <png.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "video_support.h"

static tsm_video_options raw_options(tsm_sampling sampling, int views)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;

    options.sampling = sampling;
    options.views = views;
    options.segments = 3;
    options.input_size = 40;
    options.raw = 1;
    return options;
}

static tsm_clips *load(const char *path, const tsm_video_options *options)
{
    tsm_clips *clips;
    tsm_error error;

    assert_ok(tsm_video_load(&clips, path, options, &error), &error);
    return clips;
}

/* Scales a raw frame whole and cuts the crop out, as the header says it. */
static void check_frame(const uint8_t *frame, const tsm_resize *r, const uint8_t *view, int crop)
{
    uint8_t *scaled = malloc((size_t)r->scaled_width * (size_t)r->scaled_height * 3);
    tsm_error error;

    ck_assert_ptr_nonnull(scaled);
    assert_ok(
        tsm_resize_rgb(TSM_MODE_MIT, frame, r->width, r->height, scaled, r->scaled_width, r->scaled_height, &error),
        &error);
    for (int y = 0; y < crop; y++)
        for (int x = 0; x < crop; x++) {
            int from = r->x + (r->mirror ? crop - 1 - x : x);

            ck_assert_mem_eq(view + (y * crop + x) * 3, scaled + ((r->y + y) * r->scaled_width + from) * 3, 3);
        }
    free(scaled);
}

START_TEST(resizes_lead_to_the_views)
{
    static const char *const names[] = { "h264_short_gops.mp4", "turned_90.mp4", "vp9_odd_size.webm" };
    char path[600];
    tsm_video_options options = raw_options(_i % 2 ? TSM_SAMPLING_TWICE : TSM_SAMPLING_UNIFORM, _i % 2 ? 10 : 3);
    tsm_clips *raw, *cut;
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_tensor frames, views;
    tsm_error error;

    snprintf(path, sizeof path, VIDEO_DATA "%s", names[_i]);
    raw = load(path, &options);
    options.raw = 0;
    cut = load(path, &options);
    frames = tsm_clips_tensor(raw);
    views = tsm_clips_tensor(cut);
    ck_assert_int_eq(tsm_clips_get_info(raw, &info), TSM_OK);
    ck_assert_int_eq(info.crop, views.dims[2]);
    ck_assert_int_eq(frames.dims[0], info.samples);
    ck_assert_int_eq(frames.dims[2], info.height);
    ck_assert_int_eq(frames.dims[3], info.width);
    for (int v = 0; v < info.views; v++) {
        tsm_resize resize = TSM_RESIZE_INIT;

        assert_ok(tsm_clips_get_resize(raw, v, &resize, &error), &error);
        for (int i = 0; i < info.samples * info.segments; i++)
            check_frame((uint8_t *)frames.data + (size_t)i * (size_t)(info.width * info.height * 3), &resize,
                        (uint8_t *)views.data +
                            (size_t)(v * info.samples * info.segments + i) * (size_t)(info.crop * info.crop * 3),
                        info.crop);
    }
    tsm_clips_destroy(&raw);
    tsm_clips_destroy(&cut);
}
END_TEST

/* ---- Whose memory ---- */

typedef struct pool {
    size_t bytes;
    int taken, given_back;
    int empty; /* give nothing */
} pool;

static void *take(void *user, size_t bytes)
{
    pool *p = user;

    if (p->empty) return NULL;
    p->bytes = bytes;
    p->taken++;
    return malloc(bytes);
}

static void give_back(void *user, void *memory)
{
    ((pool *)user)->given_back++;
    free(memory);
}

START_TEST(memory_is_the_callers)
{
    pool p = { 0 };
    const tsm_allocator allocator = { take, give_back, &p, TSM_MEMORY_PINNED }, half = { take, NULL, &p, 0 },
                        device = { take, give_back, &p, TSM_MEMORY_DEVICE };
    tsm_video_options options = raw_options(TSM_SAMPLING_UNIFORM, 1);
    tsm_clips *clips;
    tsm_error error;

    options.allocator = &allocator;
    clips = load(VIDEO_DATA "h264_short_gops.mp4", &options);
    ck_assert_int_eq(tsm_clips_tensor(clips).memory, TSM_MEMORY_PINNED);
    ck_assert_uint_eq(p.bytes, 3 * 96 * 64 * 3);
    tsm_clips_destroy(&clips);
    ck_assert_int_eq(p.taken, 1);
    ck_assert_int_eq(p.given_back, 1);

    options.raw = 0; /* cut clips go there as well */
    clips = load(VIDEO_DATA "h264_short_gops.mp4", &options);
    ck_assert_uint_eq(p.bytes, 3 * 40 * 40 * 3);
    tsm_clips_destroy(&clips);
    ck_assert_int_eq(p.given_back, 2);

    p.empty = 1;
    assert_error(tsm_video_load(&clips, VIDEO_DATA "h264_short_gops.mp4", &options, &error), &error, TSM_ERROR_MEMORY,
                 "memory");
    options.allocator = &half;
    assert_error(tsm_video_load(&clips, VIDEO_DATA "h264_short_gops.mp4", &options, &error), &error,
                 TSM_ERROR_ARGUMENT, "allocator");
    options.allocator = &device;
    assert_error(tsm_video_load(&clips, VIDEO_DATA "h264_short_gops.mp4", &options, &error), &error,
                 TSM_ERROR_ARGUMENT, "host memory");
}
END_TEST

/* ---- What cannot be ---- */

static void write_image(const char *folder, int number, unsigned width, unsigned height)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_RGB };
    uint8_t *pixels = hashed_image((int)width, (int)height, 3);
    char path[600];

    snprintf(path, sizeof path, "%s/%d.png", folder, number);
    ck_assert_int_ne(png_image_write_to_file(&image, path, 0, pixels, 0, NULL), 0);
    free(pixels);
}

START_TEST(refusals)
{
    char folder[] = "/tmp/tsm_raw_XXXXXX", path[600];
    const float ones[3] = { 1, 1, 1 };
    tsm_video_options options = raw_options(TSM_SAMPLING_UNIFORM, 1);
    tsm_resize resize = TSM_RESIZE_INIT;
    float value;
    tsm_clips *clips;
    tsm_error error;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_image(folder, 1, 30, 20);
    write_image(folder, 2, 31, 20);
    options.segments = 2;
    options.input_size = 8;
    assert_error(tsm_video_load(&clips, folder, &options, &error), &error, TSM_ERROR_UNSUPPORTED, "unscaled");
    options.raw = 0;
    clips = load(folder, &options);
    tsm_clips_destroy(&clips);
    for (int i = 1; i <= 2; i++) {
        snprintf(path, sizeof path, "%s/%d.png", folder, i);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(rmdir(folder), 0);

    options = raw_options(TSM_SAMPLING_UNIFORM, 1);
    clips = load(VIDEO_DATA "h264_short_gops.mp4", &options);
    assert_error(tsm_clips_normalize(clips, ones, ones, &value, &error), &error, TSM_ERROR_ARGUMENT, "not cut");
    assert_error(tsm_clips_get_resize(clips, 1, &resize, &error), &error, TSM_ERROR_ARGUMENT, "view 1 of 1");
    resize.struct_size = 1;
    assert_error(tsm_clips_get_resize(clips, 0, &resize, &error), &error, TSM_ERROR_ARGUMENT, "struct_size is 1");
    ck_assert_int_eq(tsm_clips_get_resize(NULL, 0, &resize, NULL), TSM_ERROR_ARGUMENT);
    tsm_clips_destroy(&clips);
    options.mode = TSM_MODE_MMACTION2;
    clips = load(VIDEO_DATA "h264_short_gops.mp4", &options);
    resize.struct_size = sizeof resize;
    assert_error(tsm_clips_get_resize(clips, 0, &resize, &error), &error, TSM_ERROR_UNSUPPORTED, "mmaction2");
    tsm_clips_destroy(&clips);
}
END_TEST

/* ---- Callers of another version ---- */

START_TEST(larger_structs)
{
    struct {
        tsm_video_options known;
        char unknown[24];
    } options = { .known = TSM_VIDEO_OPTIONS_INIT };
    struct {
        tsm_clips_info known;
        char unknown[24];
    } info = { .known = TSM_CLIPS_INFO_INIT };
    tsm_clips *clips;
    tsm_error error;

    options.known.struct_size = sizeof options;
    clips = load(VIDEO_DATA "h264_short_gops.mp4", &options.known);
    info.known.struct_size = sizeof info;
    memset(info.unknown, 7, sizeof info.unknown);
    ck_assert_int_eq(tsm_clips_get_info(clips, &info.known), TSM_OK);
    ck_assert_int_eq(info.known.frames, 120);
    for (size_t i = 0; i < sizeof info.unknown; i++) ck_assert_int_eq(info.unknown[i], 0);
    tsm_clips_destroy(&clips);
    options.unknown[23] = 1;
    assert_error(tsm_video_load(&clips, VIDEO_DATA "h264_short_gops.mp4", &options.known, &error), &error,
                 TSM_ERROR_ARGUMENT, "does not know");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_raw");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, resizes_lead_to_the_views, 0, 3);
    tcase_add_test(tests, memory_is_the_callers);
    tcase_add_test(tests, refusals);
    tcase_add_test(tests, larger_structs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
