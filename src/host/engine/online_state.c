/* SPDX-License-Identifier: Apache-2.0 */
/*
 * online_state.c - a stream as bytes, and back.
 *
 * A header of 64-bit words, little-endian; the caches; what the consensus keeps; the checksum of all before. All of
 * one tsm_online's streams have the same size, so that the first check is a comparison of two numbers.
 */
#include <math.h>
#include <string.h>

#include "streams.h"

#define MAGIC   UINT64_C(0x31746f6c736d7374) /* "tsmslot1" */
#define VERSION 1

enum { WORD_MAGIC, WORD_VERSION, WORD_IDENTITY, WORD_SIZE, WORD_NUMBER, WORD_CONSENSUS, WORD_FRAMES, WORDS };

#define WORD_BYTES   sizeof(uint64_t)
#define HEADER_BYTES (WORDS * WORD_BYTES)

static void put_word(unsigned char *at, uint64_t word)
{
    for (size_t i = 0; i < WORD_BYTES; i++) at[i] = (unsigned char)(word >> 8 * i);
}

static uint64_t word_at(const unsigned char *at)
{
    uint64_t word = 0;

    for (size_t i = 0; i < WORD_BYTES; i++) word |= (uint64_t)at[i] << 8 * i;
    return word;
}

static size_t kept_bytes(const tsm_online *online)
{
    return tsm_consensus_floats(&online->rule) * sizeof(float);
}

size_t tsm_online_saved_bytes(const tsm_online *online)
{
    return HEADER_BYTES + online->layout.state_bytes + kept_bytes(online) + WORD_BYTES;
}

/* What the header of a stream of `online` must say, but for its frames. */
static void describe(const tsm_online *online, uint64_t words[WORDS])
{
    const tsm_consensus_rule *rule = &online->rule;
    uint32_t weight;

    memcpy(&weight, &rule->weight, sizeof weight);
    words[WORD_MAGIC] = MAGIC;
    words[WORD_VERSION] = VERSION;
    words[WORD_IDENTITY] = online->context->engine->identity;
    words[WORD_SIZE] = (uint64_t)online->height << 32 | (uint64_t)online->width;
    words[WORD_NUMBER] = (uint64_t)online->layout.number;
    words[WORD_CONSENSUS] = (uint64_t)weight << 32 | (uint64_t)rule->window << 8 | (uint64_t)rule->kind;
    words[WORD_FRAMES] = 0;
}

static uint64_t checksum(const unsigned char *data, size_t bytes)
{
    return tsm_hash(TSM_HASH_START, data, bytes);
}

tsm_status tsm_online_save(tsm_online *online, int slot, void *data, size_t bytes, tsm_error *error)
{
    uint64_t words[WORDS];
    unsigned char *at = data;
    size_t size;

    TSM_TRY_RETURN(tsm_online_check_slot(online, slot, "save", error));
    size = tsm_online_saved_bytes(online);
    if (!data) return tsm_fail(error, TSM_ERROR_ARGUMENT, "save: nowhere to put it (NULL)");
    if (bytes != size)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "save: room for %zu bytes, a stream has %zu", bytes, size);
    if (online->slots[slot].torn)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "save: slot %d is between two frames, as its last push failed",
                        slot);
    TSM_TRY_RETURN(
        online->context->engine->backend->slots_read(online->context->slots, slot, at + HEADER_BYTES, error));
    describe(online, words);
    words[WORD_FRAMES] = online->slots[slot].frames;
    for (size_t i = 0; i < WORDS; i++) put_word(at + i * WORD_BYTES, words[i]);
    memcpy(at + HEADER_BYTES + online->layout.state_bytes, tsm_online_kept(online, slot), kept_bytes(online));
    put_word(at + size - WORD_BYTES, checksum(at, size - WORD_BYTES));
    return TSM_OK;
}

/* ---- Restoring: the bytes are anybody's -------------------------------------------------------------------------
 */

