/* SPDX-License-Identifier: Apache-2.0 */
/* features.c - see features.h. */
#include "features.h"

#include "npy.h"
#include "report.h"

#include <math.h>
#include <stdlib.h>

tsm_status features_open(features *f, const char *path, const tsm_engine *engine, int rows, tsm_error *error)
{
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;
    tsm_status status = tsm_engine_get_info(engine, &info);
    const int64_t dims[] = { rows, info.values };

    f->values = info.values;
    f->row = report_alloc((size_t)f->values, sizeof *f->row, error);
    if (!f->row) return TSM_ERROR_MEMORY;
    if (status == TSM_OK) status = output_open(&f->out, path, error);
    if (status == TSM_OK) status = npy_begin(&f->out, TSM_FLOAT32, dims, 2, error);
    return status;
}

void features_mean(const float *rows, int count, int values, float *mean)
{
    for (int i = 0; i < values; i++) {
        double sum = 0;

        for (int row = 0; row < count; row++) sum += rows[(size_t)row * (size_t)values + (size_t)i];
        mean[i] = (float)(sum / count);
    }
}

tsm_status features_add(features *f, const tsm_result *result, tsm_error *error)
{
    if (result) {
        features_mean(result->outputs, result->count, f->values, f->row);
    } else {
        for (int i = 0; i < f->values; i++) f->row[i] = NAN;
    }
    return npy_append(&f->out, TSM_FLOAT32, f->row, (size_t)f->values, error);
}

tsm_status features_commit(features *f, tsm_error *error)
{
    return output_commit(&f->out, error);
}

void features_abort(features *f)
{
    output_abort(&f->out);
    free(f->row);
    *f = (features){ 0 };
}
