/* SPDX-License-Identifier: Apache-2.0 */
/*
 * family.h - who can compute a convolution: a table of functions a family, and the list of all families.
 *
 * A family lists its candidates for a spec, makes a conv of one of them, binds that to buffers, and puts it on a
 * stream. A new family is a file with such a table, and its row in TSM_CONV_FAMILIES.
 */
#ifndef TSM_CUDA_CONV_FAMILY_H
#define TSM_CUDA_CONV_FAMILY_H

#include "descriptor.h"
#include "libraries.h"

/* In the order in which they are listed: best guess first. */
#define TSM_CONV_FAMILIES(row)                                                                                       \
    row(gemm)                 /* 1x1 as matrix products of cuBLASLt */                                               \
        row(cudnn) row(wgmma) /* kernels that shift as they read, on sm_90 where an engine asks for them */          \
        row(ours)             /* and on every target */

#define TSM_CONV_WHY            160
#define TSM_CONV_HOW            64
#define TSM_CONV_MAX_CANDIDATES 8 /* of a family */

typedef struct tsm_conv_family tsm_conv_family;

typedef enum tsm_conv_fit {
    TSM_CONV_UNFIT,
    TSM_CONV_SPARE, /* it can, but at a cost that another family spares: asked where no other has a candidate */
    TSM_CONV_FIT
} tsm_conv_fit;

/* A family's kernels for one spec, best guess first: its heuristics are asked once. The order is the same each time
 * for one GPU and version. The head of what the family keeps about them. */
typedef struct tsm_conv_candidates {
    const tsm_conv_family *family;
    int count;
    bool compiled[TSM_CONV_MAX_CANDIDATES]; /* at run time, which takes 0.2 to 4 s */
} tsm_conv_candidates;

/* A spec with the kernel chosen for it; steps of one plan share it. The head of what the family made. */
typedef struct tsm_conv {
    const tsm_conv_family *family;
    int index; /* in the family's list */
    tsm_conv_spec spec;
    size_t workspace_bytes; /* aligned to TSM_CUDA_ALIGNMENT */
} tsm_conv;

/* A conv with its buffers, ready to be put on a stream without any allocation. The head of what the family bound. */
typedef struct tsm_conv_bound {
    const tsm_conv *conv; /* must outlive it */
} tsm_conv_bound;

/* Device addresses; `in` is that of the first channel that is read. */
typedef struct tsm_conv_buffers {
    const void *in, *weights, *bias, *residual, *joined;
    void *out, *workspace;
} tsm_conv_buffers;

struct tsm_conv_family {
    const char *name; /* one word, in caches */

    /* Touches no device. Says how, or why not, in `why`. */
    tsm_conv_fit (*serves)(const tsm_conv_spec *spec, char why[TSM_CONV_WHY]);

    /* Only of specs that it serves. None is no failure. */
    tsm_status (*list)(tsm_conv_candidates **list, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                       tsm_error *error);
    void (*drop)(tsm_conv_candidates *list); /* convs that were made of it stay */

    /* Errors: DEVICE, MEMORY; a kernel that cannot be made is no reason to give up the others. */
    tsm_status (*make)(tsm_conv **conv, const tsm_conv_candidates *list, int index, tsm_error *error);
    void (*clear)(tsm_conv *conv);

    /* Optional, both or none: the kernel as one line that makes it again without a list, released with tsm_free, NULL
     * where there is none to keep; and the way back. Errors: DEVICE, whatever is wrong with the text. */
    char *(*text)(const tsm_conv *conv);
    tsm_status (*load)(tsm_conv **conv, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec, int index,
                       const char *text, tsm_error *error);

    /* What it is called in a profile. */
    void (*describe)(const tsm_conv *conv, char how[TSM_CONV_HOW]);

    tsm_status (*bind)(tsm_conv_bound **bound, const tsm_conv *conv, const tsm_conv_buffers *buffers,
                       tsm_error *error);
    void (*unbind)(tsm_conv_bound *bound);

    /* cuDNN's handle was given the stream. */
    tsm_status (*enqueue)(const tsm_conv_bound *bound, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                          tsm_error *error);
};

#define TSM_CONV_DECLARE_(name) extern const tsm_conv_family tsm_conv_family_##name;
TSM_CONV_FAMILIES(TSM_CONV_DECLARE_)
#define TSM_CONV_COUNT_(name) +1
#define TSM_CONV_FAMILY_COUNT (0 TSM_CONV_FAMILIES(TSM_CONV_COUNT_))

/* The family of that name; NULL where there is none. */
const tsm_conv_family *tsm_conv_family_find(const char *name);

/* Whether any family serves the spec; says how the first does, or why none does. Touches no device. */
bool tsm_conv_serves(const tsm_conv_spec *spec, char why[TSM_CONV_WHY]);

/* What all families together offer for a spec. */
typedef struct tsm_conv_offers {
    tsm_conv_candidates *lists[TSM_CONV_FAMILY_COUNT];
    int list_count;
    struct {
        const tsm_conv_candidates *list;
        int index;
    } offers[TSM_CONV_FAMILY_COUNT * TSM_CONV_MAX_CANDIDATES];
    int count;
} tsm_conv_offers;

/* What is worth trying, best guess first; kernels that compile at run time only where there is nothing else. Errors:
 * UNSUPPORTED where nothing is. */
tsm_status tsm_conv_offers_make(tsm_conv_offers *offers, const tsm_cuda_libraries *libraries,
                                const tsm_conv_spec *spec, tsm_error *error);
void tsm_conv_offers_clear(tsm_conv_offers *offers);
tsm_status tsm_conv_offers_take(tsm_conv **conv, const tsm_conv_offers *offers, int offer, tsm_error *error);

/* NULL is fine for clear and unbind. */
void tsm_conv_clear(tsm_conv *conv);
tsm_status tsm_conv_bind(tsm_conv_bound **bound, const tsm_conv *conv, const tsm_conv_buffers *buffers,
                         tsm_error *error);
void tsm_conv_unbind(tsm_conv_bound *bound);
tsm_status tsm_conv_enqueue(const tsm_conv_bound *bound, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                            tsm_error *error);

#endif
