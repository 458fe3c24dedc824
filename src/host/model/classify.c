/* SPDX-License-Identifier: Apache-2.0 */
/* classify.c - a model's classifier alone: logits of features that an engine pooled. */
#include "model.h"

#include <string.h>

/* The last layer of every network; its tensors were checked when the model was made. */
static const tsm_layer *find_classifier(const tsm_model *model)
{
    for (int i = 0; i < model->layer_count; i++)
        if (model->layers[i].kind == TSM_LAYER_FC && strcmp(model->layers[i].name, "new_fc") == 0)
            return &model->layers[i];
    return NULL;
}

static float logit(const tsm_layer *fc, const float *features, int64_t class)
{
    const tsm_weight *weight = &fc->tensors[TSM_WEIGHT], *bias = &fc->tensors[TSM_BIAS];
    double sum = tsm_number_at(bias->data, bias->dtype, class);

    for (int64_t i = 0; i < fc->in; i++)
        sum += (double)features[i] * tsm_number_at(weight->data, weight->dtype, class * fc->in + i);
    return (float)sum;
}

tsm_status tsm_model_classify(const tsm_model *model, const float *features, int count, int values, float *logits,
                              tsm_error *error)
{
    const tsm_layer *fc;

    if (!model || !features || !logits)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "classify: a model, features and room for logits are needed");
    fc = find_classifier(model);
    if (!fc) return tsm_fail(error, TSM_ERROR_INTERNAL, "classify: the model has no classifier");
    if (count < 0 || values != fc->in)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "classify: %d rows of %d features, the classifier reads %d", count,
                        values, fc->in);
    for (int64_t row = 0; row < count; row++)
        for (int64_t class = 0; class < fc->out; class ++)
            logits[row * fc->out + class] = logit(fc, features + row * values, class);
    return TSM_OK;
}
