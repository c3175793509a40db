/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by VmState. Owns nothing beyond a record. The text is a group of a key file, whose syntax takes any name. */
#include "vm-record.h"

#include <string.h>

#include "bus-error.h"
#include "config-value.h"
#include "config.h"
#include "names.h"

#define GROUP "vm"

/* Of a record: 13 with all keys, and some that a later agent may write. GKeyFile takes 0.2 us for each, and a file has room for 16 million. */
#define MAX_LINES 32u

/* The words of ListVMs(), by VmOrigin. */
static const char *const origin_words[] = { "call", "descriptor", "key-file", "directory" };

VmRecord *
vm_record_new(const VmSpec *spec, char *descriptor, char *session)
{
    VmRecord *record = g_new0(VmRecord, 1);

    *record = (VmRecord){ .spec = vm_spec_copy(spec), .descriptor = descriptor, .session = session };
    return record;
}

void
vm_record_free(VmRecord *record)
{
    vm_spec_free(record->spec);
    g_free(record->descriptor);
    g_free(record->session);
    g_free(record);
}

static char *
print_group(GKeyFile *file)
{
    g_autofree char *text = g_key_file_to_data(file, NULL, NULL);

    return g_strconcat(text, VM_RECORD_END, NULL); /* kept for each VM: without the room that the text had to grow */
}

static void
set_text(GKeyFile *file, const char *key, const char *text)
{
    if (text)
        g_key_file_set_string(file, GROUP, key, text);
}

static void
set_spares(GKeyFile *file, GPtrArray *spares)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new();

    for (guint i = 0; i < spares->len; i++)
        g_ptr_array_add(texts, ((QmpAddress *)spares->pdata[i])->text);
    if (texts->len > 0)
        g_key_file_set_string_list(file, GROUP, "spares", (const char *const *)texts->pdata, texts->len);
}

char *
vm_record_print(const VmRecord *record)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    const VmSpec *spec = record->spec;

    set_text(file, "name", spec->name);
    set_text(file, "origin", origin_words[spec->origin]);
    set_text(file, "address", spec->address ? spec->address->text : NULL);
    set_spares(file, spec->spares);
    if (!spec->isolation_is_default)
        set_text(file, "isolation", spec->isolation_required ? "required" : "preferred");
    g_key_file_set_uint64(file, GROUP, "user", spec->user);
    g_key_file_set_uint64(file, GROUP, "timeout", spec->timeout);
    g_key_file_set_uint64(file, GROUP, "added-by", spec->added_by);
    if (spec->origin == VM_FROM_DIRECTORY)
        g_key_file_set_uint64(file, GROUP, "made-by", spec->made_by);
    set_text(file, "descriptor", record->descriptor);
    set_text(file, "session", record->session);
    return print_group(file);
}

char *
vm_record_print_end(VmOrigin origin, const char *name)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    set_text(file, "name", name);
    set_text(file, "origin", origin_words[origin]);
    g_key_file_set_boolean(file, GROUP, "ended", TRUE);
    return print_group(file);
}

static gboolean
fail_key(const char *key, GError **error)
{
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "its `%s` is missing or wrong", key);
    return FALSE;
}

static gboolean
read_origin(GKeyFile *file, VmOrigin *ret_origin, GError **error)
{
    g_autofree char *word = g_key_file_get_string(file, GROUP, "origin", NULL);

    for (guint i = 0; word && i < G_N_ELEMENTS(origin_words); i++)
        if (g_str_equal(word, origin_words[i])) {
            *ret_origin = (VmOrigin)i;
            return TRUE;
        }
    return fail_key("origin", error);
}

static gboolean
read_uid(GKeyFile *file, const char *key, guint32 *ret_uid, GError **error)
{
    g_autoptr(GError) own_error = NULL;
    guint64 uid = g_key_file_get_uint64(file, GROUP, key, &own_error);

    if (own_error || uid >= G_MAXUINT32)
        return fail_key(key, error);
    *ret_uid = (guint32)uid;
    return TRUE;
}

static gboolean
read_numbers(GKeyFile *file, VmSpec *spec, GError **error)
{
    g_autoptr(GError) own_error = NULL;

    spec->timeout = g_key_file_get_uint64(file, GROUP, "timeout", &own_error);
    if (own_error)
        return fail_key("timeout", error);
    return read_uid(file, "user", &spec->user, error) && read_uid(file, "added-by", &spec->added_by, error) &&
           (spec->origin != VM_FROM_DIRECTORY || read_uid(file, "made-by", &spec->made_by, error));
}

