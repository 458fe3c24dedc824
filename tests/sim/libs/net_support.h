/* net_support.h - networks on the plugin that is linked against the simulated device. */
#ifndef TSM_SIM_NET_SUPPORT_H
#define TSM_SIM_NET_SUPPORT_H

/* The function that adds tests takes it relative to its caller. */
#undef TSM_TEST_DATA
#define TSM_TEST_DATA TSM_SOURCE_DIR "/tests/data"

#include "../../unit/engines.h"
#include "lib_support.h"

/* TUNE off unless a test is about tuning, which runs every kernel of every convolution dozens of times. */
static inline void set_mode(const char *graphs, const char *tune)
{
    setenv("TSM_CUDA_GRAPH", graphs, 1);
    setenv("TSM_CUDA_TUNE", tune, 1);
}

static inline tsm_engine *make_cuda_engine(const tsm_model *model, tsm_precision precision, tsm_shift_method method)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_error error;

    options.device = "cuda";
    options.precision = precision;
    options.shift_method = method;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    return engine;
}

#endif
