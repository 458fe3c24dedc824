/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - a small network on the CUDA backend with its input, and what comes of that from host memory. */
#ifndef TSM_GPU_FIXTURE_H
#define TSM_GPU_FIXTURE_H

#include "check.h"

typedef struct fixture {
    network net;
    session session;
    float *pixels, *want, *got;
    tsm_tensor input, output; /* in host memory: pixels, got */
    size_t pixel_bytes, logit_bytes;
} fixture;

extern const network_spec fixture_spec;

/* With a configuration, or NULL for float32 without tuning. */
bool fixture_open(fixture *f, const tsm_backend_config *config, const char *name);
void fixture_close(fixture *f);

/* What came is what comes from host memory. */
void check_got(const fixture *f, const char *name);

/* Device buffers for the input, which is in the one, and the logits. */
typedef struct device_pair {
    void *pixels, *logits;
} device_pair;

device_pair device_pair_make(const fixture *f, const char *name);
void device_pair_free(device_pair *pair);

#endif
