/* SPDX-License-Identifier: Apache-2.0 */
/* indexed.c - decoding no more than the wanted frames depend on.
 *
 * The index knows which packet shows which frame, which packets others depend on, and where decoding can start.
 * Packets on which nothing wanted depends are not given to the codec at all; where a key packet lies between the
 * present place and the next wanted frame, everything before it is left out. No seeking: reading past packets costs
 * little, while seeking fails in several containers.
 *
 * Every picture given to the codec must come out again, with its time stamp: fields, hidden frames, damage and
 * misleading key flags show in that, and the plain way is taken instead. */
#include "decode.h"

#include "core/status.h"

enum { WORTH_A_JUMP = 3 }; /* packets saved; emptying the codec costs about as much as decoding a few */

typedef struct walk {
    tsm_decoder *decoder;
    const tsm_packets *packets;
    int *number;       /* of the frame that each packet shows, where it is wanted, otherwise 0 */
    size_t last;       /* the last wanted packet */
    int64_t *earliest; /* per packet: least time stamp of the wanted ones from there on */
    int64_t from;      /* time stamp of the key packet where decoding started: what comes earlier does not count */
    int expected, got; /* since then */
    int delivered;
    bool wrong; /* the codec does otherwise than the index says */
} walk;

/* ---- The plan ----------------------------------------------------------------------------------------------- */

static tsm_status mark_wanted(walk *w, tsm_error *error)
{
    const tsm_clips *clips = w->decoder->clips;
    size_t count = w->packets->count;
    int64_t least = INT64_MAX;

    w->number = tsm_alloc_zero(count, sizeof *w->number);
    w->earliest = tsm_alloc_zero(count, sizeof *w->earliest);
    if (!w->number || !w->earliest) return tsm_fail_memory(error, count * sizeof *w->earliest);
    for (int i = 0; i < clips->wanted_count; i++) {
        size_t at = w->packets->by_time[clips->wanted[i] - 1];
        w->number[at] = clips->wanted[i];
        if (at > w->last) w->last = at;
    }
    for (size_t i = count; i-- > 0;) {
        if (w->number[i] && w->packets->facts[i].pts < least) least = w->packets->facts[i].pts;
        w->earliest[i] = least;
    }
    return TSM_OK;
}

static bool to_send(const walk *w, size_t i)
{
    return w->packets->facts[i].needed || w->number[i];
}

/* The key packet to go on from instead of packet `at`; `at` itself where that is best. A key packet will do if no
 * wanted frame is decoded before it, and none is shown before it that is decoded later. */
static size_t next_start(const walk *w, size_t at)
{
    size_t best = at;
    int saved = 0, saved_to_best = 0;

    for (size_t i = at; i <= w->last; i++) {
        const tsm_packet_facts *facts = &w->packets->facts[i];
        if (facts->key && facts->shown && i > at && facts->pts <= w->earliest[i]) {
            best = i;
            saved_to_best = saved;
        }
        if (w->number[i]) break;
        saved += to_send(w, i);
    }
    return saved_to_best >= WORTH_A_JUMP ? best : at;
}

/* ---- Frames coming out -------------------------------------------------------------------------------------- */

/* The packet with this time stamp, or the number of packets. */
static size_t find_time(const tsm_packets *packets, int64_t pts)
{
    size_t low = 0, high = (size_t)packets->shown;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (packets->facts[packets->by_time[middle]].pts < pts)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == (size_t)packets->shown || packets->facts[packets->by_time[low]].pts != pts) return packets->count;
    return packets->by_time[low];
}

static tsm_status take_frame(walk *w, tsm_error *error)
{
    const AVFrame *frame = w->decoder->frame;
    size_t at = find_time(w->packets, frame->pts);

    if (at == w->packets->count) {
        w->wrong = true;
        return TSM_OK;
    }
    if (frame->pts < w->from) return TSM_OK;
    /* The picture that decoding started with must stand on its own. */
    if (frame->pts == w->from && frame->pict_type != AV_PICTURE_TYPE_I) w->wrong = true;
    if (frame->decode_error_flags) w->decoder->damaged = true;
    if (frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT)) w->wrong = true;
    w->got++;
    if (w->wrong || !w->number[at]) return TSM_OK;
    w->delivered++;
    return tsm_decoder_put(w->decoder, w->number[at], error);
}

