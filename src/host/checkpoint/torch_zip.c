/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch_zip.c - the zip container: NAME/data.pkl, and NAME/data/KEY for every storage; entries are stored, never
 * compressed. Sizes come from the central directory, and every range is held against the file.
 */
#include <string.h>

#include "torch_file.h"

enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    CENTRAL_BYTES = 46,
    LOCAL_BYTES = 30,
    MAX_COMMENT = 65535
};

typedef struct entry {
    const char *name; /* not terminated */
    size_t name_length;
    const uint8_t *data;
    uint64_t bytes;
    bool plain; /* neither compressed nor encrypted */
} entry;

/* What the end of the archive says of its central directory. */
typedef struct directory {
    uint64_t entries, bytes, offset;
} directory;

static uint64_t number(const uint8_t *at, int size)
{
    uint64_t value = 0;

    while (size-- > 0) value = value << 8 | at[size];
    return value;
}

static tsm_status damaged(tsm_error *error, const char *what)
{
    tsm_fail(error, TSM_ERROR_FORMAT, "is a damaged or truncated PyTorch archive: %s", what);
    return TSM_ERROR_FORMAT;
}

static bool has_magic(const uint8_t *at, uint8_t c, uint8_t d)
{
    return memcmp(at, "PK", 2) == 0 && at[2] == c && at[3] == d;
}

/* The end record is followed by nothing but its comment, nearly always of no bytes. */
static const uint8_t *find_end(const tsm_torch_file *file)
{
    size_t furthest = file->bytes < END_BYTES + MAX_COMMENT ? file->bytes : END_BYTES + MAX_COMMENT;

    for (size_t back = END_BYTES; back <= furthest; back++) {
        const uint8_t *end = file->data + file->bytes - back;

        if (has_magic(end, 5, 6) && number(end + 20, 2) == back - END_BYTES) return end;
    }
    return NULL;
}

/* Archives past 4 GB, and some writers always, have the true numbers in a second end record. */
static tsm_status read_end64(const tsm_torch_file *file, const uint8_t *end, directory *d, tsm_error *error)
{
    const uint8_t *locator = end - LOCATOR_BYTES;
    uint64_t at;

    if (end - file->data < LOCATOR_BYTES || !has_magic(locator, 6, 7))
        return damaged(error, "its zip64 record is missing");
    at = number(locator + 8, 8);
    if (at > file->bytes || file->bytes - at < END64_BYTES || !has_magic(file->data + at, 6, 6))
        return damaged(error, "its zip64 record is missing");
    d->entries = number(file->data + at + 32, 8);
    d->bytes = number(file->data + at + 40, 8);
    d->offset = number(file->data + at + 48, 8);
    return TSM_OK;
}

static tsm_status read_end(const tsm_torch_file *file, directory *d, tsm_error *error)
{
    const uint8_t *end = find_end(file);

    if (!end) return damaged(error, "it has no central directory");
    d->entries = number(end + 10, 2);
    d->bytes = number(end + 12, 4);
    d->offset = number(end + 16, 4);
    if (d->entries == 0xffff || d->bytes == UINT32_MAX || d->offset == UINT32_MAX)
        TSM_TRY_RETURN(read_end64(file, end, d, error));
    if (d->offset > file->bytes || d->bytes > file->bytes - d->offset)
        return damaged(error, "its central directory lies outside of it");
    if (d->entries > d->bytes / CENTRAL_BYTES) return damaged(error, "its central directory is too short");
    return TSM_OK;
}

/* Replaces the sizes and the offset that did not fit 32 bits by those of the zip64 extra field, which holds only
 * them. */
static tsm_status read_extra64(const uint8_t *extra, size_t length, uint64_t values[3], tsm_error *error)
{
    while (length >= 4) {
        size_t size = (size_t)number(extra + 2, 2), at = 4;

        if (size > length - 4) break;
        for (int i = 0; number(extra, 2) == 1 && i < 3; i++) {
            if (values[i] != UINT32_MAX) continue;
            if (size + 4 - at < 8) return damaged(error, "a zip64 field is too short");
            values[i] = number(extra + at, 8);
            at += 8;
        }
        extra += size + 4;
        length -= size + 4;
    }
    return TSM_OK;
}

/* Finds the entry's data by way of its local header. */
static tsm_status locate(const tsm_torch_file *file, uint64_t offset, uint64_t bytes, entry *e, tsm_error *error)
{
    const uint8_t *local;
    uint64_t skip, room;

    if (offset > file->bytes || file->bytes - offset < LOCAL_BYTES)
        return damaged(error, "an entry lies outside of it");
    local = file->data + offset;
    if (!has_magic(local, 3, 4)) return damaged(error, "an entry lies outside of it");
    skip = LOCAL_BYTES + number(local + 26, 2) + number(local + 28, 2);
    room = file->bytes - offset;
    if (skip > room || bytes > room - skip) return damaged(error, "an entry lies outside of it");
    e->data = local + skip;
    e->bytes = bytes;
    return TSM_OK;
}

