/* SPDX-License-Identifier: Apache-2.0 */
/* labels.h - class names from the files that data sets ship.
 *
 *   one name a line
 *   an index and a name a line, in either order (UCF101's classInd.txt), separated by a comma, a semicolon, a colon,
 *   a bar, a tab, spaces, "1. name", "1) name", "1 - name", "name = 1" or "name -> 1", under a header or not
 *   a JSON object from names to indices (Something-Something's labels.json), or from indices to names; a JSON list of
 *   names, of [name, index], or of objects with both
 *   a table with the columns id and name, or label and youtube_id (Kinetics: its labels, sorted, each once)
 *
 * Indices begin at 0 or at 1 and leave none out. Blank lines, lines that begin with '#', white space at either end of
 * a name, carriage returns and a byte order mark do not count. */
#ifndef TSM_EVAL_LABELS_H
#define TSM_EVAL_LABELS_H

#include <stddef.h>
#include <tsm/tsm.h>

#define LABELS_MAX_BYTES (64 << 20)

/* Understands the file in data[0..bytes) and makes its names what tsm_model_options.labels takes: lines separated by
 * one '\n', in the order of their classes, none of them empty. *text is released with free; *count is the number of
 * names. `name` stands for the path in errors.
 * Errors: FORMAT, naming the line (no names; an index that is missing or there twice; more than one way to read it; a
 * NUL, not UTF-8, too long), MEMORY. */
tsm_status labels_parse(const void *data, size_t bytes, const char *name, char **text, int *count, tsm_error *error);

#endif
