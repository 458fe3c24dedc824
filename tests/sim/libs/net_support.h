/* SPDX-License-Identifier: Apache-2.0 */
/* net_support.h - networks on the plugin that is linked against the simulated device. */
#ifndef TSM_SIM_NET_SUPPORT_H
#define TSM_SIM_NET_SUPPORT_H

/* The function that adds tests takes it relative to its caller. */
#undef TSM_TEST_DATA
#define TSM_TEST_DATA TSM_SOURCE_DIR "/tests/data"

#include <dlfcn.h>

#include "engines.h"
#include "core/status.h"
#include "graph/backend.h"
#include "lib_support.h"

/* TUNE off unless a test is about tuning, which runs every kernel of every convolution dozens of times. */
static inline void set_mode(const char *graphs, const char *tune)
{
    setenv("TSM_CUDA_GRAPH", graphs, 1);
    setenv("TSM_CUDA_TUNE", tune, 1);
}

static inline const char *plugin_name(void)
{
    static char name[64];

    snprintf(name, sizeof name, "libtsm_cuda-abi%d.so", TSM_BACKEND_ABI);
    return name;
}

/* Allocations on the host since the last call: those of libtsm, and those of the plugin, which must have been opened.
 */
static inline uint64_t host_allocations(void)
{
    void *plugin = dlopen(plugin_name(), RTLD_NOW | RTLD_NOLOAD);
    uint64_t (*of_plugin)(void), count;

    ck_assert_msg(plugin != NULL, "the plugin is not open");
    *(void **)&of_plugin = dlsym(plugin, "tsm_sim_plugin_allocations");
    ck_assert_msg(of_plugin != NULL, "the plugin does not count");
    count = of_plugin() + tsm_alloc_fail_at(0);
    dlclose(plugin);
    return count;
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
