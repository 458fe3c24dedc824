/* SPDX-License-Identifier: Apache-2.0 */
/* nal.h - what a packet of H.264 or HEVC holds, read from its NAL unit headers. */
#ifndef TSM_VIDEO_NAL_H
#define TSM_VIDEO_NAL_H

#include <stdbool.h>

#include <libavcodec/avcodec.h>

typedef struct tsm_nal_format {
    bool hevc;
    int length_bytes; /* in front of each unit; 0: units are separated by start codes */
} tsm_nal_format;

typedef struct tsm_nal_summary {
    bool start;     /* decoding can start here: an IDR or IRAP picture, or an exact recovery point without delay */
    bool whole;     /* the packet holds the beginning of a picture, and its units add up */
    bool reference; /* other pictures, of any layer, may be predicted from it, or it carries parameter sets */
    int layer;      /* temporal layer, 0 at the bottom. Above the bottom `reference` speaks of its own layer only. */
} tsm_nal_summary;

tsm_nal_format tsm_nal_format_of(const AVCodecParameters *codec);

tsm_nal_summary tsm_nal_summarize(tsm_nal_format format, const uint8_t *data, size_t bytes);

#endif
