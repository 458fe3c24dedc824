/* SPDX-License-Identifier: Apache-2.0 */
/* families.c - see family.h. */
#include "family.h"

#include <string.h>

#define FAMILY_ROW(name) &tsm_conv_family_##name,
static const tsm_conv_family *const families[] = { TSM_CONV_FAMILIES(FAMILY_ROW) };

const tsm_conv_family *tsm_conv_family_find(const char *name)
{
    for (int i = 0; i < TSM_CONV_FAMILY_COUNT; i++)
        if (strcmp(families[i]->name, name) == 0) return families[i];
    return NULL;
}

bool tsm_conv_serves(const tsm_conv_spec *spec, char why[TSM_CONV_WHY])
{
    for (int i = 0; i < TSM_CONV_FAMILY_COUNT; i++)
        if (families[i]->serves(spec, why) != TSM_CONV_UNFIT) return true;
    /* The reason of the family that serves most: ours where the convolution shifts, else cuDNN. */
    (tsm_conv_spec_is_ours(spec) ? &tsm_conv_family_ours : &tsm_conv_family_cudnn)->serves(spec, why);
    return false;
}

static tsm_status ask(tsm_conv_offers *offers, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                      tsm_conv_fit fit, tsm_error *error)
{
    char why[TSM_CONV_WHY];

    for (int i = 0; i < TSM_CONV_FAMILY_COUNT; i++) {
        if (families[i]->serves(spec, why) != fit) continue;
        TSM_TRY_RETURN(families[i]->list(&offers->lists[offers->list_count], libraries, spec, error));
        offers->list_count++;
    }
    return TSM_OK;
}

static void collect(tsm_conv_offers *offers, bool compiled)
{
    for (int i = 0; i < offers->list_count; i++)
        for (int k = 0; k < offers->lists[i]->count; k++) {
            if (offers->lists[i]->compiled[k] != compiled) continue;
            offers->offers[offers->count].list = offers->lists[i];
            offers->offers[offers->count++].index = k;
        }
}

tsm_status tsm_conv_offers_make(tsm_conv_offers *offers, const tsm_cuda_libraries *libraries,
                                const tsm_conv_spec *spec, tsm_error *error)
{
    char text[TSM_CONV_SPEC_TEXT];
    tsm_status status;

    memset(offers, 0, sizeof *offers);
    TSM_TRY(ask(offers, libraries, spec, TSM_CONV_FIT, error));
    collect(offers, false);
    if (offers->count) return TSM_OK;
    TSM_TRY(ask(offers, libraries, spec, TSM_CONV_SPARE, error));
    collect(offers, false);
    if (!offers->count) collect(offers, true);
    if (offers->count) return TSM_OK;
    tsm_conv_spec_print(spec, text);
    status = tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: no library has a kernel for the convolution %s", text);
fail:
    tsm_conv_offers_clear(offers);
    return status;
}

void tsm_conv_offers_clear(tsm_conv_offers *offers)
{
    for (int i = 0; i < offers->list_count; i++) offers->lists[i]->family->drop(offers->lists[i]);
    memset(offers, 0, sizeof *offers);
}

tsm_status tsm_conv_offers_take(tsm_conv **conv, const tsm_conv_offers *offers, int offer, tsm_error *error)
{
    const tsm_conv_candidates *list = offers->offers[offer].list;

    return list->family->make(conv, list, offers->offers[offer].index, error);
}

void tsm_conv_clear(tsm_conv *conv)
{
    if (conv) conv->family->clear(conv);
}

tsm_status tsm_conv_bind(tsm_conv_bound **bound, const tsm_conv *conv, const tsm_conv_buffers *buffers,
                         tsm_error *error)
{
    return conv->family->bind(bound, conv, buffers, error);
}

void tsm_conv_unbind(tsm_conv_bound *bound)
{
    if (bound) bound->conv->family->unbind(bound);
}

tsm_status tsm_conv_enqueue(const tsm_conv_bound *bound, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                            tsm_error *error)
{
    return bound->conv->family->enqueue(bound, libraries, stream, error);
}
