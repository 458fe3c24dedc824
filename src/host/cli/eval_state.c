/* SPDX-License-Identifier: Apache-2.0 */
/* eval_state.c - see eval_state.h. */
#include "eval_state.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "TSMEVAL1";

typedef struct header {
    char magic[sizeof magic];
    uint64_t bytes, check; /* of the settings that follow */
} header;

typedef struct record {
    uint64_t check; /* of all that follows */
    int32_t video, frames;
    float row[];
} record;

uint64_t eval_state_hash(const void *data, size_t bytes)
{
    const unsigned char *at = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes; i++) hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static tsm_status fail(const eval_state *state, int reason, tsm_error *error)
{
    return report_fail(error, TSM_ERROR_IO, "%s: %s", state->path, reason ? strerror(reason) : "it ended early");
}

/* All of it or nothing that is seen: what is left of a short write is cut off. */
static tsm_status write_whole(const eval_state *state, const void *data, size_t bytes, tsm_error *error)
{
    off_t before = lseek(state->descriptor, 0, SEEK_END);
    ssize_t put;

    do put = write(state->descriptor, data, bytes);
    while (put < 0 && errno == EINTR);
    if (put == (ssize_t)bytes) return TSM_OK;
    if (put >= 0) errno = ENOSPC;
    fail(state, errno, error);
    if (before >= 0 && ftruncate(state->descriptor, before) != 0) return TSM_ERROR_IO; /* the check sum tells */
    return TSM_ERROR_IO;
}

static bool read_at(const eval_state *state, void *out, size_t bytes, off_t offset)
{
    return pread(state->descriptor, out, bytes, offset) == (ssize_t)bytes;
}

/* ---- What it was made with ---------------------------------------------------------------------------------- */

static tsm_status fail_other(const eval_state *state, const char *before, const char *now, tsm_error *error)
{
    while (*before && *now) {
        size_t a = strcspn(before, "\n"), b = strcspn(now, "\n");

        if (a != b || memcmp(before, now, a) != 0)
            return report_fail(error, TSM_ERROR_FORMAT, "%s: was made with %.*s, not %.*s", state->path,
                               (int)(a < 150 ? a : 150), before, (int)(b < 150 ? b : 150), now);
        before += a + (before[a] == '\n');
        now += b + (now[b] == '\n');
    }
    return report_fail(error, TSM_ERROR_FORMAT, "%s: was made with other settings", state->path);
}

/* The settings of a file that has some must be these. *found is false for a file that was ended before it had any. */
static tsm_status check_header(const eval_state *state, const char *made_with, off_t size, bool *found,
                               tsm_error *error)
{
    const size_t bytes = strlen(made_with), begin = (uint64_t)size < sizeof(header) ? (size_t)size : sizeof(header);
    header h = { .bytes = 0 };
    char *text;
    tsm_status status = TSM_OK;

    *found = false;
    if (!read_at(state, &h, begin, 0)) return fail(state, errno, error);
    if (memcmp(h.magic, magic, begin < sizeof magic ? begin : sizeof magic) != 0)
        return report_fail(error, TSM_ERROR_FORMAT, "%s: is not a state of tsm eval", state->path);
    if (begin < sizeof h || h.bytes > (uint64_t)size - sizeof h) return TSM_OK;
    text = report_alloc(h.bytes + 1, 1, error);
    if (!text) return TSM_ERROR_MEMORY;
    *found = true;
    if (!read_at(state, text, h.bytes, sizeof h) || eval_state_hash(text, h.bytes) != h.check)
        status = report_fail(error, TSM_ERROR_FORMAT, "%s: its settings are damaged", state->path);
    else if (h.bytes != bytes || memcmp(text, made_with, bytes) != 0)
        status = fail_other(state, text, made_with, error);
    free(text);
    return status;
}

static tsm_status write_header(const eval_state *state, const char *made_with, tsm_error *error)
{
    const size_t bytes = strlen(made_with);
    header *h = report_alloc(1, sizeof *h + bytes, error);
    tsm_status status;

    if (!h) return TSM_ERROR_MEMORY;
    memcpy(h->magic, magic, sizeof magic);
    h->bytes = bytes;
    h->check = eval_state_hash(made_with, bytes);
    memcpy(h + 1, made_with, bytes);
    status = ftruncate(state->descriptor, 0) == 0 ? write_whole(state, h, sizeof *h + bytes, error)
                                                  : fail(state, errno, error);
    free(h);
    return status;
}

/* ---- Records ------------------------------------------------------------------------------------------------ */

static bool is_whole(const eval_state *state, int videos)
{
    const record *r = state->record;

    return r->video >= 0 && r->video < videos &&
           r->check == eval_state_hash(&r->video, state->record_bytes - sizeof r->check);
}

/* Takes the records; what is behind the last whole one goes. */
static tsm_status read_records(const eval_state *state, off_t at, int videos, float *rows, int *frames, bool *done,
                               tsm_error *error)
{
    const record *r = state->record;

    while (read_at(state, state->record, state->record_bytes, at) && is_whole(state, videos)) {
        memcpy(rows + (size_t)r->video * (size_t)state->values, r->row, (size_t)state->values * sizeof *rows);
        frames[r->video] = r->frames;
        done[r->video] = true;
        at += (off_t)state->record_bytes;
    }
    return ftruncate(state->descriptor, at) == 0 ? TSM_OK : fail(state, errno, error);
}

static tsm_status open_file(eval_state *state, off_t *size, tsm_error *error)
{
    struct stat about;

    state->descriptor = open(state->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (state->descriptor < 0 || fstat(state->descriptor, &about) != 0) return fail(state, errno, error);
    if (!S_ISREG(about.st_mode)) return report_fail(error, TSM_ERROR_IO, "%s: is no regular file", state->path);
    if (flock(state->descriptor, LOCK_EX | LOCK_NB) != 0)
        return report_fail(error, TSM_ERROR_IO, "%s: is in use by another process", state->path);
    *size = about.st_size;
    return TSM_OK;
}

tsm_status eval_state_open(eval_state *state, const char *path, const char *made_with, int videos, int values,
                           float *rows, int *frames, bool *done, tsm_error *error)
{
    bool found = false;
    off_t size = 0;
    tsm_status status;

    *state = (eval_state){ .descriptor = -1, .path = path, .values = values };
    state->record_bytes = sizeof(record) + (size_t)values * sizeof(float);
    state->record = report_alloc(1, state->record_bytes, error);
    if (!state->record) return TSM_ERROR_MEMORY;
    status = open_file(state, &size, error);
    if (status == TSM_OK) status = check_header(state, made_with, size, &found, error);
    if (status == TSM_OK && !found) status = write_header(state, made_with, error);
    if (status == TSM_OK)
        status = read_records(state, (off_t)(sizeof(header) + strlen(made_with)), videos, rows, frames, done, error);
    if (status != TSM_OK) eval_state_close(state);
    return status;
}

tsm_status eval_state_add(eval_state *state, int video, int frames, const float *row, tsm_error *error)
{
    record *r = state->record;

    if (state->descriptor < 0) return TSM_OK;
    r->video = video;
    r->frames = frames;
    memcpy(r->row, row, (size_t)state->values * sizeof *row);
    r->check = eval_state_hash(&r->video, state->record_bytes - sizeof r->check);
    return write_whole(state, r, state->record_bytes, error);
}

void eval_state_close(eval_state *state)
{
    if (state->descriptor >= 0) close(state->descriptor);
    free(state->record);
    *state = (eval_state)EVAL_STATE_INIT;
}
