/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses, the key file, and records of the state file. Input: `a`, `k` or `r`, and the text.
 * - An address that is taken is the same again from its own text.
 * - A key file gives settings within their limits, or an error; each of its problems is text.
 * - A record that is taken is the same again when it was printed. */
#include <string.h>

#include "config.h"
#include "fuzz.h"
#include "key-file.h"
#include "vm-record.h"

static void
check_address(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(QmpAddress) address = qmp_address_parse(text, &error);

    if (!address) {
        g_assert_nonnull(error->message);
        return;
    }
    g_autoptr(QmpAddress) again = qmp_address_parse(address->text, NULL);
    g_assert_nonnull(again);
    g_assert_cmpstr(again->path, ==, address->path);
    g_assert_cmpstr(again->host, ==, address->host);
    g_assert_cmpuint(again->port, ==, address->port);
    g_assert_true(again->server == address->server && again->is_abstract == address->is_abstract);
    if (address->type == QMP_ADDRESS_UNIX)
        g_assert_true(address->is_abstract ? strlen(address->path) <= 107 : g_path_is_absolute(address->path));
}

static void
check_key_file(const char *text)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;

    g_autoptr(KeyFileLines) lines = key_file_lines_new_from_text(text);
    key_file_lines_find(lines, "qemu-monitor", "max-reply");
    key_file_lines_find(lines, "vm a", NULL);
    if (!g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL))
        return;
    g_autoptr(Config) config = config_new(file, /* path= */ NULL, &error);
    if (!config) {
        g_assert_nonnull(error->message);
        return;
    }
    g_assert_true(config->max_reply >= 65536 && config->max_reply <= 1 << 30);
    g_assert_true(config->max_monitors >= 1 && config->max_monitors <= 1000);
    g_assert_true(config->idle_timeout >= 1000 && config->idle_timeout <= (guint64)G_TIME_SPAN_DAY);
    for (guint i = 0; i < config->problems->len; i++)
        g_assert_true(*((ConfigProblem *)config->problems->pdata[i])->text != '\0');
    for (guint i = 0; i < config->vms->len; i++)
        g_assert_nonnull(((ConfigVm *)config->vms->pdata[i])->address);
}

static void
check_record(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VmRecord) record = vm_record_parse(text, &error);

    if (!record) {
        g_assert_nonnull(error->message);
        return;
    }
    if (record->has_ended)
        return;
    g_autofree char *printed = vm_record_print(record);
    g_autoptr(VmRecord) again = vm_record_parse(printed, &error);
    if (!again)
        fuzz_fail("%s: %s", printed, error->message);
    g_autofree char *twice = vm_record_print(again);
    g_assert_cmpstr(printed, ==, twice);
    g_assert_cmpstr(again->spec->name, ==, record->spec->name);
    g_assert_null(strstr(printed + 1, "\n" VM_RECORD_HEADER));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = size ? g_strndup((const char *)data + 1, size - 1) : NULL;

    if (!text)
        return 0;
    if (data[0] == 'a')
        check_address(text);
    if (data[0] == 'k')
        check_key_file(text);
    if (data[0] == 'r')
        check_record(text);
    return 0;
}
