/* SPDX-License-Identifier: Apache-2.0 */
/* decode.h - the frames that clips need, out of a video file. */
#ifndef TSM_VIDEO_DECODE_H
#define TSM_VIDEO_DECODE_H

#include "clips.h"
#include "convert.h"
#include "packets.h"

/* Which way to the frames; AUTO is the one for users, the others are for tests. */
typedef enum tsm_decode_way { TSM_DECODE_AUTO, TSM_DECODE_ALL_FRAMES } tsm_decode_way;

/* A stream being decoded. Frame n is the n-th that a plain decoder puts out, whichever way is taken. */
typedef struct tsm_decoder {
    tsm_clips *clips;
    tsm_file *file;
    tsm_packets packets;
    AVCodecContext *codec;
    AVFrame *frame;
    tsm_converter converter;
    int jumps;    /* over packets that no needed frame depends on, for tests and benches */
    int sent;     /* packets given to the codec */
    bool damaged; /* the codec has reported an error, or made up a part of a frame */
    bool alone;   /* decode with one thread, whatever the caller allows */
    bool starved; /* the codec was without memory */
} tsm_decoder;

/* Plans and fills `clips` from the file at `path`, or from an open one (`descriptor`, otherwise -1). Errors: those of
 * tsm_video_load. */
tsm_status tsm_decode_video(tsm_clips *clips, int descriptor, const char *path, tsm_decode_way way, tsm_error *error);

/* Steps that both ways share: open (or open anew) the codec; free all but file and clips; hand over the frame. */
tsm_status tsm_decoder_open(tsm_decoder *decoder, tsm_error *error);
void tsm_decoder_close(tsm_decoder *decoder);

/* What avcodec_send_packet and avcodec_receive_frame return, and AVERROR(ENOMEM) where memory was short within. */
int tsm_decoder_send(tsm_decoder *decoder, const AVPacket *packet);
int tsm_decoder_receive(tsm_decoder *decoder);
tsm_status tsm_decoder_put(tsm_decoder *decoder, int number, tsm_error *error);

/* Decodes every frame, counting. */
tsm_status tsm_decode_all(tsm_decoder *decoder, tsm_error *error);

/* Decodes by the index what the wanted frames depend on. *done is false where the codec did not give what the index
 * promises: then nothing counts, and all frames must be decoded. */
tsm_status tsm_decode_indexed(tsm_decoder *decoder, bool *done, tsm_error *error);

#endif
