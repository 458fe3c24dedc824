/* SPDX-License-Identifier: Apache-2.0 */
/* pages.h - memory for what runs stream through: activations and packed weights. */
#ifndef TSM_CPU_PAGES_H
#define TSM_CPU_PAGES_H

#include <stddef.h>

/* tsm_alloc_aligned(bytes, 1), which asks for pages of 2 MB where they fit in: with small ones a tensor of many
 * megabytes costs a search of the page tables every 4 KB. Released with tsm_free. */
void *tsm_cpu_alloc(size_t bytes);

#endif
