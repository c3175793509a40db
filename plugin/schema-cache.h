/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of QEMUs, so that the schema of each is fetched and parsed once, however many VMs run it. A key stands
 * for one QEMU (its program and what it says of itself), a digest for one schema, whichever QEMUs have it. */
#pragma once

#include "interfaces.h"

typedef struct SchemaCache SchemaCache;

SchemaCache *schema_cache_new(void);
void schema_cache_free(SchemaCache *cache);

/* Borrowed; NULL: not known. Any of the two may be NULL. */
Interfaces *schema_cache_find(SchemaCache *cache, const char *key, const char *digest);

/* References @interfaces. The longest unused of more than a few are forgotten. Tells all who have claimed @key. @key may
 * be NULL: for the digest alone. */
void schema_cache_add(SchemaCache *cache, const char *key, const char *digest, Interfaces *interfaces);

/* The intention to fetch the schema of the QEMU that @key stands for: only the first may, the others wait. @func is called
 * once the schema is known or the claim has become the first, and then perhaps again; never from inside. */
typedef struct SchemaClaim SchemaClaim;
typedef void (*SchemaClaimFunc)(gpointer user_data);
SchemaClaim *schema_cache_claim(SchemaCache *cache, const char *key, SchemaClaimFunc func, gpointer user_data);
gboolean schema_claim_is_first(SchemaClaim *claim);

/* The next one has its turn. */
void schema_claim_free(SchemaClaim *claim);
