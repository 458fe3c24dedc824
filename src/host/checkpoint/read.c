/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - finds out which container bytes are, and has that one's reader read them. */
#include "checkpoint.h"
#include "safetensors.h"
#include "source.h"
#include "torch_file.h"

static tsm_status read_source(tsm_checkpoint **checkpoint, const tsm_source *source, tsm_error *error)
{
    uint8_t head[32];
    size_t got = source->size < sizeof head ? (size_t)source->size : sizeof head;

    TSM_TRY_RETURN(tsm_source_read(source, 0, head, got, error));
    if (tsm_torch_recognise(head, got)) return tsm_torch_read(checkpoint, source, error);
    return tsm_safetensors_read(checkpoint, source, error);
}

tsm_status tsm_checkpoint_read_file(tsm_checkpoint **checkpoint, const char *path, const tsm_cancel *cancel,
                                    tsm_error *error)
{
    tsm_source source;
    tsm_status status;

    *checkpoint = NULL;
    TSM_TRY_RETURN(tsm_source_open(&source, path, error));
    source.cancel = cancel;
    status = read_source(checkpoint, &source, error);
    tsm_source_close(&source);
    return status;
}

tsm_status tsm_checkpoint_read_memory(tsm_checkpoint **checkpoint, const void *data, size_t bytes, tsm_error *error)
{
    const tsm_source source = { .fd = -1, .bytes = data, .size = bytes };

    *checkpoint = NULL;
    return read_source(checkpoint, &source, error);
}