static tsm_status check_header(const tsm_online *online, const unsigned char *data, tsm_error *error)
{
    static const char *const differs[WORDS] = {
        [WORD_IDENTITY] = "it is of another network or other weights",
        [WORD_SIZE] = "its frames have another size",
        [WORD_NUMBER] = "its numbers have another format: it was saved at another precision",
        [WORD_CONSENSUS] = "it has another consensus",
    };
    uint64_t words[WORDS];

    describe(online, words);
    if (word_at(data) != MAGIC) return tsm_fail(error, TSM_ERROR_FORMAT, "restore: this is no saved stream");
    if (word_at(data + WORD_VERSION * WORD_BYTES) != VERSION)
        return tsm_fail(error, TSM_ERROR_FORMAT, "restore: a saved stream of version %llu, this library reads %d",
                        (unsigned long long)word_at(data + WORD_VERSION * WORD_BYTES), VERSION);
    for (size_t i = WORD_IDENTITY; i < WORD_FRAMES; i++)
        if (word_at(data + i * WORD_BYTES) != words[i])
            return tsm_fail(error, TSM_ERROR_FORMAT, "restore: the saved stream does not fit: %s", differs[i]);
    return TSM_OK;
}

static bool all_finite(const void *array, tsm_dtype dtype, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(tsm_number_at(array, dtype, i))) return false;
    return true;
}

static tsm_status check_numbers(const tsm_online *online, const unsigned char *data, tsm_error *error)
{
    static const tsm_dtype dtypes[TSM_NUMBER_COUNT] = {
        [TSM_NUMBER_FP32] = TSM_FLOAT32, [TSM_NUMBER_FP16] = TSM_FLOAT16, [TSM_NUMBER_BF16] = TSM_BFLOAT16
    };
    const tsm_slot_layout *layout = &online->layout;

    if (all_finite(data + HEADER_BYTES, dtypes[layout->number], layout->numbers) &&
        all_finite(data + HEADER_BYTES + layout->state_bytes, TSM_FLOAT32,
                   (int64_t)tsm_consensus_floats(&online->rule)))
        return TSM_OK;
    return tsm_fail(error, TSM_ERROR_FORMAT, "restore: the saved stream has numbers that are not finite");
}

static tsm_status check_saved(const tsm_online *online, const unsigned char *data, size_t bytes, tsm_error *error)
{
    const size_t size = tsm_online_saved_bytes(online);

    if (bytes < HEADER_BYTES + WORD_BYTES)
        return tsm_fail(error, TSM_ERROR_FORMAT, "restore: %zu bytes are no saved stream", bytes);
    TSM_TRY_RETURN(check_header(online, data, error));
    if (bytes != size)
        return tsm_fail(error, TSM_ERROR_FORMAT, "restore: the saved stream has %zu bytes, it should have %zu", bytes,
                        size);
    if (word_at(data + size - WORD_BYTES) != checksum(data, size - WORD_BYTES))
        return tsm_fail(error, TSM_ERROR_FORMAT, "restore: the saved stream is damaged: its checksum is another");
    return check_numbers(online, data, error);
}

tsm_status tsm_online_restore(tsm_online *online, int slot, const void *data, size_t bytes, tsm_error *error)
{
    const unsigned char *at = data;
    const tsm_context *context;

    TSM_TRY_RETURN(tsm_online_check_slot(online, slot, "restore", error));
    if (!data) return tsm_fail(error, TSM_ERROR_ARGUMENT, "restore: no data (NULL)");
    TSM_TRY_RETURN(check_saved(online, at, bytes, error));
    context = online->context;
    online->slots[slot].torn = true;
    TSM_TRY_RETURN(context->engine->backend->slots_write(context->slots, slot, at + HEADER_BYTES, error));
    online->slots[slot].torn = false;
    online->slots[slot].frames = word_at(at + WORD_FRAMES * WORD_BYTES);
    memcpy(tsm_online_kept(online, slot), at + HEADER_BYTES + online->layout.state_bytes, kept_bytes(online));
    return TSM_OK;
}
