/* SPDX-License-Identifier: Apache-2.0 */
/* pages.c - see pages.h. */
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

#include "core/status.h"

#define PAGE      4096
#define HUGE_PAGE (2 << 20)

void *tsm_cpu_alloc(size_t bytes)
{
    char *data = tsm_alloc_aligned(bytes, 1);
    const size_t before = (PAGE - (uintptr_t)data % PAGE) % PAGE;

    /* A wish: where the system has none or is not asked to give any, pages stay small. */
    if (data && bytes >= 2 * (size_t)HUGE_PAGE) madvise(data + before, (bytes - before) / PAGE * PAGE, MADV_HUGEPAGE);
    return data;
}
