/* SPDX-License-Identifier: Apache-2.0 */
/* .npy files on disk. Elements are host order in memory; the format here is little endian, as are all supported
 * hosts. */
#include "npy.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read and written as they lie in memory");

#define HEADER_ALIGNMENT 64 /* as NumPy writes it */

/* pread until all is there; false with errno set (0 where the file ended). */
static bool read_at(int descriptor, void *out, size_t bytes, uint64_t offset)
{
    char *at = out;

    while (bytes) {
        ssize_t got = pread(descriptor, at, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (got == 0) errno = 0;
            return false;
        }
        at += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return true;
}

static tsm_status fail(tsm_error *error, const char *path)
{
    return report_fail(error, TSM_ERROR_IO, "%s: cannot be read: %s", path,
                       errno ? strerror(errno) : "it ended early");
}

static tsm_status read_header(npy_reader *reader, uint64_t file_bytes, tsm_error *error)
{
    size_t bytes = file_bytes < NPY_HEADER_BYTES ? (size_t)file_bytes : NPY_HEADER_BYTES;
    void *header = report_alloc(bytes, 1, error);
    tsm_status status;

    if (!header) return TSM_ERROR_MEMORY;
    if (read_at(reader->descriptor, header, bytes, 0)) {
        status = npy_parse_header(header, bytes, file_bytes, reader->path, &reader->array, error);
    } else {
        status = fail(error, reader->path);
    }
    free(header);
    return status;
}

tsm_status npy_open(npy_reader *reader, const char *path, tsm_error *error)
{
    struct stat about;
    tsm_status status;

    memset(reader, 0, sizeof *reader);
    reader->path = path;
    /* Opening a pipe must not wait for a writer. */
    reader->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->descriptor < 0) return fail(error, path);
    if (fstat(reader->descriptor, &about) != 0) {
        status = fail(error, path);
    } else if (!S_ISREG(about.st_mode)) {
        status = report_fail(error, TSM_ERROR_IO, "%s: not a regular file", path);
    } else {
        status = read_header(reader, (uint64_t)about.st_size, error);
    }
    if (status != TSM_OK) npy_close(reader);
    return status;
}

tsm_status npy_read(const npy_reader *reader, size_t first, size_t count, void *out, tsm_error *error)
{
    size_t size = npy_element_bytes(reader->array.dtype);

    if (read_at(reader->descriptor, out, count * size, reader->array.offset + (uint64_t)first * size)) return TSM_OK;
    return fail(error, reader->path);
}

void npy_close(npy_reader *reader)
{
    if (reader->descriptor >= 0) close(reader->descriptor);
    reader->descriptor = -1;
}

tsm_status npy_create(output_file *output, const char *path, tsm_dtype dtype, const int64_t *dims, int ndim,
                      tsm_error *error)
{
    npy_array array = { .dtype = dtype, .ndim = ndim };
    char shape[32 * NPY_MAX_DIMS], header[512];
    size_t padded;
    int length;
    tsm_status status;

    if (ndim < 0 || ndim > NPY_MAX_DIMS)
        return report_fail(error, TSM_ERROR_ARGUMENT, "%s: %d dimensions", path, ndim);
    memcpy(array.dims, dims, (size_t)ndim * sizeof *dims);
    npy_shape_text(&array, shape, sizeof shape);
    length = snprintf(header + 10, sizeof header - 10, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                      dtype == TSM_UINT8 ? "|u1" : "<f4", shape);
    padded = (10 + (size_t)length + 1 + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
    memset(header + 10 + length, ' ', padded - 10 - (size_t)length);
    header[padded - 1] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)((padded - 10) & 0xff);
    header[9] = (char)((padded - 10) >> 8);

    status = output_open(output, path, error);
    if (status != TSM_OK) return status;
    status = npy_append(output, TSM_UINT8, header, padded, error);
    if (status != TSM_OK) output_abort(output);
    return status;
}

tsm_status npy_append(output_file *output, tsm_dtype dtype, const void *elements, size_t count, tsm_error *error)
{
    if (fwrite(elements, npy_element_bytes(dtype), count, output->file) == count) return TSM_OK;
    return report_fail(error, TSM_ERROR_IO, "%s: cannot be written: %s", output->path, strerror(errno ? errno : EIO));
}