/* A record that says nothing of it leaves it to the configuration of now. */
static gboolean
read_record_isolation(GKeyFile *file, VmSpec *spec, GError **error)
{
    g_autofree char *word = g_key_file_get_string(file, GROUP, "isolation", NULL);

    spec->isolation_is_default = !word;
    return !word || config_value_read_isolation(word, &spec->isolation_required, error);
}

/* An address is where there is no descriptor, and the other way about. */
static gboolean
read_addresses(GKeyFile *file, VmSpec *spec, GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, GROUP, "address", NULL);
    g_auto(GStrv) spares = g_key_file_get_string_list(file, GROUP, "spares", NULL, NULL);

    if (!text != (spec->origin == VM_FROM_FD))
        return fail_key("address", error);
    if (text && !(spec->address = qmp_address_parse(text, error)))
        return FALSE;
    spec->spares = config_value_read_spares((const char *const *)spares, error);
    return spec->spares != NULL;
}

static gboolean
read_identity(GKeyFile *file, VmSpec *spec, GError **error)
{
    spec->name = g_key_file_get_string(file, GROUP, "name", NULL);
    if (!spec->name)
        return fail_key("name", error);
    return names_check_vm(spec->name, error) && read_origin(file, &spec->origin, error);
}

static gboolean
read_spec(GKeyFile *file, VmSpec *spec, GError **error)
{
    return read_addresses(file, spec, error) && read_record_isolation(file, spec, error) &&
           read_numbers(file, spec, error);
}

static gboolean
check_lines(const char *text, GError **error)
{
    guint n = 0;

    for (; (text = strchr(text, '\n')); text++)
        if (++n > MAX_LINES) {
            g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "it has more than %u lines", MAX_LINES);
            return FALSE;
        }
    return TRUE;
}

VmRecord *
vm_record_parse(const char *text, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(VmRecord) record = g_new0(VmRecord, 1);

    record->spec = g_new0(VmSpec, 1);
    record->spec->fd = -1;
    if (!check_lines(text, error) || !g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, error) ||
        !read_identity(file, record->spec, error))
        return NULL;
    record->has_ended = g_key_file_get_boolean(file, GROUP, "ended", NULL);
    if (!record->has_ended && !read_spec(file, record->spec, error))
        return NULL;
    record->descriptor = g_key_file_get_string(file, GROUP, "descriptor", NULL);
    record->session = g_key_file_get_string(file, GROUP, "session", NULL);
    return g_steal_pointer(&record);
}

/* Older agents wrote no VM_RECORD_END: of their files the last line alone tells. */
static gboolean
is_written_to_end(const char *text)
{
    gboolean has_ends = strstr(text, "\n" VM_RECORD_END VM_RECORD_HEADER) != NULL;

    return g_str_has_suffix(text, has_ends ? "\n" VM_RECORD_END : "\n");
}

/* An agent that is killed, or has no room, while it adds a record leaves a part of it behind. Lines of it, or the rest of a
 * number, may be missing: nothing of that record counts. The record before it is whole. */
static gboolean
cut_torn_record(char *text)
{
    char *last_line = strrchr(text, '\n') + 1;
    gboolean is_in_header = *last_line != '\0' && g_str_has_prefix(VM_RECORD_HEADER, last_line);
    char *record = is_in_header ? last_line : g_strrstr(text, "\n" VM_RECORD_HEADER);

    if (!record || is_written_to_end(text))
        return FALSE;
    *record = '\0';
    return TRUE;
}

/* Every line up to @end is a comment, or empty. */
static gboolean
is_comment(const char *line, const char *end)
{
    for (; line && line < end; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (*line != '#' && *line != '\n')
            return FALSE;
    return TRUE;
}

static gboolean
read_next_record(const char *text, guint number, VmRecordFunc func, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    VmRecord *record = vm_record_parse(text, &error);

    func(record, number, error, user_data);
    return record != NULL;
}

VmRecordsFaults
vm_records_read(const char *text, VmRecordFunc func, gpointer user_data)
{
    g_autofree char *all = g_strconcat("\n", text, NULL);
    VmRecordsFaults faults = cut_torn_record(all) ? VM_RECORDS_TORN : 0;
    const char *record = strstr(all, "\n" VM_RECORD_HEADER), *next;

    if (!is_comment(all, record ? record : all + strlen(all)))
        faults |= VM_RECORDS_BROKEN;
    for (guint number = 1; record && number <= VM_RECORDS_MAX; record = next, number++) {
        next = strstr(record + 1, "\n" VM_RECORD_HEADER);
        g_autofree char *part = g_strndup(record + 1, next ? (gsize)(next - record) : strlen(record + 1));
        if (!read_next_record(part, number, func, user_data))
            faults |= VM_RECORDS_BROKEN;
    }
    return record ? faults | VM_RECORDS_TOO_MANY : faults;
}
