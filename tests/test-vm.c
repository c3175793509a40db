/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a VM: where it goes wrong, an administrator's VM is not found again, or AddVM tells them the wrong reason. */
#include "vm.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test-qemu.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    char *directory; /* owned */
    TestQemu *qemu; /* owned; NULL: none */
    Vm *vm; /* owned; NULL when freed */
    int listener; /* owned; -1: nobody listens */
    gboolean refuses_up, frees_on_down;
    guint n_connected, n_up, n_events, n_ending, n_down;
    VmDown how; /* the last time that it went down */
    GError *error; /* owned; with which it did */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->directory = g_dir_make_tmp("test-vm-XXXXXX", NULL);
    fixture->listener = -1;
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(fixture->directory, "qmp", NULL);

    g_clear_pointer(&fixture->vm, vm_free);
    g_clear_pointer(&fixture->qemu, test_qemu_free);
    if (fixture->listener >= 0)
        close(fixture->listener);
    qmp_peer_settle(fixture->context);
    g_main_context_unref(fixture->context);
    g_clear_error(&fixture->error);
    g_unlink(path);
    g_rmdir(fixture->directory);
    g_free(fixture->directory);
}

static gboolean
on_connected(Vm *vm, GError **error, gpointer user_data)
{
    ((Fixture *)user_data)->n_connected++;
    return TRUE;
}

static gboolean
on_up(Vm *vm, GError **error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_up++;
    g_assert_nonnull(vm_get_qemu(vm));
    if (fixture->refuses_up)
        g_set_error_literal(error, QMP_ERROR, QMP_ERROR_LIMIT, "the name is taken");
    return !fixture->refuses_up;
}

static void
on_changed(Vm *vm, gpointer user_data)
{
}

static void
on_event(Vm *vm, const QmpEvent *event, gpointer user_data)
{
    ((Fixture *)user_data)->n_events++;
}

static void
on_stuck(Vm *vm, const GError *error, gpointer user_data)
{
}

static void
on_ending(Vm *vm, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_assert_cmpuint(fixture->n_down, ==, 0);
    fixture->n_ending++;
}

static gboolean
on_down(Vm *vm, VmDown how, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_down++;
    fixture->how = how;
    g_clear_error(&fixture->error);
    fixture->error = g_error_copy(error);
    if (!fixture->frees_on_down)
        return TRUE;
    g_clear_pointer(&fixture->vm, vm_free);
    return FALSE;
}

static const VmFuncs funcs = { on_connected, on_up, on_changed, on_event, on_stuck, on_ending, on_down };

static void
start_with_fd(Fixture *fixture, int fd)
{
    VmSpec spec = { .origin = VM_FROM_FD, .fd = fd, .added_by = 12345, .timeout = G_MAXUINT64 };

    fixture->frees_on_down = TRUE;
    fixture->vm = vm_new(fixture->context, &spec, /* max_reply= */ 1024 * 1024, &funcs, fixture);
    g_assert_null(vm_get_qemu(fixture->vm));
}

static void
start_with_address(Fixture *fixture, VmOrigin origin, guint64 timeout)
{
    g_autofree char *text = g_strdup_printf("unix:%s/qmp", fixture->directory);
    g_autoptr(QmpAddress) address = qmp_address_parse(text, NULL);
    VmSpec spec = { .origin = origin, .address = address, .timeout = timeout };

    fixture->vm = vm_new(fixture->context, &spec, /* max_reply= */ 1024 * 1024, &funcs, fixture);
}

static void
listen_at_address(Fixture *fixture)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/qmp", fixture->directory);
    fixture->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fixture->listener, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(fixture->listener, 1), ==, 0);
}

/* A QEMU that was handed over: up, events, and its end, which is told before the last word. */
static void
test_life(Fixture *fixture, gconstpointer unused)
{
    int fd;

    fixture->qemu = test_qemu_new(fixture->context, 11, 1, &fd);
    start_with_fd(fixture, fd);
    qmp_peer_wait_until(fixture->context, fixture->n_up == 1);
    g_assert_true(vm_is_owner_known(fixture->vm));
    g_assert_cmpuint(vm_get_owner_uid(fixture->vm), ==, getuid());
    g_assert_null(vm_get_address(fixture->vm));
    test_qemu_send(fixture->qemu, 0, "{\"event\":\"RTC_CHANGE\"}\n");
    qmp_peer_wait_until(fixture->context, fixture->n_events == 1);
    test_qemu_close(fixture->qemu, 0);
    qmp_peer_wait_until(fixture->context, fixture->n_down == 1);
    g_assert_cmpint(fixture->how, ==, VM_DOWN_ENDED);
    g_assert_cmpuint(fixture->n_ending, ==, 1);
    g_assert_null(fixture->vm);
}

