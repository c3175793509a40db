/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-registry-fixture.h"

#include <string.h>

#include "authorization.h"

/* A VM's object. The tests stand for plugin/objects, and for the policy's questions, of which there are none. */
struct VmObject {
    RegistryFixture *fixture; /* weak */
    Vm *vm; /* owned, once its registry has done with it */
};

void
authorization_vm_gone(Context *context, Vm *vm)
{
}

static void
note_word(RegistryFixture *fixture, const char *word)
{
    g_string_append_printf(fixture->log, "%s ", word);
}

static VmObject *
publish(Context *context, Vm *vm, const char *path)
{
    VmObject *object = g_new(VmObject, 1);

    object->fixture = context->host->data;
    object->vm = vm;
    note_word(object->fixture, path + strlen("/org/qemu/Monitor1/vm/"));
    return object;
}

static void
unpublish(VmObject *object)
{
    note_word(object->fixture, "unpublished");
}

static void
free_object(VmObject *object, VmTeardown *teardown)
{
    if (teardown)
        vm_free(object->vm);
    g_free(object);
}

static void
look(VmObject *object)
{
    note_word(object->fixture, "looked");
}

static void
reconfigured(VmObject *object)
{
    note_word(object->fixture, "reconfigured");
}

static void
fail_commands(VmObject *object, const GError *error)
{
    note_word(object->fixture, "stuck");
}

static void
changed(VmObject *object)
{
    note_word(object->fixture, "changed");
}

static void
event(VmObject *object, const QmpEvent *event)
{
    note_word(object->fixture, event->name);
}

static void
on_settled(gpointer user_data)
{
    note_word(user_data, "settled");
}

static void
on_vm_published(Vm *vm, gpointer user_data)
{
    note_word(user_data, "published");
}

static void
on_vm_down(Vm *vm, gpointer user_data)
{
    note_word(user_data, "down");
}

static void
on_vm_forgotten(Vm *vm, gpointer user_data)
{
    note_word(user_data, "forgotten");
}

static void
on_socket_left(const char *path, gpointer user_data)
{
    note_word(user_data, path);
}

static void
drop_log(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
}

void
registry_fixture_set_up(RegistryFixture *fixture, gconstpointer unused)
{
    static const VmObjectFuncs objects = { publish,      unpublish,     free_object, look,
                                           reconfigured, fail_commands, changed,     event };
    static const VmRegistryFuncs funcs = { on_settled, on_vm_published, on_vm_down, on_vm_forgotten, on_socket_left };

    fixture->main = g_main_context_new();
    fixture->host = (ManagementHost){ .data = fixture, .context = fixture->main, .log = drop_log };
    fixture->config = (Config){ .max_reply = 1024 * 1024 };
    fixture->context = (Context){ .host = &fixture->host, .config = &fixture->config };
    fixture->qemus = g_ptr_array_new_with_free_func((GDestroyNotify)test_qemu_free);
    fixture->log = g_string_new(NULL);
    /* The teardown is only handed on to the objects. */
    fixture->registry = vm_registry_new(&fixture->context, (VmTeardown *)fixture, &objects, &funcs, fixture);
    fixture->table = vm_registry_get_table(fixture->registry);
}

void
registry_fixture_tear_down(RegistryFixture *fixture, gconstpointer unused)
{
    vm_registry_free(fixture->registry);
    g_ptr_array_unref(fixture->qemus);
    qmp_peer_settle(fixture->main);
    g_main_context_unref(fixture->main);
    g_string_free(fixture->log, TRUE);
}

TestQemu *
registry_fixture_give(RegistryFixture *fixture, const char *name, const char *guest_name, const char *uuid,
                      guint32 uid, GError **ret_error)
{
    VmSpec spec = { .origin = VM_FROM_FD, .name = name, .timeout = G_MAXUINT64, .added_by = uid };
    g_autofree char *name_answer = g_strdup_printf("\"return\": {\"name\": \"%s\"}", guest_name);
    g_autofree char *uuid_answer = g_strdup_printf("\"return\": {\"UUID\": \"%s\"}", uuid);
    TestQemu *qemu = test_qemu_new(fixture->main, 11, 1, &spec.fd);
    g_autoptr(GError) error = NULL;
    gboolean is_added;

    g_ptr_array_add(fixture->qemus, qemu);
    test_qemu_set_answer(qemu, "query-name", name_answer);
    test_qemu_set_answer(qemu, "query-uuid", uuid_answer);
    is_added = vm_registry_add(fixture->registry, &spec, /* func= */ NULL, NULL, &error);
    g_assert_true(is_added == !error);
    if (ret_error)
        *ret_error = g_steal_pointer(&error);
    else
        g_assert_no_error(error);
    return qemu;
}

VmEntry *
registry_fixture_address(RegistryFixture *fixture, VmOrigin origin, const char *name, const char *file,
                         guint32 made_by)
{
    g_autofree char *text = g_strdup_printf("unix:/nowhere/%s", file);
    g_autoptr(QmpAddress) address = qmp_address_parse(text, NULL);
    VmSpec spec = {
        .origin = origin, .name = name, .address = address, .timeout = G_USEC_PER_SEC, .made_by = made_by
    };
    g_autoptr(GPtrArray) list = NULL;

    if (!vm_registry_add(fixture->registry, &spec, /* func= */ NULL, NULL, /* error= */ NULL))
        return NULL;
    list = vm_table_list(fixture->table);
    return list->pdata[list->len - 1];
}

void
registry_fixture_wait_connected(RegistryFixture *fixture, guint n)
{
    qmp_peer_wait_until(fixture->main, vm_table_count_connected(fixture->table) == n);
}

void
registry_fixture_expect(RegistryFixture *fixture, const char *log)
{
    qmp_peer_wait_until(fixture->main, fixture->log->len >= strlen(log));
    qmp_peer_settle(fixture->main);
    g_assert_cmpstr(fixture->log->str, ==, log);
    g_string_truncate(fixture->log, 0);
}
