/* SPDX-License-Identifier: Apache-2.0 */
/* test_online_state.c - a stream's life: begun anew, copied, saved, restored, combined over time. */
#include "core/status.h"
#include "streams.h"

/* Bytes of a saved stream before its caches, as docs/online.md has them. */
enum { WORD = 8, HEADER = 7 * WORD };

static tsm_online *make(const char *file, const char *device, tsm_consensus consensus)
{
    tsm_engine *engine = make_stream_engine(file, device, 0);
    tsm_online_options options = stream_options(3);
    tsm_online *online;

    options.consensus = consensus;
    options.window = 3;
    options.weight = 0.25f;
    online = make_online(engine, &options);
    tsm_engine_destroy(&engine); /* the streams hold it */
    return online;
}

static size_t saved_bytes(const tsm_online *online)
{
    tsm_online_info info = TSM_ONLINE_INFO_INIT;

    ck_assert_int_eq(tsm_online_get_info(online, &info), TSM_OK);
    ck_assert_uint_eq(info.saved_bytes, HEADER + info.cache_bytes + info.consensus_bytes + WORD);
    return (size_t)info.saved_bytes;
}

static void push_many(tsm_online *online, int slot, uint32_t seed, int first, int end, float *logits, float *combined)
{
    tsm_error error;

    for (int t = first; t < end; t++) assert_ok(push_frame(online, slot, seed, t, logits, combined, &error), &error);
}

