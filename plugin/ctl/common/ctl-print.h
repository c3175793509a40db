/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What qemu-monitorctl prints. Names and texts come from QEMU, its guest or another caller: what steers a terminal is shown as
 * `\xNN`. */
#pragma once

#include <gio/gio.h>
#include <stdio.h>

/* @text without what steers a terminal; line ends and tabulators stay if @is_text. */
char *ctl_dup_printable(const char *text, gboolean is_text);

/* One line, whatever its parts hold. */
void ctl_print_line(FILE *file, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* JSON text, as it stands, with a line for each value. No number is read, so that none is rounded. */
void ctl_print_json(FILE *file, const char *json);

/* JSON text of one line, likewise. */
void ctl_print_json_line(FILE *file, const char *json);

/* A value for people: strings bare, containers as JSON. */
char *ctl_variant_to_text(GVariant *value);

/* Columns. The first row is the heading. */
typedef struct CtlTable CtlTable;
CtlTable *ctl_table_new(const char *first, ...) G_GNUC_NULL_TERMINATED;
/* Takes the strings; as many as the heading has, in a vector that is freed too. */
void ctl_table_take_row(CtlTable *table, char **row);
/* Prints it and frees it. As JSON: an array of objects, whose members are called as the columns, in small letters. */
void ctl_table_print(CtlTable *table, gboolean is_json);

/* "3 min ago", from microseconds since the epoch. */
char *ctl_format_age(guint64 since);

/* "root", or the number where nobody is called so. */
char *ctl_format_user(guint32 uid);
