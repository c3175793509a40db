/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schemas that QEMUs have told, so that each text is parsed and kept once, however many VMs have told the same. The
 * text is all that a schema is found by: no VM's word stands for another's, not even where both run one
 * program for one user, because a QEMU that a guest has taken over would then say what a privileged caller's arguments
 * mean elsewhere. */
#pragma once

#include "qmp-interfaces.h"

typedef struct SchemaCache SchemaCache;

/* Makes the interfaces of a schema, which is taken. */
typedef QmpInterfaces *(*SchemaCacheFunc)(QmpSchema *schema, gpointer user_data);

SchemaCache *schema_cache_new(GMainContext *context, SchemaCacheFunc make, gpointer user_data);

/* Nothing may be being read. */
void schema_cache_free(SchemaCache *cache);

/* Somebody who waits for a text to be read. */
typedef struct SchemaReading SchemaReading;

/* Once, unless cancelled; never from inside schema_cache_read(). @interfaces: borrowed; NULL: it is no schema, as
 * @error says. The SchemaReading is gone when this returns. */
typedef void (*SchemaReadFunc)(QmpInterfaces *interfaces, const GError *error, gpointer user_data);

/* @text: a VM's reply to query-qmp-schema, QMP_SCHEMA_MAX bytes at most, which is copied. Returns the interfaces,
 * borrowed, where the same text is known; otherwise NULL, sets *@ret_reading and calls @func later. */
QmpInterfaces *schema_cache_read(SchemaCache *cache, const char *text, gsize length, SchemaReadFunc func,
                                 gpointer user_data, SchemaReading **ret_reading);
void schema_reading_cancel(SchemaReading *reading);

/* A VM has let go of its interfaces: those that nobody uses are forgotten, but for the last few. */
void schema_cache_trim(SchemaCache *cache);
