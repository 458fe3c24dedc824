/* SPDX-License-Identifier: Apache-2.0 */
/* list_entries.c - the videos of a list as they are found, one by one, and what is wrong with a line of it. */
#include "failure.h"
#include "list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tsm_status list_fail(const video_list *l, int line, tsm_error *error, const char *format, ...)
{
    char text[TSM_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (line == 0) return eval_fail(error, TSM_ERROR_FORMAT, "%s: %s", l->name, text);
    return eval_fail(error, TSM_ERROR_FORMAT, "%s: %s %d: %s", l->name, l->form == LIST_JSON ? "entry" : "line", line,
                     text);
}

static tsm_status fail_memory(const video_list *l, tsm_error *error)
{
    return eval_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", l->name);
}

void list_clear(video_list *l)
{
    for (int i = 0; i < l->count; i++) {
        free(l->videos[i].path);
        free(l->videos[i].class);
        free(l->videos[i].others);
    }
    free(l->videos);
    l->videos = NULL;
    l->count = l->room = 0;
}

tsm_status list_add(video_list *l, const char *path, size_t path_bytes, const char *class, size_t class_bytes,
                    list_video video, tsm_error *error)
{
    if (path_bytes == 0) return list_fail(l, video.line, error, "names no video");
    if (class && class_bytes == 0) return list_fail(l, video.line, error, "has an empty class");
    if (l->count == LIST_MAX_VIDEOS) return list_fail(l, video.line, error, "more than %d videos", LIST_MAX_VIDEOS);
    if (l->count == l->room) {
        int room = l->room ? 2 * l->room : 64;
        list_video *videos = realloc(l->videos, (size_t)room * sizeof *videos);

        if (!videos) return fail_memory(l, error);
        l->videos = videos;
        l->room = room;
    }
    video.path = strndup(path, path_bytes);
    video.class = class ? strndup(class, class_bytes) : NULL;
    if (!video.path || (class && !video.class)) {
        free(video.path);
        free(video.class);
        return fail_memory(l, error);
    }
    l->videos[l->count++] = video;
    return TSM_OK;
}
