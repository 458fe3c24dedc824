/* SPDX-License-Identifier: Apache-2.0 */
/* cache_file.c - the file of a cache: where it lies, what may be believed of it, and how it is replaced. */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC          "tsm-tune 3"
#define MAX_FILE_BYTES (8 << 20)
#define FRAME_BYTES    1024 /* the lines around the entries */

_Static_assert(FRAME_BYTES + TSM_TUNE_MAX_ENTRIES * (TSM_TUNE_NAME + TSM_TUNE_VALUE + 2) + TSM_TUNE_MAX_PLANS <=
                   MAX_FILE_BYTES,
               "a full cache fits in the file");

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *byte = data;

    for (size_t i = 0; i < bytes; i++) hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
    return hash;
}

#define HASH_START UINT64_C(14695981039346656037)

/* What the libraries see of a model: its layers. The values of the weights change no kernel's speed. */
static uint64_t hash_graph(const tsm_graph *graph)
{
    uint64_t hash = HASH_START;

    for (int i = 0; i < graph->count; i++) {
        const tsm_node *n = &graph->nodes[i];
        const int fields[] = { (int)n->op,     n->inputs[0],    n->inputs[1],  n->inputs[2], (int)n->act,
                               n->shift.fold,  n->shift.end,    n->shift.step, n->softmax,   n->over_time,
                               n->in_channels, n->out_channels, n->groups,     n->kernel_h,  n->kernel_w,
                               n->stride,      n->pad };

        hash = hash_bytes(hash, fields, sizeof fields);
    }
    return hash;
}

/* The whole file as a string into *text, for the caller to free also where it is not taken. */
static tsm_tune_file read_text(const char *path, char **text)
{
    FILE *file = fopen(path, "rb");
    struct stat about = { 0 };
    tsm_tune_file found = TSM_TUNE_UNREADABLE;
    size_t bytes, used;

    *text = NULL;
    if (!file) return errno == ENOENT || errno == ENOTDIR ? TSM_TUNE_ABSENT : TSM_TUNE_UNREADABLE;
    if (fstat(fileno(file), &about) != 0) goto done;
    bytes = about.st_size > MAX_FILE_BYTES ? MAX_FILE_BYTES + 1 : (size_t)about.st_size;
    *text = tsm_alloc_zero(bytes + 1, 1);
    if (!*text) goto done;
    used = fread(*text, 1, bytes, file);
    if (ferror(file)) goto done;
    found = used <= MAX_FILE_BYTES && strlen(*text) == used ? TSM_TUNE_TAKEN : TSM_TUNE_DAMAGED;
done:
    fclose(file);
    return found;
}

/* Takes the line at *at off the text; NULL where none is complete. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');

    if (!end) return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

/* The last line of a file is the hash of all before it; cuts it off. */
static bool check_hash(char *text)
{
    size_t length = strlen(text);
    char want[32];
    char *last;

    if (length < 2 || text[length - 1] != '\n') return false;
    for (last = text + length - 1; last > text && last[-1] != '\n'; last--) {
    }
    snprintf(want, sizeof want, "end %016llx\n",
             (unsigned long long)hash_bytes(HASH_START, text, (size_t)(last - text)));
    if (strcmp(last, want) != 0) return false;
    *last = '\0';
    return true;
}

/* Cuts a word off at the space behind it; returns what follows, NULL where there is no space. */
static char *cut_word(char *text)
{
    char *space = strchr(text, ' ');

    if (!space) return NULL;
    *space = '\0';
    return space + 1;
}

/* "name value" or "name value plan"; a line of any other form is skipped. */
static void merge_line(tsm_tune_cache *cache, char *line)
{
    char *value = cut_word(line), *plan = value ? cut_word(value) : NULL;

    if (value) tsm_tune_cache_merge(cache, line, value, plan);
}

tsm_tune_file tsm_tune_cache_load(tsm_tune_cache *cache, const char *path)
{
    const char *const head[] = { MAGIC, cache->subject, cache->versions };
    char *text, *at, *line;
    tsm_tune_file file = read_text(path, &text);

    if (file == TSM_TUNE_TAKEN && !check_hash(text)) file = TSM_TUNE_DAMAGED;
    at = text;
    for (int i = 0; i < 3 && file == TSM_TUNE_TAKEN; i++)
        if (!(line = next_line(&at)) || strcmp(line, head[i]) != 0) file = TSM_TUNE_FOREIGN;
    while (file == TSM_TUNE_TAKEN && (line = next_line(&at))) merge_line(cache, line);
    tsm_free(text);
    return file;
}

/* ---- Opening ---- */

