/* SPDX-License-Identifier: Apache-2.0 */
/* The state of an evaluation: whatever a killed process leaves, whole records come back, once, and nothing else does. */
#include "cli/eval_state.h"

#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VIDEOS = 6, VALUES = 3 };

static const char made_with[] = "list 1\nviews 3\n";
static char path[64];

typedef struct rows {
    float values[VIDEOS * VALUES];
    int frames[VIDEOS];
    bool done[VIDEOS];
} rows;

static void use_file(void)
{
    int file;

    snprintf(path, sizeof path, "/tmp/tsm-state-XXXXXX");
    file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static tsm_status open_state(eval_state *state, rows *r, const char *settings, tsm_error *error)
{
    memset(r, 0, sizeof *r);
    return eval_state_open(state, path, settings, VIDEOS, VALUES, r->values, r->frames, r->done, error);
}

static void add(eval_state *state, int video)
{
    const float row[VALUES] = { (float)video, 1, 2 };
    tsm_error error;

    assert_ok(eval_state_add(state, video, 100 + video, row, &error), &error);
}

static off_t size_of_file(void)
{
    struct stat about;

    ck_assert_int_eq(stat(path, &about), 0);
    return about.st_size;
}

/* Cut off at any byte, or with a byte changed, the records before are there and further ones can be added. */
START_TEST(test_torn)
{
    eval_state state;
    tsm_error error;
    rows r;
    off_t begin, end;

    use_file();
    assert_ok(open_state(&state, &r, made_with, &error), &error);
    eval_state_close(&state);
    begin = size_of_file();
    assert_ok(open_state(&state, &r, made_with, &error), &error);
    add(&state, 4);
    add(&state, 1);
    eval_state_close(&state);
    end = size_of_file();
    for (off_t cut = end; cut >= 1; cut--) {
        const int whole = cut < begin ? 0 : (int)((cut - begin) * 2 / (end - begin));

        ck_assert_int_eq(truncate(path, cut), 0);
        assert_ok(open_state(&state, &r, made_with, &error), &error);
        ck_assert_int_eq(r.done[4], whole > 0);
        ck_assert_int_eq(r.done[1], whole > 1);
        if (whole > 0) ck_assert(r.values[4 * VALUES] == 4 && r.frames[4] == 104);
        add(&state, 2);
        eval_state_close(&state);
        assert_ok(open_state(&state, &r, made_with, &error), &error);
        ck_assert_int_eq(r.done[2], 1);
        ck_assert_int_eq(r.done[0] + r.done[3] + r.done[5], 0);
        eval_state_close(&state);
        /* As it was, for the next cut. */
        unlink(path);
        assert_ok(open_state(&state, &r, made_with, &error), &error);
        add(&state, 4);
        add(&state, 1);
        eval_state_close(&state);
    }
    unlink(path);
}
END_TEST

START_TEST(test_damage)
{
    eval_state state;
    tsm_error error;
    rows r;
    off_t end;
    int file;

    use_file();
    assert_ok(open_state(&state, &r, made_with, &error), &error);
    add(&state, 0);
    add(&state, 1);
    eval_state_close(&state);
    end = size_of_file();
    file = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(file, "x", 1, end - 2), 1);
    close(file);
    assert_ok(open_state(&state, &r, made_with, &error), &error);
    ck_assert(r.done[0] && !r.done[1]);
    eval_state_close(&state);
    ck_assert_int_lt(size_of_file(), end);
    unlink(path);
}
END_TEST

START_TEST(test_refusals)
{
    eval_state state, second;
    tsm_error error;
    rows r;

    use_file();
    assert_ok(open_state(&state, &r, made_with, &error), &error);
    assert_error(open_state(&second, &r, made_with, &error), &error, TSM_ERROR_IO, "in use by another process");
    eval_state_close(&state);
    assert_error(open_state(&state, &r, "list 1\nviews 1\n", &error), &error, TSM_ERROR_FORMAT,
                 "was made with views 3, not views 1");
    assert_ok(open_state(&state, &r, made_with, &error), &error);
    eval_state_close(&state);
    ck_assert_int_eq(truncate(path, 0), 0);
    {
        FILE *file = fopen(path, "wb");

        fputs("some other file of the user's that must stay", file);
        fclose(file);
    }
    assert_error(open_state(&state, &r, made_with, &error), &error, TSM_ERROR_FORMAT, "is not a state");
    ck_assert_int_eq(size_of_file(), 44);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_eval_state");
    TCase *all = tcase_create("all");

    tcase_add_test(all, test_torn);
    tcase_add_test(all, test_damage);
    tcase_add_test(all, test_refusals);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
