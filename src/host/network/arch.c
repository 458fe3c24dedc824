/* SPDX-License-Identifier: Apache-2.0 */
/* arch.c - see arch.h. */
#include "arch.h"

#include <stdio.h>
#include <string.h>

const tsm_arch tsm_archs[] = {
    { "resnet18", &tsm_family_resnet, { 2, 2, 2, 2 }, false, false },
    { "resnet34", &tsm_family_resnet, { 3, 4, 6, 3 }, false, false },
    { "resnet50", &tsm_family_resnet, { 3, 4, 6, 3 }, true, false },
    { "resnet101", &tsm_family_resnet, { 3, 4, 23, 3 }, true, false },
    { "resnet152", &tsm_family_resnet, { 3, 8, 36, 3 }, true, false },
    { "resnet50_vd", &tsm_family_resnet, { 3, 4, 6, 3 }, true, true },
    { "resnet101_vd", &tsm_family_resnet, { 3, 4, 23, 3 }, true, true },
    { "mobilenetv2", &tsm_family_mobilenet, { TSM_INVERTED_BLOCKS + 2 }, false, false },
    { "mobileone", &tsm_family_mobileone, { 4, 16, 20, 2 }, false, false },
    { NULL, NULL, { 0 }, false, false },
};

const tsm_arch *tsm_arch_find(const char *name)
{
    for (const tsm_arch *arch = tsm_archs; arch->name; arch++)
        if (strcmp(arch->name, name) == 0) return arch;
    return NULL;
}

const tsm_arch *tsm_arch_match(const tsm_arch *traits)
{
    for (const tsm_arch *arch = tsm_archs; arch->name; arch++)
        if (arch->family == traits->family && arch->bottleneck == traits->bottleneck && arch->vd == traits->vd &&
            memcmp(arch->blocks, traits->blocks, sizeof arch->blocks) == 0)
            return arch;
    return NULL;
}

const char *tsm_arch_names(char text[TSM_ARCH_NAMES])
{
    size_t used = 0;

    for (const tsm_arch *arch = tsm_archs; arch->name && used < TSM_ARCH_NAMES; arch++)
        used += (size_t)snprintf(text + used, TSM_ARCH_NAMES - used, "%s%s", arch->name,
                                 !arch[1].name   ? ""
                                 : !arch[2].name ? " or "
                                                 : ", ");
    return text;
}
