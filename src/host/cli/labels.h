/* labels.h - a file of class names, one a line. */
#ifndef TSM_CLI_LABELS_H
#define TSM_CLI_LABELS_H

#include <stddef.h>
#include <tsm/tsm.h>

#define LABELS_MAX_BYTES (16 << 20)

/* Checks the text in data[0..bytes) and copies it as tsm_model_options.labels takes it: lines separated by one '\n',
 * carriage returns and the end of the last line dropped. *text is released with free; *count is the number of names.
 * `name` stands for the path in errors.
 * Errors: FORMAT (no names, an empty name, a NUL, not UTF-8, too long), MEMORY. */
tsm_status labels_parse(const void *data, size_t bytes, const char *name, char **text, int *count, tsm_error *error);

/* The same from a file. Errors: also IO. */
tsm_status labels_read(const char *path, char **text, int *count, tsm_error *error);

#endif
