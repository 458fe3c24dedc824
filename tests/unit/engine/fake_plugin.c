/* SPDX-License-Identifier: Apache-2.0 */
/* fake_plugin.c - a plugin with a backend of another ABI number, or of other structs, whose functions must not be
 * called; FAKE_ABI and FAKE_BYTES are what it says. */
#include "graph/backend.h"

__attribute__((visibility("default"))) const tsm_backend *tsm_fake_backend(void);
__attribute__((visibility("default"))) const tsm_backend *tsm_empty_backend(void);

const tsm_backend *tsm_fake_backend(void)
{
    static tsm_backend backend = { .abi = FAKE_ABI, .struct_bytes = TSM_BACKEND_STRUCTS, .name = "fake" };

    backend.struct_bytes[2] += FAKE_BYTES;
    return &backend;
}

const tsm_backend *tsm_empty_backend(void)
{
    return NULL;
}
