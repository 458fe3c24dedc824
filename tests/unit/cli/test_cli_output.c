/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_output.c - outputs and inputs of every kind: files, links that lead somewhere and nowhere, pipes, devices,
 * links into /proc, standard output; and what earlier runs left behind. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/input.h"
#include "cli/output.h"
#include "support.h"

static char folder[] = "/tmp/tsm-output-XXXXXX", path[64];
static tsm_error error;

static void make_folder(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.npy", folder);
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(name, "wb");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void assert_text(const char *name, const char *want)
{
    char got[64] = "";
    FILE *file = fopen(name, "rb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(got, 1, sizeof got - 1, file), strlen(want));
    fclose(file);
    ck_assert_str_eq(got, want);
}

START_TEST(output_keeps_what_was_there)
{
    output_file output = { 0 };
    struct stat about;

    write_text(path, "before");
    chmod(path, 0640);
    assert_ok(output_open(&output, path, &error), &error);
    fputs("half", output.file);
    output_abort(&output);
    assert_text(path, "before");
    output_abort(&output); /* again is fine */

    assert_ok(output_open(&output, path, &error), &error);
    fputs("after", output.file);
    assert_text(path, "before");
    assert_ok(output_commit(&output, &error), &error);
    assert_text(path, "after");
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_int_eq(about.st_mode & 0777, 0640);
}
END_TEST

START_TEST(output_follows_links)
{
    char link_path[80];
    struct stat about;
    output_file output;

    snprintf(link_path, sizeof link_path, "%s/link", folder);
    write_text(path, "before");
    ck_assert_int_eq(symlink("a.npy", link_path), 0);
    assert_ok(output_open(&output, link_path, &error), &error);
    fputs("after", output.file);
    assert_ok(output_commit(&output, &error), &error);
    assert_text(path, "after");
    ck_assert_int_eq(lstat(link_path, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    unlink(link_path);
}
END_TEST

START_TEST(output_refuses)
{
    output_file output;
    char deep[80];

    assert_error(output_open(&output, folder, &error), &error, TSM_ERROR_IO, folder);
    snprintf(deep, sizeof deep, "%s/absent/a.npy", folder);
    assert_error(output_open(&output, deep, &error), &error, TSM_ERROR_IO, deep);
    write_text(path, "a file");
    snprintf(deep, sizeof deep, "%s/a.npy/b.npy", folder);
    assert_error(output_open(&output, deep, &error), &error, TSM_ERROR_IO, deep);
    assert_error(output_open(&output, "", &error), &error, TSM_ERROR_IO, "empty");
}
END_TEST

START_TEST(devices_are_written)
{
    output_file output;
    struct stat about;

    assert_ok(output_open(&output, "/dev/null", &error), &error);
    fputs("gone", output.file);
    assert_ok(output_commit(&output, &error), &error);
    ck_assert_int_eq(stat("/dev/null", &about), 0);
    ck_assert_msg(S_ISCHR(about.st_mode), "/dev/null was replaced");

    if (access("/dev/full", W_OK) != 0) return;
    assert_ok(output_open(&output, "/dev/full", &error), &error);
    fputs("too much", output.file);
    assert_error(output_commit(&output, &error), &error, TSM_ERROR_IO, "/dev/full");
}
END_TEST

/* A link that leads nowhere yet makes the file it names, relative to itself, and stays a link; so do links of
 * links. */
START_TEST(dangling_links_create_their_target)
{
    char link_path[100], far[100];
    struct stat about;
    output_file output;

    snprintf(far, sizeof far, "%s/far", folder);
    ck_assert_int_eq(mkdir(far, 0700), 0);
    snprintf(far, sizeof far, "%s/far/second", folder);
    ck_assert_int_eq(symlink("../a.npy", far), 0);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    ck_assert_int_eq(symlink("far/second", link_path), 0);
    assert_ok(output_open(&output, link_path, &error), &error);
    fputs("made", output.file);
    assert_ok(output_commit(&output, &error), &error);
    assert_text(path, "made");
    ck_assert_int_eq(lstat(link_path, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    ck_assert_int_eq(lstat(far, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));

    snprintf(link_path, sizeof link_path, "%s/loop", folder);
    ck_assert_int_eq(symlink("loop", link_path), 0);
    assert_error(output_open(&output, link_path, &error), &error, TSM_ERROR_IO, "loop");
}
END_TEST

static char received[64];

/* Reads a pipe to its end, as `cat` would. */
static void *read_pipe(void *name)
{
    int pipe = open(name, O_RDONLY);
    ssize_t got, used = 0;

    while ((got = read(pipe, received + used, sizeof received - 1 - (size_t)used)) > 0) used += got;
    received[used] = '\0';
    close(pipe);
    return NULL;
}

/* A pipe has one writer from beginning to end, and stays a pipe; also behind a link. */
START_TEST(pipes_are_written)
{
    char link_path[100];
    struct stat about;
    output_file output;
    pthread_t reader;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    ck_assert_int_eq(symlink("a.npy", link_path), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&reader, NULL, read_pipe, path), 0);
        assert_ok(output_open(&output, i ? link_path : path, &error), &error);
        fputs("through ", output.file);
        fflush(output.file);
        fputs("the pipe", output.file);
        assert_ok(output_commit(&output, &error), &error);
        pthread_join(reader, NULL);
        ck_assert_str_eq(received, "through the pipe");
        ck_assert_int_eq(lstat(path, &about), 0);
        ck_assert(S_ISFIFO(about.st_mode));
    }
}
END_TEST

/* A link to /proc/self/fd/N, which is what /dev/stdout and process substitution are. */
START_TEST(links_into_proc_are_followed)
{
    char link_path[100], target[64];
    struct stat about;
    output_file output;
    int ends[2];
    ssize_t got;

    ck_assert_int_eq(pipe(ends), 0);
    snprintf(target, sizeof target, "/proc/self/fd/%d", ends[1]);
    snprintf(link_path, sizeof link_path, "%s/stdout", folder);
    ck_assert_int_eq(symlink(target, link_path), 0);
    assert_ok(output_open(&output, link_path, &error), &error);
    fputs("piped", output.file);
    assert_ok(output_commit(&output, &error), &error);
    close(ends[1]);
    got = read(ends[0], received, sizeof received - 1);
    ck_assert_int_eq(got, 5);
    ck_assert_mem_eq(received, "piped", 5);
    close(ends[0]);
    ck_assert_int_eq(lstat(link_path, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
}
END_TEST

/* What was a file, or nothing, when the work began, and has become a pipe since, is not replaced. */
START_TEST(nothing_but_files_is_replaced)
{
    output_file output;
    struct stat about;

    assert_ok(output_open(&output, path, &error), &error);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_error(output_commit(&output, &error), &error, TSM_ERROR_IO, path);
    ck_assert_int_eq(lstat(path, &about), 0);
    ck_assert(S_ISFIFO(about.st_mode));
}
END_TEST

/* A process that is killed leaves its temporary file; in a container the next one has the same number. */
START_TEST(leftovers_do_not_block)
{
    output_file outputs[3];

    for (int i = 0; i < 150; i++) {
        char left[128];

        snprintf(left, sizeof left, "%s/.tsm-%ld-%d.tmp", folder, (long)getpid(), i);
        write_text(left, "left behind");
    }
    for (int i = 0; i < 3; i++) {
        assert_ok(output_open(&outputs[i], path, &error), &error);
        for (int k = 0; k < i; k++) ck_assert_str_ne(outputs[i].temporary, outputs[k].temporary);
    }
    for (int i = 0; i < 3; i++) output_abort(&outputs[i]);
}
END_TEST

/* The data go where standard output went; what is printed goes to stderr. */
static void check_standard_output(const char *name)
{
    char log[100];
    pid_t child;
    int status;

    snprintf(log, sizeof log, "%s/log", folder);
    fflush(stdout);
    fflush(stderr);
    child = fork();
    if (child == 0) {
        output_file output;

        dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
        dup2(open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
        if (output_open(&output, name, &error) != TSM_OK) _exit(1);
        fputs("data", output.file);
        printf("words");
        fflush(stdout);
        _exit(output_commit(&output, &error) == TSM_OK ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    assert_text(path, "data");
    assert_text(log, "words");
}

START_TEST(standard_output)
{
    check_standard_output("-");
    check_standard_output("/dev/stdout");
    check_standard_output(path); /* the file that standard output is redirected to */
}
END_TEST

/* ---- Inputs ---- */

static void *write_pipe(void *name)
{
    FILE *pipe = fopen(name, "wb");

    for (int i = 0; i < 1000; i++) fprintf(pipe, "%03d ", i);
    fclose(pipe);
    return NULL;
}

START_TEST(pipes_are_read)
{
    input_file input = INPUT_FILE_INIT;
    char piece[5] = "", *data;
    pthread_t writer;
    size_t bytes;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(input_is_stream(path));
    ck_assert_int_eq(pthread_create(&writer, NULL, write_pipe, path), 0);
    assert_ok(input_open(&input, path, 4000, &error), &error);
    pthread_join(writer, NULL);
    ck_assert_uint_eq(input.bytes, 4000);
    assert_ok(input_read_at(&input, path, piece, 4, 4 * 777, &error), &error);
    ck_assert_str_eq(piece, "777 ");
    assert_error(input_read_at(&input, path, piece, 4, 3998, &error), &error, TSM_ERROR_IO, "ended early");
    input_close(&input);

    ck_assert_int_eq(pthread_create(&writer, NULL, write_pipe, path), 0);
    assert_ok(input_read_all(path, 5000, &data, &bytes, &error), &error);
    pthread_join(writer, NULL);
    ck_assert_uint_eq(bytes, 4000);
    ck_assert_mem_eq(data + 3996, "999 ", 4);
    free(data);
}
END_TEST

START_TEST(inputs_are_limited)
{
    char *data;
    size_t bytes;

    write_text(path, "0123456789");
    assert_ok(input_read_all(path, 10, &data, &bytes, &error), &error);
    ck_assert_str_eq(data, "0123456789");
    free(data);
    assert_error(input_read_all(path, 9, &data, &bytes, &error), &error, TSM_ERROR_IO, "longer than the 9 bytes");
    ck_assert_ptr_null(data);
    assert_error(input_read_all("/dev/zero", 100000, &data, &bytes, &error), &error, TSM_ERROR_IO, "100000");
    assert_error(input_read_all(folder, 9, &data, &bytes, &error), &error, TSM_ERROR_IO, folder);
    unlink(path);
    assert_error(input_read_all(path, 9, &data, &bytes, &error), &error, TSM_ERROR_IO, path);
    ck_assert(!input_is_stream(path));
    ck_assert(input_is_stream("-"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_output");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, output_keeps_what_was_there);
    tcase_add_test(tests, output_follows_links);
    tcase_add_test(tests, output_refuses);
    tcase_add_test(tests, devices_are_written);
    tcase_add_test(tests, dangling_links_create_their_target);
    tcase_add_test(tests, pipes_are_written);
    tcase_add_test(tests, links_into_proc_are_followed);
    tcase_add_test(tests, nothing_but_files_is_replaced);
    tcase_add_test(tests, leftovers_do_not_block);
    tcase_add_test(tests, standard_output);
    tcase_add_test(tests, pipes_are_read);
    tcase_add_test(tests, inputs_are_limited);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
