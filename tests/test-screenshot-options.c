/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of Screenshot(), and what becomes of them. */
#include "screenshot-options.h"

#include <string.h>

#include "bus-error.h"
#include "json-print.h"
#include "qmp-error.h"
#include "test-vm-fixture.h"

/* A QEMU that writes PNG, and one that does not. */
static void
set_up_new(VmFixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(fixture, 7, 1, /* isolation_required= */ FALSE);
}

static void
set_up_old(VmFixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(fixture, 7, 0, /* isolation_required= */ FALSE);
}

static void
tear_down(VmFixture *fixture, gconstpointer unused)
{
    vm_fixture_tear_down(fixture);
}

/* @name: NULL: nothing is given. */
static gboolean
read_option(VmFixture *fixture, const char *name, const char *type, const void *value, ScreenshotOptions *options,
            GError **error)
{
    DBusMessage *message = dbus_message_new_signal("/a", "a.b", "C");
    DBusMessageIter iter, entries, entry, variant;
    gboolean is_read;

    *options = (ScreenshotOptions){ 0 };
    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &entries);
    if (name) {
        dbus_message_iter_open_container(&entries, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, type, &variant);
        dbus_message_iter_append_basic(&variant, type[0], value);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(&entries, &entry);
    }
    dbus_message_iter_close_container(&iter, &entries);
    dbus_message_iter_init(message, &iter);
    is_read = screenshot_options_read(&iter, vm_get_qemu(fixture->vm), options, error);
    dbus_message_unref(message);
    return is_read;
}

static void
assert_arguments(VmFixture *fixture, const char *name, const char *type, const void *value, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    ScreenshotOptions options;

    g_assert_true(read_option(fixture, name, type, value, &options, &error));
    g_assert_no_error(error);
    g_autoptr(JsonNode) arguments = screenshot_options_make_arguments(&options, "/x");
    json_print_node(text, arguments, JSON_PRINT_COMPACT);
    g_assert_cmpstr(text->str, ==, expected);
    g_assert_true(g_str_has_prefix(options.format->magic, options.format->argument ? "\x89PNG" : "P6"));
    screenshot_options_clear(&options);
}

static void
assert_wrong(VmFixture *fixture, const char *name, const char *type, const void *value, GQuark domain, int code)
{
    g_autoptr(GError) error = NULL;
    ScreenshotOptions options;

    g_assert_false(read_option(fixture, name, type, value, &options, &error));
    g_assert_error(error, domain, code);
    screenshot_options_clear(&options);
}

static void
test_arguments(VmFixture *fixture, gconstpointer unused)
{
    const char *png = "png", *ppm = "ppm", *device = "gpu\"0";
    g_autoptr(JsonNode) arguments = NULL;
    ScreenshotOptions options;

    assert_arguments(fixture, NULL, NULL, NULL, "{\"filename\":\"/x\",\"format\":\"png\"}");
    assert_arguments(fixture, "format", "s", &png, "{\"filename\":\"/x\",\"format\":\"png\"}");
    assert_arguments(fixture, "format", "s", &ppm, "{\"filename\":\"/x\"}");
    assert_arguments(fixture, "device", "s", &device,
                     "{\"filename\":\"/x\",\"device\":\"gpu\\\"0\",\"format\":\"png\"}");
    assert_arguments(fixture, "head", "y", &(guint8){ 1 }, "{\"filename\":\"/x\",\"head\":1,\"format\":\"png\"}");
    assert_arguments(fixture, "head", "t", &(guint64){ G_MAXUINT64 },
                     "{\"filename\":\"/x\",\"head\":18446744073709551615,\"format\":\"png\"}");
    /* The policy has nothing to do with the file. */
    g_assert_true(read_option(fixture, NULL, NULL, NULL, &options, NULL));
    arguments = screenshot_options_make_arguments(&options, NULL);
    g_assert_false(json_object_has_member(json_node_get_object(arguments), "filename"));
}

static void
test_wrong(VmFixture *fixture, gconstpointer unused)
{
    g_autofree char *long_name = g_strnfill(513, 'a');
    const char *jpeg = "jpeg";

    assert_wrong(fixture, "format", "s", &jpeg, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    assert_wrong(fixture, "head", "i", &(gint32){ -1 }, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    assert_wrong(fixture, "device", "s", &long_name, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
}

static void
test_old(VmFixture *fixture, gconstpointer unused)
{
    const char *ppm = "ppm";

    assert_wrong(fixture, NULL, NULL, NULL, QMP_ERROR, QMP_ERROR_PROTOCOL);
    assert_arguments(fixture, "format", "s", &ppm, "{\"filename\":\"/x\"}");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/screenshot-options/arguments", VmFixture, NULL, set_up_new, test_arguments, tear_down);
    g_test_add("/screenshot-options/wrong", VmFixture, NULL, set_up_new, test_wrong, tear_down);
    g_test_add("/screenshot-options/old", VmFixture, NULL, set_up_old, test_old, tear_down);
    return g_test_run();
}
