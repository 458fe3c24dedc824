/* SPDX-License-Identifier: Apache-2.0 */
/* mutants.h - small kernels that use every part of the simulated device, each with a mistake that can be put in. */
#ifndef TSM_SIM_MUTANTS_H
#define TSM_SIM_MUTANTS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the mistake is found. Builds without instrumentation lack the race check and the state of bytes. */
typedef enum tsm_mutant_found { TSM_FOUND_ALWAYS, TSM_FOUND_INSTRUMENTED } tsm_mutant_found;

typedef struct tsm_mutant {
    const char *name;
    const char *says[2]; /* words of the failure in instrumented builds, one or the other, as the schedule falls */
    tsm_mutant_found found;
    /* True when kernel and copies succeed and the result is as it should be. */
    bool (*run)(bool broken);
} tsm_mutant;

extern const tsm_mutant tsm_mutants[];
extern const int tsm_mutant_count;

extern const tsm_mutant tsm_tensor_mutants[];
extern const int tsm_tensor_mutant_count;

extern const tsm_mutant tsm_group_mutants[];
extern const int tsm_group_mutant_count;

#ifdef __cplusplus
}
#endif
#endif
