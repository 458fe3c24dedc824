/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.c - see cancel.h. */
#include "status.h"

tsm_status tsm_cancel_check(const tsm_cancel *cancel, tsm_error *error)
{
    if (!cancel->wanted || !cancel->wanted(cancel->user)) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_CANCELLED, "cancelled by the caller");
}
