/* SPDX-License-Identifier: Apache-2.0 */
/* input.c - see input.h. */
#include "input.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

const char *input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

bool input_is_stream(const char *path)
{
    struct stat about;

    if (strcmp(path, "-") == 0) return true;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

static tsm_status fail(tsm_error *error, const char *path, int reason)
{
    return report_fail(error, TSM_ERROR_IO, "%s: cannot be read: %s", input_name(path),
                       reason ? strerror(reason) : "it ended early");
}

/* ---- Streams ------------------------------------------------------------------------------------------------ */

/* read, as long as a signal interrupts it. */
static ssize_t read_piece(int descriptor, void *out, size_t bytes)
{
    ssize_t got;

    do got = read(descriptor, out, bytes);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool write_piece(int descriptor, const char *from, size_t bytes)
{
    while (bytes) {
        ssize_t put = write(descriptor, from, bytes);

        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        from += put;
        bytes -= (size_t)put;
    }
    return true;
}

/* A file that is gone when it is closed. */
static int open_nameless(void)
{
    const char *folder = getenv("TMPDIR");
    char name[4096];
    int descriptor;

    if (!folder || !*folder) folder = "/tmp";
    descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0) return descriptor;
    /* Some file systems cannot make a file without a name. */
    if (snprintf(name, sizeof name, "%s/tsm-XXXXXX", folder) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    descriptor = mkstemp(name);
    if (descriptor >= 0) unlink(name);
    return descriptor;
}

static tsm_status fail_long(tsm_error *error, const char *path, uint64_t limit)
{
    return report_fail(error, TSM_ERROR_IO, "%s: longer than the %llu bytes that are read", input_name(path),
                       (unsigned long long)limit);
}

static tsm_status copy_stream(int from, int to, const char *path, uint64_t limit, uint64_t *bytes, tsm_error *error)
{
    char piece[PIECE];
    ssize_t got;

    *bytes = 0;
    while ((got = read_piece(from, piece, sizeof piece)) > 0) {
        *bytes += (uint64_t)got;
        if (*bytes > limit) return fail_long(error, path, limit);
        if (!write_piece(to, piece, (size_t)got))
            return report_fail(error, TSM_ERROR_IO, "%s: cannot be kept in a temporary file: %s", input_name(path),
                               strerror(errno));
    }
    return got < 0 ? fail(error, path, errno) : TSM_OK;
}

/* Replaces the descriptor of a stream by that of a file with all that it brings. */
static tsm_status spool(input_file *input, const char *path, uint64_t limit, tsm_error *error)
{
    int file = open_nameless();
    tsm_status status;

    if (file < 0)
        return report_fail(error, TSM_ERROR_IO, "%s: no temporary file to keep it in: %s", input_name(path),
                           strerror(errno));
    status = copy_stream(input->descriptor, file, path, limit, &input->bytes, error);
    input_close(input);
    input->descriptor = file;
    return status;
}

/* ---- Files -------------------------------------------------------------------------------------------------- */

static int open_path(const char *path)
{
    return strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
}

/* Standard input comes once only. */
static bool is_taken(const char *path)
{
    static bool taken;
    bool before = taken;

    if (strcmp(path, "-") != 0) return false;
    taken = true;
    return before;
}

tsm_status input_open(input_file *input, const char *path, uint64_t limit, tsm_error *error)
{
    struct stat about;
    tsm_status status = TSM_OK;

    input->bytes = 0;
    input->descriptor = -1;
    if (is_taken(path)) return report_fail(error, TSM_ERROR_IO, "standard input: it is read once only");
    input->descriptor = open_path(path);
    if (input->descriptor < 0 || fstat(input->descriptor, &about) != 0)
        status = fail(error, path, errno);
    else if (S_ISDIR(about.st_mode))
        status = fail(error, path, EISDIR);
    else if (S_ISREG(about.st_mode))
        input->bytes = (uint64_t)about.st_size;
    else
        status = spool(input, path, limit, error);
    if (status != TSM_OK) input_close(input);
    return status;
}

void input_close(input_file *input)
{
    if (input->descriptor >= 0) close(input->descriptor);
    input->descriptor = -1;
}

tsm_status input_read_at(const input_file *input, const char *path, void *out, size_t bytes, uint64_t offset,
                         tsm_error *error)
{
    char *at = out;

    while (bytes) {
        ssize_t got = pread(input->descriptor, at, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(error, path, got < 0 ? errno : 0);
        at += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return TSM_OK;
}

tsm_status input_read_all(const char *path, uint64_t limit, char **data, size_t *bytes, tsm_error *error)
{
    input_file input = INPUT_FILE_INIT;
    tsm_status status = input_open(&input, path, limit, error);

    *data = NULL;
    *bytes = 0;
    if (status == TSM_OK && input.bytes > limit) status = fail_long(error, path, limit);
    if (status == TSM_OK && !(*data = report_alloc(input.bytes + 1, 1, error))) status = TSM_ERROR_MEMORY;
    if (status == TSM_OK) status = input_read_at(&input, path, *data, input.bytes, 0, error);
    if (status == TSM_OK) {
        *bytes = input.bytes;
    } else {
        free(*data);
        *data = NULL;
    }
    input_close(&input);
    return status;
}
