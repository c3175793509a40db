/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a text says below all escapes of JSON, and of HMP, which has some of the same. A string of QMP may hold JSON in
 * JSON (`json:{…}` as a file's name), so that there is no telling how often it will be read. */
#pragma once

#include <glib.h>

/* Owned. Each run of backslashes and what it escapes has become the one character that is meant in the end, whatever
 * the length of the run; one that is no ASCII has become `?`. Takes one pass. What has no backslash in it stands in the
 * result as it stood, so that a word that is looked for is found where QEMU would find it at any depth. */
char *escapes_strip(const char *text);
