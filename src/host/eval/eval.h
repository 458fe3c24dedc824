/* SPDX-License-Identifier: Apache-2.0 */
/* eval.h - what evaluation needs besides a network: lists of class names in the forms that data sets ship (labels.h),
 * and the scores of a video from the logits of its clips (scores.h), and what is text (utf8.h). Stands on the public
 * headers alone. */
#ifndef TSM_EVAL_EVAL_H
#define TSM_EVAL_EVAL_H

#include "labels.h"
#include "scores.h"
#include "utf8.h"

#endif
