/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c - what the autotuner found, in memory; the file is in cache_file.c. */
#include "cache.h"

#include <stdio.h>
#include <string.h>

tsm_status tsm_tune_cache_init(tsm_tune_cache *cache, tsm_error *error)
{
    memset(cache, 0, sizeof *cache);
    if (pthread_mutex_init(&cache->mutex, NULL) != 0) return tsm_fail_memory(error, sizeof cache->mutex);
    cache->initialized = true;
    return TSM_OK;
}

void tsm_tune_cache_close(tsm_tune_cache *cache)
{
    if (cache->initialized) pthread_mutex_destroy(&cache->mutex);
    for (int i = 0; i < cache->count; i++) tsm_free(cache->entries[i].plan);
    tsm_free(cache->entries);
    memset(cache, 0, sizeof *cache);
}

static tsm_tune_entry *find_entry(const tsm_tune_cache *cache, const char *name)
{
    for (int i = 0; i < cache->count; i++)
        if (strcmp(cache->entries[i].name, name) == 0) return &cache->entries[i];
    return NULL;
}

static tsm_tune_entry *add_entry(tsm_tune_cache *cache, const char *name)
{
    tsm_tune_entry *entry;

    if (cache->count >= TSM_TUNE_MAX_ENTRIES || strlen(name) >= TSM_TUNE_NAME) return NULL;
    if (cache->count == cache->capacity) {
        int capacity = cache->capacity ? 2 * cache->capacity : 64;
        tsm_tune_entry *entries = tsm_realloc(cache->entries, (size_t)capacity, sizeof *entries);

        if (!entries) return NULL;
        cache->entries = entries;
        cache->capacity = capacity;
    }
    entry = &cache->entries[cache->count++];
    memset(entry, 0, sizeof *entry);
    strcpy(entry->name, name);
    return entry;
}

bool tsm_tune_cache_get(tsm_tune_cache *cache, const char *name, char value[TSM_TUNE_VALUE])
{
    const tsm_tune_entry *entry;

    pthread_mutex_lock(&cache->mutex);
    entry = find_entry(cache, name);
    if (entry) memcpy(value, entry->value, TSM_TUNE_VALUE);
    pthread_mutex_unlock(&cache->mutex);
    return entry != NULL;
}

static size_t plan_bytes(const char *plan)
{
    return plan ? strlen(plan) + 1 : 0;
}

/* NULL, or what does not fit: none. */
static void replace_plan(tsm_tune_cache *cache, tsm_tune_entry *entry, const char *plan)
{
    const size_t bytes = plan_bytes(plan);

    cache->plan_bytes -= plan_bytes(entry->plan);
    tsm_free(entry->plan);
    entry->plan = NULL;
    if (!bytes || bytes > TSM_TUNE_PLAN || bytes > TSM_TUNE_MAX_PLANS - cache->plan_bytes) return;
    entry->plan = tsm_strdup(plan);
    cache->plan_bytes += plan_bytes(entry->plan);
}

static bool same_plan(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool tsm_tune_cache_set_plan(tsm_tune_cache *cache, const char *name, const char *value, const char *plan)
{
    tsm_tune_entry *entry;
    bool known;

    pthread_mutex_lock(&cache->mutex);
    entry = find_entry(cache, name);
    known = entry && strcmp(entry->value, value) == 0 && same_plan(entry->plan, plan);
    if (!entry) entry = add_entry(cache, name);
    if (entry && !known) {
        snprintf(entry->value, sizeof entry->value, "%s", value);
        replace_plan(cache, entry, plan);
    }
    pthread_mutex_unlock(&cache->mutex);
    return !known;
}

void tsm_tune_cache_set(tsm_tune_cache *cache, const char *name, const char *value)
{
    tsm_tune_cache_set_plan(cache, name, value, NULL);
}

char *tsm_tune_cache_get_plan(tsm_tune_cache *cache, const char *name)
{
    const tsm_tune_entry *entry;
    char *plan = NULL;

    pthread_mutex_lock(&cache->mutex);
    entry = find_entry(cache, name);
    if (entry) plan = tsm_strdup(entry->plan);
    pthread_mutex_unlock(&cache->mutex);
    return plan;
}

void tsm_tune_cache_merge(tsm_tune_cache *cache, const char *name, const char *value, const char *plan)
{
    tsm_tune_entry *entry;

    if (strlen(value) >= TSM_TUNE_VALUE || find_entry(cache, name)) return;
    entry = add_entry(cache, name);
    if (!entry) return;
    snprintf(entry->value, sizeof entry->value, "%s", value);
    replace_plan(cache, entry, plan);
}
