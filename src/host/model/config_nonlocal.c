/* SPDX-License-Identifier: Apache-2.0 */
/* config_nonlocal.c - which mode the non-local blocks of a network have. */
#include <string.h>

#include "config_inputs.h"

static const char *const nonlocal_names[] = { "none", "embedded_gaussian", "dot_product", "gaussian" };

const char *tsm_nonlocal_name(tsm_nonlocal mode)
{
    return nonlocal_names[mode];
}

/* The mode that options, metadata or the file's name say; NONE where none does. */
static tsm_status said_nonlocal(const tsm_config_inputs *in, tsm_nonlocal *mode, const char **source,
                                tsm_error *error)
{
    int index;

    if ((unsigned)in->options->nonlocal > TSM_NONLOCAL_GAUSSIAN)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option nonlocal is %d, want 0 to %d", (int)in->options->nonlocal,
                        TSM_NONLOCAL_GAUSSIAN);
    TSM_TRY_RETURN(tsm_config_name(in, "nonlocal", nonlocal_names + 1, TSM_NONLOCAL_GAUSSIAN, &index, error));
    *mode = in->options->nonlocal ? in->options->nonlocal
            : index >= 0          ? (tsm_nonlocal)(index + 1)
                                  : in->name->nonlocal;
    *source = in->options->nonlocal ? "the option" : index >= 0 ? "metadata" : "the file's name";
    return TSM_OK;
}

/* The tensors tell whether there are embeddings, and neither the embedded Gaussian from the dot product. */
tsm_status tsm_config_derive_nonlocal(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error)
{
    const tsm_nonlocal found = config->nonlocal;
    const char *source = "";
    tsm_nonlocal said = TSM_NONLOCAL_NONE;

    TSM_TRY_RETURN(said_nonlocal(in, &said, &source, error));
    if (said && found != said && (found != TSM_NONLOCAL_EMBEDDED_GAUSSIAN || said == TSM_NONLOCAL_GAUSSIAN))
        return tsm_fail(error, in->options->nonlocal ? TSM_ERROR_ARGUMENT : TSM_ERROR_MODEL,
                        "%s says non-local blocks of mode %s, the tensors make %s", source, nonlocal_names[said],
                        found ? found == TSM_NONLOCAL_GAUSSIAN ? "gaussian ones" : "embedded ones" : "none");
    if (said) config->nonlocal = said;
    /* The MIT release has one mode only. */
    if (found == TSM_NONLOCAL_EMBEDDED_GAUSSIAN && !said &&
        (in->keys->naming != tsm_namings || tsm_checkpoint_metadata(in->checkpoint, "assumed_nonlocal")))
        tsm_config_doubt(config, TSM_ASSUMED_NONLOCAL,
                         "nonlocal: not given, embedded_gaussian assumed; dot_product would fit too");
    return TSM_OK;
}
