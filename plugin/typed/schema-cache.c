/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by vm-schema.c. Owns the parsers: a text that many VMs tell at once is parsed for all of them, whichever of them goes
 * meanwhile. A text is known again by its bytes, which are kept: to compare 150 kB takes 10 us, a digest of them that no QEMU
 * could forge 3 ms. */
#include "schema-cache.h"

#include <string.h>

#include "qmp-schema-parse.h"

/* Of those that no VM uses. A host runs two or three QEMUs, some more while they are being upgraded. Each is 0.8 MB. */
#define MAX_UNUSED 8

typedef struct Known {
    GBytes *text; /* ref */
    QmpInterfaces *interfaces; /* ref */
} Known;

/* A text that is being parsed. */
typedef struct Job {
    SchemaCache *cache; /* weak */
    GBytes *text; /* ref */
    QmpSchemaParser *parser; /* owned */
    GSource *slices; /* owned */
    GQueue readings; /* of SchemaReading, by their links; not empty before they are told */
    gboolean has_ended; /* they are being told; not in the cache's jobs any more */
    GList link; /* in cache->jobs */
} Job;

struct SchemaReading {
    Job *job; /* weak */
    SchemaReadFunc func;
    gpointer user_data;
    GList link;
};

struct SchemaCache {
    GMainContext *context; /* ref */
    SchemaCacheFunc make;
    gpointer user_data;
    GQueue known; /* of Known, owned; the last found first */
    GQueue jobs; /* of Job, by their links */
};

static void
known_free(gpointer data)
{
    Known *known = data;

    g_bytes_unref(known->text);
    qmp_interfaces_unref(known->interfaces);
    g_free(known);
}

SchemaCache *
schema_cache_new(GMainContext *context, SchemaCacheFunc make, gpointer user_data)
{
    SchemaCache *cache = g_new0(SchemaCache, 1);

    cache->context = g_main_context_ref(context);
    cache->make = make;
    cache->user_data = user_data;
    return cache;
}

void
schema_cache_free(SchemaCache *cache)
{
    g_warn_if_fail(cache->jobs.length == 0);
    g_queue_clear_full(&cache->known, known_free);
    g_main_context_unref(cache->context);
    g_free(cache);
}

void
schema_cache_trim(SchemaCache *cache)
{
    guint n_unused = 0;

    for (GList *i = cache->known.head, *next; i; i = next) {
        Known *known = i->data;
        next = i->next;
        if (qmp_interfaces_is_shared(known->interfaces) || ++n_unused <= MAX_UNUSED)
            continue;
        known_free(known);
        g_queue_delete_link(&cache->known, i);
    }
}

static gboolean
is_same_text(GBytes *bytes, const char *text, gsize length)
{
    return g_bytes_get_size(bytes) == length && memcmp(g_bytes_get_data(bytes, NULL), text, length) == 0;
}

static QmpInterfaces *
find_known(SchemaCache *cache, const char *text, gsize length)
{
    for (GList *i = cache->known.head; i; i = i->next) {
        Known *known = i->data;
        if (!is_same_text(known->text, text, length))
            continue;
        g_queue_unlink(&cache->known, i);
        g_queue_push_head_link(&cache->known, i);
        return known->interfaces;
    }
    return NULL;
}

static Job *
find_job(SchemaCache *cache, const char *text, gsize length)
{
    for (GList *i = cache->jobs.head; i; i = i->next)
        if (is_same_text(((Job *)i->data)->text, text, length))
            return i->data;
    return NULL;
}

static void
free_job(Job *job)
{
    if (!job->has_ended)
        g_queue_unlink(&job->cache->jobs, &job->link);
    g_source_destroy(job->slices);
    g_source_unref(job->slices);
    g_clear_pointer(&job->parser, qmp_schema_parser_free);
    g_bytes_unref(job->text);
    g_free(job);
}

/* Whoever is told may bring about that others do not wait any more. */
static void
end_job(Job *job, QmpInterfaces *interfaces, const GError *error)
{
    SchemaReading *reading;

    g_queue_unlink(&job->cache->jobs, &job->link);
    job->has_ended = TRUE;
    while ((reading = g_queue_peek_head(&job->readings))) {
        g_queue_unlink(&job->readings, &reading->link);
        reading->func(interfaces, error, reading->user_data);
        g_free(reading);
    }
    free_job(job);
}

static QmpInterfaces *
add_known(SchemaCache *cache, GBytes *text, QmpSchema *schema)
{
    Known *known = g_new0(Known, 1);

    known->text = g_bytes_ref(text);
    known->interfaces = cache->make(schema, cache->user_data);
    g_queue_push_head(&cache->known, known);
    return qmp_interfaces_ref(known->interfaces);
}

static void
finish_job(Job *job, QmpSchema *schema)
{
    SchemaCache *cache = job->cache;
    g_autoptr(QmpInterfaces) interfaces = add_known(cache, job->text, schema);

    end_job(job, interfaces, /* error= */ NULL);
    schema_cache_trim(cache);
}

static gboolean
parse_slice(gpointer user_data)
{
    Job *job = user_data;
    g_autoptr(GError) error = NULL;
    QmpSchema *schema = NULL;

    switch (qmp_schema_parser_step(job->parser, &schema, &error)) {
    case QMP_SCHEMA_MORE:
        return G_SOURCE_CONTINUE;
    case QMP_SCHEMA_DONE:
        finish_job(job, schema);
        return G_SOURCE_REMOVE;
    case QMP_SCHEMA_FAILED:
        end_job(job, /* interfaces= */ NULL, error);
        return G_SOURCE_REMOVE;
    }
    g_return_val_if_reached(G_SOURCE_REMOVE);
}

/* At the priority of everything else: work that is left over, not idle work. */
static GSource *
start_slices(Job *job)
{
    GSource *slices = g_idle_source_new();

    g_source_set_priority(slices, G_PRIORITY_DEFAULT);
    g_source_set_callback(slices, parse_slice, job, NULL);
    g_source_attach(slices, job->cache->context);
    return slices;
}

static Job *
start_job(SchemaCache *cache, const char *text, gsize length)
{
    Job *job = g_new0(Job, 1);

    job->cache = cache;
    job->text = g_bytes_new(text, length);
    job->parser = qmp_schema_parser_new(job->text);
    job->slices = start_slices(job);
    job->link.data = job;
    g_queue_push_tail_link(&cache->jobs, &job->link);
    return job;
}

QmpInterfaces *
schema_cache_read(SchemaCache *cache, const char *text, gsize length, SchemaReadFunc func, gpointer user_data,
                  SchemaReading **ret_reading)
{
    QmpInterfaces *known = find_known(cache, text, length);
    SchemaReading *reading;
    Job *job;

    if (known)
        return known;
    job = find_job(cache, text, length);
    reading = *ret_reading = g_new0(SchemaReading, 1);
    reading->job = job ? job : start_job(cache, text, length);
    reading->func = func;
    reading->user_data = user_data;
    reading->link.data = reading;
    g_queue_push_tail_link(&reading->job->readings, &reading->link);
    return NULL;
}

void
schema_reading_cancel(SchemaReading *reading)
{
    Job *job = reading->job;

    g_queue_unlink(&job->readings, &reading->link);
    g_free(reading);
    if (job->readings.length == 0 && !job->has_ended)
        free_job(job);
}