/* Reads the central header at `at`, of which `room` bytes are left, and says how long it is. */
static tsm_status read_entry(const tsm_torch_file *file, const uint8_t *at, uint64_t room, entry *e, uint64_t *length,
                             tsm_error *error)
{
    uint64_t values[3]; /* size, compressed size, offset: the order of the zip64 field */
    uint64_t name_length, extra_length;

    if (room < CENTRAL_BYTES || !has_magic(at, 1, 2)) return damaged(error, "its central directory is damaged");
    name_length = number(at + 28, 2);
    extra_length = number(at + 30, 2);
    *length = CENTRAL_BYTES + name_length + extra_length + number(at + 32, 2);
    if (*length > room) return damaged(error, "its central directory is damaged");
    e->name = (const char *)at + CENTRAL_BYTES;
    e->name_length = (size_t)name_length;
    values[0] = number(at + 24, 4);
    values[1] = number(at + 20, 4);
    values[2] = number(at + 42, 4);
    TSM_TRY_RETURN(read_extra64(at + CENTRAL_BYTES + name_length, (size_t)extra_length, values, error));
    e->plain = number(at + 10, 2) == 0 && values[0] == values[1] && !(number(at + 8, 2) & 1);
    return locate(file, values[2], values[1], e, error);
}

static tsm_status require_plain(const entry *e, tsm_error *error)
{
    if (e->plain) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_FORMAT, "has a compressed or encrypted entry %.*s; PyTorch stores them plain",
                    (int)(e->name_length < 100 ? e->name_length : 100), e->name);
}

static bool ends_with(const entry *e, const char *suffix, size_t prefix_length)
{
    size_t length = strlen(suffix);

    return e->name_length == prefix_length + length && memcmp(e->name + prefix_length, suffix, length) == 0;
}

/* Walks the central directory; `visit` gets every entry in turn. */
typedef tsm_status visitor(tsm_torch_file *file, const entry *e, void *state, tsm_error *error);

static tsm_status walk(tsm_torch_file *file, const directory *d, visitor *visit, void *state, tsm_error *error)
{
    const uint8_t *at = file->data + d->offset;
    uint64_t room = d->bytes;

    for (uint64_t i = 0; i < d->entries; i++) {
        uint64_t length = 0;
        entry e = { 0 };

        TSM_TRY_RETURN(read_entry(file, at, room, &e, &length, error));
        TSM_TRY_RETURN(visit(file, &e, state, error));
        at += length;
        room -= length;
    }
    return TSM_OK;
}

static tsm_status find_pickle(tsm_torch_file *file, const entry *e, void *state, tsm_error *error)
{
    static const char name[] = "/data.pkl";
    entry *found = state;

    (void)file;
    if (e->name_length < sizeof name || !ends_with(e, name, e->name_length - (sizeof name - 1))) return TSM_OK;
    if (found->name) return damaged(error, "it has two pickles");
    TSM_TRY_RETURN(require_plain(e, error));
    *found = *e;
    found->name_length -= strlen("data.pkl"); /* the folder of all entries, with its slash */
    return TSM_OK;
}

static tsm_status take_entry(tsm_torch_file *file, const entry *e, void *state, tsm_error *error)
{
    static const char data[] = "data/";
    const entry *pickle = state;
    size_t prefix = pickle->name_length;
    tsm_torch_storage storage;

    if (e->name_length < prefix || memcmp(e->name, pickle->name, prefix) != 0) return TSM_OK;
    if (ends_with(e, "constants.pkl", prefix))
        return tsm_fail(error, TSM_ERROR_FORMAT, "is a TorchScript program, not a checkpoint");
    if (ends_with(e, "byteorder", prefix) && (e->bytes != 6 || memcmp(e->data, "little", 6) != 0))
        return tsm_fail(error, TSM_ERROR_FORMAT, "was written on a big-endian machine, which is not read");
    if (e->name_length <= prefix + strlen(data) || memcmp(e->name + prefix, data, strlen(data)) != 0) return TSM_OK;
    TSM_TRY_RETURN(require_plain(e, error));
    storage = (tsm_torch_storage){ e->name + prefix + strlen(data), e->name_length - prefix - strlen(data), e->data,
                                   e->bytes };
    return tsm_torch_add_storage(&file->storages, &storage, error);
}

/* Says what the archive begins with: weights of NumPy or Keras, or a checkpoint that somebody zipped. */
static tsm_status fail_without_pickle(const tsm_torch_file *file, tsm_error *error)
{
    const uint64_t length = file->bytes < LOCAL_BYTES ? 0 : number(file->data + 26, 2);

    if (length == 0 || length > file->bytes - LOCAL_BYTES)
        return tsm_fail(error, TSM_ERROR_FORMAT, "is a zip archive without a data.pkl: no PyTorch checkpoint");
    return tsm_fail(error, TSM_ERROR_FORMAT,
                    "is a zip archive without a data.pkl: no PyTorch checkpoint; it begins with %.*s",
                    (int)(length < 100 ? length : 100), (const char *)file->data + LOCAL_BYTES);
}

tsm_status tsm_torch_read_zip(tsm_torch_file *file, tsm_error *error)
{
    directory d;
    entry pickle = { 0 };
    size_t used;

    TSM_TRY_RETURN(read_end(file, &d, error));
    TSM_TRY_RETURN(walk(file, &d, find_pickle, &pickle, error));
    if (!pickle.name) return fail_without_pickle(file, error);
    TSM_TRY_RETURN(walk(file, &d, take_entry, &pickle, error));
    TSM_TRY_RETURN(tsm_torch_sort_storages(&file->storages, error));
    return tsm_pickle_read(&file->pickle, pickle.data, (size_t)pickle.bytes, &file->root, &used, error);
}
