/* SPDX-License-Identifier: Apache-2.0 */
/* bookkeeping.c - see bookkeeping.h. */
#include "bookkeeping.h"

#include <stddef.h>
#include <string.h>

static bool is_one_of(const char *text, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && memcmp(text, *words, length) == 0) return true;
    return false;
}

/* Is a part of the name, between its dots and before the last of them, one of these words? */
static bool has_part(const char *name, const char *const *words)
{
    for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1)
        if (is_one_of(name, (size_t)(dot - name), words)) return true;
    return false;
}

/* The buffers of torchmetrics, of a module whose name says what it measures. */
static bool is_metric(const char *name, const char *last)
{
    static const char *const states[] = { "tp",      "fp",    "tn",         "fn",        "confmat",
                                          "correct", "total", "mean_value", "sum_value", NULL };
    const char *named = strstr(name, "acc");

    if (!named) named = strstr(name, "metric");
    return named && named < last && is_one_of(last, strlen(last), states);
}

tsm_bookkeeping tsm_bookkeeping_of(const char *name)
{
    static const char *const batches[] = { "num_batches_tracked", NULL }, *const thop[] = { "total_ops",
                                                                                            "total_params", NULL };
    static const char *const counters[] = { "n_averaged", "steps", NULL };
    static const char *const losses[] = { "criterion", "loss", "loss_fn", "loss_func", "loss_function", NULL };
    static const char *const balances[] = { "weight", "pos_weight", NULL };
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    const size_t length = strlen(last);

    if (is_one_of(last, length, batches)) return TSM_BOOK_BATCHES;
    if (is_one_of(last, length, thop)) return TSM_BOOK_THOP;
    if (strncmp(last, "ema_", 4) == 0 || is_one_of(last, length, counters)) return TSM_BOOK_EMA;
    if (has_part(name, losses) && is_one_of(last, length, balances)) return TSM_BOOK_LOSS;
    return is_metric(name, last) ? TSM_BOOK_METRICS : TSM_BOOK_NONE;
}

const char *tsm_bookkeeping_name(tsm_bookkeeping kind)
{
    static const char *const names[TSM_BOOK_COUNT] = {
        [TSM_BOOK_NONE] = "nothing", [TSM_BOOK_BATCHES] = "num_batches_tracked",
        [TSM_BOOK_THOP] = "thop",    [TSM_BOOK_EMA] = "EMA",
        [TSM_BOOK_LOSS] = "loss",    [TSM_BOOK_METRICS] = "metrics",
    };

    return names[kind];
}