/* The folder that was asked for, or the user's. */
static bool find_directory(const char *wanted, char *out, size_t bytes)
{
    const char *own = getenv("TSM_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = -1;

    if (wanted)
        length = snprintf(out, bytes, "%s", wanted);
    else if (own && *own)
        length = snprintf(out, bytes, "%s", own);
    else if (xdg && *xdg)
        length = snprintf(out, bytes, "%s/tsm", xdg);
    else if (home && *home)
        length = snprintf(out, bytes, "%s/.cache/tsm", home);
    return length > 0 && (size_t)length < bytes;
}

static void note_file(tsm_tune_cache *cache, tsm_tune_file file)
{
    static const char *const reasons[] = {
        [TSM_TUNE_UNREADABLE] = "cannot be read",
        [TSM_TUNE_DAMAGED] = "damaged",
        [TSM_TUNE_FOREIGN] = "made for something else",
    };

    if (file == TSM_TUNE_TAKEN || file == TSM_TUNE_ABSENT) return;
    snprintf(cache->note, sizeof cache->note, "cache %s: %s, ignored", cache->path, reasons[file]);
}

/* The line that says which versions a file of the same subject was made with, into `versions`. */
static bool read_versions(const tsm_tune_cache *cache, const char *path, char versions[TSM_TUNE_VERSIONS])
{
    char *text, *at, *line;
    bool same = read_text(path, &text) == TSM_TUNE_TAKEN;

    at = text;
    same = same && (line = next_line(&at)) && strcmp(line, MAGIC) == 0;
    same = same && (line = next_line(&at)) && strcmp(line, cache->subject) == 0;
    same = same && (line = next_line(&at)) && strlen(line) < TSM_TUNE_VERSIONS;
    if (same) strcpy(versions, line);
    tsm_free(text);
    return same;
}

/* Where other versions have left a file: that its choices and plans are of no use to these costs a line. */
static void note_other_versions(tsm_tune_cache *cache, const char *directory, const char *prefix)
{
    char path[TSM_TUNE_PATH], versions[TSM_TUNE_VERSIONS];
    DIR *files = opendir(directory);
    struct dirent *entry;

    while (files && !cache->note[0] && (entry = readdir(files)) != NULL) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
        if (snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path) continue;
        if (!read_versions(cache, path, versions)) continue;
        snprintf(cache->note, sizeof cache->note, "cache %s: made with %s, this is %s: tuned anew", path, versions,
                 cache->versions);
    }
    if (files) closedir(files);
}

static void describe(tsm_tune_cache *cache, const tsm_cuda_device *device, const tsm_graph *graph,
                     const tsm_cuda_dtype *dtype)
{
    snprintf(cache->subject, sizeof cache->subject, "gpu %s sm_%d%d x%d model %016llx precision %s", device->name,
             device->major, device->minor, device->multiprocessors, (unsigned long long)hash_graph(graph),
             dtype->name);
    snprintf(cache->versions, sizeof cache->versions, "driver %d cudnn %zu cublas %zu", device->driver, device->cudnn,
             device->blas);
}

tsm_status tsm_tune_cache_open(tsm_tune_cache *cache, const char *wanted, const tsm_cuda_device *device,
                               const tsm_graph *graph, const tsm_cuda_dtype *dtype, tsm_error *error)
{
    char directory[400], prefix[64];
    tsm_tune_file file;

    TSM_TRY_RETURN(tsm_tune_cache_init(cache, error));
    describe(cache, device, graph, dtype);
    if ((wanted && !*wanted) || !find_directory(wanted, directory, sizeof directory)) return TSM_OK;
    snprintf(prefix, sizeof prefix, "cuda-%016llx-",
             (unsigned long long)hash_bytes(HASH_START, cache->subject, strlen(cache->subject)));
    snprintf(cache->path, sizeof cache->path, "%s/%s%016llx.txt", directory, prefix,
             (unsigned long long)hash_bytes(HASH_START, cache->versions, strlen(cache->versions)));
    file = tsm_tune_cache_load(cache, cache->path);
    note_file(cache, file);
    if (file == TSM_TUNE_ABSENT) note_other_versions(cache, directory, prefix);
    return TSM_OK;
}

/* ---- Saving ---- */

/* mkdir -p of the directory of `path`. */
static void make_directories(const char *path)
{
    char part[TSM_TUNE_PATH];

    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(part, 0777);
        *slash = '/';
    }
}

static char *format_file(const tsm_tune_cache *cache)
{
    size_t room = FRAME_BYTES + (size_t)cache->count * (TSM_TUNE_NAME + TSM_TUNE_VALUE + 2) + cache->plan_bytes, used;
    char *text = tsm_alloc_zero(room, 1);

    if (!text) return NULL;
    used = (size_t)snprintf(text, room, MAGIC "\n%s\n%s\n", cache->subject, cache->versions);
    for (int i = 0; i < cache->count; i++) {
        const tsm_tune_entry *entry = &cache->entries[i];

        used += (size_t)snprintf(text + used, room - used, "%s %s%s%s\n", entry->name, entry->value,
                                 entry->plan ? " " : "", entry->plan ? entry->plan : "");
    }
    snprintf(text + used, room - used, "end %016llx\n", (unsigned long long)hash_bytes(HASH_START, text, used));
    return text;
}

static bool write_file(const char *path, const char *text)
{
    char temporary[TSM_TUNE_PATH + 8];
    int handle;
    bool written;

    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    handle = mkstemp(temporary);
    if (handle < 0) return false;
    written = write(handle, text, strlen(text)) == (ssize_t)strlen(text);
    written = fchmod(handle, 0644) == 0 && written;
    written = close(handle) == 0 && written;
    if (written && rename(temporary, path) == 0) return true;
    unlink(temporary);
    return false;
}

bool tsm_tune_cache_save(tsm_tune_cache *cache)
{
    char *text = NULL;
    bool saved;

    if (!cache->path[0]) return false;
    pthread_mutex_lock(&cache->mutex);
    tsm_tune_cache_load(cache, cache->path);
    make_directories(cache->path);
    text = format_file(cache);
    saved = text && write_file(cache->path, text);
    pthread_mutex_unlock(&cache->mutex);
    tsm_free(text);
    return saved;
}
