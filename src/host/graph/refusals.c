/* SPDX-License-Identifier: Apache-2.0 */
/* refusals.c - what every device says alike: of numbers that are not finite, and of plans that are too large. */
#include "backend.h"

tsm_status tsm_fail_input(tsm_error *error, const tsm_dims *dims, int64_t frame)
{
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: clip %lld, frame %lld: has a value that is not finite",
                    (long long)(frame / dims->t), (long long)(frame % dims->t));
}

tsm_status tsm_fail_logits(tsm_error *error, const tsm_dims *logits, int64_t row)
{
    if (logits->t == 1)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: clip %lld: the logits are not finite", (long long)row);
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: clip %lld, frame %lld: the logits are not finite",
                    (long long)(row / logits->t), (long long)(row % logits->t));
}

tsm_status tsm_check_bytes(uint64_t bytes, uint64_t max_bytes, tsm_error *error)
{
    if (max_bytes == 0 || bytes <= max_bytes) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_MEMORY, "the plan needs %llu bytes, the limit is %llu",
                    (unsigned long long)bytes, (unsigned long long)max_bytes);
}
