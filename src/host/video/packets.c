/* SPDX-License-Identifier: Apache-2.0 */
/* packets.c - see packets.h. */
#include "packets.h"

#include <stdlib.h>

#include "core/status.h"
#include "limits.h"
#include "nal.h"

/* What the first pass gathers besides the facts. */
typedef struct survey {
    tsm_nal_format nal;
    bool has_nal, intra, doubtful, timed;
    int top_layer;
    int64_t first, end; /* time stamps */
} survey;

/* ---- The list ----------------------------------------------------------------------------------------------- */

static void drop_kept(tsm_packets *packets, size_t count)
{
    for (size_t i = 0; packets->kept && i < count; i++) av_packet_free(&packets->kept[i]);
    tsm_free(packets->kept);
    packets->kept = NULL;
}

void tsm_packets_free(tsm_packets *packets)
{
    drop_kept(packets, packets->count);
    tsm_free(packets->facts);
    tsm_free(packets->by_time);
    av_packet_free(&packets->read);
}

static tsm_status make_room(tsm_packets *packets, tsm_error *error)
{
    size_t room = packets->room ? packets->room * 2 : 512;
    tsm_packet_facts *facts;

    if (packets->count < packets->room) return TSM_OK;
    facts = tsm_realloc(packets->facts, room, sizeof *facts);
    if (!facts) return tsm_fail_memory(error, room * sizeof *facts);
    packets->facts = facts;
    if (packets->kept || !packets->room) {
        AVPacket **kept = tsm_realloc(packets->kept, room, sizeof(AVPacket *));
        if (!kept) return tsm_fail_memory(error, room * sizeof(AVPacket *));
        packets->kept = kept;
    }
    packets->room = room;
    return TSM_OK;
}

/* Keeps the packet just read, until all together are too large for that. */
static tsm_status keep(tsm_packets *packets, tsm_error *error)
{
    if (!packets->kept) return TSM_OK;
    packets->kept_bytes += packets->read->size + (int64_t)sizeof(AVPacket);
    if (packets->kept_bytes > packets->kept_room) {
        drop_kept(packets, packets->count);
        return TSM_OK;
    }
    packets->kept[packets->count] = av_packet_clone(packets->read);
    if (!packets->kept[packets->count]) return tsm_fail_memory(error, (size_t)packets->read->size);
    return TSM_OK;
}

/* ---- The first pass ----------------------------------------------------------------------------------------- */

/* Codecs whose packets give one frame each. MPEG-4 has packets without a picture, VP8 pictures that are not shown. */
static bool one_frame_a_packet(enum AVCodecID codec, const survey *s)
{
    return s->has_nal || s->intra || codec == AV_CODEC_ID_VP9 || codec == AV_CODEC_ID_AV1;
}

static void note_time(const AVPacket *packet, survey *s)
{
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts, end;

    if (time == AV_NOPTS_VALUE || packet->duration < 0) return;
    if (__builtin_add_overflow(time, packet->duration, &end)) return;
    if (!s->timed || time < s->first) s->first = time;
    if (!s->timed || end > s->end) s->end = end;
    s->timed = true;
}

static void note_packet(tsm_packets *packets, survey *s)
{
    const AVPacket *packet = packets->read;
    tsm_packet_facts *facts = &packets->facts[packets->count];

    *facts = (tsm_packet_facts){
        .pts = packet->pts,
        .key = (packet->flags & AV_PKT_FLAG_KEY) != 0,
        .shown = packet->size > 0 && !(packet->flags & AV_PKT_FLAG_DISCARD),
        .needed = !s->intra,
    };
    if (packet->pts == AV_NOPTS_VALUE || packet->size <= 0 || (packet->flags & AV_PKT_FLAG_CORRUPT))
        s->doubtful = true;
    if (s->has_nal && packet->size > 0) {
        tsm_nal_summary sum = tsm_nal_summarize(s->nal, packet->data, (size_t)packet->size);
        if (!sum.whole) s->doubtful = true;
        facts->key = facts->key && sum.start;
        facts->needed = sum.reference || av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, NULL) ||
                        av_packet_get_side_data(packet, AV_PKT_DATA_PARAM_CHANGE, NULL);
        facts->layer = (int8_t)sum.layer;
        if (sum.layer > s->top_layer) s->top_layer = sum.layer;
    }
    if (facts->shown) {
        note_time(packet, s);
        packets->shown++;
    }
}

