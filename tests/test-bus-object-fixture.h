/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An object with two interfaces below a manager, for the tests of BusObject. What the interfaces declare and do, each
 * test file says itself. */
#pragma once

#include "bus-object.h"
#include "test-bus-fixture.h"

#define ROOT "/org/example"
#define PATH ROOT "/item/one"
#define THING "org.example.Thing"
#define ANY "org.example.Any"
#define PROPERTIES "org.freedesktop.DBus.Properties"

/* The data of each test. */
typedef struct ObjectTables {
    const char *xml; /* declares THING and ANY */
    const BusMethod *methods; /* of THING */
    const BusProperty *properties; /* of THING */
    BusMethodFunc any; /* of ANY; NULL: none */
} ObjectTables;

/* The tables of an object whose THING is empty, and whose ANY takes every call by @func. */
#define TABLES_OF_ANY(func)                                                                                           \
    {                                                                                                                 \
        .xml = "<node><interface name='" THING "'/><interface name='" ANY "'/></node>",                               \
        .methods = (const BusMethod[]){ { 0 } }, .properties = (const BusProperty[]){ { 0 } }, .any = func,           \
    }

typedef struct ObjectFixture {
    BusFixture base;
    BusInterface *thing; /* owned */
    BusInterface *any; /* owned */
    BusObject *root; /* owned; the manager */
    BusObject *object; /* owned; NULL when freed */
    guint32 count; /* the property Count */
    guint calls; /* of methods that count them */
    char *any_member; /* owned; what was called on ANY last, where a test notes it */
    BusCall *kept; /* owned; where a test keeps one */
} ObjectFixture;

/* All functions of the tables get the fixture. */
void object_fixture_set_up(ObjectFixture *fixture, gconstpointer tables);
void object_fixture_tear_down(ObjectFixture *fixture, gconstpointer tables);

/* Echo(s) -> s. */
void on_echo(BusCall *call, gpointer user_data);

/* A property of each kind there is, and the XML that declares them. */
extern const BusProperty all_properties[];
#define ALL_PROPERTIES_XML                                                                                            \
    "<property name='Count' type='u' access='read'/>"                                                                 \
    "<property name='Name' type='s' access='read'/>"                                                                  \
    "<property name='Secret' type='s' access='read'>"                                                                 \
    "<annotation name='org.freedesktop.DBus.Property.EmitsChangedSignal' value='invalidates'/></property>"            \
    "<property name='Version' type='s' access='read'>"                                                                \
    "<annotation name='org.freedesktop.DBus.Property.EmitsChangedSignal' value='const'/></property>"

GDBusNodeInfo *new_node(const char *xml);

/* As test_client_call(). */
GVariant *call_object(ObjectFixture *fixture, const char *path, const char *interface, const char *member,
                      GVariant *parameters, GError **error);

/* The reply, printed as GVariant text. @parameters: floating, consumed. */
void assert_reply(ObjectFixture *fixture, const char *path, const char *interface, const char *member,
                  GVariant *parameters, const char *expected);

/* The error must be D-Bus's @name, and its text must hold all of the words. */
void assert_error(ObjectFixture *fixture, const char *path, const char *interface, const char *member,
                  GVariant *parameters, const char *name, const char *word, const char *second_word);

/* Adds a test to GLib's suite, with the file's `tables`. */
#define ADD(path, test) g_test_add(path, ObjectFixture, &tables, object_fixture_set_up, test, object_fixture_tear_down)
