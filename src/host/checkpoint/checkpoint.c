/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c - see checkpoint.h and reader.h. */
#include "reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    char name[10];
    unsigned char bytes;
} stored_types[TSM_STORED_COUNT] = {
#define TSM_STORED_ENTRY(name, bytes) { #name, bytes },
    TSM_STORED_TYPES(TSM_STORED_ENTRY)
#undef TSM_STORED_ENTRY
};

const char *tsm_stored_name(tsm_stored_type type)
{
    return type < TSM_STORED_COUNT ? stored_types[type].name : "?";
}

size_t tsm_stored_bytes(tsm_stored_type type)
{
    return type < TSM_STORED_COUNT ? stored_types[type].bytes : 0;
}

tsm_stored_type tsm_stored_find(const char *name)
{
    int type = 0;

    while (type < TSM_STORED_COUNT && strcmp(name, stored_types[type].name) != 0) type++;
    return (tsm_stored_type)type;
}

tsm_checkpoint *tsm_checkpoint_create(const char *container)
{
    tsm_checkpoint *checkpoint = tsm_alloc_zero(1, sizeof *checkpoint);

    if (checkpoint) checkpoint->container = container;
    return checkpoint;
}

static void clear_tensors(tsm_checkpoint *c)
{
    for (int i = 0; i < c->count; i++) {
        tsm_free(c->tensors[i].name);
        tsm_free(c->tensors[i].owned);
    }
    tsm_free(c->tensors);
    tsm_free(c->by_name);
    c->tensors = NULL;
    c->by_name = NULL;
    c->count = c->capacity = 0;
}

void tsm_checkpoint_settle(tsm_checkpoint *c)
{
    if (c->set_reader.release) c->set_reader.release(c->set_reader.state);
    c->set_reader = (tsm_set_reader){ 0 };
}

void tsm_checkpoint_destroy(tsm_checkpoint **checkpoint)
{
    tsm_checkpoint *c = checkpoint ? *checkpoint : NULL;

    if (!c) return;
    tsm_checkpoint_settle(c);
    clear_tensors(c);
    for (int i = 0; i < c->metadata_count; i++) {
        tsm_free(c->metadata[i].key);
        tsm_free(c->metadata[i].value);
    }
    for (int i = 0; i < c->set_count; i++) tsm_free(c->sets[i]);
    tsm_free(c->metadata);
    tsm_free(c->buffer);
    tsm_free(c);
    *checkpoint = NULL;
}

tsm_status tsm_checkpoint_add_set(tsm_checkpoint *checkpoint, const char *key, tsm_error *error)
{
    char *copy = tsm_strdup(key);

    if (!copy) return tsm_fail_memory(error, strlen(key));
    checkpoint->sets[checkpoint->set_count++] = copy;
    return TSM_OK;
}

tsm_status tsm_checkpoint_select(tsm_checkpoint *checkpoint, int set, tsm_error *error)
{
    clear_tensors(checkpoint);
    checkpoint->set = set;
    TSM_TRY_RETURN(checkpoint->set_reader.read(checkpoint->set_reader.state, set, checkpoint, error));
    return tsm_checkpoint_finish(checkpoint, error);
}

tsm_status tsm_checkpoint_reserve(tsm_checkpoint *checkpoint, int count, tsm_error *error)
{
    void *larger = tsm_realloc(checkpoint->tensors, (size_t)count, sizeof *checkpoint->tensors);

    if (!larger) return tsm_fail_memory(error, (size_t)count * sizeof *checkpoint->tensors);
    checkpoint->tensors = larger;
    checkpoint->capacity = count;
    return TSM_OK;
}

/* Makes room for one more element of `size` bytes in *array. */
static tsm_status grow(void **array, int count, int *capacity, size_t size, tsm_error *error)
{
    int wanted = *capacity ? *capacity : 32;
    void *larger;

    if (count < *capacity) return TSM_OK;
    if (*capacity > INT_MAX / 2) return tsm_fail_memory(error, SIZE_MAX);
    if (*capacity) wanted = *capacity * 2;
    larger = tsm_realloc(*array, (size_t)wanted, size);
    if (!larger) return tsm_fail_memory(error, (size_t)wanted * size);
    *array = larger;
    *capacity = wanted;
    return TSM_OK;
}

