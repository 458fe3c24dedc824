/* SPDX-License-Identifier: Apache-2.0 */
/* eval_protocol.h - how published figures were measured: frames, views and scores, by name. */
#ifndef TSM_CLI_EVAL_PROTOCOL_H
#define TSM_CLI_EVAL_PROTOCOL_H

#include "settings.h"

extern const option_choice eval_protocols[]; /* of --protocol; values from 1 */

/* Sets what the protocol says and no option has; 0 is no protocol. */
void eval_protocol_apply(int protocol, settings *s);

#endif
