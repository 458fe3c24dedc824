/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c - see hash.h. Words of 8 bytes, in four lanes so that the multiplications overlap. */
#include "hash.h"

#include <string.h>

#define LANES  4
#define FACTOR UINT64_C(0xff51afd7ed558ccd) /* odd: no bit is lost */

static inline uint64_t stir(uint64_t state, uint64_t word)
{
    state = (state ^ word) * FACTOR;
    return state ^ state >> 32;
}

static inline uint64_t word_at(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

uint64_t tsm_hash(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *at = data, *end = at + bytes;
    uint64_t lanes[LANES], tail = 0;

    for (unsigned i = 0; i < LANES; i++) lanes[i] = hash + i;
    for (; (size_t)(end - at) >= LANES * sizeof(uint64_t); at += LANES * sizeof(uint64_t))
        for (unsigned i = 0; i < LANES; i++) lanes[i] = stir(lanes[i], word_at(at + i * sizeof(uint64_t)));
    for (; (size_t)(end - at) >= sizeof(uint64_t); at += sizeof(uint64_t)) lanes[0] = stir(lanes[0], word_at(at));
    memcpy(&tail, at, (size_t)(end - at));
    hash = stir(lanes[0], tail);
    for (unsigned i = 1; i < LANES; i++) hash = stir(hash, lanes[i]);
    return stir(hash, bytes);
}
