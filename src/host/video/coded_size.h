/* SPDX-License-Identifier: Apache-2.0 */
/* coded_size.h - the size that a stream's own headers give, read without decoding. */
#ifndef TSM_VIDEO_CODED_SIZE_H
#define TSM_VIDEO_CODED_SIZE_H

#include "packets.h"

/* Why nothing could be decoded: a codec refuses frames beyond the limit of pixels without a word of their size. Reads
 * the first packets anew. Errors: UNSUPPORTED where they are too large, MEMORY, those of reading; TSM_OK: they are
 * not, or do not say. */
tsm_status tsm_check_coded_size(tsm_packets *packets, tsm_error *error);

#endif