static tsm_status read_all(tsm_packets *packets, survey *s, tsm_error *error)
{
    for (;;) {
        bool end;
        TSM_TRY_RETURN(tsm_file_read(packets->file, packets->read, &end, error));
        if (end) return TSM_OK;
        TSM_TRY_RETURN(tsm_limits_check(packets->file->limits, packets->file->path, error));
        /* A packet takes at least a byte of the file. */
        if ((int64_t)packets->count >= packets->file->limits->frames ||
            (int64_t)packets->count > packets->file->bytes)
            return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, packets->file->path, "more than %zu frames",
                                 packets->count);
        TSM_TRY_RETURN(make_room(packets, error));
        TSM_TRY_RETURN(keep(packets, error));
        note_packet(packets, s);
        packets->count++;
        av_packet_unref(packets->read);
    }
}

/* ---- The index ---------------------------------------------------------------------------------------------- */

static int compare_times(const void *a, const void *b, void *facts)
{
    const tsm_packet_facts *list = facts;
    int64_t left = list[*(const size_t *)a].pts, right = list[*(const size_t *)b].pts;

    return (left > right) - (left < right);
}

/* Fills by_time; false where two packets have the same time, or a picture comes before the first one decoded. */
static bool sort_by_time(tsm_packets *packets)
{
    size_t kept = 0;

    for (size_t i = 0; i < packets->count; i++) packets->by_time[i] = i;
    qsort_r(packets->by_time, packets->count, sizeof *packets->by_time, compare_times, packets->facts);
    for (size_t i = 0; i < packets->count; i++) {
        size_t at = packets->by_time[i];
        if (i > 0 && packets->facts[at].pts == packets->facts[packets->by_time[i - 1]].pts) return false;
        if (packets->facts[at].shown && packets->facts[at].pts < packets->facts[0].pts) return false;
    }
    for (size_t i = 0; i < packets->count; i++)
        if (packets->facts[packets->by_time[i]].shown) packets->by_time[kept++] = packets->by_time[i];
    return true;
}

static tsm_status build_index(tsm_packets *packets, const survey *s, tsm_error *error)
{
    enum AVCodecID codec = packets->file->stream->codecpar->codec_id;

    if (s->doubtful || !packets->count || !packets->facts[0].key || !one_frame_a_packet(codec, s)) return TSM_OK;
    packets->by_time = tsm_alloc_zero(packets->count, sizeof *packets->by_time);
    if (!packets->by_time) return tsm_fail_memory(error, packets->count * sizeof *packets->by_time);
    /* Below the top layer, pictures that their own layer does not use may still serve the layers above. */
    for (size_t i = 0; i < packets->count; i++)
        if (packets->facts[i].layer < s->top_layer) packets->facts[i].needed = true;
    packets->indexed = sort_by_time(packets);
    return TSM_OK;
}

tsm_status tsm_packets_index(tsm_packets *packets, tsm_file *file, int64_t kept_room, tsm_error *error)
{
    const AVCodecDescriptor *codec = avcodec_descriptor_get(file->stream->codecpar->codec_id);
    enum AVCodecID id = file->stream->codecpar->codec_id;
    AVRational unit = file->stream->time_base;
    survey s = { .has_nal = id == AV_CODEC_ID_H264 || id == AV_CODEC_ID_HEVC,
                 .intra = codec && (codec->props & AV_CODEC_PROP_INTRA_ONLY) != 0 };
    int64_t length;

    packets->file = file;
    packets->kept_room = kept_room;
    packets->read = av_packet_alloc();
    if (!packets->read) return tsm_fail_memory(error, sizeof(AVPacket));
    if (s.has_nal) s.nal = tsm_nal_format_of(file->stream->codecpar);
    TSM_TRY_RETURN(read_all(packets, &s, error));
    if (!__builtin_sub_overflow(s.end, s.first, &length) && unit.den > 0)
        packets->duration_s = (double)length * unit.num / unit.den;
    TSM_TRY_RETURN(build_index(packets, &s, error));
    return tsm_packets_rewind(packets, error);
}

/* ---- Further passes ----------------------------------------------------------------------------------------- */

tsm_status tsm_packets_rewind(tsm_packets *packets, tsm_error *error)
{
    packets->next = 0;
    if (packets->kept) return TSM_OK;
    return tsm_file_rewind(packets->file, error);
}

tsm_status tsm_packets_next(tsm_packets *packets, const AVPacket **packet, tsm_error *error)
{
    bool end = packets->next >= packets->count;

    *packet = NULL;
    if (!end && packets->kept) {
        *packet = packets->kept[packets->next];
    } else if (!end) {
        av_packet_unref(packets->read);
        TSM_TRY_RETURN(tsm_file_read(packets->file, packets->read, &end, error));
        if (!end) *packet = packets->read;
    }
    if (*packet) packets->next++;
    return TSM_OK;
}
