/* SPDX-License-Identifier: Apache-2.0 */
/* npy.h - NumPy's .npy format, versions 1 and 2: float32 and uint8, C order, little endian.
 *
 * The header of a file is untrusted: nothing is allocated by what it says before that was held against the size
 * of the file. npy_parse reads memory and does no I/O; the reader and the writer work on files, piece by piece. */
#ifndef TSM_CLI_NPY_H
#define TSM_CLI_NPY_H

#include "input.h"
#include "output.h"

#include <stddef.h>
#include <stdint.h>
#include <tsm/tsm.h>

#define NPY_MAX_DIMS     8
#define NPY_HEADER_BYTES 65548 /* longest header that is read, with its 12 leading bytes */

typedef struct npy_array {
    tsm_dtype dtype; /* TSM_FLOAT32 or TSM_UINT8 */
    int ndim;
    int64_t dims[NPY_MAX_DIMS];
    size_t count;  /* product of the dims */
    size_t offset; /* of the first element, bytes */
} npy_array;

/* Bytes of one element. */
size_t npy_element_bytes(tsm_dtype dtype);

/* Understands the .npy file in data[0..bytes); elements begin at data + array->offset, unaligned. `name` stands for
 * the path in errors. Errors: FORMAT. */
tsm_status npy_parse(const void *data, size_t bytes, const char *name, npy_array *array, tsm_error *error);

/* The same where only the first `bytes` bytes of a file of `file_bytes` are at hand: all of a header of up to
 * NPY_HEADER_BYTES must be among them. */
tsm_status npy_parse_header(const void *data, size_t bytes, uint64_t file_bytes, const char *name, npy_array *array,
                            tsm_error *error);

/* Writes the shape as "(2, 8, 3)" for errors and reports; returns `text`. */
const char *npy_shape_text(const npy_array *array, char *text, size_t bytes);

/* ---- Reading a file ---------------------------------------------------------------------------------------- */

typedef struct npy_reader {
    npy_array array;
    const char *path; /* borrowed */
    input_file input;
} npy_reader;

/* Opens a file, or a stream that is read to its end first, and reads the header. Errors: IO, FORMAT, MEMORY. */
tsm_status npy_open(npy_reader *reader, const char *path, tsm_error *error);

/* Reads `count` elements from element `first` on. Errors: IO. */
tsm_status npy_read(const npy_reader *reader, size_t first, size_t count, void *out, tsm_error *error);

/* NPY_READER_INIT makes a reader that may be closed. */
#define NPY_READER_INIT                                                                                              \
    {                                                                                                                \
        .input = INPUT_FILE_INIT                                                                                     \
    }
void npy_close(npy_reader *reader);

/* ---- Writing a file: nothing is seen at the path before output_commit -------------------------------------- */

/* Writes the header of an array of these dims to an output that was just opened. Errors: IO, ARGUMENT. */
tsm_status npy_begin(output_file *output, tsm_dtype dtype, const int64_t *dims, int ndim, tsm_error *error);

/* Appends `count` elements. Errors: IO. */
tsm_status npy_append(output_file *output, tsm_dtype dtype, const void *elements, size_t count, tsm_error *error);

#endif
