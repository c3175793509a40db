/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The jobs of a VM as people see them: a line each, with a bar, a rate and the time that remains. */
#pragma once

#include "ctl.h"

/* The service's objects, kept up to date. A caller that has them on the bus has the agent ask QEMU for the jobs' progress. */
GDBusObjectManager *ctl_job_watch(Ctl *ctl, GError **error);

/* What QEMU calls the job at @path. Free with g_free(). NULL: @path is no job of @vm's. */
char *ctl_job_get_id(const char *vm, const char *path);

/* The object below @parent whose name is @name. Free with g_free(). */
char *ctl_make_path(const char *parent, const char *name);

/* The path of the job that is called @id; of one of QEMU's own, or the migration or the dump, whose names are not QEMU's. */
char *ctl_job_make_path(const char *vm, const char *id, gboolean is_qemus);

/* The job's interface, a reference; NULL: @object is none. */
GDBusProxy *ctl_job_get_proxy(GDBusObject *object);

/* Takes note of how far the job is, from which the rate is reckoned. To be called when its properties have changed. */
void ctl_job_note(GDBusProxy *job);

/* A property's text. Free with g_free(). */
char *ctl_job_dup(GDBusProxy *job, const char *property);

/* One line without its end. @width: columns that it may take, which the bar fills; 0: any number, without a bar. */
char *ctl_job_format(GDBusProxy *job, const char *id, int width);

/* @value as JSON, a line on standard output. */
void ctl_job_print_json(GVariant *value);

/* The columns of the terminal that @fd is; 0: it is none. */
int ctl_job_get_width(int fd);
