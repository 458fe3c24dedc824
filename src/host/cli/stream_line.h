/* SPDX-License-Identifier: Apache-2.0 */
/* stream_line.h - a prediction as a line of text, or of JSON. */
#ifndef TSM_CLI_STREAM_LINE_H
#define TSM_CLI_STREAM_LINE_H

#include <stdint.h>

typedef struct stream_line {
    uint64_t frame;
    double time_s;
    double latency_ms; /* from the frame's arrival to its prediction */
    double behind_ms;  /* the source's clock; below 0: it does not say */
    uint64_t dropped;
    int label, changed; /* class that is shown; whether that is new */
    int count;          /* of the best classes */
    const int *classes;
    const double *scores;      /* of all classes */
    const char *const *labels; /* of the best */
    const char *label_text;
} stream_line;

void stream_line_print_text(const stream_line *line);

/* Returns 0, or -1 with a line on stderr where memory runs out. */
int stream_line_print_json(const stream_line *line);

#endif
