/* SPDX-License-Identifier: Apache-2.0 */
/* test_source.c - reading a checkpoint from a disk that interrupts, gives little at a time, or fails in the
 * middle. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"
#include "support.h"

static int calls, fail_at; /* reads so far; the one that fails, 0: none */
static bool gone;          /* it fails as if the file had become shorter */
static size_t at_most;     /* bytes a read; 0: as many as are wanted, and no interruptions */

/* In place of the C library's. */
ssize_t pread(int fd, void *out, size_t bytes, off_t offset)
{
    calls++;
    if (calls == fail_at) {
        errno = EIO;
        return gone ? 0 : -1;
    }
    if (at_most && calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    if (at_most && bytes > at_most) bytes = at_most;
    return syscall(SYS_pread64, fd, out, bytes, offset);
}

static const char *const files[] = { TSM_TEST_DATA "/golden/r18_t1.safetensors",
                                     TSM_TEST_DATA "/pytorch/network.zip.pth",
                                     TSM_TEST_DATA "/pytorch/network.legacy.pth",
                                     TSM_TEST_DATA "/paddle/pptsm_t16.protocol4.pdparams" };
#define FILES (int)(sizeof files / sizeof *files)

static tsm_error error;

static void reset(size_t bytes)
{
    calls = fail_at = 0;
    gone = false;
    at_most = bytes;
}

/* Short reads and interruptions are no end: every tensor has the same bytes. */
START_TEST(a_little_at_a_time)
{
    tsm_checkpoint *whole, *pieces;

    reset(0);
    assert_ok(tsm_checkpoint_read_file(&whole, files[_i], NULL, &error), &error);
    reset(1000);
    assert_ok(tsm_checkpoint_read_file(&pieces, files[_i], NULL, &error), &error);
    ck_assert_int_gt(calls, 30);
    ck_assert_int_eq(whole->count, pieces->count);
    for (int i = 0; i < whole->count; i++) {
        ck_assert_uint_eq(whole->tensors[i].bytes, pieces->tensors[i].bytes);
        if (whole->tensors[i].bytes)
            ck_assert_mem_eq(whole->tensors[i].data, pieces->tensors[i].data, (size_t)whole->tensors[i].bytes);
    }
    tsm_checkpoint_destroy(&whole);
    tsm_checkpoint_destroy(&pieces);
}
END_TEST

/* An error is one wherever it comes, and so is a file that ends early. */
START_TEST(every_read_may_fail)
{
    tsm_checkpoint *checkpoint;
    int needed;

    reset(5000);
    assert_ok(tsm_checkpoint_read_file(&checkpoint, files[_i], NULL, &error), &error);
    tsm_checkpoint_destroy(&checkpoint);
    needed = calls;
    for (int n = 1; n <= needed; n++)
        for (int way = 0; way < 2; way++) {
            reset(5000);
            fail_at = n;
            gone = way;
            assert_error(tsm_checkpoint_read_file(&checkpoint, files[_i], NULL, &error), &error, TSM_ERROR_IO,
                         gone ? "became shorter" : "cannot read: Input/output error");
            ck_assert_ptr_null(checkpoint);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source");
    TCase *tests = tcase_create("all");

    tcase_add_loop_test(tests, a_little_at_a_time, 0, FILES);
    tcase_add_loop_test(tests, every_read_may_fail, 0, FILES);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
