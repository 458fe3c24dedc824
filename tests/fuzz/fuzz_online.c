/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_online.c - any bytes as a saved stream. The first byte says how far they are forged: 0 not at all; 1 with the
 * right checksum; 2 with the right header and length as well, so that the numbers of the caches are anybody's. What
 * is refused leaves the stream as it was; what is taken is saved as the same bytes, and goes on.
 */
#include <tsm/online.h>

#include "core/status.h"
#include "fuzz.h"
#include "operations/values.h"

enum { SIDE = 16, WORD = 8, HEADER = 7 * WORD, FRAMES_AT = 6 * WORD };

static tsm_online *online;
static size_t saved_bytes;
static int classes;
static unsigned char *genuine, *made; /* both of saved_bytes */
static float *frame, *logits;

static void open_once(void)
{
    tsm_model_options model_options = TSM_MODEL_OPTIONS_INIT;
    tsm_engine_options engine_options = TSM_ENGINE_OPTIONS_INIT;
    tsm_online_options options = TSM_ONLINE_OPTIONS_INIT;
    tsm_online_info info = TSM_ONLINE_INFO_INIT;
    tsm_model *model;
    tsm_engine *engine;
    tsm_error error;

    model_options.shift_direction = TSM_UNIDIRECTIONAL;
    engine_options.device = "reference";
    options.height = options.width = SIDE;
    options.consensus = TSM_CONSENSUS_WINDOW;
    options.window = 3;
    must_ok(tsm_model_load(&model, TSM_FUZZ_MODEL, &model_options, &error), &error);
    must_ok(tsm_engine_create(&engine, model, &engine_options, &error), &error);
    must_ok(tsm_online_create(&online, engine, &options, &error), &error);
    tsm_model_destroy(&model);
    tsm_engine_destroy(&engine);
    if (tsm_online_get_info(online, &info) != TSM_OK) abort();
    saved_bytes = (size_t)info.saved_bytes;
    classes = info.classes;
    genuine = must(malloc(saved_bytes));
    made = must(malloc(saved_bytes));
    frame = hashed_array((size_t)3 * SIDE * SIDE, 1);
    logits = poisoned_array((size_t)classes);
}

static tsm_status push(tsm_error *error)
{
    const tsm_tensor input = { .data = frame, .layout = TSM_NTCHW, .ndim = 5, .dims = { 1, 1, 3, SIDE, SIDE } };
    const tsm_tensor output = { .data = logits, .layout = TSM_NC, .ndim = 2, .dims = { 1, classes } };
    const int slot = 0;

    return tsm_online_push(online, &slot, 1, &input, NULL, &output, error);
}

/* The bytes as a whole saved stream, in `made`: only the frames of its header are theirs. */
static void forge(const uint8_t *data, size_t bytes)
{
    memset(made, 0, saved_bytes);
    memcpy(made, data, bytes < saved_bytes ? bytes : saved_bytes);
    memcpy(made, genuine, FRAMES_AT);
}

static void seal(void)
{
    const uint64_t sum = tsm_hash(TSM_HASH_START, made, saved_bytes - WORD);

    for (size_t i = 0; i < WORD; i++) made[saved_bytes - WORD + i] = (unsigned char)(sum >> 8 * i);
}

static void restore(const void *data, size_t bytes)
{
    unsigned char *after = must(malloc(saved_bytes));
    tsm_error error;
    const tsm_status status = tsm_online_restore(online, 0, data, bytes, &error);

    fuzz_check(status, &error);
    must_ok(tsm_online_save(online, 0, after, saved_bytes, &error), &error);
    if (memcmp(after, status == TSM_OK ? data : genuine, saved_bytes) != 0) abort();
    if (status == TSM_OK) fuzz_check(push(&error), &error); /* large numbers may overflow, which is said */
    free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tsm_error error;

    if (bytes == 0) return 0;
    if (!online) open_once();
    must_ok(tsm_online_reset(online, 0, &error), &error);
    must_ok(push(&error), &error);
    must_ok(tsm_online_save(online, 0, genuine, saved_bytes, &error), &error);
    if (data[0] == 0 || bytes - 1 < saved_bytes) restore(data + 1, bytes - 1);
    if (data[0] == 0) return 0;
    if (data[0] == 1 && bytes - 1 >= saved_bytes) {
        memcpy(made, data + 1, saved_bytes);
    } else {
        forge(data + 1, bytes - 1);
    }
    seal();
    must_ok(tsm_online_reset(online, 0, &error), &error);
    must_ok(push(&error), &error);
    restore(made, saved_bytes);
    return 0;
}
