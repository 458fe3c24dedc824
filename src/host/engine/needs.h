/* SPDX-License-Identifier: Apache-2.0 */
/* needs.h - the libraries that a plugin needs and does not bring along, where the loader alone does not find them. */
#ifndef TSM_ENGINE_NEEDS_H
#define TSM_ENGINE_NEEDS_H

#include "core/status.h"

typedef struct tsm_needs {
    const char *variable;         /* of the environment, which names the place to take them from */
    const char *const *libraries; /* "libcudnn", ...; ended by NULL */
    const char *const *places;    /* where else they may be, as patterns of glob, see needs.c; ended by NULL */
} tsm_needs;

/* dlopen of a plugin. All its libraries come from one place: the one that the variable names; else from where the
 * loader finds them; else from the first of the places that has them all. A place is a folder which has them itself,
 * in lib64, or in lib of the folders in it. `needs` may be NULL: the loader's alone. The handle is the caller's, and
 * NULL on failure. Errors: DEVICE, naming what is missing. */
tsm_status tsm_needs_open(void **plugin, const char *file, const tsm_needs *needs, tsm_error *error);

extern const tsm_needs tsm_needs_of_cuda;

#endif
