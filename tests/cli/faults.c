/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - a library to preload: reads of files whose path holds TSM_FAULT_PATH go wrong as TSM_FAULT says.
 *   eio    bytes from TSM_FAULT_AT on cannot be read; nor entries of a folder from the TSM_FAULT_AT-th on
 *   short  a read gives a part of what it could
 *   eintr  every other read is interrupted by a signal */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static bool concerns(int descriptor)
{
    const char *part = getenv("TSM_FAULT_PATH");
    char link[40], path[PATH_MAX];
    ssize_t length;

    if (!part || !getenv("TSM_FAULT")) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return false;
    path[length] = '\0';
    return strstr(path, part) != NULL;
}

static long long fault_at(void)
{
    const char *at = getenv("TSM_FAULT_AT");

    return at ? atoll(at) : 0;
}

/* How many bytes of `count` from `offset` on may be read; -1 with errno set for none. */
static ssize_t allowed(size_t count, long long offset)
{
    static unsigned calls;
    const char *fault = getenv("TSM_FAULT");

    if (strcmp(fault, "short") == 0) return (ssize_t)(count > 1 ? 1 + count / 3 : count);
    if (strcmp(fault, "eintr") == 0) {
        if (++calls % 2 == 0) return (ssize_t)count;
        errno = EINTR;
        return -1;
    }
    if (offset + (long long)count <= fault_at()) return (ssize_t)count;
    if (offset < fault_at()) return (ssize_t)(fault_at() - offset);
    errno = EIO;
    return -1;
}

static ssize_t real_pread(int descriptor, void *out, size_t count, off_t offset)
{
    static ssize_t (*real)(int, void *, size_t, off_t);

    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pread");
    return real(descriptor, out, count, offset);
}

ssize_t read(int descriptor, void *out, size_t count)
{
    static ssize_t (*real)(int, void *, size_t);
    ssize_t some = (ssize_t)count;

    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "read");
    if (count && concerns(descriptor)) some = allowed(count, lseek(descriptor, 0, SEEK_CUR));
    return some < 0 ? -1 : real(descriptor, out, (size_t)some);
}

ssize_t pread(int descriptor, void *out, size_t count, off_t offset)
{
    ssize_t some = (ssize_t)count;

    if (count && concerns(descriptor)) some = allowed(count, offset);
    return some < 0 ? -1 : real_pread(descriptor, out, (size_t)some, offset);
}

ssize_t pread64(int descriptor, void *out, size_t count, off64_t offset)
{
    return pread(descriptor, out, count, offset);
}

struct dirent *readdir(DIR *folder)
{
    static struct dirent *(*real)(DIR *);
    static long long entries;
    const char *fault = getenv("TSM_FAULT");

    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    if (fault && strcmp(fault, "eio") == 0 && concerns(dirfd(folder)) && entries++ >= fault_at()) {
        errno = EIO;
        return NULL;
    }
    return real(folder);
}
