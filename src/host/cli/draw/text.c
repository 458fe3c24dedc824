/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. A line is drawn as how much ink each pixel has, then laid over the canvas. */
#include "text.h"

#include "cli/report.h"

#ifdef TSM_HAS_PANGO

#include <pango/pangocairo.h>

tsm_status text_check(const char *what, tsm_error *error)
{
    (void)what;
    (void)error;
    return TSM_OK;
}

static PangoLayout *make_layout(cairo_t *cairo, int size, const char *text)
{
    PangoFontDescription *font = pango_font_description_from_string("Sans");
    PangoLayout *layout = pango_cairo_create_layout(cairo);
    char *valid = g_utf8_make_valid(text, -1);

    pango_font_description_set_absolute_size(font, (double)size * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, valid, -1);
    pango_font_description_free(font);
    g_free(valid);
    return layout;
}

/* What a pixel of ink leaves of the canvas. */
static uint8_t mix(uint8_t below, uint8_t above, unsigned ink)
{
    return (uint8_t)((below * (255 - ink) + above * ink + 127) / 255);
}

static void lay_over(canvas *c, int x, int y, cairo_surface_t *surface, uint32_t colour)
{
    const uint8_t *ink = cairo_image_surface_get_data(surface);
    const int width = cairo_image_surface_get_width(surface), height = cairo_image_surface_get_height(surface);
    const int stride = cairo_image_surface_get_stride(surface);

    for (int row = y < 0 ? -y : 0; row < height && y + row < c->height; row++)
        for (int column = x < 0 ? -x : 0; column < width && x + column < c->width; column++) {
            uint8_t *at = c->rgb + ((size_t)(y + row) * (size_t)c->width + (size_t)(x + column)) * 3;
            const unsigned part = ink[(ptrdiff_t)row * stride + column];

            for (int k = 0; k < 3; k++) at[k] = mix(at[k], (uint8_t)(colour >> (16 - 8 * k)), part);
        }
}

void text_draw(canvas *c, int x, int y, int width, int size, uint32_t colour, const char *text)
{
    cairo_surface_t *surface;
    PangoLayout *layout;
    cairo_t *cairo;

    if (width < 1) return;
    surface = cairo_image_surface_create(CAIRO_FORMAT_A8, width, text_line(size));
    cairo = cairo_create(surface);
    if (cairo_status(cairo) == CAIRO_STATUS_SUCCESS) {
        layout = make_layout(cairo, size, text);
        pango_layout_set_width(layout, width * PANGO_SCALE);
        pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
        pango_cairo_show_layout(cairo, layout);
        cairo_surface_flush(surface);
        lay_over(c, x, y, surface, colour);
        g_object_unref(layout);
    }
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
}

int text_width(int size, const char *text)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *cairo = cairo_create(surface);
    int width = 0;

    if (cairo_status(cairo) == CAIRO_STATUS_SUCCESS) {
        PangoLayout *layout = make_layout(cairo, size, text);

        pango_layout_get_pixel_size(layout, &width, NULL);
        g_object_unref(layout);
    }
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return width;
}

#else

tsm_status text_check(const char *what, tsm_error *error)
{
    return report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: this build draws no text: it was made without Pango", what);
}

void text_draw(canvas *c, int x, int y, int width, int size, uint32_t colour, const char *text)
{
    (void)c;
    (void)x;
    (void)y;
    (void)width;
    (void)size;
    (void)colour;
    (void)text;
}

int text_width(int size, const char *text)
{
    (void)size;
    (void)text;
    return 0;
}

#endif
