/* SPDX-License-Identifier: Apache-2.0 */
/* streams.h - engines that look back only, and frames for them, for tests of live streams. */
#ifndef TSM_TESTS_STREAMS_H
#define TSM_TESTS_STREAMS_H

#include <tsm/online.h>

#include "engines.h"

#define SIDE        32
#define FRAME_COUNT ((size_t)3 * SIDE * SIDE)
#define CLASSES     7

static const char *const devices[] = { "reference", "cpu" };
#define DEVICES (int)(sizeof devices / sizeof *devices)

static inline tsm_engine *make_past_engine(const char *path, tsm_engine_options options)
{
    tsm_model_options model_options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model = NULL;
    tsm_engine *engine = NULL;
    tsm_error error;

    model_options.shift_direction = TSM_UNIDIRECTIONAL;
    assert_ok(tsm_model_load(&model, path, &model_options, &error), &error);
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    tsm_model_destroy(&model);
    return engine;
}

static inline tsm_engine *make_stream_engine(const char *path, const char *device, int per_frame)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;

    options.device = device;
    options.per_frame = per_frame;
    return make_past_engine(path, options);
}

static inline tsm_online_options stream_options(int slots)
{
    tsm_online_options options = TSM_ONLINE_OPTIONS_INIT;

    options.slots = slots;
    options.height = options.width = SIDE;
    return options;
}

static inline tsm_online *make_online(const tsm_engine *engine, const tsm_online_options *options)
{
    tsm_online *online = NULL;
    tsm_error error;

    assert_ok(tsm_online_create(&online, engine, options, &error), &error);
    return online;
}

/* Frame t of stream `seed`. */
static inline void fill_frame(float *out, uint32_t seed, int t)
{
    for (size_t i = 0; i < FRAME_COUNT; i++) out[i] = hashed_value((uint32_t)(i + (size_t)t * FRAME_COUNT), seed);
}

static inline tsm_tensor frames_tensor(float *data, int n)
{
    return planes_tensor(data, n, 1, 3, SIDE, SIDE);
}

/* One frame of one stream; logits and consensus (7) may be NULL. */
static inline tsm_status push_frame(tsm_online *online, int slot, uint32_t seed, int t, float *logits,
                                    float *consensus, tsm_error *error)
{
    static _Thread_local float frame[FRAME_COUNT];
    tsm_tensor input = frames_tensor(frame, 1), out = logits_tensor(logits, 1, CLASSES);
    tsm_tensor combined = logits_tensor(consensus, 1, CLASSES);

    fill_frame(frame, seed, t);
    return tsm_online_push(online, &slot, 1, &input, logits ? &out : NULL, consensus ? &combined : NULL, error);
}

#endif
