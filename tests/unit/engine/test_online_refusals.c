/* SPDX-License-Identifier: Apache-2.0 */
/* test_online_refusals.c - live streams: what is refused before it runs, and what is left of a stream that fails. */
#include <math.h>

#include "streams.h"

/* ---- Refusals ----------------------------------------------------------------------------------------------- */

START_TEST(refuses_what_looks_ahead)
{
    static const struct {
        const char *path, *why;
    } cases[] = {
        { GOLDEN("r18"), "load the model with the uni-directional shift" },
        { GOLDEN("pptsm"), "load the model with the uni-directional shift" },
        { GOLDEN("r18_tpool"), "" },
        { GOLDEN("r50_nl"), "" },
    };
    const tsm_online_options options = stream_options(1);
    tsm_engine *engine = make_engine(cases[_i].path, "reference");
    tsm_online *online = NULL;
    tsm_error error;

    assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_UNSUPPORTED, cases[_i].why);
    assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_UNSUPPORTED, "online: ");
    ck_assert_ptr_null(online);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(refuses_pools_and_nonlocal_blocks)
{
    static const char *const paths[] = { GOLDEN("r18_tpool"), GOLDEN("r50_nl") };
    static const char *const reasons[] = { "temporal pool", "non-local block" };
    const tsm_online_options options = stream_options(1);
    tsm_engine *engine = make_stream_engine(paths[_i], "reference", 0);
    tsm_online *online = NULL;
    tsm_error error;

    assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_UNSUPPORTED, reasons[_i]);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(refuses_options)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("r18_tsn"), "reference", 0);
    tsm_online *online = NULL;
    tsm_error error;

