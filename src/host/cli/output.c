/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - see output.h. */
#include "output.h"

#include "output_target.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEMPORARY_TRIES 100 /* each with a name of its own: the first is free, whatever earlier runs have left */

/* The temporary file that a signal must take away; written only while signals are blocked. */
static char pending[PATH_MAX];

static const int ending_signals[] = { SIGINT, SIGTERM, SIGHUP };

static void remove_pending(int signal_number)
{
    if (pending[0]) unlink(pending);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void set_pending(const char *path)
{
    sigset_t block, before;

    sigemptyset(&block);
    for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++) sigaddset(&block, ending_signals[i]);
    sigprocmask(SIG_BLOCK, &block, &before);
    snprintf(pending, sizeof pending, "%s", path);
    for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++) {
        struct sigaction action = { .sa_handler = *path ? remove_pending : SIG_DFL }, old;

        /* nohup and the like have chosen to ignore a signal: leave that so. */
        sigaction(ending_signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) sigaction(ending_signals[i], &action, NULL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static tsm_status fail(tsm_error *error, const char *path, int reason)
{
    return report_fail(error, TSM_ERROR_IO, "%s: cannot be written: %s", path, strerror(reason));
}

static uint64_t random_number(void)
{
    struct timespec now;
    uint64_t number;

    if (getrandom(&number, sizeof number, GRND_NONBLOCK) == (ssize_t)sizeof number) return number;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec * 1000003u ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid() << 40;
}

/* Opens a new file beside the target. Its name is random: a process of a container has the same number each time. */
static tsm_status open_temporary(output_file *output, mode_t mode, tsm_error *error)
{
    const char *slash = strrchr(output->target, '/');
    int folder = slash ? (int)(slash - output->target) + 1 : 0;
    size_t bytes = (size_t)folder + 48;
    int descriptor = -1;

    if (bytes > sizeof pending) return fail(error, output->path, ENAMETOOLONG);
    output->temporary = report_alloc(bytes, 1, error);
    if (!output->temporary) return TSM_ERROR_MEMORY;
    for (int i = 0; i < TEMPORARY_TRIES && descriptor < 0; i++) {
        snprintf(output->temporary, bytes, "%.*s.tsm-%016llx.tmp", folder, output->target,
                 (unsigned long long)random_number());
        descriptor = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (descriptor < 0 && errno != EEXIST) break;
    }
    if (descriptor < 0) {
        int reason = errno;

        free(output->temporary);
        output->temporary = NULL;
        return fail(error, output->path, reason);
    }
    set_pending(output->temporary);
    output->file = fdopen(descriptor, "w+b");
    if (output->file) return TSM_OK;
    close(descriptor);
    return fail(error, output->path, errno);
}

/* Takes standard output for the data; what is printed goes to stderr instead. */
static int take_standard_output(void)
{
    int descriptor = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

    fflush(stdout);
    if (descriptor >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static tsm_status open_direct(output_file *output, int descriptor, tsm_error *error)
{
    output->file = descriptor >= 0 ? fdopen(descriptor, "wb") : NULL;
    if (output->file) return TSM_OK;
    if (descriptor >= 0) close(descriptor);
    return fail(error, output->path, errno);
}

/* A pipe waits for its reader here; a signal that is handled does not end that. */
static int open_existing(const char *path)
{
    int descriptor;

    do descriptor = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

tsm_status output_open(output_file *output, const char *path, tsm_error *error)
{
    output_target target;
    tsm_status status = TSM_ERROR_IO;
    int failed;

    memset(output, 0, sizeof *output);
    output->path = path;
    if (!*path) return report_fail(error, TSM_ERROR_IO, "the name of the output is empty");
    failed = output_target_find(&target, path);
    if (failed) return fail(error, path, failed);
    output->target = target.path;
    switch (target.kind) {
    case OUTPUT_STANDARD: status = open_direct(output, take_standard_output(), error); break;
    case OUTPUT_DIRECT: status = open_direct(output, open_existing(path), error); break;
    case OUTPUT_REPLACED: status = open_temporary(output, target.mode, error); break;
    }
    /* A file that may be written to, in a folder that may not: it keeps what it has until all is there. */
    if (status == TSM_ERROR_IO && target.kind == OUTPUT_REPLACED && access(target.path, W_OK) == 0)
        status = (output->file = tmpfile()) ? TSM_OK : fail(error, path, errno);
    if (status != TSM_OK) output_abort(output);
    return status;
}

tsm_status output_check(const char *path, tsm_error *error)
{
    output_file output = { 0 };
    output_target target = { 0 };
    const int failed = *path ? output_target_find(&target, path) : 0;
    tsm_status status = failed ? fail(error, path, failed) : TSM_OK;

    free(target.path);
    if (!failed && target.kind == OUTPUT_REPLACED) status = output_open(&output, path, error);
    output_abort(&output);
    return status;
}

tsm_status output_write(output_file *output, const void *data, size_t bytes, tsm_error *error)
{
    errno = 0;
    if (fwrite(data, 1, bytes, output->file) == bytes) return TSM_OK;
    return fail(error, output->path, errno ? errno : EIO);
}

static void release(output_file *output)
{
    if (output->temporary) set_pending("");
    free(output->temporary);
    free(output->target);
    memset(output, 0, sizeof *output);
}

/* Writes out what is buffered. Returns 0 or an errno. */
static int flush(output_file *output)
{
    if (fflush(output->file) != 0 || ferror(output->file)) return errno ? errno : EIO;
    /* Pipes and devices cannot be synchronised, which is no failure. */
    return output->temporary && fsync(fileno(output->file)) != 0 ? errno : 0;
}

/* The new name must survive a power cut as the data do. Folders of some file systems cannot be synchronised. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    int descriptor, failed;

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    failed = fsync(descriptor) != 0 && errno == EIO ? EIO : 0;
    close(descriptor);
    return failed;
}

/* All of one open file into another. Returns 0 or an errno. */
static int copy_bytes(int from, int to)
{
    char buffer[1 << 16];
    ssize_t got;

    while ((got = read(from, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno != EINTR) return errno;
        for (ssize_t done = 0; done < got;) {
            const ssize_t written = write(to, buffer + done, (size_t)(got - done));

            if (written < 0 && errno != EINTR) return errno;
            if (written > 0) done += written;
        }
    }
    return fsync(to) == 0 ? 0 : errno;
}

/* Into the target itself, which no other file can take the place of. */
static int overwrite(const output_file *output)
{
    const int from = fileno(output->file), to = open_existing(output->target);
    int failed;

    if (to < 0) return errno;
    failed = lseek(from, 0, SEEK_SET) == 0 ? copy_bytes(from, to) : errno;
    if (close(to) != 0 && !failed) failed = errno;
    return failed;
}

/* Puts what was written in the target's place. A file that was mounted there by itself, as containers have them, or
 * another user's in a folder that all may write to keeps its place. Returns 0 or an errno. */
static int put_in_place(output_file *output)
{
    int failed;

    if (!output->target) return 0;
    if (!output_target_replaceable(output->target)) return EEXIST; /* it was a file, or nothing, when we began */
    if (!output->temporary) return overwrite(output);
    if (rename(output->temporary, output->target) == 0) return sync_folder(output->target);
    if (errno != EBUSY && errno != EPERM && errno != EACCES) return errno;
    failed = overwrite(output);
    if (!failed) unlink(output->temporary);
    return failed;
}

tsm_status output_commit(output_file *output, tsm_error *error)
{
    int failed;

    errno = 0;
    failed = flush(output);
    if (!failed) failed = put_in_place(output);
    if (fclose(output->file) != 0 && !failed) failed = errno;
    output->file = NULL;
    if (failed) {
        tsm_status status = fail(error, output->path, failed);

        output_abort(output);
        return status;
    }
    release(output);
    return TSM_OK;
}

void output_abort(output_file *output)
{
    if (output->file) fclose(output->file);
    if (output->temporary) unlink(output->temporary);
    release(output);
}
