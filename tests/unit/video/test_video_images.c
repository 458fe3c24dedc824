/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG and PNG files against Pillow's bytes; damaged ones; folders of frames. */
#include <sys/stat.h>
#include <unistd.h>

#include "video/image.h"
#include "video_support.h"

static const tsm_limits limits = { .pixels = TSM_MAX_PIXELS, .frames = TSM_MAX_FRAMES, .bytes = INT64_MAX };

static const char *const images[] = { "subsampled.jpg", "wide.jpg",       "full.jpg",    "progressive.jpg",
                                      "gray.jpg",       "cmyk.jpg",       "rgb.png",     "gray.png",
                                      "gray1.png",      "palette2.png",   "palette.png", "rgba.png",
                                      "gray_alpha.png", "interlaced.png", "rgb16.png" };
enum { IMAGES = sizeof images / sizeof *images };

START_TEST(test_bytes)
{
    char path[600];
    const char *kind = "";
    tsm_image image;
    tsm_error error;
    size_t bytes;
    uint8_t *want;

    snprintf(path, sizeof path, PIL_DATA "%s.rgb", images[_i]);
    want = read_file(path, &bytes);
    snprintf(path, sizeof path, PIL_DATA "%s", images[_i]);
    assert_ok(tsm_image_read(&image, path, &limits, &kind, &error), &error);
    ck_assert_str_eq(kind, strstr(images[_i], ".png") ? "png" : "jpeg");
    ck_assert_int_eq(image.width, 37);
    ck_assert_int_eq(image.height, 29);
    ck_assert_uint_eq(bytes, 37 * 29 * 3);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_msg(image.data[i] == want[i], "%s: byte %zu is %d, Pillow's %d", images[_i], i, image.data[i],
                      want[i]);
    tsm_free(image.data);
    free(want);
}
END_TEST

/* ---- A folder for the tests to write to --------------------------------------------------------------------- */

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/tsm_images_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- Damage ------------------------------------------------------------------------------------------------- */

/* Cut anywhere, an image is refused with a line that names it. */
START_TEST(test_cut_short)
{
    char path[600];
    size_t bytes;
    uint8_t *data;

    snprintf(path, sizeof path, PIL_DATA "%s", images[_i]);
    data = read_file(path, &bytes);
    for (size_t length = 0; length + 12 < bytes; length += length < 200 ? 7 : 61) {
        const char *kind = "";
        tsm_image image;
        tsm_error error;
        write_file(in_folder("cut.img"), data, length);
        assert_error(tsm_image_read(&image, in_folder("cut.img"), &limits, &kind, &error), &error, TSM_ERROR_FORMAT,
                     "cut.img");
        ck_assert_ptr_null(image.data);
    }
    free(data);
}
END_TEST

/* With any byte wrong, reading ends, in pixels or in a line of text. */
START_TEST(test_wrong_bytes)
{
    char path[600];
    size_t bytes;
    uint8_t *data;

    snprintf(path, sizeof path, PIL_DATA "%s", images[_i]);
    data = read_file(path, &bytes);
    for (size_t at = 2; at < bytes; at += at < 200 ? 3 : 97) {
        const char *kind = "";
        tsm_image image;
        tsm_error error = { 0 };
        tsm_status status;
        uint8_t before = data[at];
        data[at] ^= (uint8_t)(0x11 + at * 7);
        write_file(in_folder("wrong.img"), data, bytes);
        status = tsm_image_read(&image, in_folder("wrong.img"), &limits, &kind, &error);
        if (status == TSM_OK)
            ck_assert(image.width > 0 && image.height > 0 && image.data);
        else
            assert_error(status, &error, error.code, "wrong.img");
        tsm_free(image.data);
        data[at] = before;
    }
    free(data);
}
END_TEST

START_TEST(test_too_large)
{
    size_t bytes;
    uint8_t *data = read_file(PIL_DATA "gray.jpg", &bytes);
    const char *kind = "";
    tsm_image image;
    tsm_error error;

    for (size_t at = 0; at + 9 < bytes; at++) {
        if (data[at] != 0xff || data[at + 1] != 0xc0) continue;
        memset(data + at + 5, 0x7f, 4); /* height and width of the frame header */
        break;
    }
    write_file(in_folder("large.jpg"), data, bytes);
    assert_error(tsm_image_read(&image, in_folder("large.jpg"), &limits, &kind, &error), &error,
                 TSM_ERROR_UNSUPPORTED, "large.jpg");
    free(data);
}
END_TEST

