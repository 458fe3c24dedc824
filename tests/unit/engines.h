/* SPDX-License-Identifier: Apache-2.0 */
/* engines.h - an engine of a golden network, and tensors to run it on, for tests of the public interface. */
#ifndef TSM_TESTS_ENGINES_H
#define TSM_TESTS_ENGINES_H

#include "support.h"

#define GOLDEN(name) TSM_TEST_DATA "/golden/" name ".safetensors"

static inline tsm_model *load_model(const char *path)
{
    tsm_model *model = NULL;
    tsm_error error;

    assert_ok(tsm_model_load(&model, path, NULL, &error), &error);
    return model;
}

/* The model is gone when this returns: an engine must not need it. */
static inline tsm_engine *make_engine(const char *path, const char *device)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model *model = load_model(path);
    tsm_engine *engine = NULL;
    tsm_error error;

    options.device = device;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    tsm_model_destroy(&model);
    return engine;
}

static inline tsm_context *make_context(const tsm_engine *engine, const tsm_shape *shape)
{
    tsm_context *context = NULL;
    tsm_error error;

    assert_ok(tsm_context_create(&context, engine, &error), &error);
    if (shape) assert_ok(tsm_context_plan(context, shape, &error), &error);
    return context;
}

static inline tsm_tensor planes_tensor(float *data, int n, int t, int c, int h, int w)
{
    return (
        tsm_tensor){ .data = data, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW, .ndim = 5, .dims = { n, t, c, h, w } };
}

static inline tsm_tensor bytes_tensor(uint8_t *data, int n, int t, int h, int w)
{
    return (
        tsm_tensor){ .data = data, .dtype = TSM_UINT8, .layout = TSM_NTHWC, .ndim = 5, .dims = { n, t, h, w, 3 } };
}

static inline tsm_tensor logits_tensor(float *data, int n, int classes)
{
    return (tsm_tensor){ .data = data, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { n, classes } };
}

#endif
