/* SPDX-License-Identifier: Apache-2.0 */
/* Text, the canvas and the PNG sheet, read back with libpng. */
#include "support.h"
#include "cli/draw/canvas.h"
#include "cli/draw/sheet.h"
#include "cli/draw/text.h"

#include <png.h>
#include <unistd.h>

static char path[64];
static tsm_error error;

static void name_file(void)
{
    snprintf(path, sizeof path, "/tmp/tsm-sheet-%ld.png", (long)getpid());
    memset(&error, 0, sizeof error);
}

static void remove_file(void)
{
    unlink(path);
}

/* A canvas inside a larger block, so that a sanitizer-free build also sees a pixel outside. */
static uint8_t *canvas_block(canvas *c, int width, int height)
{
    size_t bytes = (size_t)(width * height * 3);
    uint8_t *block = malloc(bytes + 128);

    memset(block, 0xa5, bytes + 128);
    memset(block + 64, 0, bytes);
    *c = (canvas){ block + 64, width, height };
    return block;
}

static void assert_within(const canvas *c, uint8_t *block)
{
    size_t bytes = (size_t)(c->width * c->height * 3);

    for (int i = 0; i < 64; i++)
        ck_assert_msg(block[i] == 0xa5 && block[64 + bytes + (size_t)i] == 0xa5, "drawn outside");
    free(block);
}

