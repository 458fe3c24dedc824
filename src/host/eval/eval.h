/* SPDX-License-Identifier: Apache-2.0 */
/* eval.h - what evaluation needs besides a network: lists of class names (labels.h) and of videos (list.h) in the
 * forms that data sets ship, the scores of a video from the logits of its clips (scores.h), what is counted of them
 * (metrics.h), and what is text (utf8.h). Stands on the public headers alone. */
#ifndef TSM_EVAL_EVAL_H
#define TSM_EVAL_EVAL_H

#include "labels.h"
#include "list.h"
#include "metrics.h"
#include "scores.h"
#include "utf8.h"

#endif
