/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail_malloc.c - preloaded into a command, it fails allocations of the whole process: of libraries too, C++ and all.
 *
 * TSM_FAIL_AT=N fails the N-th from main on, once; TSM_FAIL_FROM=N the N-th and all after it. TSM_FAIL_COUNT=FILE
 * gets the number of allocations when the process ends. Every thread counts.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long made, fail_at, fail_from;
static int counting;

/* Code of the libraries that are spared. */
static struct {
    uintptr_t begin, end;
} spared[16];
static int spared_count;

static int is_spared(const void *caller)
{
    for (int i = 0; i < spared_count; i++)
        if ((uintptr_t)caller >= spared[i].begin && (uintptr_t)caller < spared[i].end) return 1;
    return 0;
}

static int refused(const void *caller)
{
    unsigned long number;

    if (!__atomic_load_n(&counting, __ATOMIC_RELAXED) || is_spared(caller)) return 0;
    number = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    if (number != fail_at && (fail_from == 0 || number < fail_from)) return 0;
    errno = ENOMEM;
    return 1;
}

/* What glibc calls them within. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *malloc(size_t bytes)
{
    return refused(__builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    return refused(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

EXPORTED void *realloc(void *memory, size_t bytes)
{
    return refused(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, bytes);
}

EXPORTED void *memalign(size_t alignment, size_t bytes)
{
    return refused(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, bytes);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t bytes)
{
    return refused(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, bytes);
}

EXPORTED int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    void *got = refused(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, bytes);

    if (!got) return ENOMEM;
    *memory = got;
    return 0;
}

static unsigned long number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text ? strtoul(text, NULL, 10) : 0;
}

/* Whether one of the names between colons is part of `path`. */
static int is_named(const char *path, const char *names)
{
    char name[64];

    while (names && *names) {
        const size_t length = strcspn(names, ":");

        snprintf(name, sizeof name, "%.*s", (int)length, names);
        if (*name && strstr(path, name)) return 1;
        names += length + (names[length] == ':');
    }
    return 0;
}

static int spare(struct dl_phdr_info *library, size_t size, void *names)
{
    (void)size;
    if (!is_named(library->dlpi_name, names)) return 0;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &library->dlpi_phdr[i];

        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || spared_count == 16) continue;
        spared[spared_count].begin = library->dlpi_addr + part->p_vaddr;
        spared[spared_count++].end = library->dlpi_addr + part->p_vaddr + part->p_memsz;
    }
    return 0;
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment)
{
    fail_at = number_of("TSM_FAIL_AT");
    fail_from = number_of("TSM_FAIL_FROM");
    dl_iterate_phdr(spare, getenv("TSM_FAIL_SPARE"));
    counting = 1;
    return real_main(argc, argv, environment);
}

typedef int start_function(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                           void (*)(void), void *);

EXPORTED int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                               void (*fini)(void), void (*rtld_fini)(void), void *stack);

EXPORTED int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                               void (*fini)(void), void (*rtld_fini)(void), void *stack)
{
    start_function *start;

    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return start(counted_main, argc, argv, init, fini, rtld_fini, stack);
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("TSM_FAIL_COUNT");
    char text[32];
    FILE *file;

    counting = 0;
    if (!path) return;
    file = fopen(path, "w");
    if (!file) return;
    snprintf(text, sizeof text, "%lu\n", made);
    fputs(text, file);
    fclose(file);
}
