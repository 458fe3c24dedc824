/* SPDX-License-Identifier: Apache-2.0 */
/* way.c - see way.h. */
#include "way.h"

#include <string.h>

static const tsm_cuda_way ways[] = { { "overlap", TSM_SHIFT_OVERLAP, TSM_CONV_LIBRARIES },
                                     { "copy", TSM_SHIFT_COPY, TSM_CONV_LIBRARIES },
                                     { "mixed", TSM_SHIFT_GATHER, TSM_CONV_LIBRARIES },
                                     { "gather", TSM_SHIFT_GATHER, TSM_CONV_ANY } };

#define WAYS ((int)(sizeof ways / sizeof *ways))

const tsm_cuda_way *tsm_cuda_way_at(int i)
{
    return i < WAYS ? &ways[i] : NULL;
}

const tsm_cuda_way *tsm_cuda_way_find(const char *name)
{
    for (int i = 0; i < WAYS; i++)
        if (strcmp(ways[i].name, name) == 0) return &ways[i];
    return NULL;
}

const tsm_cuda_way *tsm_cuda_way_of(tsm_shift_method method)
{
    switch (method) {
    case TSM_SHIFT_COPY: return tsm_cuda_way_find("copy");
    case TSM_SHIFT_GATHER: return tsm_cuda_way_find("gather");
    default: return tsm_cuda_way_find("overlap");
    }
}