/* The number of elements and bytes of a shape, or false where they do not fit. */
static bool measure(const int64_t *dims, int ndim, tsm_stored_type type, int64_t *count, uint64_t *bytes)
{
    int64_t size;

    *count = 1;
    for (int i = 0; i < ndim; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(*count, dims[i], count)) return false;
    if (__builtin_mul_overflow(*count, (int64_t)tsm_stored_bytes(type), &size)) return false;
    *bytes = (uint64_t)size;
    return true;
}

tsm_status tsm_checkpoint_add(tsm_checkpoint *checkpoint, const char *name, tsm_stored_type type, const int64_t *dims,
                              int ndim, tsm_stored_tensor **tensor, tsm_error *error)
{
    tsm_stored_tensor made = { .type = type, .ndim = ndim };
    char text[TSM_DIMS_TEXT];

    if (ndim < 0 || ndim > TSM_STORED_MAX_DIMS)
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s has %d dimensions, more than %d", name, ndim,
                        TSM_STORED_MAX_DIMS);
    if (!measure(dims, ndim, type, &made.count, &made.bytes))
        return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s has the impossible shape %s", name,
                        tsm_dims_text(text, dims, ndim));
    if (ndim) memcpy(made.dims, dims, (size_t)ndim * sizeof *dims);
    TSM_TRY_RETURN(grow((void **)&checkpoint->tensors, checkpoint->count, &checkpoint->capacity, sizeof made, error));
    made.name = tsm_strdup(name);
    if (!made.name) return tsm_fail_memory(error, strlen(name));
    checkpoint->tensors[checkpoint->count] = made;
    *tensor = &checkpoint->tensors[checkpoint->count++];
    return TSM_OK;
}

tsm_status tsm_checkpoint_add_metadata(tsm_checkpoint *checkpoint, const char *key, const char *value,
                                       tsm_error *error)
{
    tsm_metadata *entry;

    TSM_TRY_RETURN(grow((void **)&checkpoint->metadata, checkpoint->metadata_count, &checkpoint->metadata_capacity,
                        sizeof *entry, error));
    entry = &checkpoint->metadata[checkpoint->metadata_count++];
    entry->key = tsm_strdup(key);
    entry->value = tsm_strdup(value);
    return entry->key && entry->value ? TSM_OK : tsm_fail_memory(error, strlen(key) + strlen(value));
}

static int compare_names(const void *a, const void *b, void *tensors)
{
    const tsm_stored_tensor *all = tensors;

    return strcmp(all[*(const int *)a].name, all[*(const int *)b].name);
}

tsm_status tsm_checkpoint_finish(tsm_checkpoint *checkpoint, tsm_error *error)
{
    int count = checkpoint->count;
    int *order = tsm_alloc_zero((size_t)count, sizeof *order);

    if (!order) return tsm_fail_memory(error, (size_t)count * sizeof *order);
    tsm_free(checkpoint->by_name);
    checkpoint->by_name = order;
    for (int i = 0; i < count; i++) order[i] = i;
    qsort_r(order, (size_t)count, sizeof *order, compare_names, checkpoint->tensors);
    for (int i = 1; i < count; i++)
        if (compare_names(&order[i - 1], &order[i], checkpoint->tensors) == 0)
            return tsm_fail(error, TSM_ERROR_FORMAT, "%.200s is there twice", checkpoint->tensors[order[i]].name);
    return TSM_OK;
}

const tsm_stored_tensor *tsm_checkpoint_find(const tsm_checkpoint *checkpoint, const char *name)
{
    int low = 0, high = checkpoint->count;

    while (low < high) {
        int middle = low + (high - low) / 2;
        const tsm_stored_tensor *tensor = &checkpoint->tensors[checkpoint->by_name[middle]];
        int order = strcmp(name, tensor->name);

        if (order == 0) return tensor;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *tsm_checkpoint_metadata(const tsm_checkpoint *checkpoint, const char *key)
{
    for (int i = 0; i < checkpoint->metadata_count; i++)
        if (strcmp(checkpoint->metadata[i].key, key) == 0) return checkpoint->metadata[i].value;
    return NULL;
}

char *tsm_dims_text(char text[TSM_DIMS_TEXT], const int64_t *dims, int ndim)
{
    size_t used = 1;

    text[0] = '(';
    for (int i = 0; i < ndim && used < TSM_DIMS_TEXT - 32; i++)
        used += (size_t)snprintf(text + used, TSM_DIMS_TEXT - used, i ? ",%lld" : "%lld", (long long)dims[i]);
    snprintf(text + used, TSM_DIMS_TEXT - used, ")");
    return text;
}
