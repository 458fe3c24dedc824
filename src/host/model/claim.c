/* SPDX-License-Identifier: Apache-2.0 */
/* claim.c - see claim.h. */
#include "claim.h"

#include <stdio.h>
#include <string.h>

const char *tsm_layer_tensor(const tsm_layer *layer, int which, char name[TSM_TENSOR_NAME])
{
    snprintf(name, TSM_TENSOR_NAME, "%s.%s", layer->name, tsm_layer_suffixes[which]);
    return name;
}

/* The first tensor that is missing; name empty: none. */
typedef struct missing_tensor {
    char name[TSM_TENSOR_NAME];
    int64_t dims[TSM_LAYER_DIMS];
    int ndim;
} missing_tensor;

static void claim_layer(const tsm_layer *layer, tsm_keys *keys, missing_tensor *missing)
{
    char name[TSM_TENSOR_NAME];

    for (int which = 0; which < TSM_LAYER_TENSORS; which++) {
        tsm_key *key;

        if (!tsm_layer_has(layer, which)) continue;
        key = tsm_keys_find(keys, tsm_layer_tensor(layer, which, name));
        if (key) {
            key->used = true;
        } else if (!*missing->name) {
            strcpy(missing->name, name);
            missing->ndim = tsm_layer_dims(layer, which, missing->dims);
        }
    }
}

static tsm_status claim_branches(const tsm_layer *merged, tsm_keys *keys, missing_tensor *missing, tsm_error *error)
{
    tsm_layer *parts;
    int count;

    TSM_TRY_RETURN(tsm_branches_list(merged, &parts, &count, error));
    for (int i = 0; i < count; i++) claim_layer(&parts[i], keys, missing);
    tsm_layers_destroy(&parts, count);
    return TSM_OK;
}

static tsm_status check_shape(const tsm_layer *layer, int which, const tsm_key *key, tsm_error *error)
{
    const tsm_stored_tensor *tensor = key->tensor;
    char found[TSM_DIMS_TEXT], wanted[TSM_DIMS_TEXT];
    int64_t dims[TSM_LAYER_DIMS], stored[TSM_STORED_MAX_DIMS];
    int ndim = tsm_layer_dims(layer, which, dims);

    tsm_key_dims(key, stored);
    if (tensor->ndim == ndim && memcmp(stored, dims, (size_t)ndim * sizeof *dims) == 0) return TSM_OK;
    if (key->marks.transposed && ndim == 2) {
        const int64_t outputs = dims[0];

        dims[0] = dims[1];
        dims[1] = outputs;
    }
    return tsm_fail(error, TSM_ERROR_MODEL, "%.150s is %s, want %s", tensor->name,
                    tsm_dims_text(found, tensor->dims, tensor->ndim), tsm_dims_text(wanted, dims, ndim));
}

static tsm_status check_layer(const tsm_layer *layer, const tsm_keys *keys, tsm_error *error)
{
    char name[TSM_TENSOR_NAME];

    for (int which = 0; which < TSM_LAYER_TENSORS; which++)
        if (tsm_layer_has(layer, which))
            TSM_TRY_RETURN(
                check_shape(layer, which, tsm_keys_find(keys, tsm_layer_tensor(layer, which, name)), error));
    return TSM_OK;
}

static tsm_status check_branches(const tsm_layer *merged, const tsm_keys *keys, tsm_error *error)
{
    tsm_layer *parts;
    tsm_status status = TSM_OK;
    int count;

    TSM_TRY_RETURN(tsm_branches_list(merged, &parts, &count, error));
    for (int i = 0; i < count; i++) TSM_TRY(check_layer(&parts[i], keys, error));
fail:
    tsm_layers_destroy(&parts, count);
    return status;
}

tsm_status tsm_layers_claim(const tsm_layer *layers, int count, tsm_keys *keys, tsm_error *error)
{
    missing_tensor missing = { "", { 0 }, 0 };
    const tsm_key *unused;

    for (int i = 0; i < count; i++) {
        if (layers[i].merged)
            TSM_TRY_RETURN(claim_branches(&layers[i], keys, &missing, error));
        else
            claim_layer(&layers[i], keys, &missing);
    }
    if (*missing.name) return tsm_recognise_missing(keys, missing.name, missing.dims, missing.ndim, error);
    unused = tsm_keys_first_unused(keys);
    if (unused) return tsm_recognise_left_over(keys, unused, error);
    for (int i = 0; i < count; i++)
        TSM_TRY_RETURN(layers[i].merged ? check_branches(&layers[i], keys, error)
                                        : check_layer(&layers[i], keys, error));
    return TSM_OK;
}
