/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line of HMP, cut into its command and words as QEMU's own parser does it (7.2, 10.0 and 11.1 alike): a name of a
 * command is never short for another, `;` means nothing, and each of C's white space separates. */
#pragma once

#include <glib.h>

/* Owned; NULL: the line has no command. QEMU reads a name up to white space or `/`. @ret_rest: the rest of @line. */
char *hmp_line_dup_command(const char *line, const char **ret_rest);

/* Moves @rest behind the options (`-j`) that stand next, which need no white space after them. */
void hmp_line_skip_options(const char **rest);

/* The next word as a string of QEMU's; owned. @rest: moved behind the word. NULL: the line has ended, or, with
 * @ret_is_bad, QEMU cannot read the word (a quote without its end, an unknown escape). */
char *hmp_line_dup_word(const char **rest, gboolean *ret_is_bad);
