/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - what is UTF-8, and what is not. */
#ifndef TSM_EVAL_UTF8_H
#define TSM_EVAL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 sequence at `at`, 1..4; 0 where there is none within `left` bytes. */
size_t utf8_length(const unsigned char *at, size_t left);

/* Whether all of it is well-formed, and none of it a NUL. */
bool utf8_is_text(const void *data, size_t bytes);

#endif
