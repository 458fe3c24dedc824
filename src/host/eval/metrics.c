/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h. */
#include "metrics.h"

#include "failure.h"

#include <math.h>
#include <stdlib.h>

#define NORMAL_95 1.959963984540054 /* the normal distribution has 95% within so many deviations */

tsm_status metrics_open(metrics *m, int classes, tsm_error *error)
{
    const size_t count = (size_t)classes;
    const int confused = classes <= METRICS_MAX_CONFUSION;

    *m = (metrics){ .classes = classes };
    m->of_class = calloc(count, sizeof *m->of_class);
    m->right1_of = calloc(count, sizeof *m->right1_of);
    m->right5_of = calloc(count, sizeof *m->right5_of);
    if (confused) m->confusion = calloc(count * count, sizeof *m->confusion);
    if (m->of_class && m->right1_of && m->right5_of && (m->confusion || !confused)) return TSM_OK;
    metrics_close(m);
    return eval_fail(error, TSM_ERROR_MEMORY, "out of memory to count %d classes", classes);
}

void metrics_close(metrics *m)
{
    free(m->of_class);
    free(m->right1_of);
    free(m->right5_of);
    free(m->confusion);
    *m = (metrics){ 0 };
}

int metrics_add(metrics *m, int label, const float *scores)
{
    int best = 0, before = 0;

    for (int i = 0; i < m->classes; i++) {
        if (scores[i] > scores[best]) best = i;
        before += scores[i] > scores[label] || (scores[i] == scores[label] && i < label);
    }
    m->videos++;
    m->of_class[label]++;
    m->right1 += before < 1;
    m->right5 += before < 5;
    m->right1_of[label] += before < 1;
    m->right5_of[label] += before < 5;
    if (m->confusion) m->confusion[(size_t)label * (size_t)m->classes + (size_t)best]++;
    return best;
}

double metrics_share(int part, int whole)
{
    return whole ? (double)part / whole : 0;
}

double metrics_mean_class(const metrics *m)
{
    double sum = 0;
    int seen = 0;

    for (int i = 0; i < m->classes; i++) {
        if (!m->of_class[i]) continue;
        sum += metrics_share(m->right1_of[i], m->of_class[i]);
        seen++;
    }
    return seen ? sum / seen : 0;
}

void metrics_interval(int part, int whole, double *low, double *high)
{
    const double z2 = NORMAL_95 * NORMAL_95, p = metrics_share(part, whole), n = whole;
    double centre, half;

    *low = 0;
    *high = 1;
    if (whole == 0) return;
    centre = (p + z2 / (2 * n)) / (1 + z2 / n);
    half = NORMAL_95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
    *low = fmax(0, centre - half);
    *high = fmin(1, centre + half);
}
