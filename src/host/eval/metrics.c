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

/* How many classes rank before this one. */
static int rank_of(const metrics *m, int label, const float *scores)
{
    int before = 0;

    for (int i = 0; i < m->classes; i++)
        before += scores[i] > scores[label] || (scores[i] == scores[label] && i < label);
    return before;
}

int metrics_add_several(metrics *m, const int *labels, int count, const float *scores)
{
    int best = 0, first = m->classes;

    for (int k = 0; k < count; k++) {
        const int rank = rank_of(m, labels[k], scores);

        if (rank < first) first = rank;
        m->of_class[labels[k]]++;
        m->right1_of[labels[k]] += rank < 1;
        m->right5_of[labels[k]] += rank < 5;
    }
    for (int i = 1; i < m->classes; i++)
        if (scores[i] > scores[best]) best = i;
    m->videos++;
    m->right1 += first < 1;
    m->right5 += first < 5;
    return best;
}

int metrics_add(metrics *m, int label, const float *scores)
{
    const int best = metrics_add_several(m, &label, 1, scores);

    if (m->confusion) m->confusion[(size_t)label * (size_t)m->classes + (size_t)best]++;
    return best;
}

/* ---- Average precision --------------------------------------------------------------------------------------- */

typedef struct scored {
    float score;
    int video, has;
} scored;

/* The best first; of equal scores in the order of the videos. */
static int compare_scored(const void *a, const void *b)
{
    const scored *left = a, *right = b;

    if (left->score != right->score) return left->score < right->score ? 1 : -1;
    return (left->video > right->video) - (left->video < right->video);
}

/* -1 where no video has the class. */
static double average_precision(scored *rows, int count)
{
    double sum = 0;
    int found = 0;

    qsort(rows, (size_t)count, sizeof *rows, compare_scored);
    for (int i = 0; i < count; i++)
        if (rows[i].has) sum += (double)++found / (i + 1);
    return found ? sum / found : -1;
}

tsm_status metrics_mean_ap(const float *scores, int videos, int classes,
                           int (*has)(const void *user, int video, int class), const void *user, const bool *skip,
                           double *map, tsm_error *error)
{
    scored *rows = malloc((size_t)(videos ? videos : 1) * sizeof *rows);
    double sum = 0;
    int seen = 0;

    if (!rows) return eval_fail(error, TSM_ERROR_MEMORY, "out of memory to order %d videos", videos);
    for (int class = 0; class < classes; class ++) {
        int count = 0;
        double precision;

        for (int video = 0; video < videos; video++)
            if (!skip[video])
                rows[count++] = (scored){ scores[(size_t)video * (size_t)classes + (size_t) class], video,
                                          has(user, video, class) };
        precision = average_precision(rows, count);
        if (precision < 0) continue;
        sum += precision;
        seen++;
    }
    free(rows);
    *map = seen ? sum / seen : 0;
    return TSM_OK;
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