static tsm_status take_frames(walk *w, bool forgive, tsm_error *error)
{
    while (!w->wrong) {
        int code = tsm_decoder_receive(w->decoder);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return TSM_OK;
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, w->decoder->file->path, code, "");
        if (code < 0) {
            w->wrong = w->decoder->damaged = !forgive;
            return TSM_OK;
        }
        TSM_TRY_RETURN(take_frame(w, error));
        av_frame_unref(w->decoder->frame);
    }
    return TSM_OK;
}

/* ---- Packets going in --------------------------------------------------------------------------------------- */

static tsm_status send(walk *w, const AVPacket *packet, const tsm_packet_facts *facts, tsm_error *error)
{
    /* Shown before the key packet but decoded after it: such pictures may lack what they are predicted from. */
    bool leading = facts->pts < w->from;
    int code = tsm_decoder_send(w->decoder, packet);

    if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, w->decoder->file->path, code, "");
    if (code < 0 && !leading) w->wrong = w->decoder->damaged = true;
    if (facts->shown && !leading) w->expected++;
    return take_frames(w, leading, error);
}

/* Has the codec give what it holds back, and checks that nothing is missing. */
static tsm_status drain(walk *w, tsm_error *error)
{
    const int code = tsm_decoder_send(w->decoder, NULL);

    if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, w->decoder->file->path, code, "");
    if (code < 0) w->wrong = true;
    TSM_TRY_RETURN(take_frames(w, false, error));
    if (w->got != w->expected) w->wrong = true;
    return TSM_OK;
}

/* Starts afresh at key packet `at`. */
static tsm_status jump(walk *w, size_t at, tsm_error *error)
{
    if (w->expected > 0) {
        TSM_TRY_RETURN(drain(w, error));
        avcodec_flush_buffers(w->decoder->codec);
    }
    /* Behind a key packet that is not an IDR picture the H.264 decoder, when drained, withholds pictures as not yet
     * recovered. Those before the key picture are ignored here anyway, and it must be intra-coded. */
    w->decoder->codec->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    w->expected = w->got = 0;
    w->from = w->packets->facts[at].pts;
    w->decoder->jumps++;
    return TSM_OK;
}

static tsm_status walk_packets(walk *w, tsm_error *error)
{
    bool choose = true; /* at the start, and behind every wanted packet */
    size_t start = 0;

    for (size_t i = 0; i <= w->last && !w->wrong; i++) {
        const AVPacket *packet;
        TSM_TRY_RETURN(tsm_packets_next(&w->decoder->packets, &packet, error));
        if (!packet || packet->pts != w->packets->facts[i].pts) {
            w->wrong = true; /* the file is read differently the second time */
            break;
        }
        TSM_TRY_RETURN(tsm_limits_check(w->decoder->file->limits, w->decoder->file->path, error));
        if (choose) {
            start = next_start(w, i);
            if (start > i) TSM_TRY_RETURN(jump(w, start, error));
        }
        choose = w->number[i] != 0;
        if (i >= start && to_send(w, i)) TSM_TRY_RETURN(send(w, packet, &w->packets->facts[i], error));
    }
    return w->wrong ? TSM_OK : drain(w, error);
}

tsm_status tsm_decode_indexed(tsm_decoder *decoder, bool *done, tsm_error *error)
{
    walk w = { .decoder = decoder, .packets = &decoder->packets, .from = INT64_MIN };
    tsm_status status;

    *done = false;
    TSM_TRY(tsm_clips_plan(decoder->clips, decoder->packets.shown, error));
    TSM_TRY(mark_wanted(&w, error));
    TSM_TRY(walk_packets(&w, error));
    *done = !w.wrong && w.delivered == decoder->clips->wanted_count;
fail:
    tsm_free(w.number);
    tsm_free(w.earliest);
    return status;
}
