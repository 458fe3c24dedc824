/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_TRIES 100

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

/* Opens a new file beside the target, named so that two processes never meet. */
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
        snprintf(output->temporary, bytes, "%.*s.tsm-%ld-%d.tmp", folder, output->target, (long)getpid(), i);
        descriptor = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (descriptor < 0 && errno != EEXIST) break;
    }
    if (descriptor < 0) {
        int reason = errno;

        free(output->temporary);
        output->temporary = NULL;
        return fail(error, output->path, reason);
    }
    set_pending(output->temporary);
    output->file = fdopen(descriptor, "wb");
    if (output->file) return TSM_OK;
    close(descriptor);
    return fail(error, output->path, errno);
}

tsm_status output_open(output_file *output, const char *path, tsm_error *error)
{
    struct stat about;
    mode_t mode = 0666;
    tsm_status status;

    memset(output, 0, sizeof *output);
    output->path = path;
    if (!*path) return report_fail(error, TSM_ERROR_IO, "the name of the output is empty");
    output->target = realpath(path, NULL);
    if (!output->target && errno != ENOENT) return fail(error, path, errno);
    if (output->target && stat(output->target, &about) == 0) {
        if (S_ISDIR(about.st_mode)) {
            status = fail(error, path, EISDIR);
            goto failed;
        }
        if (access(output->target, W_OK) != 0) {
            status = fail(error, path, errno);
            goto failed;
        }
        if (!S_ISREG(about.st_mode)) {
            output->file = fopen(output->target, "wb");
            status = output->file ? TSM_OK : fail(error, path, errno);
            if (status != TSM_OK) goto failed;
            return TSM_OK;
        }
        mode = about.st_mode & 0777;
    }
    if (!output->target) output->target = strdup(path);
    if (!output->target) return report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", path);
    status = open_temporary(output, mode, error);
    if (status == TSM_OK) return TSM_OK;
failed:
    output_abort(output);
    return status;
}

static void release(output_file *output)
{
    if (output->temporary) set_pending("");
    free(output->temporary);
    free(output->target);
    memset(output, 0, sizeof *output);
}

tsm_status output_commit(output_file *output, tsm_error *error)
{
    int failed = fflush(output->file) != 0 || ferror(output->file);
    int reason = errno;

    /* Pipes and devices cannot be synchronised, which is no failure. */
    if (!failed && output->temporary && fsync(fileno(output->file)) != 0) {
        failed = 1;
        reason = errno;
    }
    if (fclose(output->file) != 0 && !failed) {
        failed = 1;
        reason = errno;
    }
    output->file = NULL;
    if (!failed && output->temporary && rename(output->temporary, output->target) != 0) {
        failed = 1;
        reason = errno;
    }
    if (failed) {
        tsm_status status = fail(error, output->path, reason ? reason : EIO);

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