/* ---- Folders ------------------------------------------------------------------------------------------------ */

/* A frame of one grey value, as PNG would be long to write here: the smallest way is a JPEG of Pillow's, so that
 * frames differ by which image they are. */
static void add_frame(const char *source, const char *name)
{
    char path[600];
    size_t bytes;
    uint8_t *data;

    snprintf(path, sizeof path, PIL_DATA "%s", source);
    data = read_file(path, &bytes);
    write_file(in_folder(name), data, bytes);
    free(data);
}

/* By all numbers in the names, from the left, zero-padded or not; other files are ignored. */
START_TEST(test_folder_order)
{
    static const char *const sources[] = { "rgb.png", "gray.jpg", "cmyk.jpg" };
    static const char *const names[] = { "v7_img_10.jpg", "v7_img_2.jpg", "v6_img_00011.JPG" };
    static const int order[] = { 2, 1, 0 }; /* which of them is first, second, third */
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_clips *clips, *single;
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_error error;
    size_t frame = (size_t)32 * 32 * 3;

    for (int i = 0; i < 3; i++) add_frame(sources[i], names[i]);
    write_file(in_folder("notes.txt"), "99", 2);
    write_file(in_folder(".hidden_5.png"), "x", 1);
    options.segments = 3;
    options.input_size = options.scale_size = 32;
    assert_ok(tsm_video_load(&clips, folder, &options, &error), &error);
    ck_assert_int_eq(tsm_clips_get_info(clips, &info), TSM_OK);
    ck_assert_int_eq(info.frames, 3);
    ck_assert_int_eq(info.width, 37);
    ck_assert_str_eq(info.codec, "jpeg");
    ck_assert(info.duration_s == 0);
    ck_assert_str_eq(info.pattern, "v#_img_#.jpg");
    ck_assert_ptr_null(info.note);

    for (int i = 0; i < 3; i++) {
        remove_folder();
        ck_assert_int_eq(mkdir(folder, 0700), 0);
        add_frame(sources[order[i]], names[order[i]]);
        assert_ok(tsm_video_load(&single, folder, &options, &error), &error);
        ck_assert_mem_eq((uint8_t *)tsm_clips_tensor(clips).data + (size_t)i * frame, tsm_clips_tensor(single).data,
                         frame);
        tsm_clips_destroy(&single);
    }
    tsm_clips_destroy(&clips);
}
END_TEST

START_TEST(test_folder_errors)
{
    tsm_clips *clips = (tsm_clips *)1;
    tsm_error error;

    assert_error(tsm_video_load(&clips, folder, NULL, &error), &error, TSM_ERROR_FORMAT, "no JPEG or PNG");
    ck_assert_ptr_null(clips);
    add_frame("rgb.png", "img_1.jpg");
    write_file(in_folder("img_2.jpg"), "no image", 8);
    assert_error(tsm_video_load(&clips, folder, NULL, &error), &error, TSM_ERROR_FORMAT, "img_2.jpg");
    ck_assert_int_eq(symlink("nowhere", in_folder("img_3.jpg")), 0);
    assert_error(tsm_video_load(&clips, folder, NULL, &error), &error, TSM_ERROR_IO, "img_3.jpg");
}
END_TEST

/* Facts of the folder, whose frames must number `frames`. */
static tsm_clips *load_folder(const char *pattern, int frames, tsm_clips_info *info)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_clips *clips;
    tsm_error error;

    options.frames = pattern;
    options.segments = 2;
    assert_ok(tsm_video_load(&clips, folder, &options, &error), &error);
    *info = (tsm_clips_info)TSM_CLIPS_INFO_INIT;
    ck_assert_int_eq(tsm_clips_get_info(clips, info), TSM_OK);
    ck_assert_int_eq(info->frames, frames);
    return clips;
}

