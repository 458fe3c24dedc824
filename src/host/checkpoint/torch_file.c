/* SPDX-License-Identifier: Apache-2.0 */
/* torch_file.c - see torch_file.h. */
#include "torch_file.h"

#include <string.h>

#include "reader.h"

static bool is_zip(const uint8_t *head, size_t bytes)
{
    return bytes >= 4 && memcmp(head, "PK\3\4", 4) == 0;
}

/* From protocol 4 on what follows the first two bytes is in a frame, whose length is before it. */
static bool is_legacy(const uint8_t *head, size_t bytes)
{
    static const uint8_t magic[] = { 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };
    const size_t at = bytes > 2 && head[2] == 0x95 ? 11 : 2;

    return bytes >= at + sizeof magic && head[0] == 0x80 && memcmp(head + at, magic, sizeof magic) == 0;
}

/* A small header of safetensors looks like the beginning of a pickle, but for what follows its length. */
static bool is_pickle(const uint8_t *head, size_t bytes)
{
    if (bytes < 3 || head[0] != 0x80 || head[1] < 2 || head[1] > 5) return false;
    return bytes < 9 || head[8] != '{' || memcmp(head + 4, "\0\0\0\0", 4) != 0;
}

bool tsm_torch_recognise(const uint8_t *head, size_t bytes)
{
    return is_zip(head, bytes) || is_legacy(head, bytes) || is_pickle(head, bytes);
}

static tsm_status read_container(tsm_torch_file *file, tsm_error *error)
{
    size_t used;

    switch (file->container) {
    case TSM_TORCH_ZIP: return tsm_torch_read_zip(file, error);
    case TSM_TORCH_LEGACY: return tsm_torch_read_legacy(file, error);
    default: return tsm_pickle_read(&file->pickle, file->data, file->bytes, &file->root, &used, error);
    }
}

/* For tsm_checkpoint_select. */
static tsm_status read_set(void *state, int set, tsm_checkpoint *checkpoint, tsm_error *error)
{
    const tsm_torch_file *file = state;

    return tsm_torch_fill(file, file->dicts[set], checkpoint, error);
}

static void release(void *state)
{
    tsm_torch_file *file = state;

    tsm_pickle_clear(&file->pickle);
    tsm_free(file->storages.items);
    tsm_free(file);
}

/* The whole file into memory of the checkpoint. */
static tsm_status load_file(tsm_torch_file *file, tsm_checkpoint *checkpoint, const tsm_source *source,
                            tsm_error *error)
{
    static const char *const names[] = { "PyTorch zip", "PyTorch legacy stream", "NumPy pickle" };
    uint8_t *data = tsm_alloc_aligned((size_t)source->size, 1);

    if (!data) return tsm_fail_memory(error, (size_t)source->size);
    checkpoint->buffer = data;
    file->data = data;
    file->bytes = (size_t)source->size;
    TSM_TRY_RETURN(tsm_source_read(source, 0, data, file->bytes, error));
    file->container = is_zip(data, file->bytes)      ? TSM_TORCH_ZIP
                      : is_legacy(data, file->bytes) ? TSM_TORCH_LEGACY
                                                     : TSM_TORCH_PICKLE;
    checkpoint->container = names[file->container];
    return TSM_OK;
}

/* "state_dict" where there is one, else the first. */
static int first_choice(const tsm_checkpoint *checkpoint)
{
    for (int i = 0; i < checkpoint->set_count; i++)
        if (strcmp(checkpoint->sets[i], "state_dict") == 0) return i;
    return 0;
}

tsm_status tsm_torch_read(tsm_checkpoint **checkpoint, const tsm_source *source, tsm_error *error)
{
    tsm_checkpoint *made = tsm_checkpoint_create("PyTorch");
    tsm_torch_file *file = tsm_alloc_zero(1, sizeof *file);
    tsm_status status = TSM_OK;

    *checkpoint = NULL;
    if (!made || !file) {
        tsm_free(file);
        tsm_checkpoint_destroy(&made);
        return tsm_fail_memory(error, sizeof *file);
    }
    made->set_reader = (tsm_set_reader){ read_set, release, file };
    TSM_TRY(load_file(file, made, source, error));
    TSM_TRY(read_container(file, error));
    TSM_TRY(tsm_torch_find_sets(file, made, error));
    TSM_TRY(tsm_checkpoint_select(made, first_choice(made), error));
    *checkpoint = made;
    return TSM_OK;
fail:
    tsm_checkpoint_destroy(&made);
    return status;
}
