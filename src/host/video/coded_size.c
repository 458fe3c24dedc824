/* SPDX-License-Identifier: Apache-2.0 */
/* coded_size.c - see coded_size.h. */
#include "coded_size.h"

#include "core/status.h"

enum { PACKETS = 64 }; /* that are looked at: headers come first, and again with every key picture */

typedef struct reader {
    AVCodecParserContext *parser;
    AVCodecContext *codec; /* never opened: the parser leaves there what it reads */
} reader;

static tsm_status open_reader(reader *r, const AVCodecParameters *stream, tsm_error *error)
{
    r->parser = av_parser_init(stream->codec_id);
    if (!r->parser) return TSM_OK; /* there is none for this codec */
    r->codec = avcodec_alloc_context3(NULL);
    if (!r->codec || avcodec_parameters_to_context(r->codec, stream) < 0)
        return tsm_fail_memory(error, sizeof(AVCodecContext));
    return TSM_OK;
}

static tsm_status look_at(reader *r, const tsm_file *file, const AVPacket *packet, tsm_error *error)
{
    const uint8_t *at = packet->data;
    int left = packet->size;

    while (left > 0) {
        uint8_t *out;
        int bytes, used = av_parser_parse2(r->parser, r->codec, &out, &bytes, at, left, packet->pts, packet->dts, 0);
        int width = r->parser->width > 0 ? r->parser->width : r->codec->width;
        int height = r->parser->height > 0 ? r->parser->height : r->codec->height;

        if (width > 0 && height > 0)
            TSM_TRY_RETURN(tsm_limits_check_frame(file->limits, width, height, file->path, error));
        if (used <= 0) break;
        at += used;
        left -= used;
    }
    return TSM_OK;
}

tsm_status tsm_check_coded_size(tsm_packets *packets, tsm_error *error)
{
    reader r = { 0 };
    tsm_status status;

    TSM_TRY(tsm_packets_rewind(packets, error));
    TSM_TRY(open_reader(&r, packets->file->stream->codecpar, error));
    for (int i = 0; r.codec && i < PACKETS; i++) {
        const AVPacket *packet;

        TSM_TRY(tsm_packets_next(packets, &packet, error));
        if (!packet) break;
        TSM_TRY(look_at(&r, packets->file, packet, error));
    }
fail:
    av_parser_close(r.parser);
    avcodec_free_context(&r.codec);
    return status;
}
