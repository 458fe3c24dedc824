/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - see memory.h. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

static uint64_t made;    /* allocations since the hook was last set */
static uint64_t asked;   /* and their bytes */
static uint64_t fail_at; /* 0: never */

static bool refused(size_t bytes)
{
    uint64_t number = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);

    __atomic_add_fetch(&asked, bytes, __ATOMIC_RELAXED);
    return fail_at != 0 && number == fail_at;
}

uint64_t tsm_alloc_fail_at(uint64_t n)
{
    uint64_t before = made;

    fail_at = n;
    made = asked = 0;
    return before;
}

uint64_t tsm_alloc_bytes(void)
{
    return asked;
}

void *tsm_alloc_zero(size_t count, size_t size)
{
    if (refused(count * size)) return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

void *tsm_alloc_aligned(size_t count, size_t size)
{
    size_t bytes, padded;

    if (!tsm_multiply(count, size, &bytes) || refused(bytes)) return NULL;
    if (!tsm_add(bytes, TSM_ALIGNMENT, &padded)) return NULL;
    return aligned_alloc(TSM_ALIGNMENT, padded / TSM_ALIGNMENT * TSM_ALIGNMENT);
}

void *tsm_realloc(void *memory, size_t count, size_t size)
{
    size_t bytes;

    if (!tsm_multiply(count, size, &bytes) || refused(bytes)) return NULL;
    return realloc(memory, bytes ? bytes : 1);
}

char *tsm_strndup(const char *text, size_t bytes)
{
    char *copy;

    if (bytes == SIZE_MAX) return NULL;
    copy = tsm_alloc_zero(bytes + 1, 1);
    if (copy && bytes) memcpy(copy, text, bytes);
    return copy;
}

char *tsm_strdup(const char *text)
{
    return text ? tsm_strndup(text, strlen(text)) : NULL;
}
