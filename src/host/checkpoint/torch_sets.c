/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch_sets.c - which dictionaries of a file hold tensors: the object that was saved, or any of the dictionaries in
 * it, such as "state_dict", "model" or "ema.state_dict". Items of lists and tuples have their numbers as keys: "0".
 */
#include <stdio.h>
#include <string.h>

#include "reader.h"
#include "torch_file.h"

#define MAX_DEPTH 4
#define KEY_BYTES 120

/* Is this what an optimizer saves, of itself or of one parameter? The first entries tell: all of a value that many
 * refer to would be too long a look. */
static bool is_optimizer(const tsm_pickle *pickle, uint32_t dict)
{
    static const char *const names[] = { "param_groups", "momentum_buffer", "exp_avg" };
    const tsm_pickle_value *value = tsm_pickle_at(pickle, dict);
    uint32_t cell = value->kind == TSM_PICKLE_DICT ? value->as.items.first : 0;

    for (int i = 0; cell && i < 8; i++) {
        const tsm_pickle_value *key = tsm_pickle_at(pickle, pickle->cells[cell].value);

        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (tsm_pickle_equals(key, names[k])) return true;
        cell = pickle->cells[pickle->cells[cell].next].next;
    }
    return false;
}

/* What paddle.save makes of a variable outside a plain state dictionary: (its own name, its array). */
static bool is_variable(const tsm_pickle *pickle, uint32_t value)
{
    const tsm_pickle_value *pair = tsm_pickle_at(pickle, value);

    return pair->kind == TSM_PICKLE_TUPLE && pair->as.items.count == 2 &&
           tsm_pickle_at(pickle, tsm_pickle_item(pickle, value, 0))->kind == TSM_PICKLE_STRING &&
           tsm_pickle_at(pickle, tsm_pickle_item(pickle, value, 1))->kind == TSM_PICKLE_ARRAY;
}

uint32_t tsm_torch_tensor(const tsm_pickle *pickle, uint32_t key, uint32_t value)
{
    const tsm_pickle_value *found;

    if (tsm_pickle_at(pickle, key)->kind != TSM_PICKLE_STRING) return 0;
    if (is_variable(pickle, value)) value = tsm_pickle_item(pickle, value, 1);
    found = tsm_pickle_at(pickle, value);
    return found->kind == TSM_PICKLE_TENSOR || (found->kind == TSM_PICKLE_ARRAY && found->as.array.data) ? value : 0;
}

int tsm_torch_count(const tsm_pickle *pickle, uint32_t dict)
{
    uint32_t cell = tsm_pickle_at(pickle, dict)->as.items.first;
    int count = 0;

    while (cell) {
        const uint32_t next = pickle->cells[cell].next;

        count += tsm_torch_tensor(pickle, pickle->cells[cell].value, pickle->cells[next].value) != 0;
        cell = pickle->cells[next].next;
    }
    return count;
}

/* A walk through the dictionaries of a file; each is entered once, however many refer to it. */
typedef struct search {
    tsm_torch_file *file;
    tsm_checkpoint *checkpoint;
    uint8_t *seen;         /* one a value */
    bool optimizer, whole; /* on the way there was the state of an optimizer; a whole model */
} search;

static tsm_status add_set(search *s, uint32_t dict, const char *key, tsm_error *error)
{
    if (s->checkpoint->set_count == TSM_MAX_SETS) return TSM_OK;
    s->file->dicts[s->checkpoint->set_count] = dict;
    return tsm_checkpoint_add_set(s->checkpoint, key, error);
}

/* The key of an entry behind that of its dictionary; false where it is no text, or too long for one that people
 * use. */
static bool join_key(char out[KEY_BYTES], const char *of, const tsm_pickle_value *key)
{
    int length;

    if (key->kind != TSM_PICKLE_STRING || key->as.string.length >= KEY_BYTES) return false;
    if (memchr(key->as.string.bytes, 0, key->as.string.length)) return false;
    length =
        snprintf(out, KEY_BYTES, "%s%s%.*s", of, *of ? "." : "", (int)key->as.string.length, key->as.string.bytes);
    return length < KEY_BYTES;
}

static bool is_sequence(const tsm_pickle_value *value)
{
    return value->kind == TSM_PICKLE_LIST || value->kind == TSM_PICKLE_TUPLE;
}

static tsm_status visit(search *s, uint32_t container, const char *key, int depth, tsm_error *error);

