/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pytorch.c - any bytes as a file of PyTorch or PaddlePaddle, every set of weights in it; as a bare pickle where
 * they begin like none. */
#include "fuzz.h"
#include "checkpoint/torch_file.h"

/* Touches every tensor's data, so that a sanitizer sees one that lies elsewhere. */
static unsigned sum_bytes(const tsm_checkpoint *checkpoint)
{
    unsigned sum = 0;

    for (int i = 0; i < checkpoint->count; i++)
        for (uint64_t k = 0; k < checkpoint->tensors[i].bytes; k++)
            sum += ((const uint8_t *)checkpoint->tensors[i].data)[k];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const tsm_source source = { .fd = -1, .bytes = data, .size = bytes };
    tsm_checkpoint *checkpoint;
    tsm_pickle pickle = { 0 };
    uint32_t root;
    size_t used;
    tsm_error error;
    tsm_status status;

    if (!tsm_torch_recognise(data, bytes)) {
        status = tsm_pickle_read(&pickle, data, bytes, &root, &used, &error);
        fuzz_check(status, &error);
        if (status == TSM_OK && (used > bytes || root >= pickle.value_count)) abort();
        tsm_pickle_clear(&pickle);
        return 0;
    }
    tsm_alloc_fail_at(0);
    status = tsm_torch_read(&checkpoint, &source, &error);
    fuzz_bound(tsm_alloc_bytes(), bytes);
    fuzz_check(status, &error);
    if ((status == TSM_OK) != (checkpoint != NULL)) abort();
    for (int i = 0; checkpoint && i < checkpoint->set_count; i++) {
        status = tsm_checkpoint_select(checkpoint, i, &error);
        fuzz_check(status, &error);
        if (status == TSM_OK && sum_bytes(checkpoint) == UINT32_MAX) abort();
    }
    tsm_checkpoint_destroy(&checkpoint);
    return 0;
}
