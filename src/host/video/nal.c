/* SPDX-License-Identifier: Apache-2.0 */
/* nal.c - see nal.h. */
#include "nal.h"

tsm_nal_format tsm_nal_format_of(const AVCodecParameters *codec)
{
    tsm_nal_format format = { .hevc = codec->codec_id == AV_CODEC_ID_HEVC };
    const uint8_t *header = codec->extradata;
    int bytes = codec->extradata_size;

    /* A configuration record starts with its version, 1; parameter sets behind start codes start with zeros. */
    if (format.hevc && bytes >= 23 && (header[0] || header[1] || header[2] > 1))
        format.length_bytes = (header[21] & 3) + 1;
    if (!format.hevc && bytes >= 7 && header[0] == 1) format.length_bytes = (header[4] & 3) + 1;
    return format;
}

/* ---- Units one after the other ------------------------------------------------------------------------------ */

typedef struct cursor {
    const uint8_t *at, *end;
} cursor;

static bool next_by_length(cursor *c, int length_bytes, const uint8_t **unit, size_t *bytes)
{
    size_t length = 0;

    if (c->end - c->at < length_bytes) return false;
    for (int i = 0; i < length_bytes; i++) length = length << 8 | *c->at++;
    if (length == 0 || length > (size_t)(c->end - c->at)) return false;
    *unit = c->at;
    *bytes = length;
    c->at += length;
    return true;
}

/* The byte after the next 00 00 01, or the end. */
static const uint8_t *after_start_code(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 3; at++)
        if (at[0] == 0 && at[1] == 0 && at[2] == 1) return at + 3;
    return end;
}

static bool next_by_start_code(cursor *c, const uint8_t **unit, size_t *bytes)
{
    *unit = after_start_code(c->at, c->end);
    if (*unit == c->end) return false;
    c->at = after_start_code(*unit, c->end);
    *bytes = (size_t)(c->at - *unit);
    if (c->at != c->end) c->at -= 3;
    return true;
}

/* ---- Recovery points of H.264 ------------------------------------------------------------------------------- */

typedef struct payload_reader {
    const uint8_t *at, *end;
    int zeros; /* just read: after two of them a 3 is no data */
} payload_reader;

static int next_byte(payload_reader *r)
{
    int byte;

    if (r->zeros >= 2 && r->at < r->end && *r->at == 3) {
        r->at++;
        r->zeros = 0;
    }
    if (r->at == r->end) return -1;
    byte = *r->at++;
    r->zeros = byte ? 0 : r->zeros + 1;
    return byte;
}

/* Types and sizes of messages: any number of 255, then the rest. */
static int next_number(payload_reader *r)
{
    int sum = 0, byte;

    do {
        byte = next_byte(r);
        if (byte < 0 || sum > 1 << 20) return -1;
        sum += byte;
    } while (byte == 255);
    return sum;
}

/* Whether the unit has a recovery point message that says: after 0 frames, and exactly. */
static bool is_recovery_point(const uint8_t *unit, size_t bytes)
{
    payload_reader r = { unit + 1, unit + bytes, 0 };

    for (;;) {
        int type = next_number(&r), size = next_number(&r);
        if (type < 0 || size < 0) return false;
        if (type == 6) {
            int first = next_byte(&r);
            return first >= 0 && (first & 0xc0) == 0xc0;
        }
        while (size-- > 0)
            if (next_byte(&r) < 0) return false;
    }
}

/* ---- One unit ----------------------------------------------------------------------------------------------- */

static void note_h264(tsm_nal_summary *sum, const uint8_t *unit, size_t bytes, bool *pictures)
{
    int type = unit[0] & 0x1f;
    bool slice = type >= 1 && type <= 5;

    if (type == 7 || type == 8 || type == 13 || type == 15) sum->reference = true;
    if (type == 5 || (type == 6 && is_recovery_point(unit, bytes))) sum->start = true;
    if (!slice) return;
    /* The first slice says macroblock 0: a leading one bit. */
    if (!*pictures) sum->whole = bytes >= 2 && (unit[1] & 0x80);
    *pictures = true;
    if (unit[0] & 0x60) sum->reference = true;
}

static void note_hevc(tsm_nal_summary *sum, const uint8_t *unit, size_t bytes, bool *pictures)
{
    int type = unit[0] >> 1 & 0x3f, layer;
    bool base = bytes >= 3 && (unit[0] & 1) == 0 && unit[1] >> 3 == 0;

    if (type >= 32 && type <= 34) sum->reference = true;
    if (type >= 32 || !base) return;
    layer = (unit[1] & 7) - 1;
    if (!*pictures) sum->whole = (unit[2] & 0x80) && layer >= 0;
    *pictures = true;
    if (type >= 16 && type <= 21) sum->start = true;
    if (layer > sum->layer) sum->layer = layer;
    /* Even types up to 14 are not used within their own temporal layer. */
    if (type % 2 || type > 14) sum->reference = true;
}

tsm_nal_summary tsm_nal_summarize(tsm_nal_format format, const uint8_t *data, size_t bytes)
{
    tsm_nal_summary sum = { 0 };
    cursor c = { data, data + bytes };
    const uint8_t *unit;
    size_t unit_bytes;
    bool pictures = false;

    for (;;) {
        bool more = format.length_bytes ? next_by_length(&c, format.length_bytes, &unit, &unit_bytes)
                                        : next_by_start_code(&c, &unit, &unit_bytes);
        if (!more) break;
        if (unit_bytes == 0) continue;
        if (format.hevc)
            note_hevc(&sum, unit, unit_bytes, &pictures);
        else
            note_h264(&sum, unit, unit_bytes, &pictures);
    }
    if (c.at != c.end && format.length_bytes) sum.whole = false;
    return sum;
}
