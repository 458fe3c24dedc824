/* SPDX-License-Identifier: Apache-2.0 */
/* jpeg.c - JPEG through libjpeg with its defaults, which gives Pillow's bytes.
 *
 * libjpeg reports fatal errors by longjmp: everything that must survive one lives in the reader. */
#include <setjmp.h>

#include "image.h"

#include <jpeglib.h>
#include <jerror.h>

#include "core/status.h"

enum { MAX_SCANS = 100 }; /* a progressive image of more is built to waste time */

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char text[JMSG_LENGTH_MAX];
    const tsm_image_source *source;
    tsm_error *error;
    tsm_status stopped; /* by the caller, with the error filled; TSM_OK: not */
    uint8_t *row;       /* of an image with four channels */
} reader;

static reader *reader_of(j_common_ptr jpeg)
{
    return (reader *)jpeg->client_data;
}

static void on_error(j_common_ptr jpeg)
{
    reader *r = reader_of(jpeg);

    jpeg->err->format_message(jpeg, r->text);
    longjmp(r->escape, 1);
}

/* Warnings are ignored, as Pillow does, except that data are missing: at the end of the file, or before a marker. */
static void on_message(j_common_ptr jpeg, int level)
{
    reader *r = reader_of(jpeg);
    int code = jpeg->err->msg_code;

    if (level >= 0 || (code != JWRN_JPEG_EOF && code != JWRN_HIT_MARKER)) return;
    snprintf(r->text, sizeof r->text, code == JWRN_JPEG_EOF ? "the file ends early" : "the image ends early");
    longjmp(r->escape, 1);
}

static void on_progress(j_common_ptr jpeg)
{
    reader *r = reader_of(jpeg);

    r->stopped = tsm_limits_check(r->source->limits, r->source->path, r->error);
    if (r->stopped == TSM_OK && r->jpeg.input_scan_number <= MAX_SCANS) return;
    snprintf(r->text, sizeof r->text, "more than %d scans", MAX_SCANS);
    longjmp(r->escape, 1);
}

static uint8_t multiply_bytes(int a, int b)
{
    int product = a * b + 128;

    return (uint8_t)(((product >> 8) + product) >> 8);
}

/* CMYK files hold inverted inks; Pillow turns them round, and then removes ink from the light that black leaves. */
static void rgb_from_cmyk(const uint8_t *in, int count, uint8_t *out)
{
    for (int x = 0; x < count; x++) {
        int light = in[4 * x + 3];
        for (int c = 0; c < 3; c++) out[3 * x + c] = (uint8_t)(light - multiply_bytes(255 - in[4 * x + c], light));
    }
}

static tsm_status decode(reader *r, tsm_image *image, tsm_error *error)
{
    bool four;

    jpeg_create_decompress(&r->jpeg);
    r->jpeg.progress = &r->progress;
    r->progress.progress_monitor = on_progress;
    jpeg_stdio_src(&r->jpeg, r->source->file);
    jpeg_read_header(&r->jpeg, TRUE);
    TSM_TRY_RETURN(tsm_image_alloc(image, r->jpeg.image_width, r->jpeg.image_height, r->source, error));

    four = r->jpeg.jpeg_color_space == JCS_CMYK || r->jpeg.jpeg_color_space == JCS_YCCK;
    r->jpeg.out_color_space = four ? JCS_CMYK : JCS_RGB;
    if (four) {
        r->row = tsm_alloc_aligned((size_t)image->width, 4);
        if (!r->row) return tsm_fail_memory(error, (size_t)image->width * 4);
    }
    jpeg_start_decompress(&r->jpeg);
    while (r->jpeg.output_scanline < r->jpeg.output_height) {
        uint8_t *out = image->data + (size_t)r->jpeg.output_scanline * (size_t)image->width * 3;
        JSAMPROW row = four ? r->row : out;
        jpeg_read_scanlines(&r->jpeg, &row, 1);
        if (four) rgb_from_cmyk(r->row, image->width, out);
    }
    return TSM_OK;
}

tsm_status tsm_jpeg_read(tsm_image *image, const tsm_image_source *source, tsm_error *error)
{
    reader *r = tsm_alloc_zero(1, sizeof *r);
    tsm_status status;

    if (!r) return tsm_fail_memory(error, sizeof *r);
    r->jpeg.err = jpeg_std_error(&r->errors);
    r->jpeg.client_data = r;
    r->source = source;
    r->error = error;
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    if (setjmp(r->escape) == 0)
        status = decode(r, image, error);
    else if (r->stopped != TSM_OK)
        status = r->stopped;
    else
        status = tsm_fail_file(error, TSM_ERROR_FORMAT, source->path, "damaged JPEG: %s", r->text);

    jpeg_destroy_decompress(&r->jpeg);
    tsm_free(r->row);
    tsm_free(r);
    if (status != TSM_OK) {
        tsm_free(image->data);
        *image = (tsm_image){ 0 };
    }
    return status;
}
