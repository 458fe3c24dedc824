/* SPDX-License-Identifier: Apache-2.0 */
/* The header: 6 bytes of magic, version, a little-endian length of 2 or 4 bytes, and then the text of a Python
 * dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape': (2, 8), } padded with spaces. */
#include "npy.h"

#include "report.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char magic[6] = "\x93NUMPY";

typedef struct cursor {
    const char *at, *end;
    const char *name;
    tsm_error *error;
} cursor;

enum { SEEN_DESCR = 1, SEEN_ORDER = 2, SEEN_SHAPE = 4, SEEN_ALL = 7 };

size_t npy_element_bytes(tsm_dtype dtype)
{
    return dtype == TSM_UINT8 ? 1 : 4;
}

static tsm_status fail(const cursor *c, const char *what)
{
    return report_fail(c->error, TSM_ERROR_FORMAT, "%s: not a usable .npy file: %s", c->name, what);
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

/* Takes `token` where the text goes on with it. */
static bool take(cursor *c, const char *token)
{
    size_t length = strlen(token);

    skip_blanks(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, token, length) != 0) return false;
    c->at += length;
    return true;
}

/* A quoted string without escapes, into `text`. */
static bool take_string(cursor *c, char *text, size_t bytes)
{
    char quote;
    size_t length = 0;

    skip_blanks(c);
    if (c->at >= c->end || (*c->at != '\'' && *c->at != '"')) return false;
    quote = *c->at++;
    while (c->at < c->end && *c->at != quote) {
        if (*c->at == '\\' || length + 1 >= bytes) return false;
        text[length++] = *c->at++;
    }
    if (c->at >= c->end) return false;
    c->at++;
    text[length] = '\0';
    return true;
}

static tsm_status parse_descr(cursor *c, npy_array *array)
{
    char descr[32];

    if (!take_string(c, descr, sizeof descr)) return fail(c, "its dtype is not a simple one");
    if (strcmp(descr, "<f4") == 0) {
        array->dtype = TSM_FLOAT32;
    } else if (strcmp(descr, "|u1") == 0 || strcmp(descr, "<u1") == 0) {
        array->dtype = TSM_UINT8;
    } else {
        return report_fail(c->error, TSM_ERROR_FORMAT, "%s: dtype '%s' is neither float32 ('<f4') nor uint8 ('|u1')",
                           c->name, descr);
    }
    return TSM_OK;
}

static tsm_status parse_dim(cursor *c, int64_t *dim)
{
    bool digits = false;

    *dim = 0;
    skip_blanks(c);
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, digits = true) {
        if (__builtin_mul_overflow(*dim, (int64_t)10, dim) || __builtin_add_overflow(*dim, *c->at - '0', dim)) {
            return fail(c, "a dimension does not fit 64 bits");
        }
    }
    return digits ? TSM_OK : fail(c, "its shape is not a tuple of whole numbers");
}

static tsm_status parse_shape(cursor *c, npy_array *array)
{
    bool comma = true;

    if (!take(c, "(")) return fail(c, "its shape is not a tuple");
    while (!take(c, ")")) {
        tsm_status status;

        if (!comma) return fail(c, "its shape lacks a comma");
        if (array->ndim == NPY_MAX_DIMS) return fail(c, "it has too many dimensions");
        status = parse_dim(c, &array->dims[array->ndim]);
        if (status != TSM_OK) return status;
        array->ndim++;
        comma = take(c, ",");
    }
    return array->ndim == 1 && !comma ? fail(c, "its shape is not a tuple") : TSM_OK;
}

static tsm_status parse_entry(cursor *c, npy_array *array, unsigned *seen)
{
    char key[32];
    unsigned is;

    if (!take_string(c, key, sizeof key)) return fail(c, "a key of its header is damaged");
    is = strcmp(key, "descr") == 0           ? SEEN_DESCR
         : strcmp(key, "fortran_order") == 0 ? SEEN_ORDER
         : strcmp(key, "shape") == 0         ? SEEN_SHAPE
                                             : 0;
    if (!is) return fail(c, "its header has an unknown key");
    if (*seen & is) return fail(c, "its header repeats a key");
    *seen |= is;
    if (!take(c, ":")) return fail(c, "its header lacks a colon");
    if (is == SEEN_DESCR) return parse_descr(c, array);
    if (is == SEEN_SHAPE) return parse_shape(c, array);
    if (take(c, "False")) return TSM_OK;
    return fail(c, take(c, "True") ? "it is in Fortran order" : "its order is neither True nor False");
}

