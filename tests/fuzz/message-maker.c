/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message-maker.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#define MAX_DEPTH 8

static const char *const signatures[] = { "s",  "v",  "a{sv}", "i",   "u",        "x",    "t",     "d",
                                          "b",  "y",  "n",     "q",   "o",        "g",    "as",    "av",
                                          "ai", "ay", "a{us}", "aas", "a{s(iv)}", "(sv)", "a(si)", "h" };
static const char *const names[] = { "a", "b", "type", "id", "", "a", "fdname" };

static void
append_double(MakerBytes *bytes, DBusMessageIter *iter)
{
    const double values[] = { 0, 1, -1.5, 1e300, NAN, INFINITY, -INFINITY, 9007199254740993.0 };

    dbus_message_iter_append_basic(iter, DBUS_TYPE_DOUBLE, &values[maker_choose(bytes, G_N_ELEMENTS(values))]);
}

static void
append_text(MakerBytes *bytes, DBusMessageIter *iter, int type)
{
    static const char *const paths[] = { "/", "/a" }, *const types[] = { "", "s", "a{sv}" };
    const char *text = type == DBUS_TYPE_OBJECT_PATH ? maker_choose_text(bytes, paths, G_N_ELEMENTS(paths))
                       : type == DBUS_TYPE_SIGNATURE ? maker_choose_text(bytes, types, G_N_ELEMENTS(types))
                                                     : maker_choose_text(bytes, names, G_N_ELEMENTS(names));

    dbus_message_iter_append_basic(iter, type, &text);
}

static void
append_fd(DBusMessageIter *iter)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    dbus_message_iter_append_basic(iter, DBUS_TYPE_UNIX_FD, &fd);
    close(fd);
}

static void
append_basic(MakerBytes *bytes, DBusMessageIter *iter, int type)
{
    guint64 number = maker_choose(bytes, 2) ? G_MAXUINT64 >> maker_choose(bytes, 64) : maker_choose(bytes, 256);
    dbus_bool_t is_true = number & 1;

    if (type == DBUS_TYPE_DOUBLE)
        append_double(bytes, iter);
    else if (type == DBUS_TYPE_UNIX_FD)
        append_fd(iter);
    else if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH || type == DBUS_TYPE_SIGNATURE)
        append_text(bytes, iter, type);
    else
        dbus_message_iter_append_basic(iter, type, type == DBUS_TYPE_BOOLEAN ? (const void *)&is_true : &number);
}

static void append_by_signature(MakerBytes *bytes, DBusMessageIter *iter, DBusSignatureIter *type, guint depth);

static void
append_variant(MakerBytes *bytes, DBusMessageIter *iter, guint depth)
{
    const char *signature = depth < MAX_DEPTH ? maker_choose_text(bytes, signatures, G_N_ELEMENTS(signatures)) : "s";
    DBusMessageIter inner;
    DBusSignatureIter type;

    dbus_signature_iter_init(&type, signature);
    dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, signature, &inner);
    append_by_signature(bytes, &inner, &type, depth + 1);
    dbus_message_iter_close_container(iter, &inner);
}

static void
append_array(MakerBytes *bytes, DBusMessageIter *iter, DBusSignatureIter *type, guint depth)
{
    DBusSignatureIter element;
    DBusMessageIter inner;
    guint n = maker_choose(bytes, 4);

    dbus_signature_iter_recurse(type, &element);
    char *signature = dbus_signature_iter_get_signature(&element);
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, signature, &inner);
    for (guint i = 0; i < n; i++)
        append_by_signature(bytes, &inner, &element, depth + 1);
    dbus_message_iter_close_container(iter, &inner);
    dbus_free(signature);
}

/* The fields of a struct, the two of an entry. */
static void
append_fields(MakerBytes *bytes, DBusMessageIter *iter, DBusSignatureIter *type, guint depth)
{
    DBusSignatureIter field;
    DBusMessageIter inner;

    dbus_signature_iter_recurse(type, &field);
    dbus_message_iter_open_container(iter, dbus_signature_iter_get_current_type(type), NULL, &inner);
    do
        append_by_signature(bytes, &inner, &field, depth + 1);
    while (dbus_signature_iter_next(&field));
    dbus_message_iter_close_container(iter, &inner);
}

static void
append_by_signature(MakerBytes *bytes, DBusMessageIter *iter, DBusSignatureIter *type, guint depth)
{
    int kind = dbus_signature_iter_get_current_type(type);

    if (kind == DBUS_TYPE_VARIANT)
        append_variant(bytes, iter, depth);
    else if (kind == DBUS_TYPE_ARRAY)
        append_array(bytes, iter, type, depth);
    else if (kind == DBUS_TYPE_STRUCT || kind == DBUS_TYPE_DICT_ENTRY)
        append_fields(bytes, iter, type, depth);
    else
        append_basic(bytes, iter, kind);
}

void
message_maker_append(MakerBytes *bytes, DBusMessage *message)
{
    guint n = maker_choose(bytes, 6);
    DBusMessageIter iter;

    dbus_message_iter_init_append(message, &iter);
    for (guint i = 0; i < n; i++) {
        DBusSignatureIter type;
        dbus_signature_iter_init(&type, maker_choose_text(bytes, signatures, G_N_ELEMENTS(signatures)));
        append_by_signature(bytes, &iter, &type, /* depth= */ 0);
    }
}
