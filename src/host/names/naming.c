/* SPDX-License-Identifier: Apache-2.0 */
/* naming.c - see naming.h. */
#include "naming.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"

/* What shifts is wrapped into a module called `net`, and so is layer2 where a temporal pool comes before it. */
static const tsm_rename mit_renames[] = {
    { "base_model.fc.*", "new_fc.*", TSM_MARK_NONE },
    { "base_model.classifier.*", "new_fc.*", TSM_MARK_NONE },
    { "base_model.layer2.net.*", "base_model.layer2.*", TSM_MARK_TPOOL },
    { "base_model.layer#.#.block.*", "base_model.layer#.#.*", TSM_MARK_NONE }, /* beside a non-local one */
    { "base_model.layer#.#.net.*", "base_model.layer#.#.*", TSM_MARK_BLOCK },
    { "base_model.layer#.#.conv1.net.*", "base_model.layer#.#.conv1.*", TSM_MARK_BLOCKRES },
    { "base_model.features.#.conv.0.net.*", "base_model.features.#.conv.0.*", TSM_MARK_BLOCKRES },
    { "base_model.stage0.net.*", "base_model.stage0.*", TSM_MARK_BLOCK },
    { "base_model.stage#.#.net.*", "base_model.stage#.#.*", TSM_MARK_BLOCK },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const mit_telltales[] = { "base_model.*", "new_fc.*", NULL };

/* A convolution and its batch norm are one module. */
static const tsm_rename mmaction_resnet_renames[] = {
    { "backbone.conv1.conv.*", "base_model.conv1.*", TSM_MARK_NONE },
    { "backbone.conv1.bn.*", "base_model.bn1.*", TSM_MARK_NONE },
    { "backbone.layer2.net.*", "backbone.layer2.*", TSM_MARK_TPOOL },
    { "backbone.layer#.#.block.*", "backbone.layer#.#.*", TSM_MARK_NONE },
    { "backbone.layer#.#.non_local_block.theta.conv.*", "base_model.layer#.#.nl.theta.*", TSM_MARK_NONE },
    { "backbone.layer#.#.non_local_block.phi.0.conv.*", "base_model.layer#.#.nl.phi.0.*", TSM_MARK_NONE },
    { "backbone.layer#.#.non_local_block.g.0.conv.*", "base_model.layer#.#.nl.g.0.*", TSM_MARK_NONE },
    { "backbone.layer#.#.non_local_block.conv_out.conv.*", "base_model.layer#.#.nl.W.0.*", TSM_MARK_NONE },
    { "backbone.layer#.#.non_local_block.conv_out.bn.*", "base_model.layer#.#.nl.W.1.*", TSM_MARK_NONE },
    { "backbone.layer#.#.net.*", "backbone.layer#.#.*", TSM_MARK_BLOCK },
    { "backbone.layer#.#.conv1.conv.net.*", "backbone.layer#.#.conv1.conv.*", TSM_MARK_BLOCKRES },
    { "backbone.layer#.#.conv#.conv.*", "base_model.layer#.#.conv#.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv#.bn.*", "base_model.layer#.#.bn#.*", TSM_MARK_NONE },
    { "backbone.layer#.#.downsample.conv.*", "base_model.layer#.#.downsample.0.*", TSM_MARK_NONE },
    { "backbone.layer#.#.downsample.bn.*", "base_model.layer#.#.downsample.1.*", TSM_MARK_NONE },
    { "cls_head.fc_cls.*", "new_fc.*", TSM_MARK_NONE },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const mmaction_resnet_telltales[] = {
    "backbone.conv1.*",
    "backbone.layer#.#.conv#.*",
    "backbone.layer#.#.downsample.*",
    "backbone.layer#.#.net.*",
    "backbone.layer#.#.block.*",
    "backbone.layer#.#.non_local_block.*",
    "backbone.layer2.net.*",
    "cls_head.*",
    NULL,
};

/* Blocks count within a stage; in the release they count through. */
static const tsm_rename mmaction_mobilenet_renames[] = {
    { "backbone.conv1.conv.*", "base_model.features.0.0.*", TSM_MARK_NONE },
    { "backbone.conv1.bn.*", "base_model.features.0.1.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv.0.net.bn.*", "backbone.layer#.#.conv.1.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv.0.net.conv.*", "backbone.layer#.#.conv.0.*", TSM_MARK_BLOCKRES },
    { "backbone.layer#.#.conv.0.conv.*", "backbone.layer#.#.conv.0.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv.0.bn.*", "backbone.layer#.#.conv.1.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv.1.conv.*", "backbone.layer#.#.conv.3.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv.1.bn.*", "backbone.layer#.#.conv.4.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv.2.conv.*", "backbone.layer#.#.conv.6.*", TSM_MARK_NONE },
    { "backbone.layer#.#.conv.2.bn.*", "backbone.layer#.#.conv.7.*", TSM_MARK_NONE },
    { "backbone.layer1.#.*", "base_model.features.#+1.*", TSM_MARK_NONE },
    { "backbone.layer2.#.*", "base_model.features.#+2.*", TSM_MARK_NONE },
    { "backbone.layer3.#.*", "base_model.features.#+4.*", TSM_MARK_NONE },
    { "backbone.layer4.#.*", "base_model.features.#+7.*", TSM_MARK_NONE },
    { "backbone.layer5.#.*", "base_model.features.#+11.*", TSM_MARK_NONE },
    { "backbone.layer6.#.*", "base_model.features.#+14.*", TSM_MARK_NONE },
    { "backbone.layer7.#.*", "base_model.features.#+17.*", TSM_MARK_NONE },
    { "backbone.conv2.conv.*", "base_model.features.18.0.*", TSM_MARK_NONE },
    { "backbone.conv2.bn.*", "base_model.features.18.1.*", TSM_MARK_NONE },
    { "cls_head.fc_cls.*", "new_fc.*", TSM_MARK_NONE },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const mmaction_mobilenet_telltales[] = {
    "backbone.conv1.*", "backbone.layer#.#.conv.#.*", "backbone.conv2.*", "cls_head.*", NULL,
};

static const tsm_rename mmaction_mobileone_renames[] = {
    { "backbone.stage0.net.*", "backbone.stage0.*", TSM_MARK_BLOCK },
    { "backbone.stage#.#.net.*", "backbone.stage#.#.*", TSM_MARK_BLOCK },
    { "backbone.stage0.*", "base_model.stage0.*", TSM_MARK_NONE },
    { "backbone.stage#.#.*", "base_model.stage#.#.*", TSM_MARK_NONE },
    { "cls_head.fc_cls.*", "new_fc.*", TSM_MARK_NONE },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const mmaction_mobileone_telltales[] = {
    "backbone.stage0.*",
    "backbone.stage#.#.*",
    "cls_head.*",
    NULL,
};

/* The network of the release's online demo: MobileNetV2 whose residual blocks take their cache as an argument. */
static const tsm_rename online_renames[] = {
    { "features.#.*", "base_model.features.#.*", TSM_MARK_NONE },
    { "classifier.*", "new_fc.*", TSM_MARK_NONE },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const online_telltales[] = {
    "features.#.#.*",
    "features.#.conv.#.weight",
    "features.#.conv.#.bias",
    "features.#.conv.#.running_mean",
    "features.#.conv.#.running_var",
    "classifier.weight",
    "classifier.bias",
    NULL,
};

/* PP-TSM. Batch norms and the classifier's matrix are as PaddlePaddle has them. */
#define PADDLE_NORM(from, to)                                                                                        \
    { from "._batch_norm.weight", to ".weight", TSM_MARK_NONE },                                                     \
        { from "._batch_norm.bias", to ".bias", TSM_MARK_NONE },                                                     \
        { from "._batch_norm._mean", to ".running_mean", TSM_MARK_NONE },                                            \
    {                                                                                                                \
        from "._batch_norm._variance", to ".running_var", TSM_MARK_NONE                                              \
    }
#define PADDLE_CONV(from, to)                                                                                        \
    {                                                                                                                \
        from "._conv.*", to ".*", TSM_MARK_NONE                                                                      \
    }

static const tsm_rename paddle_renames[] = {
    PADDLE_CONV("backbone.conv1_1", "base_model.conv1.0"),
    PADDLE_NORM("backbone.conv1_1", "base_model.conv1.1"),
    PADDLE_CONV("backbone.conv1_2", "base_model.conv1.3"),
    PADDLE_NORM("backbone.conv1_2", "base_model.conv1.4"),
    PADDLE_CONV("backbone.conv1_3", "base_model.conv1.6"),
    PADDLE_NORM("backbone.conv1_3", "base_model.bn1"),
    PADDLE_CONV("backbone.bb_#_#.conv#", "base_model.layer#+1.#.conv#+1"),
    PADDLE_NORM("backbone.bb_#_#.conv#", "base_model.layer#+1.#.bn#+1"),
    PADDLE_CONV("backbone.bb_#_#.short", "base_model.layer#+1.#.downsample.1"),
    PADDLE_NORM("backbone.bb_#_#.short", "base_model.layer#+1.#.downsample.2"),
    { "head.fc.weight", "new_fc.weight", TSM_MARK_TRANSPOSED },
    { "head.fc.bias", "new_fc.bias", TSM_MARK_NONE },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const paddle_telltales[] = { "backbone.conv1_#.*", "backbone.bb_#_#.*", "head.fc.*", NULL };

static const tsm_rename torchvision_renames[] = {
    { "conv1.*", "base_model.conv1.*", TSM_MARK_NONE },
    { "bn1.*", "base_model.bn1.*", TSM_MARK_NONE },
    { "layer#.#.*", "base_model.layer#.#.*", TSM_MARK_NONE },
    { "fc.*", "new_fc.*", TSM_MARK_NONE },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const torchvision_telltales[] = { "conv1.*", "bn1.*", "layer#.#.*", "fc.*", NULL };

/* ImageNet's MobileNetV2: a convolution, its batch norm and its activation are a sequence within the block's. */
static const tsm_rename torchvision_mobilenet_renames[] = {
    { "features.1.conv.0.#.*", "base_model.features.1.conv.#.*", TSM_MARK_NONE },
    { "features.1.conv.1.*", "base_model.features.1.conv.3.*", TSM_MARK_NONE },
    { "features.1.conv.2.*", "base_model.features.1.conv.4.*", TSM_MARK_NONE },
    { "features.#.conv.0.#.*", "base_model.features.#.conv.#.*", TSM_MARK_NONE },
    { "features.#.conv.1.#.*", "base_model.features.#.conv.#+3.*", TSM_MARK_NONE },
    { "features.#.conv.2.*", "base_model.features.#.conv.6.*", TSM_MARK_NONE },
    { "features.#.conv.3.*", "base_model.features.#.conv.7.*", TSM_MARK_NONE },
    { "features.#.*", "base_model.features.#.*", TSM_MARK_NONE },
    { "classifier.1.*", "new_fc.*", TSM_MARK_NONE },
    { NULL, NULL, TSM_MARK_NONE },
};
static const char *const torchvision_mobilenet_telltales[] = {
    "features.#.#.*",
    "features.#.conv.#.*",
    "classifier.1.*",
    NULL,
};

const tsm_naming tsm_namings[] = {
    { "MIT", mit_telltales, mit_renames, TSM_DIRECTION_FROM_FILE },
    { "mmaction2", mmaction_resnet_telltales, mmaction_resnet_renames, TSM_DIRECTION_FROM_FILE },
    { "mmaction2", mmaction_mobilenet_telltales, mmaction_mobilenet_renames, TSM_DIRECTION_FROM_FILE },
    { "mmaction2", mmaction_mobileone_telltales, mmaction_mobileone_renames, TSM_DIRECTION_FROM_FILE },
    { "MIT online", online_telltales, online_renames, TSM_UNIDIRECTIONAL },
    { "PaddleVideo", paddle_telltales, paddle_renames, TSM_MIRRORED },
    { "torchvision", torchvision_telltales, torchvision_renames, TSM_DIRECTION_FROM_FILE },
    { "torchvision", torchvision_mobilenet_telltales, torchvision_mobilenet_renames, TSM_DIRECTION_FROM_FILE },
    { NULL, NULL, NULL, TSM_DIRECTION_FROM_FILE },
};

/* Takes a number of one to four digits off *text. */
static bool take_number(const char **text, int *number)
{
    int digits = 0;

    for (*number = 0; **text >= '0' && **text <= '9'; ++*text) {
        if (++digits > 4) return false;
        *number = *number * 10 + (**text - '0');
    }
    return digits > 0;
}

bool tsm_pattern_match(const char *pattern, const char *name, tsm_captures *found)
{
    found->count = 0;
    for (; *pattern && *pattern != '*'; pattern++) {
        if (*pattern != '#') {
            if (*pattern != *name++) return false;
        } else if (!take_number(&name, &found->numbers[found->count++])) {
            return false;
        }
    }
    found->rest = name;
    return *pattern == '*' || !*name;
}

/* `to` with what was found in place of its signs; NULL when out of memory. */
static char *substitute(const char *to, const tsm_captures *found)
{
    size_t room = strlen(to) + strlen(found->rest) + TSM_PATTERN_NUMBERS * sizeof "10000";
    char *name = tsm_alloc_zero(room, 1), *at = name;
    int taken = 0, plus;

    if (!name) return NULL;
    while (*to) {
        if (*to == '*') {
            strcpy(at, found->rest);
            break;
        }
        if (*to != '#') {
            *at++ = *to++;
            continue;
        }
        plus = 0;
        if (*++to == '+') {
            to++;
            take_number(&to, &plus);
        }
        at += sprintf(at, "%d", found->numbers[taken++] + plus);
    }
    return name;
}

static void add_mark(tsm_marks *marks, tsm_mark mark)
{
    if (mark == TSM_MARK_BLOCKRES) marks->shift = TSM_PLACE_BLOCKRES;
    if (mark == TSM_MARK_BLOCK) marks->shift = TSM_PLACE_BLOCK;
    if (mark == TSM_MARK_TPOOL) marks->tpool = true;
    if (mark == TSM_MARK_TRANSPOSED) marks->transposed = true;
}

bool tsm_rename_apply(const tsm_rename *rules, char **name, tsm_marks *marks)
{
    for (; rules->from; rules++) {
        bool shifts = rules->mark == TSM_MARK_BLOCKRES || rules->mark == TSM_MARK_BLOCK;
        tsm_captures found;
        char *renamed;

        if (shifts && marks->shift) continue;
        if (!tsm_pattern_match(rules->from, *name, &found)) continue;
        renamed = substitute(rules->to, &found);
        if (!renamed) return false;
        tsm_free(*name);
        *name = renamed;
        add_mark(marks, rules->mark);
    }
    return true;
}

bool tsm_naming_knows(const tsm_naming *naming, const char *name)
{
    tsm_captures found;

    for (const char *const *telltale = naming->telltales; *telltale; telltale++)
        if (tsm_pattern_match(*telltale, name, &found)) return true;
    return false;
}

const char *tsm_naming_foreign(const char *name)
{
    static const struct {
        const char *part, *what;
    } foreign[] = {
        { "base_model.inception", "BNInception" },
        { "exp_avg", "the state of an optimizer" },
        { "momentum_buffer", "the state of an optimizer" },
        /* torchvision, mmdetection, DETR, YOLO */
        { "rpn_head.", "a detection model" },
        { "rpn.head.", "a detection model" },
        { "roi_head", "a detection model" },
        { "bbox_", "a detection model" },
        { ".fpn.", "a detection model" },
        { "neck.lateral_convs.", "a detection model" },
        { "head.regression_head.", "a detection model" },
        { ".anchor", "a detection model" },
        { ".dfl.", "a detection model" },
        { ".obj_preds.", "a detection model" },
        { "attn", "a transformer" },
    };

    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strstr(name, foreign[i].part)) return foreign[i].what;
    return NULL;
}
