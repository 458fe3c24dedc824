/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c - see folder.h. */
#include "folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "image.h"
#include "limits.h"

typedef struct frame_list {
    char **names;
    size_t count, room;
} frame_list;

static void list_free(frame_list *list)
{
    for (size_t i = 0; i < list->count; i++) tsm_free(list->names[i]);
    tsm_free(list->names);
}

static bool is_frame(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (!dot || name[0] == '.') return false;
    return strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 || strcasecmp(dot, ".png") == 0;
}

/* The last run of digits before the ending, without leading zeros; the length is 0 where there is none. */
static size_t frame_number(const char *name, const char **digits)
{
    const char *end = strrchr(name, '.'), *start;

    while (end > name && !isdigit((unsigned char)end[-1])) end--;
    for (start = end; start > name && isdigit((unsigned char)start[-1]);) start--;
    while (start < end && *start == '0') start++;
    *digits = start;
    return (size_t)(end - start);
}

/* By number, whatever its length; then by name, so that the order never depends on the file system. */
static int compare_frames(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b, *left_digits, *right_digits;
    size_t left_length = frame_number(left, &left_digits), right_length = frame_number(right, &right_digits);
    int order;

    if (left_length != right_length) return left_length < right_length ? -1 : 1;
    order = memcmp(left_digits, right_digits, left_length);
    return order ? order : strcmp(left, right);
}

static tsm_status list_add(frame_list *list, const char *folder, const char *name, tsm_error *error)
{
    if (list->count == TSM_MAX_FRAMES)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, folder, "more than %d frames", TSM_MAX_FRAMES);
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 256;
        char **names = tsm_realloc(list->names, room, sizeof *names);
        if (!names) return tsm_fail_memory(error, room * sizeof *names);
        list->names = names;
        list->room = room;
    }
    list->names[list->count] = tsm_strdup(name);
    if (!list->names[list->count]) return tsm_fail_memory(error, strlen(name) + 1);
    list->count++;
    return TSM_OK;
}

static tsm_status list_frames(frame_list *list, const char *path, tsm_error *error)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    tsm_status status = TSM_OK;

    if (!folder) return tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
    while (status == TSM_OK && (errno = 0, entry = readdir(folder)) != NULL)
        if (is_frame(entry->d_name)) status = list_add(list, path, entry->d_name, error);
    if (status == TSM_OK && errno) status = tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
    closedir(folder);
    if (status != TSM_OK) return status;
    if (!list->count) return tsm_fail_file(error, TSM_ERROR_FORMAT, path, "no JPEG or PNG frames in this folder");
    qsort(list->names, list->count, sizeof *list->names, compare_frames);
    return TSM_OK;
}

static tsm_status put_frame(tsm_clips *clips, const char *folder, const char *name, int number, tsm_error *error)
{
    size_t bytes = strlen(folder) + 1 + strlen(name) + 1;
    char *path = tsm_alloc_zero(bytes, 1);
    const char *kind = "";
    tsm_image image = { 0 };
    tsm_status status;

    if (!path) return tsm_fail_memory(error, bytes);
    snprintf(path, bytes, "%s/%s", folder, name);
    TSM_TRY(tsm_image_read(&image, path, &kind, error));
    if (!clips->codec[0]) snprintf(clips->codec, sizeof clips->codec, "%s", kind);
    status = tsm_clips_put(clips, number, &(tsm_rgb){ image.data, image.width, image.height }, error);
    if (status != TSM_OK) tsm_error_prefix(error, status, path);
fail:
    tsm_free(image.data);
    tsm_free(path);
    return status;
}

tsm_status tsm_folder_load(tsm_clips *clips, const char *path, tsm_error *error)
{
    frame_list list = { 0 };
    tsm_status status;

    TSM_TRY(list_frames(&list, path, error));
    TSM_TRY(tsm_clips_plan(clips, (int)list.count, error));
    for (int i = 0; i < clips->wanted_count; i++)
        TSM_TRY(put_frame(clips, path, list.names[clips->wanted[i] - 1], clips->wanted[i], error));
fail:
    list_free(&list);
    return status;
}
