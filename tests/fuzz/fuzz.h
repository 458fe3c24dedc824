/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what the fuzz targets share. */
#ifndef TSM_TESTS_FUZZ_H
#define TSM_TESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/tsm.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Whatever is allocated for an input is in proportion to it; `asked` is what tsm_alloc_bytes says. */
static inline void fuzz_bound(uint64_t asked, size_t bytes)
{
    if (asked > 64 * (uint64_t)bytes + (2u << 20)) abort();
}

/* Whatever the input, an error is one line of text with the code that was returned. */
static inline void fuzz_check(tsm_status status, const tsm_error *error)
{
    if (status == TSM_OK) return;
    if (error->code != status || status == TSM_ERROR_INTERNAL) abort();
    if (!memchr(error->text, '\0', sizeof error->text) || !*error->text || strchr(error->text, '\n')) abort();
}

#endif
