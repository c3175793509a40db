/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of an input as choices: each byte is one, and where they have ended each choice is the first. So a fuzzer that changes bytes
 * changes types, names and values, and never makes what cannot even be said. */
#pragma once

#include <glib.h>

typedef struct MakerBytes {
    const guint8 *at; /* weak */
    gsize left;
} MakerBytes;

/* 0 to @n - 1. */
guint maker_choose(MakerBytes *bytes, guint n);
const char *maker_choose_text(MakerBytes *bytes, const char *const *texts, guint n);
