/* SPDX-License-Identifier: Apache-2.0 */
/* The font, the canvas and the PNG sheet, read back with libpng. */
#include "support.h"
#include "cli/draw/canvas.h"
#include "cli/draw/font.h"
#include "cli/draw/sheet.h"

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

START_TEST(glyphs_differ)
{
    for (unsigned a = 0x20; a < 0x7f; a++) {
        const uint8_t *rows = font_glyph(a);
        int pixels = 0;

        for (int row = 0; row < FONT_HEIGHT; row++) {
            ck_assert_msg(rows[row] < 1 << FONT_WIDTH, "'%c' is too wide", (char)a);
            pixels += __builtin_popcount(rows[row]);
        }
        ck_assert_msg((pixels == 0) == (a == ' '), "'%c' has %d pixels", (char)a, pixels);
        for (unsigned b = a + 1; b < 0x7f; b++) {
            ck_assert_msg(memcmp(rows, font_glyph(b), FONT_HEIGHT) != 0, "'%c' looks like '%c'", (char)a, (char)b);
        }
    }
    ck_assert_ptr_eq(font_glyph(0x7f), font_glyph(0xe9));
    ck_assert_ptr_eq(font_glyph('\n'), font_glyph(0xe9));
}
END_TEST

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
    canvas_text(&c, 6, 4, 100, 3, 0xffffff, "text");
    canvas_text(&c, -4, -4, 100, 3, 0xffffff, "text");
    assert_within(&c, block);
}
END_TEST

/* Columns of text cells with any ink, as a string of '#' and '.'. */
static const char *cells(const char *text, int width)
{
    static char found[16];
    canvas c;
    uint8_t *block = canvas_block(&c, 60, FONT_HEIGHT);

    canvas_text(&c, 0, 0, width, 1, 0xffffff, text);
    for (int cell = 0; cell < 10; cell++) {
        found[cell] = '.';
        for (int i = 0; i < 6 * FONT_HEIGHT; i++) {
            if (pixel(&c, cell * 6 + i % 6, i / 6)) found[cell] = '#';
        }
    }
    assert_within(&c, block);
    return found;
}

START_TEST(text_keeps_to_its_width)
{
    ck_assert_str_eq(cells("abc", 60), "###.......");
    ck_assert_str_eq(cells("a b", 60), "#.#.......");
    ck_assert_str_eq(cells("abcdefghijkl", 60), "##########");
    ck_assert_str_eq(cells("abcdefghijkl", 30), "#####.....");
    ck_assert_str_eq(cells("caf\xc3\xa9s", 30), "#####....."); /* five characters of six bytes */
    ck_assert_str_eq(cells("a", 3), "..........");
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
    ck_assert_int_gt(has_colour(&image, pixels, 0, image.height / 2, 0x22262b), 100);
    ck_assert_int_gt(has_colour(&image, pixels, image.height / 2, image.height, 0x22262b), 100);
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

    tcase_add_checked_fixture(tests, name_file, remove_file);
    tcase_add_test(tests, glyphs_differ);
    tcase_add_test(tests, canvas_cuts_off);
    tcase_add_test(tests, text_keeps_to_its_width);
    tcase_add_test(tests, sheet_shows_frames_and_failures);
    tcase_add_test(tests, sheet_refuses);
    tcase_add_test(tests, sheet_says_the_disk_is_full);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
