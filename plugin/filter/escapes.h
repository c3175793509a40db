/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a text below all escapes of JSON, and of HMP, which has some of the same. A string of QMP may hold JSON in
 * JSON (`json:{…}` as a file's name), so that nobody can tell how often QEMU will read it. */
#pragma once

#include <glib.h>

/* Owned. Each run of backslashes and the character that it escapes have become the one character that is meant in the
 * end, whatever the length of the run; a character that is no ASCII has become `?`. Takes one pass. Text without a
 * backslash stands in the result as it stood, so that a word is found where QEMU would find it at any depth. */
char *escapes_strip(const char *text);
