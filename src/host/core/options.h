/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - structs that begin with struct_size, passed between a program and a library of another version. */
#ifndef TSM_CORE_OPTIONS_H
#define TSM_CORE_OPTIONS_H

#include <stddef.h>
#include <tsm/tsm.h>

/* Copies a caller's options into `options`, this library's struct of `bytes` bytes: what an older caller does not
 * have is zero; what a newer one has beyond must be zero. NULL: all defaults. `name` names the struct in the error.
 * Errors: ARGUMENT. */
tsm_status tsm_options_read(void *options, size_t bytes, const void *caller, const char *name, tsm_error *error);

/* The other way, for info structs: copies as much of `info` as the caller's struct_size has room for, and zeroes what
 * a newer caller has beyond. struct_size itself stays the caller's. Errors: ARGUMENT. */
tsm_status tsm_info_write(void *caller, const void *info, size_t bytes);

#endif
