/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs as lines; see ctl-job.h. A rate is measured from one change of a job's progress to the next, which come once a second, and smoothed. */
#include "ctl-job.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl-print.h"
#include "ctl-variant.h"

/* Of a rate, what the newest measurement counts for. */
#define NEWEST 0.3

/* us; what is measured in less is no rate: the first change follows the job's object at once. */
#define MIN_TIME 300000

/* The least and the most columns of a bar. */
#define MIN_BAR 10
#define MAX_BAR 40

typedef struct Pace {
    gint64 time; /* us, monotonic; of the newest measurement */
    guint64 current;
    double rate; /* a second; negative: not known yet */
} Pace;

GDBusObjectManager *
ctl_job_watch(Ctl *ctl, GError **error)
{
    return g_dbus_object_manager_client_new_sync(ctl->bus, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, CTL_SERVICE, CTL_ROOT, NULL,
                                                 NULL, NULL, NULL, error);
}

GDBusProxy *
ctl_job_get_proxy(GDBusObject *object)
{
    return (GDBusProxy *)g_dbus_object_get_interface(object, CTL_JOB);
}

char *
ctl_job_get_id(const char *vm, const char *path)
{
    gsize length = strlen(vm);
    GString *id;

    if (strncmp(path, vm, length) != 0 || !g_str_has_prefix(path + length, "/job/"))
        return NULL;
    id = g_string_new(NULL);
    for (const char *at = path + length + strlen("/job/"); *at; at++) {
        gboolean is_escape = *at == '_' && g_ascii_isxdigit(at[1]) && g_ascii_isxdigit(at[2]);
        g_string_append_c(id, is_escape ? (char)(g_ascii_xdigit_value(at[1]) * 16 + g_ascii_xdigit_value(at[2])) : *at);
        at += is_escape ? 2 : 0;
    }
    return g_string_free(id, FALSE);
}

char *
ctl_make_path(const char *parent, const char *name)
{
    GString *path = g_string_new(parent);

    g_string_append_c(path, '/');
    for (const char *at = name; *at; at++)
        if (g_ascii_isalnum(*at))
            g_string_append_c(path, *at);
        else
            g_string_append_printf(path, "_%02x", (guchar)*at);
    return g_string_free(path, FALSE);
}

char *
ctl_job_make_path(const char *vm, const char *id, gboolean is_qemus)
{
    g_autofree char *parent = g_strdup_printf("%s/job", vm);

    if (!is_qemus || !(g_str_equal(id, "migration") || g_str_equal(id, "dump")))
        return ctl_make_path(parent, id);
    return g_strdup_printf("%s/_%02x%s", parent, (guchar)id[0], id + 1);
}

int
ctl_job_get_width(int fd)
{
    struct winsize size;

    return ioctl(fd, TIOCGWINSZ, &size) != 0 ? 0 : size.ws_col > 0 ? size.ws_col : 80;
}

static guint64
get_number(GDBusProxy *job, const char *name)
{
    g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(job, name);

    return value != NULL && g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64) ? g_variant_get_uint64(value) : 0;
}

char *
ctl_job_dup(GDBusProxy *job, const char *property)
{
    g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(job, property);

    return value && g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ? g_variant_dup_string(value, NULL) : g_strdup("");
}

static Pace *
get_pace(GDBusProxy *job)
{
    return g_object_get_data(G_OBJECT(job), "pace");
}

void
ctl_job_note(GDBusProxy *job)
{
    Pace *pace = get_pace(job);
    gint64 now = g_get_monotonic_time();
    guint64 current = get_number(job, "Current");

    if (pace == NULL) {
        pace = g_new0(Pace, 1);
        *pace = (Pace){.time = now, .current = current, .rate = -1};
        g_object_set_data_full(G_OBJECT(job), "pace", pace, g_free);
    } else if (current > pace->current && now - pace->time >= MIN_TIME) {
        double rate = (double)(current - pace->current) * G_USEC_PER_SEC / (double)(now - pace->time);
        *pace = (Pace){.time = now, .current = current, .rate = pace->rate < 0 ? rate : pace->rate + NEWEST * (rate - pace->rate)};
    }
}

/* Whether the job counts bytes: others count steps that mean nothing to people. */
static gboolean
counts_bytes(const char *type)
{
    static const char *const types[] = {"backup", "commit", "dump", "migration", "mirror", "stream", NULL};

    return g_strv_contains(types, type);
}

static void
append_rate(GString *line, double rate)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    guint unit = 0;

    for (; rate >= 1024 && unit + 1 < G_N_ELEMENTS(units); unit++)
        rate /= 1024;
    g_string_append_printf(line, "  %.1f %s/s", rate, units[unit]);
}

static void
append_pace(GString *line, GDBusProxy *job, const char *type)
{
    Pace *pace = get_pace(job);
    guint64 total = get_number(job, "Total");

    if (pace == NULL || pace->rate <= 0)
        return;
    if (counts_bytes(type))
        append_rate(line, pace->rate);
    if (total > pace->current) {
        guint64 left = (guint64)((double)(total - pace->current) / pace->rate + 0.5);
        g_string_append_printf(line, "  %" G_GUINT64_FORMAT ":%02u:%02u left", left / 3600, (guint)(left / 60 % 60),
                               (guint)(left % 60));
    }
}

/* In @room columns. */
static void
append_bar(GString *line, double progress, int room)
{
    int bar = MIN(room - (int)strlen("  []"), MAX_BAR), full = (int)(progress * bar);

    if (bar < MIN_BAR)
        return;
    g_string_append(line, "  [");
    for (int i = 0; i < bar; i++)
        g_string_append_c(line, i < full ? '#' : '-');
    g_string_append_c(line, ']');
}

/* Names come from QEMU: a terminal is not steered by them. */
void
ctl_job_print_json(GVariant *value)
{
    g_autofree char *json = ctl_variant_to_json(value);

    ctl_print_json_line(stdout, json);
}

char *
ctl_job_format(GDBusProxy *job, const char *id, int width)
{
    g_autofree char *type = ctl_job_dup(job, "Type"), *status = ctl_job_dup(job, "Status"), *error = ctl_job_dup(job, "Error");
    g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(job, "Progress");
    double progress = value ? CLAMP(g_variant_get_double(value), 0, 1) : 0;
    g_autofree char *words = g_strdup_printf("%s  %s  %s", id, type, status);
    g_autofree char *name = ctl_dup_printable(words, FALSE), *reason = ctl_dup_printable(error, FALSE);
    g_autoptr(GString) tail = g_string_new(NULL);
    GString *line = g_string_new(name);

    g_string_append_printf(tail, "  %5.1f %%", 100 * progress);
    if (g_str_equal(status, "running") || g_str_equal(status, "active"))
        append_pace(tail, job, type);
    g_string_append_printf(tail, *reason ? "  %s" : "%s", reason);
    append_bar(line, progress, width - (int)(g_utf8_strlen(line->str, -1) + g_utf8_strlen(tail->str, -1)));
    g_string_append(line, tail->str);
    if (width > 0 && g_utf8_strlen(line->str, -1) > width)
        g_string_truncate(line, (gsize)(g_utf8_offset_to_pointer(line->str, width) - line->str));
    return g_string_free(line, FALSE);
}
