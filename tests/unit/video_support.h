/* SPDX-License-Identifier: Apache-2.0 */
/* video_support.h - what the tests of libtsm-video share: data files, checksums, images. */
#ifndef TSM_TESTS_VIDEO_SUPPORT_H
#define TSM_TESTS_VIDEO_SUPPORT_H

#include <tsm/video.h>

#include "support.h"

#define PIL_DATA   TSM_TEST_DATA "/pil/"
#define VIDEO_DATA TSM_TEST_DATA "/video/"

/* A file's bytes, to be freed; the length in *bytes. */
static inline uint8_t *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    long size;

    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    data = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(data);
    *bytes = fread(data, 1, (size_t)size, file);
    ck_assert_uint_eq(*bytes, (size_t)size);
    fclose(file);
    data[*bytes] = 0;
    return data;
}

static inline void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    ck_assert_msg(file != NULL, "%s cannot be written", path);
    ck_assert_uint_eq(fwrite(data, 1, bytes, file), bytes);
    ck_assert_int_eq(fclose(file), 0);
}

static inline uint32_t crc32_of(const uint8_t *data, size_t bytes)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* The same pixels as test_image of tests/golden/make_pil.py; to be freed. */
static inline uint8_t *hashed_image(int width, int height, uint32_t seed)
{
    size_t count = (size_t)width * (size_t)height * 3;
    uint8_t *pixels = malloc(count);

    ck_assert_ptr_nonnull(pixels);
    for (size_t i = 0; i < count; i++) pixels[i] = (uint8_t)((hashed_value((uint32_t)i, seed) + 1.0f) * 128.0f);
    return pixels;
}

#endif
