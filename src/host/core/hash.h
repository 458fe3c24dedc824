/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - 64 bits that tell byte strings apart: a checksum against damage, no seal against forgery. */
#ifndef TSM_CORE_HASH_H
#define TSM_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define TSM_HASH_START UINT64_C(0x9e3779b97f4a7c15)

/* The hash of what `hash` stands for with `bytes` more; begins with TSM_HASH_START. Some gigabytes a second. The
 * bytes count as cut into calls: two calls are not one. */
uint64_t tsm_hash(uint64_t hash, const void *data, size_t bytes);

#endif