static uint32_t pixel(const canvas *c, int x, int y)
{
    const uint8_t *at = c->rgb + (y * c->width + x) * 3;

    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

START_TEST(canvas_cuts_off)
{
    uint8_t image[4 * 3 * 3];
    canvas c;
    uint8_t *block = canvas_block(&c, 10, 8);

    for (size_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)(i + 1);
    canvas_fill(&c, -5, -5, 7, 6, 0x102030);
    ck_assert_uint_eq(pixel(&c, 1, 0), 0x102030);
    ck_assert_uint_eq(pixel(&c, 2, 0), 0);
    ck_assert_uint_eq(pixel(&c, 0, 1), 0);
    canvas_image(&c, 8, 6, image, 4, 3);
    ck_assert_uint_eq(pixel(&c, 9, 7), 0x101112); /* column 1 of row 1 of the image */
    canvas_image(&c, -3, -2, image, 4, 3);
    ck_assert_uint_eq(pixel(&c, 0, 0), 0x222324); /* its last pixel */
    canvas_image(&c, 10, 0, image, 4, 3);
    canvas_image(&c, -4, 0, image, 4, 3);
    canvas_fill(&c, 0, 8, 10, 5, 0xffffff);
    text_draw(&c, 6, 4, 100, 24, 0xffffff, "text");
    text_draw(&c, -4, -4, 100, 24, 0xffffff, "text");
    assert_within(&c, block);
}
END_TEST

enum { WIDTH = 300, LETTERS = 20 };

/* How many pixels of a line have ink, left of column `end`, and a hash of where. */
static int ink_of(const char *text, int width, int end, uint32_t *where)
{
    int count = 0;
    canvas c;
    uint8_t *block = canvas_block(&c, WIDTH, text_line(LETTERS));

    text_draw(&c, 0, 0, width, LETTERS, 0xffffff, text);
    *where = 1;
    for (int y = 0; y < c.height; y++)
        for (int x = 0; x < end; x++) {
            count += pixel(&c, x, y) != 0;
            *where = *where * 31 + (pixel(&c, x, y) != 0);
        }
    assert_within(&c, block);
    return count;
}

static int all_ink(const char *text, int width)
{
    uint32_t where;

    return ink_of(text, width, WIDTH, &where);
}

START_TEST(text_keeps_to_its_width)
{
    const char *text = "a label that is longer than there is room for";
    uint32_t where;

    ck_assert_int_gt(all_ink("abc", WIDTH), 30);
    ck_assert_int_eq(all_ink("   ", WIDTH), 0);
    ck_assert_int_gt(all_ink("abc", WIDTH), all_ink("a", WIDTH));
    ck_assert_int_gt(all_ink(text, 80), 30);
    ck_assert_int_eq(all_ink(text, 80), ink_of(text, 80, 80, &where));
    ck_assert_int_eq(all_ink("a", 0), 0);
    ck_assert_int_gt(text_width(LETTERS, text), WIDTH);
    ck_assert_int_lt(text_width(LETTERS, "abc"), 80);
}
END_TEST

/* Scripts, bytes that are no text, and what would be lines: each something else on the canvas. */
START_TEST(text_of_any_script)
{
    static const char *const texts[] = { "moving left",
                                         "\xd0\xb2\xd0\xbb\xd0\xb5\xd0\xb2\xd0\xbe",
                                         "\xce\xb1\xcf\x81\xce\xb9\xcf\x83",
                                         "caf\xc3\xa9",
                                         "cafe",
                                         "\xe5\x90\x91\xe5\xb7\xa6\xe6\xbb\x91\xe5\x8a\xa8",
                                         "bad \xff byte",
                                         "two\nlines" };
    enum { TEXTS = sizeof texts / sizeof *texts };
    uint32_t where[TEXTS];

    for (int i = 0; i < TEXTS; i++) {
        ck_assert_int_gt(ink_of(texts[i], WIDTH, WIDTH, &where[i]), 10);
        for (int k = 0; k < i; k++) ck_assert_msg(where[i] != where[k], "text %d looks like text %d", i, k);
    }
}
END_TEST

static png_image read_png(uint8_t **pixels)
{
    png_image image = { .version = PNG_IMAGE_VERSION };

    ck_assert_msg(png_image_begin_read_from_file(&image, path), "%s", image.message);
    image.format = PNG_FORMAT_RGB;
    *pixels = malloc(PNG_IMAGE_SIZE(image));
    ck_assert_msg(png_image_finish_read(&image, NULL, *pixels, 0, NULL), "%s", image.message);
    return image;
}

/* Whether a colour occurs in rows from..to of the image. */
static int has_colour(const png_image *image, const uint8_t *pixels, unsigned from, unsigned to, uint32_t colour)
{
    int count = 0;

    for (unsigned i = from * image->width; i < to * image->width; i++) {
        count += ((uint32_t)pixels[3 * i] << 16 | (uint32_t)pixels[3 * i + 1] << 8 | pixels[3 * i + 2]) == colour;
    }
    return count;
}

START_TEST(sheet_shows_frames_and_failures)
{
    enum { SIZE = 40, SEGMENTS = 10 };
    const char *labels[2] = { "moving left", "moving right" };
    const double scores[2] = { 0.75, 0.25 };
    uint8_t *frames = malloc(SEGMENTS * SIZE * SIZE * 3), *pixels;
    sheet_row row = {
        .title = "clip.mp4", .frames = frames, .size = SIZE, .labels = labels, .scores = scores, .count = 2
    };
    sheet_row failed = { .title = "other.mp4: no frames" };
    png_image image;
    sheet *s;

    for (int i = 0; i < SEGMENTS * SIZE * SIZE; i++) memcpy(frames + 3 * i, "\x10\xc0\x20", 3);
    assert_ok(sheet_open(&s, path, 2, SEGMENTS, 2, &error), &error);
    assert_ok(sheet_add(s, &row, &error), &error);
    ck_assert_msg(access(path, F_OK) != 0, "the sheet is there before it is complete");
    assert_ok(sheet_add(s, &failed, &error), &error);
    assert_ok(sheet_commit(&s, &error), &error);
    ck_assert_ptr_null(s);

    image = read_png(&pixels);
    ck_assert_uint_eq(image.height % 2, 0);
    ck_assert_int_eq(has_colour(&image, pixels, 0, image.height / 2, 0x10c020), SEGMENTS * 112 * 112);
    ck_assert_int_eq(has_colour(&image, pixels, image.height / 2, image.height, 0x10c020), 0);
    ck_assert_int_gt(has_colour(&image, pixels, 0, image.height / 2, 0x22262b), 40);
    ck_assert_int_gt(has_colour(&image, pixels, image.height / 2, image.height, 0x22262b), 40);
    free(pixels);
    free(frames);
}
END_TEST

START_TEST(sheet_refuses)
{
    sheet *s;

    assert_error(sheet_open(&s, "/tmp", 1, 8, 5, &error), &error, TSM_ERROR_IO, "/tmp");
    ck_assert_ptr_null(s);
    assert_error(sheet_open(&s, "/tmp/absent/x.png", 1, 8, 5, &error), &error, TSM_ERROR_IO, "/tmp/absent/x.png");
    assert_error(sheet_open(&s, path, 100000, 8, 5, &error), &error, TSM_ERROR_ARGUMENT, path);
    assert_ok(sheet_open(&s, path, 1, 8, 5, &error), &error);
    sheet_abort(&s);
    sheet_abort(&s);
    ck_assert_msg(access(path, F_OK) != 0, "an aborted sheet was left");
}
END_TEST

START_TEST(sheet_says_the_disk_is_full)
{
    sheet_row row = { .title = "clip" };
    sheet *s;
    tsm_status status = TSM_OK;

    if (access("/dev/full", W_OK) != 0) return;
    assert_ok(sheet_open(&s, "/dev/full", 300, 8, 5, &error), &error);
    for (int i = 0; i < 300 && status == TSM_OK; i++) status = sheet_add(s, &row, &error);
    if (status == TSM_OK) {
        status = sheet_commit(&s, &error);
    } else {
        sheet_abort(&s);
    }
    assert_error(status, &error, TSM_ERROR_IO, "/dev/full");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_sheet");
    TCase *tests = tcase_create("all");

    if (text_check("sheet", &error) != TSM_OK) return 77;

    tcase_add_checked_fixture(tests, name_file, remove_file);
    tcase_add_test(tests, canvas_cuts_off);
    tcase_add_test(tests, text_keeps_to_its_width);
    tcase_add_test(tests, text_of_any_script);
    tcase_add_test(tests, sheet_shows_frames_and_failures);
    tcase_add_test(tests, sheet_refuses);
    tcase_add_test(tests, sheet_says_the_disk_is_full);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
