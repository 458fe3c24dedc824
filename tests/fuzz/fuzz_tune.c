/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tune.c - any bytes as the file of the autotuner's cache: as they are, and as lines in a file whose head and hash
 * are right. What is taken out of one is kept, and is the same when it is read again. */
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/status.h"
#include "cuda/conv/cache.h"
#include "fuzz.h"

#define HEAD "tsm-tune 3\nsubject\nversions\n"

/* A file without a name, and the name that it has all the same. */
static int make_file(const char *text, size_t bytes, char path[32])
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd < 0 || write(fd, text, bytes) != (ssize_t)bytes) abort();
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void open_cache(tsm_tune_cache *cache)
{
    tsm_error error;

    if (tsm_tune_cache_init(cache, &error) != TSM_OK) abort();
    strcpy(cache->subject, "subject");
    strcpy(cache->versions, "versions");
}

static tsm_tune_file load(tsm_tune_cache *cache, const char *text, size_t bytes)
{
    char path[32];
    const int fd = make_file(text, bytes, path);
    const uint64_t before = tsm_alloc_bytes();
    const tsm_tune_file file = tsm_tune_cache_load(cache, path);

    fuzz_bound(tsm_alloc_bytes() - before, bytes);
    close(fd);
    return file;
}

/* FNV-1a of all before it is the last line. */
static char *with_hash(const uint8_t *data, size_t bytes, size_t *length)
{
    const size_t room = sizeof HEAD + bytes + 32, head = sizeof HEAD - 1;
    char *text = calloc(room, 1);
    uint64_t hash = UINT64_C(14695981039346656037);

    if (!text) abort();
    memcpy(text, HEAD, head);
    if (bytes) memcpy(text + head, data, bytes);
    *length = head + bytes;
    if (text[*length - 1] != '\n') text[(*length)++] = '\n';
    for (size_t i = 0; i < *length; i++) hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    *length += (size_t)snprintf(text + *length, room - *length, "end %016llx\n", (unsigned long long)hash);
    return text;
}

/* Words and lines, of the lengths that others have room for. */
static void check_entries(const tsm_tune_cache *cache)
{
    size_t plans = 0;

    if (cache->count < 0 || cache->count > TSM_TUNE_MAX_ENTRIES || cache->count > cache->capacity) abort();
    for (int i = 0; i < cache->count; i++) {
        const tsm_tune_entry *entry = &cache->entries[i];

        if (!memchr(entry->name, '\0', TSM_TUNE_NAME) || !memchr(entry->value, '\0', TSM_TUNE_VALUE)) abort();
        if (strpbrk(entry->name, " \n") || strpbrk(entry->value, " \n")) abort();
        if (!entry->plan) continue;
        if (strchr(entry->plan, '\n') || strlen(entry->plan) >= TSM_TUNE_PLAN) abort();
        plans += strlen(entry->plan) + 1;
    }
    if (plans != cache->plan_bytes || plans > TSM_TUNE_MAX_PLANS) abort();
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Everything that one has the other has too. */
static void check_same(tsm_tune_cache *a, tsm_tune_cache *b)
{
    if (a->count != b->count) abort();
    for (int i = 0; i < a->count; i++) {
        const tsm_tune_entry *entry = &a->entries[i];
        char value[TSM_TUNE_VALUE], *plan = tsm_tune_cache_get_plan(b, entry->name);

        if (!tsm_tune_cache_get(b, entry->name, value) || strcmp(value, entry->value) != 0) abort();
        if (!same_text(plan, entry->plan)) abort();
        tsm_free(plan);
    }
}

/* Written, and read by another process's cache. */
static void write_again(tsm_tune_cache *cache)
{
    tsm_tune_cache other;

    snprintf(cache->path, sizeof cache->path, "/tmp/tsm-fuzz-tune-%ld", (long)getpid());
    if (!tsm_tune_cache_save(cache)) abort();
    open_cache(&other);
    if (tsm_tune_cache_load(&other, cache->path) != TSM_TUNE_TAKEN) abort();
    check_same(cache, &other);
    tsm_tune_cache_close(&other);
    unlink(cache->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tsm_tune_cache cache;
    size_t length;
    char *text = with_hash(data, bytes, &length);
    const bool plain = !bytes || !memchr(data, '\0', bytes);

    open_cache(&cache);
    if (load(&cache, (const char *)data, bytes) == TSM_TUNE_TAKEN) check_entries(&cache);
    if ((load(&cache, text, length) == TSM_TUNE_TAKEN) != plain) abort();
    check_entries(&cache);
    if (bytes % 64 == 0) write_again(&cache);
    tsm_tune_cache_close(&cache);
    free(text);
    return 0;
}
