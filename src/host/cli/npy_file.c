/* SPDX-License-Identifier: Apache-2.0 */
/* .npy files on disk. Elements are host order in memory; the format here is little endian, as are all supported
 * hosts. */
#include "npy.h"

#include "report.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read and written as they lie in memory");

#define HEADER_ALIGNMENT 64 /* as NumPy writes it */

static tsm_status read_header(npy_reader *reader, tsm_error *error)
{
    uint64_t file_bytes = reader->input.bytes;
    size_t bytes = file_bytes < NPY_HEADER_BYTES ? (size_t)file_bytes : NPY_HEADER_BYTES;
    void *header = report_alloc(bytes, 1, error);
    tsm_status status;

    if (!header) return TSM_ERROR_MEMORY;
    status = input_read_at(&reader->input, reader->path, header, bytes, 0, error);
    if (status == TSM_OK)
        status = npy_parse_header(header, bytes, file_bytes, input_name(reader->path), &reader->array, error);
    free(header);
    return status;
}

tsm_status npy_open(npy_reader *reader, const char *path, tsm_error *error)
{
    tsm_status status;

    memset(reader, 0, sizeof *reader);
    reader->path = path;
    status = input_open(&reader->input, path, INPUT_MAX_BYTES, error);
    if (status == TSM_OK) status = read_header(reader, error);
    if (status != TSM_OK) npy_close(reader);
    return status;
}

tsm_status npy_read(const npy_reader *reader, size_t first, size_t count, void *out, tsm_error *error)
{
    size_t size = npy_element_bytes(reader->array.dtype);

    return input_read_at(&reader->input, reader->path, out, count * size,
                         reader->array.offset + (uint64_t)first * size, error);
}

void npy_close(npy_reader *reader)
{
    input_close(&reader->input);
}

tsm_status npy_begin(output_file *output, tsm_dtype dtype, const int64_t *dims, int ndim, tsm_error *error)
{
    npy_array array = { .dtype = dtype, .ndim = ndim };
    char shape[32 * NPY_MAX_DIMS], header[512];
    size_t padded;
    int length;

    if (ndim < 0 || ndim > NPY_MAX_DIMS)
        return report_fail(error, TSM_ERROR_ARGUMENT, "%s: %d dimensions", output->path, ndim);
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

    return output_write(output, header, padded, error);
}

tsm_status npy_append(output_file *output, tsm_dtype dtype, const void *elements, size_t count, tsm_error *error)
{
    return output_write(output, elements, count * npy_element_bytes(dtype), error);
}