/* RGB and flow in one folder: the patterns and their counts are named, and one can be chosen. */
START_TEST(test_folder_patterns)
{
    tsm_clips_info info;
    tsm_clips *clips;
    tsm_error error;
    char name[40];

    for (int i = 1; i <= 3; i++)
        for (int kind = 0; kind < 3; kind++) {
            snprintf(name, sizeof name, "%s_%05d.jpg", kind == 0 ? "img" : kind == 1 ? "flow_x" : "flow_y", i);
            if (kind || i < 3) add_frame("full.jpg", name);
        }
    assert_error(tsm_video_load(&clips, folder, NULL, &error), &error, TSM_ERROR_FORMAT,
                 "files of 3 patterns, flow_x_#.jpg (3), flow_y_#.jpg (3), img_#.jpg (2)");
    ck_assert_ptr_nonnull(strstr(error.text, folder));
    clips = load_folder("img_#.jpg", 2, &info);
    ck_assert_str_eq(info.pattern, "img_#.jpg");
    tsm_clips_destroy(&clips);
    clips = load_folder("img_%05d.jpg", 2, &info);
    tsm_clips_destroy(&clips);
    clips = load_folder("flow_*", 6, &info);
    tsm_clips_destroy(&clips);
    {
        tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;

        options.frames = "image_#.jpg";
        assert_error(tsm_video_load(&clips, folder, &options, &error), &error, TSM_ERROR_FORMAT, "image_#.jpg");
    }
}
END_TEST

/* A thumbnail, a sheet, a pipe with the name of a frame: left out, with a word, and never waited for. */
START_TEST(test_folder_strangers)
{
    tsm_clips_info info;
    tsm_clips *clips;

    add_frame("full.jpg", "img_1.jpg");
    add_frame("full.jpg", "img_2.jpg");
    add_frame("rgb.png", "sheet.png");
    clips = load_folder(NULL, 2, &info);
    ck_assert_str_eq(info.pattern, "img_#.jpg");
    ck_assert_str_eq(info.note, "left out sheet.png, which is not named img_#.jpg");
    tsm_clips_destroy(&clips);
    add_frame("full.jpg", "thumb.jpg");
    clips = load_folder(NULL, 2, &info);
    ck_assert_str_eq(info.note, "left out sheet.png and 1 more, which are not named img_#.jpg");
    tsm_clips_destroy(&clips);
    unlink(in_folder("sheet.png"));
    unlink(in_folder("thumb.jpg"));
    ck_assert_int_eq(mkfifo(in_folder("img_3.jpg"), 0600), 0);
    ck_assert_int_eq(mkdir(in_folder("img_4.jpg"), 0700), 0);
    clips = load_folder(NULL, 2, &info);
    ck_assert_ptr_nonnull(strstr(info.note, "no regular file"));
    tsm_clips_destroy(&clips);
}
END_TEST

/* Only the frames that are sampled are read: a damaged one in between does no harm. */
START_TEST(test_folder_reads_sampled_only)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_clips *clips;
    tsm_error error;

    options.segments = 1;
    for (int i = 1; i <= 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "%05d.jpg", i);
        if (i == 2)
            add_frame("full.jpg", name);
        else
            write_file(in_folder(name), "damaged", 7);
    }
    assert_ok(tsm_video_load(&clips, folder, &options, &error), &error);
    tsm_clips_destroy(&clips);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_images");
    TCase *files = tcase_create("files"), *folders = tcase_create("folders");

    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_set_timeout(files, 60);
    tcase_add_loop_test(files, test_bytes, 0, IMAGES);
    tcase_add_loop_test(files, test_cut_short, 0, IMAGES);
    tcase_add_loop_test(files, test_wrong_bytes, 0, IMAGES);
    tcase_add_test(files, test_too_large);
    tcase_add_checked_fixture(folders, make_folder, remove_folder);
    tcase_add_test(folders, test_folder_order);
    tcase_add_test(folders, test_folder_errors);
    tcase_add_test(folders, test_folder_patterns);
    tcase_add_test(folders, test_folder_strangers);
    tcase_add_test(folders, test_folder_reads_sampled_only);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, folders);
    return run_suite(suite);
}
