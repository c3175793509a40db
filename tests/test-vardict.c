/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `a{sv} options` as clients of all languages send them: integers of any type, dictionaries without variants, or nothing. */
#include "vardict.h"

#include "bus-error.h"

typedef struct Taken {
    guint64 timeout;
    char *path; /* owned */
} Taken;

static gboolean
read_timeout(DBusMessageIter *value, gpointer taken, GError **error)
{
    return vardict_read_timeout(value, &((Taken *)taken)->timeout, error);
}

static gboolean
read_path(DBusMessageIter *value, gpointer taken, GError **error)
{
    const char *path;

    dbus_message_iter_get_basic(value, &path);
    g_free(((Taken *)taken)->path);
    ((Taken *)taken)->path = g_strdup(path);
    return TRUE;
}

static const VardictRow rows[] = {
    { "path", "s", "a name", read_path },
    { "timeout", "t", "microseconds", read_timeout },
    { 0 },
};

/* A message with one entry in one dictionary; @depth: variants that the value is in. */
static DBusMessage *
new_message(const char *name, const char *type, const void *value, guint depth)
{
    g_autofree char *plain = g_strdup_printf("{s%s}", type);
    DBusMessage *message = dbus_message_new_signal("/a", "a.b", "C");
    DBusMessageIter iters[8];

    dbus_message_iter_init_append(message, &iters[0]);
    dbus_message_iter_open_container(&iters[0], DBUS_TYPE_ARRAY, depth == 0 ? plain : "{sv}", &iters[1]);
    dbus_message_iter_open_container(&iters[1], DBUS_TYPE_DICT_ENTRY, NULL, &iters[2]);
    dbus_message_iter_append_basic(&iters[2], DBUS_TYPE_STRING, &name);
    for (guint i = 0; i < depth; i++)
        dbus_message_iter_open_container(&iters[2 + i], DBUS_TYPE_VARIANT, i + 1 == depth ? type : "v", &iters[3 + i]);
    dbus_message_iter_append_basic(&iters[2 + depth], type[0], value);
    for (guint i = 2 + depth; i > 0; i--)
        dbus_message_iter_close_container(&iters[i - 1], &iters[i]);
    return message;
}

static gboolean
read_message(DBusMessage *message, Taken *taken, GError **error)
{
    DBusMessageIter iter;

    dbus_message_iter_init(message, &iter);
    return vardict_read(&iter, rows, taken, error);
}

static void
assert_taken(const char *type, const void *value, guint64 expected)
{
    for (guint depth = 0; depth < 3; depth++) {
        DBusMessage *message = new_message("timeout", type, value, depth);
        g_autoptr(GError) error = NULL;
        Taken taken = { 0 };
        g_assert_true(read_message(message, &taken, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(taken.timeout, ==, expected);
        dbus_message_unref(message);
    }
}

static void
assert_refused(const char *name, const char *type, const void *value, const char *text)
{
    for (guint depth = 0; depth < 3; depth++) {
        DBusMessage *message = new_message(name, type, value, depth);
        g_autoptr(GError) error = NULL;
        Taken taken = { 0 };
        g_assert_false(read_message(message, &taken, &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
        g_assert_cmpstr(error->message, ==, text);
        g_free(taken.path);
        dbus_message_unref(message);
    }
}

static void
test_integers(void)
{
    assert_taken("y", &(guint8){ 255 }, 255);
    assert_taken("n", &(gint16){ G_MAXINT16 }, G_MAXINT16);
    assert_taken("q", &(guint16){ G_MAXUINT16 }, G_MAXUINT16);
    assert_taken("i", &(gint32){ G_MAXINT32 }, G_MAXINT32);
    assert_taken("u", &(guint32){ G_MAXUINT32 }, G_MAXUINT32);
    assert_taken("x", &(gint64){ G_MAXINT64 }, G_MAXINT64);
    assert_taken("t", &(guint64){ G_MAXUINT64 }, G_MAXUINT64);
}

static void
test_negative(void)
{
    assert_refused("timeout", "n", &(gint16){ -1 }, "options.timeout: -1 is negative");
    assert_refused("timeout", "i", &(gint32){ G_MININT32 }, "options.timeout: -2147483648 is negative");
    assert_refused("timeout", "x", &(gint64){ G_MININT64 }, "options.timeout: -9223372036854775808 is negative");
    assert_refused("timeout", "x", &(gint64){ 0 }, "options.timeout: 0 leaves no time");
}

static void
test_other_types(void)
{
    const char *text = "1";

    assert_refused("timeout", "s", &text,
                   "options.timeout: `t` (an integer: microseconds) is expected, `s` was given");
    assert_refused("timeout", "d", &(double){ 1 },
                   "options.timeout: `t` (an integer: microseconds) is expected, `d` was given");
    assert_refused("path", "i", &(gint32){ 1 }, "options.path: `s` (a name) is expected, `i` was given");
}

static void
test_unknown(void)
{
    assert_refused("timeot", "t", &(guint64){ 1 },
                   "options.timeot: no such option; there are `path` and `timeout`; did you mean timeout?");
    assert_refused("colour", "t", &(guint64){ 1 }, "options.colour: no such option; there are `path` and `timeout`");
}

static void
test_strings(void)
{
    const char *text = "shell";

    for (guint depth = 0; depth < 3; depth++) {
        DBusMessage *message = new_message("path", "s", &text, depth);
        Taken taken = { 0 };
        g_assert_true(read_message(message, &taken, NULL));
        g_assert_cmpstr(taken.path, ==, text);
        g_free(taken.path);
        dbus_message_unref(message);
    }
}

static void
test_left_out(void)
{
    DBusMessage *message = dbus_message_new_signal("/a", "a.b", "C");
    Taken taken = { 0 };

    g_assert_true(read_message(message, &taken, NULL));
    dbus_message_unref(message);
}

/* A method whose dictionary is for later. */
static void
test_no_options(void)
{
    static const VardictRow no_rows[] = { { 0 } };
    DBusMessage *message = new_message("timeout", "i", &(gint32){ 1 }, 0);
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;

    dbus_message_iter_init(message, &iter);
    g_assert_false(vardict_read(&iter, no_rows, NULL, &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    g_assert_cmpstr(error->message, ==, "options.timeout: no such option; there are none");
    dbus_message_unref(message);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/integers", test_integers);
    g_test_add_func("/options/negative", test_negative);
    g_test_add_func("/options/other-types", test_other_types);
    g_test_add_func("/options/unknown", test_unknown);
    g_test_add_func("/options/strings", test_strings);
    g_test_add_func("/options/left-out", test_left_out);
    g_test_add_func("/vardict/no-options", test_no_options);
    return g_test_run();
}
