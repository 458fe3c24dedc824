/* SPDX-License-Identifier: Apache-2.0 */
/* output_target.c - see output_target.h. */
#include "output_target.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_LINKS = 40 }; /* as the kernel follows */

/* The links of /proc/PID/fd lead to open files, not to the names that they show. */
static bool leads_to_open_file(const char *link)
{
    const char *slash = strrchr(link, '/');
    char folder[PATH_MAX];
    struct statfs about;
    int length = slash ? (int)(slash - link) + 1 : 0;

    snprintf(folder, sizeof folder, "%.*s", length, link);
    return statfs(*folder ? folder : ".", &about) == 0 && about.f_type == PROC_SUPER_MAGIC;
}

/* Replaces `path`, a symbolic link, by what it names; relative names begin at the link's folder. */
static int follow_link(char path[PATH_MAX])
{
    char name[PATH_MAX];
    ssize_t length = readlink(path, name, sizeof name - 1);
    char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;

    if (length < 0) return errno;
    name[length] = '\0';
    if (name[0] == '/') folder = 0;
    if (folder + (size_t)length + 1 > PATH_MAX) return ENAMETOOLONG;
    memcpy(path + folder, name, (size_t)length + 1);
    return 0;
}

/* Follows symbolic links until `path` is none, whether or not anything stands there. *open_file is set where one
 * leads into /proc, and following ends. */
static int follow_links(char path[PATH_MAX], bool *open_file)
{
    struct stat about;

    *open_file = false;
    for (int i = 0; i < MAX_LINKS; i++) {
        int failed;

        if (lstat(path, &about) != 0) return errno == ENOENT ? 0 : errno;
        if (!S_ISLNK(about.st_mode)) return 0;
        *open_file = leads_to_open_file(path);
        if (*open_file) return 0;
        failed = follow_link(path);
        if (failed) return failed;
    }
    return ELOOP;
}

static bool is_standard_output(const struct stat *about)
{
    struct stat output;

    return fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == about->st_dev && output.st_ino == about->st_ino;
}

/* What exists already. */
static int look_at(output_target *target, const char *path, const struct stat *about, bool open_file)
{
    if (S_ISDIR(about->st_mode)) return EISDIR;
    if (access(path, W_OK) != 0) return errno;
    /* Two names of one terminal or /dev/null may be written side by side; of a pipe or a file they may not. */
    if (!S_ISCHR(about->st_mode) && is_standard_output(about))
        target->kind = OUTPUT_STANDARD;
    else if (open_file || !S_ISREG(about->st_mode))
        target->kind = OUTPUT_DIRECT;
    target->mode = about->st_mode & 0777;
    return 0;
}

int output_target_find(output_target *target, const char *path)
{
    char followed[PATH_MAX];
    struct stat about;
    bool open_file = false;
    int failed;

    *target = (output_target){ .kind = OUTPUT_REPLACED, .mode = 0666 };
    if (strcmp(path, "-") == 0) {
        target->kind = OUTPUT_STANDARD;
        return 0;
    }
    if (strlen(path) >= sizeof followed) return ENAMETOOLONG;
    strcpy(followed, path);
    failed = follow_links(followed, &open_file);
    if (failed) return failed;
    if (stat(path, &about) == 0)
        failed = look_at(target, path, &about, open_file);
    else if (errno != ENOENT || open_file)
        failed = errno;
    if (failed || target->kind != OUTPUT_REPLACED) return failed;
    target->path = strdup(followed);
    return target->path ? 0 : ENOMEM;
}

int output_target_replaceable(const char *path)
{
    struct stat about;

    return lstat(path, &about) == 0 ? S_ISREG(about.st_mode) : errno == ENOENT;
}
