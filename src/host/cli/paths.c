/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c - see paths.h. */
#include "paths.h"

#include "input.h"
#include "report.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

void paths_clear(paths *p)
{
    for (int i = 0; i < p->count; i++) free(p->items[i]);
    free(p->items);
    *p = (paths){ 0 };
}

char *paths_join(const char *folder, const char *name)
{
    size_t bytes;
    char *path;

    if (!folder || !*folder || name[0] == '/') return strdup(name);
    bytes = strlen(folder) + strlen(name) + 2;
    path = malloc(bytes);
    if (path) snprintf(path, bytes, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return path;
}

/* Takes the path over, also where that fails. */
static tsm_status append(paths *p, char *path, tsm_error *error)
{
    if (!path) return report_fail(error, TSM_ERROR_MEMORY, "inputs: out of memory");
    if (p->count == PATHS_MAX) {
        free(path);
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "inputs: more than %d", PATHS_MAX);
    }
    if (p->count == p->room) {
        int room = p->room ? 2 * p->room : 16;
        char **items = realloc(p->items, (size_t)room * sizeof *items);

        if (!items) {
            free(path);
            return report_fail(error, TSM_ERROR_MEMORY, "inputs: out of memory for %d", room);
        }
        p->items = items;
        p->room = room;
    }
    p->items[p->count++] = path;
    return TSM_OK;
}

/* ---- Folders ------------------------------------------------------------------------------------------------ */

static bool ends_with_one_of(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');

    for (; dot && *endings; endings++)
        if (strcasecmp(dot + 1, *endings) == 0) return true;
    return false;
}

static bool is_image(const char *name)
{
    static const char *const endings[] = { "jpg", "jpeg", "png", NULL };

    return ends_with_one_of(name, endings);
}

static bool is_video(const char *name)
{
    static const char *const endings[] = { "mp4", "avi", "mkv", "webm", "mov", "mpg", "mpeg", "m4v",  "ts",  "wmv",
                                           "flv", "3gp", "ogv", "gif",  "vob", "asf", "mts",  "m2ts", "y4m", NULL };

    return ends_with_one_of(name, endings);
}

static bool is_folder(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static tsm_status add_inside(paths *p, const char *folder, int depth, tsm_error *error);

/* An entry of a folder: a video, or a folder that goes on. */
static tsm_status add_entry(paths *p, const char *folder, const char *name, int depth, tsm_error *error)
{
    char *path = paths_join(folder, name);
    tsm_status status = TSM_OK;

    if (!path) return report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", folder);
    if (is_folder(path))
        status = add_inside(p, path, depth + 1, error);
    else if (is_video(name))
        return append(p, path, error);
    free(path);
    return status;
}

/* A folder with frames is an input; any other gives what is inside. */
static tsm_status add_inside(paths *p, const char *folder, int depth, tsm_error *error)
{
    struct dirent **entries;
    tsm_status status = TSM_OK;
    bool frames = false;
    int count = depth <= PATHS_MAX_DEPTH ? scandir(folder, &entries, visible, alphasort) : -1;

    if (count < 0) return append(p, strdup(folder), error); /* loading it says why it cannot be read */
    for (int i = 0; i < count; i++) frames |= is_image(entries[i]->d_name);
    if (frames) status = append(p, strdup(folder), error);
    for (int i = 0; i < count; i++) {
        if (!frames && status == TSM_OK) status = add_entry(p, folder, entries[i]->d_name, depth, error);
        free(entries[i]);
    }
    free(entries);
    return status;
}

tsm_status paths_add(paths *p, const char *path, tsm_error *error)
{
    const int before = p->count;

    if (is_folder(path)) {
        tsm_status status = add_inside(p, path, 0, error);

        if (status != TSM_OK || p->count > before) return status;
    }
    return append(p, strdup(path), error);
}

/* ---- Lists -------------------------------------------------------------------------------------------------- */

static tsm_status add_line(paths *p, const char *folder, char *line, size_t length, tsm_error *error)
{
    char *path;
    tsm_status status;

    while (length && strchr(" \t\r", line[length - 1])) length--;
    line[length] = '\0';
    line += strspn(line, " \t");
    if (!*line || *line == '#') return TSM_OK;
    path = paths_join(folder, line);
    status = path ? paths_add(p, path, error) : report_fail(error, TSM_ERROR_MEMORY, "inputs: out of memory");
    free(path);
    return status;
}

static tsm_status add_lines(paths *p, const char *list, const char *folder, char *text, size_t bytes,
                            tsm_error *error)
{
    const int before = p->count;
    char *end = text + bytes;

    if (memchr(text, 0, bytes))
        return report_fail(error, TSM_ERROR_FORMAT, "%s: is not a list of paths: it holds a NUL", input_name(list));
    while (text < end) {
        size_t length = strcspn(text, "\n");
        tsm_status status = add_line(p, folder, text, length, error);

        if (status != TSM_OK) return status;
        text += length + 1;
    }
    if (p->count > before) return TSM_OK;
    return report_fail(error, TSM_ERROR_FORMAT, "%s: names no inputs", input_name(list));
}

tsm_status paths_add_list(paths *p, const char *list, const char *root, tsm_error *error)
{
    const char *slash = strrchr(list, '/');
    char *folder = root ? strdup(root) : slash ? strndup(list, (size_t)(slash - list) + 1) : strdup("");
    char *text = NULL;
    size_t bytes;
    tsm_status status;

    if (!folder) return report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", list);
    status = input_read_all(list, PATHS_MAX_LIST, &text, &bytes, error);
    if (status == TSM_OK) status = add_lines(p, list, folder, text, bytes, error);
    free(text);
    free(folder);
    return status;
}
