/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema-cache.h"

/* A host runs two or three QEMUs, some more while they are being upgraded. Each is 0.6 MB. */
#define MAX_KNOWN 8

typedef struct Known {
    char *key; /* owned; may be NULL */
    char *digest; /* owned */
    Interfaces *interfaces; /* ref */
} Known;

struct SchemaClaim {
    SchemaCache *cache; /* weak */
    char *key; /* owned */
    SchemaClaimFunc func;
    gpointer user_data;
    gboolean is_told; /* that the schema is known; not in the cache's claims any more */
    GList link;
};

struct SchemaCache {
    GQueue known; /* of Known, owned; the last used first */
    GQueue claims; /* of SchemaClaim, by their links, in their order */
};

static void
known_free(gpointer data)
{
    Known *known = data;

    g_free(known->key);
    g_free(known->digest);
    interfaces_unref(known->interfaces);
    g_free(known);
}

SchemaCache *
schema_cache_new(void)
{
    return g_new0(SchemaCache, 1);
}

void
schema_cache_free(SchemaCache *cache)
{
    g_queue_clear_full(&cache->known, known_free);
    g_free(cache);
}

static gboolean
is_same(const char *a, const char *b)
{
    return a && b && g_str_equal(a, b);
}

Interfaces *
schema_cache_find(SchemaCache *cache, const char *key, const char *digest)
{
    for (GList *i = cache->known.head; i; i = i->next) {
        Known *known = i->data;
        if (!is_same(known->key, key) && !is_same(known->digest, digest))
            continue;
        g_queue_unlink(&cache->known, i);
        g_queue_push_head_link(&cache->known, i);
        return known->interfaces;
    }
    return NULL;
}

static SchemaClaim *
find_claim(SchemaCache *cache, const char *key)
{
    for (GList *i = cache->claims.head; i; i = i->next)
        if (is_same(((SchemaClaim *)i->data)->key, key))
            return i->data;
    return NULL;
}

void
schema_cache_add(SchemaCache *cache, const char *key, const char *digest, Interfaces *interfaces)
{
    Known *known = g_new0(Known, 1);
    SchemaClaim *claim;

    known->key = g_strdup(key);
    known->digest = g_strdup(digest);
    known->interfaces = interfaces_ref(interfaces);
    g_queue_push_head(&cache->known, known);
    if (cache->known.length > MAX_KNOWN)
        known_free(g_queue_pop_tail(&cache->known));
    while ((claim = find_claim(cache, key))) {
        claim->is_told = TRUE;
        g_queue_unlink(&cache->claims, &claim->link);
        claim->func(claim->user_data);
    }
}

SchemaClaim *
schema_cache_claim(SchemaCache *cache, const char *key, SchemaClaimFunc func, gpointer user_data)
{
    SchemaClaim *claim = g_new0(SchemaClaim, 1);

    claim->cache = cache;
    claim->key = g_strdup(key);
    claim->func = func;
    claim->user_data = user_data;
    claim->link.data = claim;
    g_queue_push_tail_link(&cache->claims, &claim->link);
    return claim;
}

gboolean
schema_claim_is_first(SchemaClaim *claim)
{
    return find_claim(claim->cache, claim->key) == claim;
}

void
schema_claim_free(SchemaClaim *claim)
{
    gboolean was_first = !claim->is_told && schema_claim_is_first(claim);
    SchemaClaim *next = NULL;

    if (!claim->is_told)
        g_queue_unlink(&claim->cache->claims, &claim->link);
    if (was_first)
        next = find_claim(claim->cache, claim->key);
    g_free(claim->key);
    g_free(claim);
    if (next)
        next->func(next->user_data);
}
