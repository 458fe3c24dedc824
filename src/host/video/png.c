/* SPDX-License-Identifier: Apache-2.0 */
/* png.c - PNG through libpng, as Pillow's convert("RGB") shows it: transparency dropped rather than blended, gamma
 * ignored, the upper byte of 16-bit samples.
 *
 * libpng reports errors by longjmp: everything that must survive one lives in the reader. */
#include <setjmp.h>

#include <png.h>

#include "core/status.h"
#include "image.h"

typedef struct reader {
    png_structp png;
    png_infop info;
    png_bytep *rows;
    jmp_buf escape;
    char text[120];
    const tsm_image_source *source;
    tsm_error *error;
    tsm_status stopped; /* by the caller, with the error filled; TSM_OK: not */
} reader;

static void on_error(png_structp png, png_const_charp text)
{
    reader *r = png_get_error_ptr(png);

    snprintf(r->text, sizeof r->text, "%s", text);
    longjmp(r->escape, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_row(png_structp png, png_uint_32 row, int pass)
{
    reader *r = png_get_error_ptr(png);

    (void)row;
    (void)pass;
    r->stopped = tsm_limits_check(r->source->limits, r->source->path, r->error);
    if (r->stopped != TSM_OK) longjmp(r->escape, 1);
}

static void ask_for_rgb(reader *r)
{
    int type = png_get_color_type(r->png, r->info);

    if (png_get_bit_depth(r->png, r->info) == 16) png_set_strip_16(r->png);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r->png);
    if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(r->png);
    if (type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(r->png);
    png_set_strip_alpha(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
}

static tsm_status decode(reader *r, tsm_image *image, tsm_error *error)
{
    const char *path = r->source->path;

    png_init_io(r->png, r->source->file);
    png_set_read_status_fn(r->png, on_row);
    png_read_info(r->png, r->info);
    TSM_TRY_RETURN(tsm_image_alloc(image, png_get_image_width(r->png, r->info), png_get_image_height(r->png, r->info),
                                   r->source, error));
    ask_for_rgb(r);
    if (png_get_rowbytes(r->png, r->info) != (size_t)image->width * 3)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, path, "this kind of PNG cannot be read as RGB");
    r->rows = tsm_alloc_zero((size_t)image->height, sizeof *r->rows);
    if (!r->rows) return tsm_fail_memory(error, (size_t)image->height * sizeof *r->rows);
    for (int y = 0; y < image->height; y++) r->rows[y] = image->data + (size_t)y * (size_t)image->width * 3;
    png_read_image(r->png, r->rows);
    png_read_end(r->png, NULL);
    return TSM_OK;
}

tsm_status tsm_png_read(tsm_image *image, const tsm_image_source *source, tsm_error *error)
{
    reader *r = tsm_alloc_zero(1, sizeof *r);
    tsm_status status;

    if (!r) return tsm_fail_memory(error, sizeof *r);
    r->source = source;
    r->error = error;
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
    if (r->png) r->info = png_create_info_struct(r->png);
    if (!r->info)
        status = tsm_fail_memory(error, sizeof *r);
    else if (setjmp(r->escape) == 0)
        status = decode(r, image, error);
    else if (r->stopped != TSM_OK)
        status = r->stopped;
    else
        status = tsm_fail_file(error, TSM_ERROR_FORMAT, source->path, "damaged PNG: %s", r->text);

    png_destroy_read_struct(&r->png, &r->info, NULL);
    tsm_free(r->rows);
    tsm_free(r);
    if (status != TSM_OK) {
        tsm_free(image->data);
        *image = (tsm_image){ 0 };
    }
    return status;
}
