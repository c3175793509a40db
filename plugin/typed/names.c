/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"

#include <string.h>

#include "bus-error.h"
#include "job-kind.h"

/* D-Bus spec, "Valid Names". */
#define MEMBER_MAX 255

char *
names_member_from_qmp(const char *qmp_name)
{
    g_autoptr(GString) member = g_string_new(NULL);
    gboolean word_begins = TRUE;

    for (const char *c = qmp_name; *c; c++) {
        if (g_ascii_isalnum(*c))
            g_string_append_c(member, word_begins ? g_ascii_toupper(*c) : g_ascii_tolower(*c));
        word_begins = !g_ascii_isalnum(*c);
    }
    if (member->len == 0 || member->len > MEMBER_MAX || g_ascii_isdigit(member->str[0]))
        return NULL;
    return g_string_free(g_steal_pointer(&member), FALSE);
}

char *
names_arg_from_qmp(const char *qmp_name)
{
    return g_strcanon(g_strdup(qmp_name), G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_", '_');
}

static void
append_path_element(GString *path, const char *name)
{
    for (const char *c = name; *c; c++) {
        if (g_ascii_isalnum(*c))
            g_string_append_c(path, *c);
        else
            g_string_append_printf(path, "_%02x", (guchar)*c);
    }
}

char *
names_path_from_vm(const char *vm_name)
{
    g_autoptr(GString) path = g_string_new(MONITOR_VM_PATH);

    append_path_element(path, vm_name);
    return g_strdup(path->str); /* kept for each VM: without the room that the string had to grow */
}

char *
names_path_from_job(const char *vm_name, const char *id, gboolean is_qmp)
{
    GString *path = g_string_new(MONITOR_VM_PATH);

    append_path_element(path, vm_name);
    g_string_append(path, "/job/");
    if (is_qmp && (g_str_equal(id, JOB_ID_MIGRATION) || g_str_equal(id, JOB_ID_DUMP))) {
        g_string_append_printf(path, "_%02x", (guchar)*id);
        id++;
    }
    append_path_element(path, id);
    return g_string_free(path, FALSE);
}

/* Shows a caller's text in an error: in quotes, printable, and not all of it if it is long. */
static char *
show_name(const char *text)
{
    g_autofree char *printable = g_strescape(text, NULL);

    return g_strdup_printf("\"%.64s%s\"", printable, strlen(printable) > 64 ? "…" : "");
}

static gboolean
has_control_character(const char *text)
{
    for (const char *c = text; *c; c = g_utf8_next_char(c))
        if (g_unichar_iscntrl(g_utf8_get_char(c)))
            return TRUE;
    return FALSE;
}

/* Unicode's property Bidi_Control: all characters of it. */
static gboolean
is_bidi_control(gunichar c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static gboolean
has_bidi_control(const char *text)
{
    for (const char *c = text; *c; c = g_utf8_next_char(c))
        if (is_bidi_control(g_utf8_get_char(c)))
            return TRUE;
    return FALSE;
}

gboolean
names_check_vm(const char *vm_name, GError **error)
{
    const char *fault = NULL;

    if (!*vm_name)
        fault = "is empty";
    else if (strlen(vm_name) > VM_NAME_MAX)
        fault = "is longer than " G_STRINGIFY(VM_NAME_MAX) " bytes";
    else if (!g_utf8_validate(vm_name, -1, NULL))
        fault = "is not UTF-8";
    else if (has_control_character(vm_name))
        fault = "has a control character";
    else if (has_bidi_control(vm_name))
        fault = "has a bidirectional formatting character";
    if (!fault)
        return TRUE;

    g_autofree char *shown = show_name(vm_name);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "The VM name %s %s", shown, fault);
    return FALSE;
}

gboolean
names_is_uuid(const char *text)
{
    return g_uuid_string_is_valid(text);
}

gboolean
names_check_own_uuid(const char *vm_name, const char *uuid, GError **error)
{
    if (!names_is_uuid(vm_name))
        return TRUE;
    if (!g_str_equal(vm_name, NAMES_NIL_UUID) && g_ascii_strcasecmp(vm_name, uuid) == 0)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "The VM name \"%s\" is written like a UUID, and is not this VM's own", vm_name);
    return FALSE;
}

gboolean
names_check_command(const char *command, GError **error)
{
    gsize length = strlen(command);

    if (length > 0 && length <= MEMBER_MAX && strspn(command, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-") == length)
        return TRUE;

    g_autofree char *shown = show_name(command);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s cannot be the name of a QMP command", shown);
    return FALSE;
}
