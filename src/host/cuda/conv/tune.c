/* SPDX-License-Identifier: Apache-2.0 */
/* tune.c - see tune.h. */
#include "tune.h"

#include <stdio.h>
#include <string.h>

#include "trial.h"

static void print_choice(const tsm_conv_family *family, int index, char text[TSM_TUNE_VALUE])
{
    snprintf(text, TSM_TUNE_VALUE, "%s:%d", family->name, index);
}

void tsm_tune_choice_print(const tsm_conv *conv, char text[TSM_TUNE_VALUE])
{
    print_choice(conv->family, conv->index, text);
}

bool tsm_tune_choice_parse(const tsm_conv_family **family, int *index, const char *text)
{
    char name[TSM_TUNE_VALUE], again[TSM_TUNE_VALUE];
    const char *colon = strchr(text, ':');

    if (!colon || strlen(text) >= sizeof name || sscanf(colon + 1, "%d", index) != 1) return false;
    snprintf(name, sizeof name, "%.*s", (int)(colon - text), text);
    *family = tsm_conv_family_find(name);
    if (!*family) return false;
    print_choice(*family, *index, again);
    return strcmp(again, text) == 0;
}

static void keep(tsm_tuner *tuner, const tsm_conv *conv, const char *name)
{
    char value[TSM_TUNE_VALUE], *plan = conv->family->text ? conv->family->text(conv) : NULL;

    tsm_tune_choice_print(conv, value);
    if (tsm_tune_cache_set_plan(tuner->cache, name, value, plan)) tuner->found = true;
    tsm_free(plan);
}

static bool load_cached(tsm_conv **conv, const tsm_tuner *tuner, const tsm_conv_spec *spec,
                        const tsm_conv_family *family, int index, const char *name)
{
    char *plan = family->load ? tsm_tune_cache_get_plan(tuner->cache, name) : NULL;
    bool loaded = plan && family->load(conv, tuner->libraries, spec, index, plan, NULL) == TSM_OK;

    tsm_free(plan);
    return loaded;
}

static bool make_chosen(tsm_conv **conv, const tsm_tuner *tuner, const tsm_conv_spec *spec,
                        const tsm_conv_family *family, int index)
{
    tsm_conv_candidates *list;
    bool made;

    if (family->list(&list, tuner->libraries, spec, NULL) != TSM_OK) return false;
    made = family->make(conv, list, index, NULL) == TSM_OK;
    family->drop(list);
    return made;
}

/* By the plan that was kept; by the choice where there is none, or it is refused: then with its plan kept anew. A
 * choice that cannot be made any more counts as none. */
static bool make_cached(tsm_conv **conv, tsm_tuner *tuner, const tsm_conv_spec *spec, const char *name)
{
    char value[TSM_TUNE_VALUE], why[TSM_CONV_WHY];
    const tsm_conv_family *family;
    int index;

    if (!tsm_tune_cache_get(tuner->cache, name, value) || !tsm_tune_choice_parse(&family, &index, value))
        return false;
    if (family->serves(spec, why) == TSM_CONV_UNFIT) return false;
    if (load_cached(conv, tuner, spec, family, index, name)) return true;
    if (!make_chosen(conv, tuner, spec, family, index)) return false;
    if (tuner->timed) keep(tuner, *conv, name);
    return true;
}

static tsm_status make_first(tsm_conv **conv, const tsm_conv_offers *offers, tsm_error *error)
{
    tsm_status status = TSM_ERROR_INTERNAL;

    for (int i = 0; i < offers->count; i++) {
        status = tsm_conv_offers_take(conv, offers, i, error);
        if (status == TSM_OK || status == TSM_ERROR_MEMORY) break;
    }
    return status;
}

/* Tries one offer and keeps it in `best` where it is the fastest so far. What fails is passed over. */
static void try_offer(tsm_conv **best, float *best_ms, tsm_trial *trial, tsm_tuner *tuner,
                      const tsm_conv_offers *offers, int offer, tsm_error *why)
{
    bool agrees = false;
    float milliseconds = 0;
    tsm_conv *conv;

    if (tsm_conv_offers_take(&conv, offers, offer, why) != TSM_OK) return;
    if (tsm_trial_run(trial, conv, &tuner->warm, &agrees, &milliseconds, why) == TSM_OK && !agrees)
        tsm_fail(why, TSM_ERROR_DEVICE, "its output is wrong");
    if (agrees && milliseconds > 0 && (*best_ms < 0 || milliseconds < *best_ms)) {
        tsm_conv_clear(*best);
        *best = conv;
        *best_ms = milliseconds;
        return;
    }
    tsm_conv_clear(conv);
}

static tsm_status make_fastest(tsm_conv **conv, tsm_tuner *tuner, const tsm_conv_spec *spec,
                               const tsm_conv_offers *offers, tsm_error *error)
{
    float best_ms = -1;
    tsm_error why;
    tsm_trial trial;
    tsm_status status = TSM_OK;

    /* The trial's buffers may not fit beside what is there already: then the first choice, untried. */
    if (tsm_trial_open(&trial, spec, tuner->l2_bytes, tuner->libraries, tuner->stream, NULL) != TSM_OK)
        return make_first(conv, offers, error);
    memset(&why, 0, sizeof why);
    for (int i = 0; i < offers->count && status == TSM_OK; i++) {
        try_offer(conv, &best_ms, &trial, tuner, offers, i, &why);
        if (tuner->cancel) status = tsm_cancel_check(tuner->cancel, error);
    }
    tsm_trial_close(&trial);
    if (status != TSM_OK) {
        tsm_conv_clear(*conv);
        *conv = NULL;
        return status;
    }
    if (*conv) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_DEVICE, "none of %d kernels runs, the last: %s", offers->count, why.text);
}

tsm_status tsm_tune_conv(tsm_conv **conv, tsm_tuner *tuner, const tsm_conv_spec *spec, tsm_error *error)
{
    char name[TSM_CONV_SPEC_TEXT];
    tsm_conv_offers offers;
    tsm_status status;

    *conv = NULL;
    tsm_conv_spec_print(spec, name);
    if (tuner->libraries->wgmma) strncat(name, ",w", sizeof name - strlen(name) - 1); /* others have other choices */
    if (make_cached(conv, tuner, spec, name)) return TSM_OK;
    TSM_TRY_RETURN(tsm_conv_offers_make(&offers, tuner->libraries, spec, error));
    status = tuner->timed ? make_fastest(conv, tuner, spec, &offers, error) : make_first(conv, &offers, error);
    tsm_conv_offers_clear(&offers);
    if (status == TSM_OK && tuner->timed) keep(tuner, *conv, name);
    return status;
}