#define REFUSED(member, value, word)                                                                                 \
    do {                                                                                                             \
        tsm_online_options options = stream_options(4);                                                              \
        options.consensus = TSM_CONSENSUS_NONE;                                                                      \
        options.member = value;                                                                                      \
        assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_ARGUMENT, word);        \
    } while (0)
    REFUSED(slots, 0, "0 slots");
    REFUSED(slots, TSM_MAX_SLOTS + 1, "slots");
    REFUSED(batch, 5, "batches of 5");
    REFUSED(batch, -1, "batches");
    REFUSED(height, 0, "pixels");
    REFUSED(width, TSM_MAX_SIDE + 1, "pixels");
    REFUSED(consensus, 9, "consensus 9");
    REFUSED(consensus, TSM_CONSENSUS_WINDOW, "window of 0");
    REFUSED(consensus, TSM_CONSENSUS_EXPONENTIAL, "weight of 0");
    REFUSED(struct_size, 1, "tsm_online_options");
    assert_error(tsm_online_create(NULL, engine, NULL, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    assert_error(tsm_online_create(&online, NULL, NULL, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    tsm_online_destroy(NULL);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

/* Nothing that is refused before it runs changes a stream: the frames after it have the logits that they would
 * have. */
START_TEST(refuses_pushes_and_goes_on)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("mbv2_online"), devices[_i], 0);
    const tsm_online_options options = stream_options(3);
    tsm_online *online = make_online(engine, &options), *other = make_online(engine, &options);
    float frames[2 * FRAME_COUNT], logits[2 * CLASSES], want[CLASSES];
    tsm_tensor input = frames_tensor(frames, 2), output = logits_tensor(logits, 2, CLASSES), wrong;
    const int pair[] = { 0, 1 }, twice[] = { 1, 1 }, none[] = { 1, 3 };
    tsm_error error;

    for (int i = 0; i < 2; i++) fill_frame(frames + (size_t)i * FRAME_COUNT, 8, 0);
    assert_ok(push_frame(online, 1, 8, 0, logits, NULL, &error), &error);
#define REFUSED_PUSH(o, slots, count, in, out, word)                                                                 \
    assert_error(tsm_online_push(o, slots, count, in, out, NULL, &error), &error, TSM_ERROR_ARGUMENT, word)
    REFUSED_PUSH(NULL, pair, 2, &input, &output, "NULL");
    REFUSED_PUSH(online, NULL, 2, &input, &output, "NULL");
    REFUSED_PUSH(online, pair, 2, NULL, &output, "NULL");
    REFUSED_PUSH(online, pair, 0, &input, &output, "0 streams");
    REFUSED_PUSH(online, pair, 4, &input, &output, "4 streams");
    REFUSED_PUSH(online, twice, 2, &input, &output, "slot 1 is given twice");
    REFUSED_PUSH(online, none, 2, &input, &output, "no slot 3");
    wrong = frames_tensor(frames, 1);
    REFUSED_PUSH(online, pair, 2, &wrong, &output, "frames");
    wrong = planes_tensor(frames, 2, 1, 3, SIDE, SIDE / 2);
    REFUSED_PUSH(online, pair, 2, &wrong, &output, "input");
    wrong = logits_tensor(logits, 1, CLASSES);
    REFUSED_PUSH(online, pair, 2, &input, &wrong, "logits");
    wrong = logits_tensor(logits, 2, CLASSES + 1);
    REFUSED_PUSH(online, pair, 2, &input, &wrong, "logits");
    wrong = logits_tensor(NULL, 2, CLASSES);
    REFUSED_PUSH(online, pair, 2, &input, &wrong, "logits");
    ck_assert_uint_eq(tsm_online_frames(online, 1), 1);
    assert_ok(push_frame(online, 1, 8, 1, logits, NULL, &error), &error);
    for (int t = 0; t < 2; t++) assert_ok(push_frame(other, 0, 8, t, want, NULL, &error), &error);
    ck_assert_mem_eq(logits, want, sizeof want);
    tsm_online_destroy(&online);
    tsm_online_destroy(&other);
    tsm_engine_destroy(&engine);
}
END_TEST

/* ---- What goes wrong while it runs -------------------------------------------------------------------------- */

static int asked, stop_at;

static int stop_then(void *user)
{
    (void)user;
    return ++asked == stop_at;
}

/* A push that is stopped between its layers leaves a stream that says so, until it is made whole. */
START_TEST(a_stopped_stream_is_refused_until_whole)
{
    tsm_engine_options engine_options = TSM_ENGINE_OPTIONS_INIT;
    const tsm_online_options options = stream_options(2);
    float logits[CLASSES], want[CLASSES];
    tsm_online *online;
    tsm_engine *engine;
    tsm_error error;

    engine_options.device = devices[_i];
    engine_options.cancel = stop_then;
    stop_at = -1;
    engine = make_past_engine(GOLDEN("mbv2_online"), engine_options);
    online = make_online(engine, &options);
    assert_ok(push_frame(online, 0, 8, 0, want, NULL, &error), &error);
    asked = 0, stop_at = 20;
    assert_error(push_frame(online, 0, 8, 1, logits, NULL, &error), &error, TSM_ERROR_CANCELLED, "slot 0");
    stop_at = -1;
    assert_error(push_frame(online, 0, 8, 1, logits, NULL, &error), &error, TSM_ERROR_ARGUMENT, "between two frames");
    assert_error(tsm_online_copy(online, 1, 0, &error), &error, TSM_ERROR_ARGUMENT, "between two frames");
    assert_ok(push_frame(online, 1, 8, 0, logits, NULL, &error), &error);
    ck_assert_mem_eq(logits, want, sizeof want);
    assert_ok(tsm_online_reset(online, 0, &error), &error);
    assert_ok(push_frame(online, 0, 8, 0, logits, NULL, &error), &error);
    ck_assert_mem_eq(logits, want, sizeof want);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(numbers_that_are_not_finite)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("mbv2_online"), devices[_i], 0);
    const tsm_online_options options = stream_options(2);
    tsm_online *online = make_online(engine, &options);
    float frame[FRAME_COUNT], logits[CLASSES];
    tsm_tensor input = frames_tensor(frame, 1), output = logits_tensor(logits, 1, CLASSES);
    const int slot = 1;
    tsm_error error;

    fill_frame(frame, 8, 0);
    frame[17] = NAN;
    assert_error(tsm_online_push(online, &slot, 1, &input, &output, NULL, &error), &error, TSM_ERROR_ARGUMENT,
                 "not finite");
    assert_error(push_frame(online, 1, 8, 0, logits, NULL, &error), &error, TSM_ERROR_ARGUMENT, "reset or restore");
    assert_ok(tsm_online_copy(online, 1, 0, &error), &error);
    assert_ok(push_frame(online, 1, 8, 0, logits, NULL, &error), &error);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("online_refusals");
    TCase *refusals = tcase_create("refusals"), *failures = tcase_create("failures");

    tcase_add_loop_test(refusals, refuses_what_looks_ahead, 0, 4);
    tcase_add_loop_test(refusals, refuses_pools_and_nonlocal_blocks, 0, 2);
    tcase_add_test(refusals, refuses_options);
    tcase_add_loop_test(refusals, refuses_pushes_and_goes_on, 0, DEVICES);
    tcase_add_loop_test(failures, a_stopped_stream_is_refused_until_whole, 0, DEVICES);
    tcase_add_loop_test(failures, numbers_that_are_not_finite, 0, DEVICES);
    suite_add_tcase(suite, refusals);
    suite_add_tcase(suite, failures);
    return run_suite(suite);
}
