/* SPDX-License-Identifier: Apache-2.0 */
/*
 * naming.h - how the releases name the tensors of the same networks, as tables of rename rules.
 *
 * A rule has two patterns. In `from`, '#' stands for a number and '*' for the rest of the name, with which a pattern
 * ends; `to` takes both in their order, "#+4" a number that is 4 higher. All rules of a naming are tried in turn on
 * what the one before left, and a name that none knows stays as it is. The names that come out are those of the MIT
 * release without "module." and ".net": "base_model.layer1.0.conv1.weight", "new_fc.weight".
 */
#ifndef TSM_NAMES_NAMING_H
#define TSM_NAMES_NAMING_H

#include <stdbool.h>
#include <tsm/tsm.h>

/* What a name can mark besides itself. */
typedef enum tsm_mark {
    TSM_MARK_NONE,
    TSM_MARK_BLOCKRES,
    TSM_MARK_BLOCK,
    TSM_MARK_TPOOL,
    TSM_MARK_TRANSPOSED
} tsm_mark;

typedef struct tsm_marks {
    tsm_shift_place shift; /* TSM_PLACE_FROM_FILE: none */
    bool tpool;            /* the stage begins with a temporal pool */
    bool transposed;       /* a matrix (in, out) */
} tsm_marks;

typedef struct tsm_rename {
    const char *from, *to;
    tsm_mark mark; /* one shift a name: a rule that marks another does not apply */
} tsm_rename;

typedef struct tsm_naming {
    const char *name;              /* "mmaction2" */
    const char *const *telltales;  /* patterns of its names, ended by NULL */
    const tsm_rename *renames;     /* ended by a rule without patterns */
    tsm_shift_direction direction; /* of networks with such names, which all shift and do not mark it;
                                    * TSM_DIRECTION_FROM_FILE: names mark what shifts */
} tsm_naming;

/* Ended by a nameless entry. Where two fit equally well, the first is meant. */
extern const tsm_naming tsm_namings[];

#define TSM_PATTERN_NUMBERS 4

typedef struct tsm_captures {
    int numbers[TSM_PATTERN_NUMBERS], count;
    const char *rest; /* in the name */
} tsm_captures;

/* Numbers have at most four digits. */
bool tsm_pattern_match(const char *pattern, const char *name, tsm_captures *found);

/* Rewrites *name, a tsm_alloc'ed string, by the rules, and adds to *marks. False when out of memory. */
bool tsm_rename_apply(const tsm_rename *rules, char **name, tsm_marks *marks);

/* Does one of the naming's telltales match? */
bool tsm_naming_knows(const tsm_naming *naming, const char *name);

/* What a network or file that is not read here calls its tensors: says what `name` is of, or NULL. */
const char *tsm_naming_foreign(const char *name);

#endif
