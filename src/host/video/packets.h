/* SPDX-License-Identifier: Apache-2.0 */
/* packets.h - the packets of a video stream: one pass to learn about all of them, then as many as decoding takes. */
#ifndef TSM_VIDEO_PACKETS_H
#define TSM_VIDEO_PACKETS_H

#include "file.h"

typedef struct tsm_packet_facts {
    int64_t pts;
    bool key;     /* decoding can start here */
    bool shown;   /* its picture is displayed: it is not only there for others */
    bool needed;  /* other pictures may be predicted from it */
    int8_t layer; /* temporal layer of HEVC */
} tsm_packet_facts;

typedef struct tsm_packets {
    tsm_file *file;
    tsm_packet_facts *facts; /* in decoding order */
    size_t count, room;
    size_t *by_time; /* the shown ones in order of display, where `indexed` */
    int shown;       /* how many of them */
    bool indexed;    /* the n-th frame is the one of the n-th time stamp, and can be decoded without all the others */
    double duration_s;

    AVPacket **kept; /* all packets, where they fit into the room for them, else NULL */
    int64_t kept_bytes, kept_room;
    AVPacket *read;
    size_t next;
} tsm_packets;

/* Reads through the file once, keeping the packets in memory if they need no more than `kept_room` bytes. `packets`
 * starts zeroed and is freed by the caller in any case. */
tsm_status tsm_packets_index(tsm_packets *packets, tsm_file *file, int64_t kept_room, tsm_error *error);
void tsm_packets_free(tsm_packets *packets);

/* Goes back to the first packet. */
tsm_status tsm_packets_rewind(tsm_packets *packets, tsm_error *error);

/* The next packet, to be left as it is and valid until the next call; NULL at the end. */
tsm_status tsm_packets_next(tsm_packets *packets, const AVPacket **packet, tsm_error *error);

#endif