/* A VM whose name is taken: it never was up, and the reason is that of the refusal. */
static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    int fd;

    fixture->qemu = test_qemu_new(fixture->context, 11, 1, &fd);
    fixture->refuses_up = TRUE;
    start_with_fd(fixture, fd);
    qmp_peer_wait_until(fixture->context, fixture->n_down == 1);
    g_assert_cmpint(fixture->how, ==, VM_DOWN_UNUSABLE);
    g_assert_cmpstr(fixture->error->message, ==, "the name is taken");
    g_assert_cmpuint(fixture->n_ending, ==, 0);
}

/* A descriptor of something else than a QEMU: the reason says what is there. */
static void
test_no_qmp(Fixture *fixture, gconstpointer unused)
{
    int fd;
    QmpPeer *peer = qmp_peer_new(fixture->context, &fd);

    start_with_fd(fixture, fd);
    qmp_peer_send(peer, "SSH-2.0-OpenSSH_9.2\r\n");
    qmp_peer_wait_until(fixture->context, fixture->n_down == 1);
    g_assert_cmpint(fixture->how, ==, VM_DOWN_UNUSABLE);
    g_assert_nonnull(strstr(fixture->error->message, "SSH"));
    g_assert_cmpuint(fixture->n_up, ==, 0);
    qmp_peer_free(peer);
}

/* AddVM right after QEMU was started: the socket comes while the call waits, and the VM with it. */
static void
test_late(Fixture *fixture, gconstpointer unused)
{
    start_with_address(fixture, VM_FROM_CALL, VM_TIMEOUT_DEFAULT);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_connected + fixture->n_down, ==, 0);
    listen_at_address(fixture);
    qmp_peer_wait_until(fixture->context, fixture->n_connected + fixture->n_down > 0);
    g_assert_cmpuint(fixture->n_connected, ==, 1);
    g_assert_nonnull(vm_get_address(fixture->vm));
    g_assert_cmpuint(vm_get_owner_uid(fixture->vm), ==, 0);
    g_assert_false(vm_is_owner_known(fixture->vm));
}

/* AddVM of a socket that never comes: it is answered when its time is over, with the reason, and tried on by nobody. */
static void
test_missing(Fixture *fixture, gconstpointer unused)
{
    fixture->frees_on_down = TRUE;
    start_with_address(fixture, VM_FROM_CALL, 250 * G_TIME_SPAN_MILLISECOND);
    qmp_peer_wait_until(fixture->context, fixture->n_down == 1);
    g_assert_cmpint(fixture->how, ==, VM_DOWN_UNREACHABLE);
    g_assert_cmpint(fixture->error->code, ==, QMP_ERROR_MISSING);
    g_assert_cmpuint(fixture->n_connected, ==, 0);
}

/* A VM of the key file that is not there yet is tried again by itself; and at once when its socket is said to have appeared. */
static void
test_retried(Fixture *fixture, gconstpointer unused)
{
    start_with_address(fixture, VM_FROM_KEY_FILE, VM_TIMEOUT_DEFAULT);
    qmp_peer_wait_until(fixture->context, fixture->n_down >= 2);
    g_assert_cmpint(fixture->how, ==, VM_DOWN_UNREACHABLE);
    listen_at_address(fixture);
    vm_poke(fixture->vm);
    qmp_peer_wait_until(fixture->context, fixture->n_connected == 1);
    vm_poke(fixture->vm);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_connected, ==, 1);
}

/* A VM without a name gets the one that its QEMU has, and keeps it. */
static void
test_name(Fixture *fixture, gconstpointer unused)
{
    start_with_address(fixture, VM_FROM_KEY_FILE, VM_TIMEOUT_DEFAULT);
    g_assert_null(vm_get_name(fixture->vm));
    vm_set_name(fixture->vm, "web");
    g_assert_cmpstr(vm_get_name(fixture->vm), ==, "web");
    g_assert_cmpint(vm_get_origin(fixture->vm), ==, VM_FROM_KEY_FILE);
    g_assert_false(vm_requires_isolation(fixture->vm));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/vm/life", test_life);
    ADD("/vm/refused", test_refused);
    ADD("/vm/no-qmp", test_no_qmp);
    ADD("/vm/late", test_late);
    ADD("/vm/missing", test_missing);
    ADD("/vm/retried", test_retried);
    ADD("/vm/name", test_name);
    return g_test_run();
}
