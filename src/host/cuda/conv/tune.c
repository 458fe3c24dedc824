/* SPDX-License-Identifier: Apache-2.0 */
/* tune.c - see tune.h. */
#include "tune.h"

#include <stdio.h>
#include <string.h>

#include "trial.h"

void tsm_conv_choice_print(tsm_conv_choice choice, char text[TSM_TUNE_VALUE])
{
    snprintf(text, TSM_TUNE_VALUE, "%s:%d", choice.library == TSM_CONV_GEMM ? "gemm" : "cudnn", choice.index);
}

bool tsm_conv_choice_parse(tsm_conv_choice *choice, const char *text)
{
    char again[TSM_TUNE_VALUE];
    const char *colon = strchr(text, ':');

    if (!colon || sscanf(colon + 1, "%d", &choice->index) != 1) return false;
    choice->library = text[0] == 'g' ? TSM_CONV_GEMM : TSM_CONV_DNN;
    tsm_conv_choice_print(*choice, again);
    return strcmp(again, text) == 0;
}

tsm_status tsm_tune_elapsed(float *milliseconds, cudaEvent_t begin, cudaEvent_t end, tsm_error *error)
{
    TSM_CUDA(cudaEventSynchronize(end));
    TSM_CUDA(cudaEventElapsedTime(milliseconds, begin, end));
    return TSM_OK;
}

static void keep(tsm_tuner *tuner, const tsm_conv *conv, const char *name)
{
    char value[TSM_TUNE_VALUE], *plan = tsm_conv_plan_text(conv);

    tsm_conv_choice_print(conv->choice, value);
    if (tsm_tune_cache_set_plan(tuner->cache, name, value, plan)) tuner->found = true;
    tsm_free(plan);
}

static bool load_cached(tsm_conv *conv, const tsm_tuner *tuner, const tsm_conv_spec *spec, tsm_conv_choice choice,
                        const char *name)
{
    char *plan = choice.library == TSM_CONV_DNN ? tsm_tune_cache_get_plan(tuner->cache, name) : NULL;
    bool loaded = plan && tsm_conv_load(conv, tuner->libraries, spec, choice, plan, NULL) == TSM_OK;

    tsm_free(plan);
    return loaded;
}

/* By the plan that was kept; by the choice where there is none, or it is refused: then with its plan kept anew. A
 * choice that cannot be made any more counts as none. */
static bool make_cached(tsm_conv *conv, tsm_tuner *tuner, const tsm_conv_spec *spec, const char *name)
{
    char value[TSM_TUNE_VALUE];
    tsm_conv_choice choice;

    if (!tsm_tune_cache_get(tuner->cache, name, value) || !tsm_conv_choice_parse(&choice, value)) return false;
    if (choice.library == TSM_CONV_GEMM && !tsm_gemm_serves(spec)) return false;
    if (load_cached(conv, tuner, spec, choice, name)) return true;
    if (tsm_conv_make(conv, tuner->libraries, spec, choice, NULL) != TSM_OK) return false;
    if (tuner->timed) keep(tuner, conv, name);
    return true;
}

static tsm_status make_first(tsm_conv *conv, const tsm_tuner *tuner, const tsm_conv_spec *spec,
                             const tsm_conv_choice *choices, int count, tsm_error *error)
{
    tsm_status status = TSM_ERROR_INTERNAL;

    for (int i = 0; i < count; i++) {
        status = tsm_conv_make(conv, tuner->libraries, spec, choices[i], i + 1 < count ? NULL : error);
        if (status == TSM_OK) break;
    }
    return status;
}

/* Tries one choice and keeps it in `best` where it is the fastest so far. What fails is passed over. */
static void try_choice(tsm_conv *best, float *best_ms, tsm_trial *trial, const tsm_tuner *tuner,
                       tsm_conv_choice choice, tsm_error *error)
{
    bool agrees = false;
    float milliseconds = 0;
    tsm_conv conv;

    if (tsm_conv_make(&conv, tuner->libraries, trial->spec, choice, error) != TSM_OK) return;
    if (tsm_trial_run(trial, &conv, &agrees, &milliseconds, error) == TSM_OK && agrees &&
        (*best_ms < 0 || milliseconds < *best_ms)) {
        tsm_conv_clear(best);
        *best = conv;
        *best_ms = milliseconds;
        return;
    }
    tsm_conv_clear(&conv);
}

static tsm_status make_fastest(tsm_conv *conv, const tsm_tuner *tuner, const tsm_conv_spec *spec,
                               const tsm_conv_choice *choices, int count, tsm_error *error)
{
    float best_ms = -1;
    tsm_error why;
    tsm_trial trial;

    /* The trial's buffers may not fit beside what is there already: then the first choice, untried. */
    if (tsm_trial_open(&trial, spec, tuner->libraries, tuner->stream, NULL) != TSM_OK)
        return make_first(conv, tuner, spec, choices, count, error);
    memset(conv, 0, sizeof *conv);
    memset(&why, 0, sizeof why);
    for (int i = 0; i < count; i++) try_choice(conv, &best_ms, &trial, tuner, choices[i], &why);
    tsm_trial_close(&trial);
    if (best_ms >= 0) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_DEVICE, "none of %d kernels runs, the last: %s", count, why.text);
}

tsm_status tsm_tune_conv(tsm_conv *conv, tsm_tuner *tuner, const tsm_conv_spec *spec, tsm_error *error)
{
    char name[TSM_CONV_SPEC_TEXT];
    tsm_conv_choice choices[TSM_CONV_MAX_CHOICES];
    int count;

    tsm_conv_spec_print(spec, name);
    if (make_cached(conv, tuner, spec, name)) return TSM_OK;
    TSM_TRY_RETURN(tsm_conv_choices(choices, &count, tuner->libraries, spec, error));
    if (!tuner->timed) return make_first(conv, tuner, spec, choices, count, error);
    TSM_TRY_RETURN(make_fastest(conv, tuner, spec, choices, count, error));
    keep(tuner, conv, name);
    return TSM_OK;
}