/* A slot that is reset is a new one; the others stay. */
START_TEST(reset_begins_anew)
{
    tsm_online *online = make(GOLDEN("mbv2_online"), devices[_i], TSM_CONSENSUS_MEAN);
    float first[2][CLASSES], again[2][CLASSES], kept[2][CLASSES];
    tsm_error error;

    push_many(online, 0, 5, 0, 1, first[0], first[1]);
    push_many(online, 2, 5, 0, 1, kept[0], kept[1]);
    push_many(online, 0, 5, 1, 4, NULL, NULL);
    assert_ok(tsm_online_reset(online, 0, &error), &error);
    ck_assert_uint_eq(tsm_online_frames(online, 0), 0);
    ck_assert_uint_eq(tsm_online_frames(online, 2), 1);
    push_many(online, 0, 5, 0, 1, again[0], again[1]);
    ck_assert_mem_eq(first, again, sizeof first);
    assert_ok(tsm_online_reset(online, -1, &error), &error);
    ck_assert_uint_eq(tsm_online_frames(online, 2), 0);
    push_many(online, 2, 5, 0, 1, again[0], again[1]);
    ck_assert_mem_eq(first, again, sizeof first);
    assert_error(tsm_online_reset(online, 3, &error), &error, TSM_ERROR_ARGUMENT, "no slot 3");
    assert_error(tsm_online_reset(online, -2, &error), &error, TSM_ERROR_ARGUMENT, "no slot -2");
    assert_error(tsm_online_reset(NULL, 0, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    tsm_online_destroy(&online);
}
END_TEST

START_TEST(copies_go_their_own_ways)
{
    tsm_online *online = make(GOLDEN("mbv2_online"), devices[_i], TSM_CONSENSUS_WINDOW);
    float a[2][CLASSES], b[2][CLASSES], other[2][CLASSES];
    tsm_error error;

    push_many(online, 0, 5, 0, 3, NULL, NULL);
    push_many(online, 1, 6, 0, 2, NULL, NULL);
    assert_ok(tsm_online_copy(online, 1, 0, &error), &error);
    assert_ok(tsm_online_copy(online, 1, 1, &error), &error);
    ck_assert_uint_eq(tsm_online_frames(online, 1), 3);
    push_many(online, 1, 6, 3, 4, other[0], other[1]); /* the copy goes elsewhere first */
    push_many(online, 0, 5, 3, 4, a[0], a[1]);
    ck_assert_mem_ne(a, other, sizeof a);
    assert_ok(tsm_online_reset(online, 2, &error), &error);
    push_many(online, 2, 5, 0, 4, b[0], b[1]);
    ck_assert_mem_eq(a, b, sizeof a);
    assert_error(tsm_online_copy(online, 0, 7, &error), &error, TSM_ERROR_ARGUMENT, "no slot 7");
    assert_error(tsm_online_copy(online, -1, 0, &error), &error, TSM_ERROR_ARGUMENT, "no slot -1");
    tsm_online_destroy(&online);
}
END_TEST

/* Saved in the middle, restored elsewhere, and on another device: it goes on to the same frames. */
START_TEST(a_saved_stream_goes_on)
{
    const tsm_consensus consensus = (tsm_consensus)(_i / DEVICES);
    tsm_online *online = make(GOLDEN("mbv2_online"), devices[_i % DEVICES], consensus);
    tsm_online *other = make(GOLDEN("mbv2_online"), devices[1 - _i % DEVICES], consensus);
    const size_t bytes = saved_bytes(online);
    unsigned char *data = must(malloc(bytes)), *again = must(malloc(bytes));
    float want[2][CLASSES], got[2][CLASSES];
    tsm_error error;

    push_many(online, 1, 5, 0, 4, NULL, NULL);
    assert_ok(tsm_online_save(online, 1, data, bytes, &error), &error);
    push_many(online, 1, 5, 4, 6, want[0], want[1]);
    push_many(online, 0, 9, 0, 1, NULL, NULL);
    assert_ok(tsm_online_restore(online, 0, data, bytes, &error), &error);
    ck_assert_uint_eq(tsm_online_frames(online, 0), 4);
    assert_ok(tsm_online_save(online, 0, again, bytes, &error), &error);
    ck_assert_mem_eq(again, data, bytes);
    push_many(online, 0, 5, 4, 6, got[0], got[1]);
    ck_assert_mem_eq(got, want, sizeof want);
    assert_ok(tsm_online_restore(other, 2, data, bytes, &error), &error);
    push_many(other, 2, 5, 4, 6, got[0], got[1]);
    assert_close(got[0], want[0], CLASSES, 2e-5, "on another device");
    assert_close(got[1], want[1], CLASSES, 2e-5, "on another device");
    assert_error(tsm_online_save(online, 0, data, bytes - 1, &error), &error, TSM_ERROR_ARGUMENT, "bytes");
    assert_error(tsm_online_save(online, 0, NULL, bytes, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    assert_error(tsm_online_save(online, 3, data, bytes, &error), &error, TSM_ERROR_ARGUMENT, "no slot 3");
    free(data);
    free(again);
    tsm_online_destroy(&online);
    tsm_online_destroy(&other);
}
END_TEST

static void seal(unsigned char *data, size_t bytes)
{
    const uint64_t sum = tsm_hash(TSM_HASH_START, data, bytes - WORD);

    for (size_t i = 0; i < WORD; i++) data[bytes - WORD + i] = (unsigned char)(sum >> 8 * i);
}

/* Any bit that has changed is found, by the sum or by what it belongs to; so is any other length. The slot goes on as
 * if nobody had tried. */
START_TEST(damage_is_refused)
{
    tsm_online *online = make(GOLDEN("mbv2_online"), "reference", TSM_CONSENSUS_WINDOW);
    const size_t bytes = saved_bytes(online), step = bytes / 300 + 1;
    unsigned char *data = must(malloc(bytes)), *before = must(malloc(bytes)), *after = must(malloc(bytes));
    tsm_error error;

    push_many(online, 1, 5, 0, 4, NULL, NULL);
    assert_ok(tsm_online_save(online, 1, data, bytes, &error), &error);
    push_many(online, 0, 7, 0, 2, NULL, NULL);
    assert_ok(tsm_online_save(online, 0, before, bytes, &error), &error);
    for (size_t at = 0; at < bytes; at += at < HEADER || at >= bytes - WORD - step ? 1 : step) {
        const unsigned char bit = (unsigned char)(1u << at % 8);

        data[at] ^= bit;
        assert_error(tsm_online_restore(online, 0, data, bytes, &error), &error, TSM_ERROR_FORMAT, "restore: ");
        data[at] ^= bit;
    }
    for (size_t length = 0; length < bytes; length += length < 2 * HEADER ? 1 : step)
        assert_error(tsm_online_restore(online, 0, data, length, &error), &error, TSM_ERROR_FORMAT, "bytes");
    assert_error(tsm_online_restore(online, 0, NULL, bytes, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    assert_error(tsm_online_restore(online, 9, data, bytes, &error), &error, TSM_ERROR_ARGUMENT, "no slot 9");
    assert_ok(tsm_online_save(online, 0, after, bytes, &error), &error);
    ck_assert_mem_eq(after, before, bytes);
    free(data);
    free(before);
    free(after);
    tsm_online_destroy(&online);
}
END_TEST

/* A forger who knows the sum gets no further than what every number is held against. */
START_TEST(forgeries_are_refused)
{
    static const char *const words[] = { "no saved stream", "version",           "another network",
                                         "another size",    "another precision", "another consensus" };
    tsm_online *online = make(GOLDEN("mbv2_online"), "reference", TSM_CONSENSUS_MEAN);
    const size_t bytes = saved_bytes(online);
    unsigned char *data = must(malloc(bytes));
    const float nan = NAN;
    tsm_error error;

    push_many(online, 1, 5, 0, 2, NULL, NULL);
    for (size_t word = 0; word < sizeof words / sizeof *words; word++) {
        assert_ok(tsm_online_save(online, 1, data, bytes, &error), &error);
        data[word * WORD] ^= 4;
        seal(data, bytes);
        assert_error(tsm_online_restore(online, 0, data, bytes, &error), &error, TSM_ERROR_FORMAT, words[word]);
    }
    for (int place = 0; place < 2; place++) {
        assert_ok(tsm_online_save(online, 1, data, bytes, &error), &error);
        memcpy(data + (place ? bytes - WORD - sizeof nan : HEADER), &nan, sizeof nan);
        seal(data, bytes);
        assert_error(tsm_online_restore(online, 0, data, bytes, &error), &error, TSM_ERROR_FORMAT, "not finite");
    }
    assert_ok(tsm_online_save(online, 1, data, bytes, &error), &error);
    memset(data + 6 * WORD, 0xff, WORD); /* as many frames as can be said: a number like any other */
    seal(data, bytes);
    assert_ok(tsm_online_restore(online, 0, data, bytes, &error), &error);
    push_many(online, 0, 5, 2, 4, NULL, (float[CLASSES]){ 0 });
    free(data);
    tsm_online_destroy(&online);
}
END_TEST

/* Same layers, other weights: another identity. */
START_TEST(other_weights_are_refused)
{
    tsm_online *online = make(GOLDEN("r18_block"), "reference", TSM_CONSENSUS_NONE);
    tsm_online *other = make(GOLDEN("r18_tsn"), "reference", TSM_CONSENSUS_NONE);
    const size_t bytes = saved_bytes(online);
    unsigned char *data = must(malloc(bytes));
    tsm_error error;

    assert_ok(tsm_online_save(online, 0, data, bytes, &error), &error);
    assert_error(tsm_online_restore(other, 0, data, bytes, &error), &error, TSM_ERROR_FORMAT, "another network");
    free(data);
    tsm_online_destroy(&online);
    tsm_online_destroy(&other);
}
END_TEST

/* Against sums of our own in double. */
START_TEST(consensus_is_what_it_says)
{
    enum { COUNT = 7, WINDOW = 3 };
    const tsm_consensus kind = (tsm_consensus)_i;
    tsm_online *online = make(GOLDEN("mbv2_online"), "reference", kind);
    float logits[COUNT][CLASSES], got[CLASSES], want[CLASSES];
    tsm_error error;

    for (int t = 0; t < COUNT; t++) {
        const int first = kind == TSM_CONSENSUS_NONE                   ? t
                          : kind == TSM_CONSENSUS_WINDOW && t > WINDOW ? t - WINDOW + 1
                          : kind == TSM_CONSENSUS_WINDOW               ? (t == WINDOW ? 1 : 0)
                                                                       : 0;

        assert_ok(push_frame(online, 0, 3, t, logits[t], got, &error), &error);
        for (int c = 0; c < CLASSES; c++) {
            double sum = kind == TSM_CONSENSUS_EXPONENTIAL ? (double)logits[0][c] : 0;

            for (int k = first; k <= t; k++)
                sum = kind == TSM_CONSENSUS_EXPONENTIAL ? (k ? 0.25 * logits[k][c] + 0.75 * sum : sum)
                                                        : sum + logits[k][c];
            want[c] = (float)(kind == TSM_CONSENSUS_EXPONENTIAL ? sum : sum / (t - first + 1));
        }
        assert_close(got, want, CLASSES, 1e-6, "consensus");
    }
    tsm_online_destroy(&online);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("online_state");
    TCase *life = tcase_create("life"), *bytes = tcase_create("bytes");

    tcase_set_timeout(bytes, 0);
    tcase_add_loop_test(life, reset_begins_anew, 0, DEVICES);
    tcase_add_loop_test(life, copies_go_their_own_ways, 0, DEVICES);
    tcase_add_loop_test(life, consensus_is_what_it_says, TSM_CONSENSUS_NONE, TSM_CONSENSUS_EXPONENTIAL + 1);
    tcase_add_loop_test(bytes, a_saved_stream_goes_on, 0, DEVICES * (TSM_CONSENSUS_EXPONENTIAL + 1));
    tcase_add_test(bytes, damage_is_refused);
    tcase_add_test(bytes, forgeries_are_refused);
    tcase_add_test(bytes, other_weights_are_refused);
    suite_add_tcase(suite, life);
    suite_add_tcase(suite, bytes);
    return run_suite(suite);
}
