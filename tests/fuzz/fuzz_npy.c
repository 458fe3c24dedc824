/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npy.c - any bytes as a .npy file, whole, and as the beginning of a larger one. */
#include "cli/npy.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    npy_array array;
    char text[64];
    tsm_error error;
    tsm_status status = npy_parse(data, bytes, "fuzz", &array, &error);

    fuzz_check(status, &error);
    if (status == TSM_OK) {
        size_t size = npy_element_bytes(array.dtype);

        if (array.offset > bytes || array.count > (bytes - array.offset) / size) abort();
        npy_shape_text(&array, text, sizeof text);
        if (!memchr(text, '\0', sizeof text)) abort();
    }
    fuzz_check(npy_parse_header(data, bytes, UINT64_C(1) << 40, "fuzz", &array, &error), &error);
    return 0;
}