static tsm_status parse_dictionary(cursor *c, npy_array *array)
{
    unsigned seen = 0;
    bool comma = true;

    if (!take(c, "{")) return fail(c, "its header is not a dictionary");
    while (!take(c, "}")) {
        tsm_status status;

        if (!comma) return fail(c, "its header lacks a comma");
        status = parse_entry(c, array, &seen);
        if (status != TSM_OK) return status;
        comma = take(c, ",");
    }
    skip_blanks(c);
    if (c->at != c->end) return fail(c, "something follows its header");
    return seen == SEEN_ALL ? TSM_OK : fail(c, "its header lacks descr, fortran_order or shape");
}

/* Where the dictionary lies, from the leading bytes. */
static tsm_status find_dictionary(cursor *c, size_t *begin, size_t *length)
{
    const unsigned char *bytes = (const unsigned char *)c->at;
    size_t available = (size_t)(c->end - c->at);
    size_t whole;

    if (available < 10 || memcmp(bytes, magic, sizeof magic) != 0) return fail(c, "it does not begin as one");
    if ((bytes[6] != 1 && bytes[6] != 2) || bytes[7] != 0) return fail(c, "its version is neither 1.0 nor 2.0");
    *begin = bytes[6] == 1 ? 10 : 12;
    if (available < *begin) return fail(c, "it ends within its header");
    *length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] == 2) *length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    whole = *begin + *length;
    if (whole > NPY_HEADER_BYTES) return fail(c, "its header is too long");
    return whole <= available ? TSM_OK : fail(c, "it ends within its header");
}

static tsm_status check_size(const cursor *c, npy_array *array, uint64_t file_bytes)
{
    uint64_t bytes = npy_element_bytes(array->dtype);
    bool overflow = false;

    for (int i = 0; i < array->ndim; i++) {
        /* An empty array is empty however large its other dims are. */
        if (array->dims[i] == 0) {
            array->count = 0;
            return file_bytes == array->offset ? TSM_OK : fail(c, "it is longer than its shape says");
        }
        overflow |= __builtin_mul_overflow(bytes, (uint64_t)array->dims[i], &bytes);
    }
    if (overflow || bytes > file_bytes - array->offset || bytes > SIZE_MAX) {
        return fail(c, "it is shorter than its shape says");
    }
    if (bytes < file_bytes - array->offset) return fail(c, "it is longer than its shape says");
    array->count = (size_t)(bytes / npy_element_bytes(array->dtype));
    return TSM_OK;
}

tsm_status npy_parse_header(const void *data, size_t bytes, uint64_t file_bytes, const char *name, npy_array *array,
                            tsm_error *error)
{
    cursor c = { .at = data, .end = (const char *)data + bytes, .name = name, .error = error };
    size_t begin = 0, length = 0;
    tsm_status status;

    memset(array, 0, sizeof *array);
    if (bytes == 0) return fail(&c, "it is empty");
    status = find_dictionary(&c, &begin, &length);
    if (status != TSM_OK) return status;
    array->offset = begin + length;
    c.at = (const char *)data + begin;
    c.end = c.at + length;
    status = parse_dictionary(&c, array);
    if (status != TSM_OK) return status;
    return check_size(&c, array, file_bytes);
}

tsm_status npy_parse(const void *data, size_t bytes, const char *name, npy_array *array, tsm_error *error)
{
    return npy_parse_header(data, bytes, bytes, name, array, error);
}

const char *npy_shape_text(const npy_array *array, char *text, size_t bytes)
{
    size_t used = (size_t)snprintf(text, bytes, "(");

    for (int i = 0; i < array->ndim && used < bytes; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "%s%lld", i ? ", " : "", (long long)array->dims[i]);
    }
    if (used < bytes) snprintf(text + used, bytes - used, array->ndim == 1 ? ",)" : ")");
    return text;
}