/* An entry of a container, under the key that it has there. */
static tsm_status visit_entry(search *s, uint32_t value, const char *of, const tsm_pickle_value *name, int depth,
                              tsm_error *error)
{
    const tsm_pickle_value *found = tsm_pickle_at(&s->file->pickle, value);
    char key[KEY_BYTES];

    if (found->kind != TSM_PICKLE_DICT && !is_sequence(found)) return TSM_OK;
    if (found->kind == TSM_PICKLE_DICT && is_optimizer(&s->file->pickle, value)) s->optimizer = true;
    if (depth == MAX_DEPTH || !join_key(key, of, name)) return TSM_OK;
    return visit(s, value, key, depth + 1, error);
}

/* The first items only: longer lists are of something else. */
static tsm_status visit_items(search *s, uint32_t list, const char *key, int depth, tsm_error *error)
{
    uint32_t cell = tsm_pickle_at(&s->file->pickle, list)->as.items.first;

    for (int i = 0; cell && i < TSM_MAX_SETS; i++) {
        char number[12];
        const size_t length = (size_t)snprintf(number, sizeof number, "%d", i);
        const tsm_pickle_value name = { .kind = TSM_PICKLE_STRING, .as.string = { number, length } };

        TSM_TRY_RETURN(visit_entry(s, s->file->pickle.cells[cell].value, key, &name, depth, error));
        cell = s->file->pickle.cells[cell].next;
    }
    return TSM_OK;
}

static tsm_status visit_entries(search *s, uint32_t dict, const char *key, int depth, tsm_error *error)
{
    const tsm_pickle *pickle = &s->file->pickle;
    uint32_t cell = tsm_pickle_at(pickle, dict)->as.items.first;

    while (cell) {
        const uint32_t next = pickle->cells[cell].next, value = pickle->cells[next].value;
        const tsm_pickle_value *name = tsm_pickle_at(pickle, pickle->cells[cell].value);

        TSM_TRY_RETURN(visit_entry(s, value, key, name, depth, error));
        if (tsm_pickle_equals(name, "model") && tsm_pickle_at(pickle, value)->kind == TSM_PICKLE_OBJECT)
            s->whole = true;
        cell = pickle->cells[next].next;
    }
    return TSM_OK;
}

/* Visits a container, then those in it. Recursion ends at MAX_DEPTH. */
static tsm_status visit(search *s, uint32_t container, const char *key, int depth, tsm_error *error)
{
    const tsm_pickle *pickle = &s->file->pickle;

    if (s->seen[container]) return TSM_OK;
    s->seen[container] = 1;
    if (is_sequence(tsm_pickle_at(pickle, container))) return visit_items(s, container, key, depth, error);
    if (is_optimizer(pickle, container)) {
        s->optimizer = true;
        return TSM_OK;
    }
    if (tsm_torch_count(pickle, container) > 0) TSM_TRY_RETURN(add_set(s, container, key, error));
    return visit_entries(s, container, key, depth, error);
}

static tsm_status fail_without_tensors(const search *s, tsm_error *error)
{
    if (s->file->container == TSM_TORCH_PICKLE)
        return tsm_fail(error, TSM_ERROR_FORMAT,
                        "is a Python pickle that PyTorch did not write, and holds no NumPy arrays under names");
    return tsm_fail(error, TSM_ERROR_FORMAT, "is a PyTorch file%s, but holds no tensors in a state_dict%s",
                    s->optimizer ? " with the state of an optimizer" : "",
                    s->whole ? ": a whole model was saved, as \"model\"" : "");
}

static tsm_status fail_without_dictionary(const search *s, tsm_error *error)
{
    if (s->file->container == TSM_TORCH_PICKLE) return fail_without_tensors(s, error);
    return tsm_fail(error, TSM_ERROR_FORMAT,
                    "is a PyTorch file, but holds no dictionary: a whole model or another object was saved, not a "
                    "state_dict");
}

tsm_status tsm_torch_find_sets(tsm_torch_file *file, tsm_checkpoint *checkpoint, tsm_error *error)
{
    const tsm_pickle_value *root = tsm_pickle_at(&file->pickle, file->root);
    search s = { .file = file, .checkpoint = checkpoint };
    tsm_status status;

    if (root->kind != TSM_PICKLE_DICT && !is_sequence(root)) return fail_without_dictionary(&s, error);
    s.seen = tsm_alloc_zero(file->pickle.value_count, 1);
    if (!s.seen) return tsm_fail_memory(error, file->pickle.value_count);
    status = visit(&s, file->root, "", 0, error);
    tsm_free(s.seen);
    if (status != TSM_OK) return status;
    if (checkpoint->set_count > 0) return TSM_OK;
    return is_sequence(root) ? fail_without_dictionary(&s, error) : fail_without_tensors(&s, error);
}
