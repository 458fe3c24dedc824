/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - allocation that checks its arithmetic, and a hook that lets tests fail the n-th one. */
#ifndef TSM_CORE_MEMORY_H
#define TSM_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TSM_ALIGNMENT 64 /* bytes: a cache line, and the widest vector */

/* Zeroed array of count * size bytes; NULL when out of memory or when the product overflows. Released with
 * tsm_free. */
void *tsm_alloc_zero(size_t count, size_t size);

/* count * size bytes aligned to TSM_ALIGNMENT, contents undefined; NULL as above. Released with tsm_free. */
void *tsm_alloc_aligned(size_t count, size_t size);

/* Grows or shrinks a block from tsm_alloc_zero or tsm_realloc; on failure NULL, and the old block stays. */
void *tsm_realloc(void *memory, size_t count, size_t size);

/* Copies of a string and of a range; NULL when out of memory. tsm_strdup(NULL) is NULL. */
char *tsm_strdup(const char *text);
char *tsm_strndup(const char *text, size_t bytes);

/* a * b into *out; false when it overflows. */
static inline bool tsm_multiply(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool tsm_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* For tests: the n-th allocation from now (1 is the next) fails, once; 0 switches the hook off. Not thread-safe.
 * Returns how many allocations have been made since the last call. */
uint64_t tsm_alloc_fail_at(uint64_t n);

/* For tests: how many bytes were asked for since the last tsm_alloc_fail_at, freed ones included. */
uint64_t tsm_alloc_bytes(void);

#endif
