/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c - see folder.h. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/status.h"
#include "frame_names.h"
#include "image.h"

/* What is no regular file, a pipe say, is no frame: opening it might wait for ever. */
static tsm_status look_at(DIR *folder, const struct dirent *entry, const char *path, bool *regular, tsm_error *error)
{
    struct stat facts;

    *regular = entry->d_type == DT_REG;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return TSM_OK;
    if (fstatat(dirfd(folder), entry->d_name, &facts, 0) != 0)
        return tsm_fail_file(error, TSM_ERROR_IO, path, "%.120s: %s", entry->d_name, strerror(errno));
    *regular = S_ISREG(facts.st_mode);
    return TSM_OK;
}

static tsm_status note_odd(char **note, const char *name, tsm_error *error)
{
    char text[200];

    if (*note) return TSM_OK;
    snprintf(text, sizeof text, "left out %.120s, which is no regular file", name);
    *note = tsm_strdup(text);
    return *note ? TSM_OK : tsm_fail_memory(error, strlen(text) + 1);
}

/* Everything in the folder that may be a frame. */
static tsm_status read_folder(const tsm_clips *clips, DIR *folder, const char *path, tsm_frame_names *names,
                              char **note, tsm_error *error)
{
    const char *pattern = clips->frame_pattern;
    struct dirent *entry;

    while ((errno = 0, entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name;
        bool regular;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        if (!(pattern ? tsm_frame_name_matches(name, pattern) : tsm_frame_name_is_image(name))) continue;
        TSM_TRY_RETURN(tsm_limits_check(&clips->limits, path, error));
        TSM_TRY_RETURN(look_at(folder, entry, path, &regular, error));
        if (!regular)
            TSM_TRY_RETURN(note_odd(note, name, error));
        else if (names->count == TSM_MAX_FRAMES)
            return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, path, "more than %d files", TSM_MAX_FRAMES);
        else
            TSM_TRY_RETURN(tsm_frame_names_add(names, name, error));
    }
    return errno ? tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno)) : TSM_OK;
}

/* Of one pattern: the caller's, or the one that the names have. */
static tsm_status choose_frames(tsm_clips *clips, const char *path, tsm_frame_names *names, tsm_error *error)
{
    const char *pattern = clips->frame_pattern;
    char *note = NULL;
    tsm_status status;

    if (!names->count && pattern)
        return tsm_fail_file(error, TSM_ERROR_FORMAT, path, "no file in this folder is named %.200s", pattern);
    if (!names->count) return tsm_fail_file(error, TSM_ERROR_FORMAT, path, "no JPEG or PNG frames in this folder");
    if (pattern) {
        tsm_frame_names_sort(names);
        clips->pattern = tsm_strdup(pattern);
        return clips->pattern ? TSM_OK : tsm_fail_memory(error, strlen(pattern) + 1);
    }
    status = tsm_frame_names_choose(names, &clips->pattern, &note, error);
    if (note) {
        tsm_free(clips->note);
        clips->note = note;
    }
    return status == TSM_ERROR_FORMAT ? tsm_error_prefix(error, status, path) : status;
}

static tsm_status find_frames(tsm_clips *clips, const char *path, tsm_frame_names *names, tsm_error *error)
{
    DIR *folder = opendir(path);
    tsm_status status;

    if (!folder) return tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
    status = read_folder(clips, folder, path, names, &clips->note, error);
    closedir(folder);
    if (status == TSM_OK) status = choose_frames(clips, path, names, error);
    if (status == TSM_OK && (int64_t)names->count > clips->limits.frames)
        status = tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, path, "more than %lld frames",
                               (long long)clips->limits.frames);
    return status;
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
    TSM_TRY(tsm_limits_check(&clips->limits, path, error));
    TSM_TRY(tsm_image_read(&image, path, &clips->limits, &kind, error));
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
    tsm_frame_names names = { 0 };
    tsm_status status;

    TSM_TRY(find_frames(clips, path, &names, error));
    TSM_TRY(tsm_clips_plan(clips, (int)names.count, error));
    for (int i = 0; i < clips->wanted_count; i++)
        TSM_TRY(put_frame(clips, path, names.items[clips->wanted[i] - 1], clips->wanted[i], error));
fail:
    tsm_frame_names_clear(&names);
    return status;
}
