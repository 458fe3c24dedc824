/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - how far long work is, on stderr: on a terminal one line with rate and time left, rewritten at most ten
 * times a second, otherwise a line every few seconds. Work that is done within moments shows nothing. */
#ifndef TSM_CLI_PROGRESS_H
#define TSM_CLI_PROGRESS_H

#include <stdbool.h>

typedef struct progress {
    const char *unit; /* "videos" */
    double total, started_ms, shown_ms;
    bool terminal, visible;
} progress;

void progress_begin(progress *p, const char *unit, double total);

/* `done` of the total are done; a fraction is fine. */
void progress_update(progress *p, double done);

/* The same with more to say behind it: ", Prec@1 97.9". */
void progress_update_note(progress *p, double done, const char *note);

/* Takes the line off the terminal, before anything else is printed and at the end. */
void progress_clear(progress *p);

/* The text of an update after `elapsed_ms`: "12/100 videos, 3.2 videos/s, 28 s left". */
void progress_text(const char *unit, double done, double total, double elapsed_ms, char *text, unsigned bytes);

#endif
