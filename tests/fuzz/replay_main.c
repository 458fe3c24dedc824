/* SPDX-License-Identifier: Apache-2.0 */
/* replay_main.c - an ordinary main that runs a fuzz target once on every file of the folders named on the command
 * line. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"

/* The copy is exactly as long as the file, so that a sanitizer sees any read past its end. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    uint8_t *data;
    size_t bytes;

    if (!file || fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        if (file) fclose(file);
        return -1;
    }
    bytes = (size_t)info.st_size;
    data = malloc(bytes ? bytes : 1);
    if (!data || fread(data, 1, bytes, file) != bytes) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(data);
        fclose(file);
        return -1;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, bytes);
    free(data);
    return 0;
}

/* Returns the number of files that ran, or -1. */
static int replay_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    char path[4096];
    int count = 0;

    if (!entries) {
        perror(folder);
        return -1;
    }
    while ((entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        fprintf(stderr, "%s\n", path); /* the last line before a crash names its input */
        if (replay_file(path) != 0) {
            count = -1;
            break;
        }
        count++;
    }
    closedir(entries);
    return count;
}

int main(int count, char **arguments)
{
    int total = 0;

    for (int i = 1; i < count; i++) {
        int files = replay_folder(arguments[i]);

        if (files < 0) return EXIT_FAILURE;
        total += files;
    }
    printf("%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
