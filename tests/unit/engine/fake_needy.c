/* SPDX-License-Identifier: Apache-2.0 */
/* fake_needy.c - a plugin that needs two libraries; its name says where they came from. */
#include <stdio.h>

#include "graph/backend.h"

const char *tsm_fake_one(void);
const char *tsm_fake_two(void);
__attribute__((visibility("default"))) const tsm_backend *tsm_fake_backend(void);

const tsm_backend *tsm_fake_backend(void)
{
    static char name[80];
    static tsm_backend backend = { .abi = TSM_BACKEND_ABI, .struct_bytes = TSM_BACKEND_STRUCTS, .name = name };

    snprintf(name, sizeof name, "one of %s, two of %s", tsm_fake_one(), tsm_fake_two());
    return &backend;
}
