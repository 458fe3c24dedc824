/* SPDX-License-Identifier: Apache-2.0 */
/* devices.h - the devices that there are, and the backends behind them. */
#ifndef TSM_ENGINE_DEVICES_H
#define TSM_ENGINE_DEVICES_H

#include "graph/backend.h"
#include "needs.h"

/* A kind of device. */
typedef struct tsm_device_kind {
    const char *name;           /* "cuda" */
    const tsm_backend *builtin; /* NULL: in the plugin libtsm_<name>-abi<N>.so */
    const tsm_needs *needs;     /* the plugin's libraries; NULL: where the loader finds them */
    bool indexed;               /* there may be several: "cuda:1" */
    bool automatic;             /* among those that "auto" tries */
} tsm_device_kind;

/* In the order in which "auto" tries them; ended by a nameless entry. */
extern const tsm_device_kind tsm_device_kinds[];

typedef struct tsm_device {
    const tsm_device_kind *kind; /* NULL: "auto" */
    int index;
} tsm_device;

/* "auto", a name of the table, or, where that is indexed, one with a number as "cuda:N"; NULL is "auto". Errors:
 * ARGUMENT, naming all that there are. */
tsm_status tsm_device_parse(tsm_device *device, const char *text, tsm_error *error);

/* The backend of a kind, out of its plugin where it is in one; that stays loaded. Errors: DEVICE, saying why it
 * cannot be had. */
tsm_status tsm_device_backend(const tsm_backend **backend, const tsm_device_kind *kind, tsm_error *error);

/* plugin.c: the backend that `entry` of a library gives, once its ABI number and the sizes of the structs that it
 * shares with this library are known to be ours. `needs` as in tsm_needs_open. Errors: DEVICE, naming the file and
 * what differs. */
tsm_status tsm_plugin_open(const tsm_backend **backend, const char *file, const char *entry, const tsm_needs *needs,
                           tsm_error *error);

#endif
