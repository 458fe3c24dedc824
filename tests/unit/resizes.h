/* SPDX-License-Identifier: Apache-2.0 */
/* resizes.h - frames of another size than the plan's, and what they must give: for tests of every device. */
#ifndef TSM_TESTS_RESIZES_H
#define TSM_TESTS_RESIZES_H

#include <tsm/video.h>

#include "engines.h"

/* Of the network and its plan; r18 has 7 classes. */
enum {
    RESIZE_N = 1,
    RESIZE_T = 8,
    RESIZE_H = 32,
    RESIZE_W = 40,
    RESIZE_IMAGES = RESIZE_N * RESIZE_T,
    RESIZE_LOGITS = 7
};

static const tsm_shape resize_shape = { RESIZE_N, RESIZE_T, RESIZE_H, RESIZE_W };

#define RESIZE(...)                                                                                                  \
    {                                                                                                                \
        sizeof(tsm_resize), __VA_ARGS__                                                                              \
    }

static const tsm_resize resizes[] = {
    RESIZE(96, 64, 60, 40, 10, 4, 0), /* smaller, larger, narrower, lower */
    RESIZE(96, 64, 60, 40, 20, 8, 1),  RESIZE(30, 20, 60, 48, 5, 0, 0),  RESIZE(100, 40, 51, 40, 11, 8, 0),
    RESIZE(100, 40, 51, 40, 0, 3, 1),  RESIZE(64, 77, 64, 33, 24, 1, 0), RESIZE(64, 77, 64, 33, 24, 1, 1),
    RESIZE(64, 48, 0, 0, 3, 7, 0),     RESIZE(64, 48, 0, 0, 24, 16, 1), /* cropped only */
    RESIZE(40, 32, 0, 0, 0, 0, 0),                                      /* nothing to do */
    RESIZE(211, 150, 44, 33, 4, 0, 0), RESIZE(1, 1, 40, 32, 0, 0, 0),
};

static inline size_t resize_frame_bytes(const tsm_resize *r)
{
    return (size_t)r->width * (size_t)r->height * 3;
}

/* All frames of a batch; malloc'ed. */
static inline uint8_t *resize_frames(const tsm_resize *r, uint32_t seed)
{
    const size_t count = RESIZE_IMAGES * resize_frame_bytes(r);
    uint8_t *frames = malloc(count);

    ck_assert_ptr_nonnull(frames);
    for (size_t i = 0; i < count; i++) frames[i] = (uint8_t)((hashed_value((uint32_t)i, seed) + 1) * 127.99f);
    return frames;
}

static inline tsm_tensor resize_tensor(uint8_t *frames, const tsm_resize *r)
{
    return bytes_tensor(frames, RESIZE_N, RESIZE_T, r->height, r->width);
}

/* The crop of one whole frame that libtsm-video scaled. */
static inline void resize_one(const tsm_resize *r, const uint8_t *frame, uint8_t *out)
{
    const int width = r->scaled_width ? r->scaled_width : r->width;
    const int height = r->scaled_height ? r->scaled_height : r->height;
    uint8_t *scaled = malloc((size_t)width * (size_t)height * 3);
    tsm_error error;

    ck_assert_ptr_nonnull(scaled);
    assert_ok(tsm_resize_rgb(TSM_MODE_MIT, frame, r->width, r->height, scaled, width, height, &error), &error);
    for (int y = 0; y < RESIZE_H; y++)
        for (int x = 0; x < RESIZE_W; x++) {
            const int from = r->x + (r->mirror ? RESIZE_W - 1 - x : x);

            memcpy(out + (y * RESIZE_W + x) * 3, scaled + ((r->y + y) * width + from) * 3, 3);
        }
    free(scaled);
}

/* The logits of a plan without a resize, on frames that were resized before. */
static inline void resize_logits(const tsm_engine *engine, const tsm_resize *r, const uint8_t *frames, float *logits)
{
    static uint8_t bytes[RESIZE_IMAGES * RESIZE_H * RESIZE_W * 3];
    tsm_tensor input = bytes_tensor(bytes, RESIZE_N, RESIZE_T, RESIZE_H, RESIZE_W);
    tsm_tensor output = logits_tensor(logits, RESIZE_N, RESIZE_LOGITS);
    tsm_context *context = make_context(engine, &resize_shape);
    tsm_error error;

    for (size_t i = 0; i < RESIZE_IMAGES; i++)
        resize_one(r, frames + i * resize_frame_bytes(r), bytes + i * RESIZE_H * RESIZE_W * 3);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    tsm_context_destroy(&context);
}

static inline tsm_context *make_resize_context(const tsm_engine *engine, const tsm_resize *r)
{
    tsm_context *context = make_context(engine, NULL);
    tsm_error error;

    assert_ok(tsm_context_plan_resize(context, &resize_shape, r, &error), &error);
    return context;
}

/* A run on host tensors of a plan with this resize has the same bits. */
static inline void check_resize(const tsm_engine *engine, const tsm_resize *r)
{
    uint8_t *frames = resize_frames(r, 9);
    float want[RESIZE_LOGITS], got[RESIZE_LOGITS] = { 0 };
    tsm_tensor input = resize_tensor(frames, r), output = logits_tensor(got, RESIZE_N, RESIZE_LOGITS);
    tsm_context *context = make_resize_context(engine, r);
    tsm_error error;

    resize_logits(engine, r, frames, want);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    ck_assert_mem_eq(got, want, sizeof want);
    tsm_context_destroy(&context);
    free(frames);
}

#endif
