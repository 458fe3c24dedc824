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

/* A function of the plugin's that counts for tests; the plugin must have been opened. */
static inline void *plugin_function(const char *name)
{
    void *plugin = dlopen(plugin_name(), RTLD_NOW | RTLD_NOLOAD), *function;

    ck_assert_msg(plugin != NULL, "the plugin is not open");
    function = dlsym(plugin, name);
    ck_assert_msg(function != NULL, "the plugin has no %s", name);
    dlclose(plugin);
    return function;
}

/* Allocations on the host since the last call: those of libtsm, and those of the plugin. */
static inline uint64_t host_allocations(void)
{
    uint64_t (*of_plugin)(void);

    *(void **)&of_plugin = plugin_function("tsm_sim_plugin_allocations");
    return of_plugin() + tsm_alloc_fail_at(0);
}

/* The n-th of the plugin's from now fails; 0: none does. */
static inline void fail_host_allocation(int n)
{
    void (*of_plugin)(uint64_t);

    *(void **)&of_plugin = plugin_function("tsm_sim_plugin_fail_allocation");
    of_plugin((uint64_t)n);
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
