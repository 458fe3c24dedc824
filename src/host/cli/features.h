/* SPDX-License-Identifier: Apache-2.0 */
/* features.h - a .npy of features, float32 (inputs, features): of every input the mean over its clips; NaN for one
 * that failed, so that row i is always that of input i. */
#ifndef TSM_CLI_FEATURES_H
#define TSM_CLI_FEATURES_H

#include "output.h"

#include <tsm/pipeline.h>

typedef struct features {
    output_file out;
    float *row; /* (values) */
    int values;
} features;

/* `engine` gives features. Errors: IO, MEMORY. */
tsm_status features_open(features *f, const char *path, const tsm_engine *engine, int rows, tsm_error *error);

/* Adds the next row; NULL for an input that failed. Errors: IO. */
tsm_status features_add(features *f, const tsm_result *result, tsm_error *error);

/* Makes the file appear. Errors: IO. */
tsm_status features_commit(features *f, tsm_error *error);

/* Drops what was not committed; a zeroed one is fine. */
void features_abort(features *f);

/* The mean of rows (count, values) into `mean`. */
void features_mean(const float *rows, int count, int values, float *mean);

#endif
