/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy is asked of a caller's command: a wrong class or a wrong owner gives the VM away, and a question that
 * outlives its VM gives leave for another QEMU that has taken its name. */
#include "authorization.h"

#include <sys/socket.h>
#include <unistd.h>

#include "json-tree.h"
#include "qmp-error.h"
#include "test-vm-fixture.h"

/* What authorization.c asks: the library's own is not linked beside this one. */
struct PolicyTicket {
    PolicyFunc func;
    gpointer user_data;
};

typedef struct Fixture {
    VmFixture base;
    ManagementHost host;
    Config config;
    Context context;
    VmContext vm_context;
    PolicyAnswer answer; /* what the policy says */
    BusPeer peer;
    GPtrArray *tickets; /* owned, of PolicyTicket; asked */
    guint answers;
    GError *error; /* owned; of the last answer */
} Fixture;

/* The request as policy_ask() had it: that function has no other way to the test. */
static PolicyRequest seen;
static Fixture *current;

PolicyAnswer
policy_ask(Policy *policy, const PolicyRequest *request, PolicyFunc func, gpointer user_data,
           PolicyTicket **ret_ticket, GError **error)
{
    seen = *request;
    if (current->answer == POLICY_REFUSED)
        g_set_error(error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED, "no");
    if (current->answer == POLICY_ASKED) {
        *ret_ticket = g_new(PolicyTicket, 1);
        **ret_ticket = (PolicyTicket){ func, user_data };
        g_ptr_array_add(current->tickets, *ret_ticket);
    }
    return current->answer;
}

void
policy_ticket_cancel(PolicyTicket *ticket)
{
    g_assert_true(g_ptr_array_remove(current->tickets, ticket));
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(&fixture->base, 11, 1, FALSE);
    fixture->host = (ManagementHost){ .context = fixture->base.context, .bus = MANAGEMENT_BUS_SYSTEM };
    fixture->context =
        (Context){ .host = &fixture->host, .config = &fixture->config, .authorizations = authorizations_new() };
    fixture->vm_context = (VmContext){ .context = &fixture->context, .vm = fixture->base.vm };
    fixture->peer = (BusPeer){ .name = (char *)":1.42", .uid = 4711, .pid = BUS_PEER_NO_ID };
    fixture->tickets = g_ptr_array_new_with_free_func(g_free);
    fixture->answer = POLICY_ALLOWED;
    current = fixture;
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_assert_cmpuint(fixture->tickets->len, ==, 0);
    g_ptr_array_unref(fixture->tickets);
    authorizations_free(fixture->context.authorizations);
    g_clear_error(&fixture->error);
    vm_fixture_tear_down(&fixture->base);
}

static void
on_answer_noted(const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->answers++;
    g_clear_error(&fixture->error);
    fixture->error = error ? g_error_copy(error) : NULL;
}

static AuthorizationAnswer
ask(Fixture *fixture, const char *command, const char *arguments, AuthorizationTicket **ret_ticket)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_build_command(arguments, NULL) : NULL;
    AuthorizationQuestion question = { .peer = &fixture->peer, .command = command, .arguments = node, .size = 77 };

    AuthorizationAnswer answer;
    PolicyClasses classes = 0;

    g_clear_error(&fixture->error);
    answer = authorization_ask(&fixture->vm_context, &question, on_answer_noted, fixture, ret_ticket, &classes,
                               &fixture->error);
    /* Whoever asks compares these, after the wait, with what would be asked for then. */
    g_assert_cmphex(classes, ==, answer == AUTHORIZATION_ASKED ? seen.classes : 0);
    return answer;
}

static AuthorizationAnswer
ask_management(Fixture *fixture, const char *method, Vm *vm, guint32 giver)
{
    AuthorizationManagement question = {
        .peer = &fixture->peer, .method = method, .name = "web", .vm = vm, .giver = giver
    };
    AuthorizationTicket *ticket;

    return authorization_ask_management(&fixture->context, &question, on_answer_noted, fixture, &ticket,
                                        &fixture->error);
}

/* The command's class, raised by its arguments; a method of the VM by its own. */
static void
test_classes(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *command, *arguments;
        PolicyClasses classes;
    } cases[] = {
        { "query-status", NULL, POLICY_CLASSES(POLICY_CLASS_OBSERVE) },
        { "stop", "{}", POLICY_CLASSES(POLICY_CLASS_CONTROL) },
        { "no-such-command", NULL, POLICY_CLASSES(POLICY_CLASS_HOST) },
        { "migrate", "{\"uri\":\"exec:sh\"}", POLICY_CLASSES(POLICY_CLASS_HOST) },
        { "ListMonitors", NULL, POLICY_CLASSES(POLICY_CLASS_OBSERVE) },
        { "OpenDisplay", NULL, POLICY_CLASSES(POLICY_CLASS_READ_GUEST) | POLICY_CLASSES(POLICY_CLASS_CONTROL) },
        { "OpenMonitor", NULL, POLICY_CLASSES(POLICY_CLASS_OBSERVE) },
        { "Subscribe", NULL, POLICY_CLASSES(POLICY_CLASS_OBSERVE) },
        /* Which objects are authz-* is known by the callers' sessions, and here are none. */
        { "object-del", "{\"id\":\"a\"}", POLICY_CLASSES(POLICY_CLASS_HOST) },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(ask(fixture, cases[i].command, cases[i].arguments, NULL), ==, AUTHORIZATION_ALLOWED);
        if ((seen.classes & cases[i].classes) != cases[i].classes)
            g_error("%s: %#x", cases[i].command, seen.classes);
    }
}

/* A guest that another QEMU has taken over is let run here too only by whoever may move it. */
static void
test_cont_by_state(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *reply;
        PolicyClasses classes;
    } cases[] = {
        { "{\"status\":\"paused\",\"running\":false}", POLICY_CLASSES(POLICY_CLASS_CONTROL) },
        { "{\"status\":\"postmigrate\",\"running\":false}",
          POLICY_CLASSES(POLICY_CLASS_CONTROL) | POLICY_CLASSES(POLICY_CLASS_MIGRATE) },
        { "{\"status\":\"\",\"running\":false}",
          POLICY_CLASSES(POLICY_CLASS_CONTROL) | POLICY_CLASSES(POLICY_CLASS_MIGRATE) },
        { "{\"status\":\"inmigrate\",\"running\":false}",
          POLICY_CLASSES(POLICY_CLASS_CONTROL) | POLICY_CLASSES(POLICY_CLASS_MIGRATE) },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        QmpReply reply = { .value = { cases[i].reply, strlen(cases[i].reply) } };
        qemu_connection_note_status(vm_get_qemu(fixture->base.vm), &reply);
        ask(fixture, "cont", NULL, NULL);
        g_assert_cmphex(seen.classes, ==, cases[i].classes);
        /* The state would be another after a reset, the guest where it is. */
        ask(fixture, "system_reset", NULL, NULL);
        g_assert_cmphex(seen.classes, ==,
                        (cases[i].classes & POLICY_CLASSES(POLICY_CLASS_MIGRATE)) | POLICY_CLASSES(POLICY_CLASS_DESTROY));
        ask(fixture, "stop", NULL, NULL);
        g_assert_cmphex(seen.classes, ==, POLICY_CLASSES(POLICY_CLASS_CONTROL));
    }
}

/* Rules tell one VM, and one bus, from another by these. */
static void
test_request(Fixture *fixture, gconstpointer unused)
{
    ask(fixture, "device_add", "{\"driver\":\"virtio-rng-pci\",\"id\":\"rng\"}", NULL);
    g_assert_true(seen.peer == &fixture->peer);
    g_assert_cmpstr(seen.command, ==, "device_add");
    g_assert_cmpstr(seen.vm, ==, vm_get_name(fixture->base.vm));
    g_assert_cmpstr(seen.uuid, ==, "12345678-1234-1234-1234-123456789abc");
    g_assert_cmpstr(seen.bus, ==, "system");
    g_assert_cmpuint(seen.size, ==, 77);
    g_assert_cmpuint(seen.owner_uid, ==, getuid());
    g_assert_cmpuint(seen.friend_uid, ==, BUS_PEER_NO_ID);
    fixture->host.bus = MANAGEMENT_BUS_SESSION;
    ask(fixture, "stop", NULL, NULL);
    g_assert_cmpstr(seen.bus, ==, "session");
}

/* With owner=polkit the owner is asked for like everybody, and rules still know who they are. */
static void
test_owner_needs_polkit(Fixture *fixture, gconstpointer unused)
{
    fixture->config.owner_needs_polkit = TRUE;
    ask(fixture, "stop", NULL, NULL);
    g_assert_cmpuint(seen.owner_uid, ==, BUS_PEER_NO_ID);
    g_assert_true(seen.qemu_uid == (vm_is_owner_known(fixture->base.vm) ? getuid() : BUS_PEER_NO_ID));
    ask_management(fixture, "AddVMFromFD", NULL, /* giver= */ 4711);
    g_assert_cmpuint(seen.owner_uid, ==, BUS_PEER_NO_ID);
}

/* Whose QEMU it is may add it and let go of it. The kernel's number for users that have none is nobody's. */
static void
test_management(Fixture *fixture, gconstpointer unused)
{
    ask_management(fixture, "AddVMFromFD", NULL, /* giver= */ 4711);
    g_assert_cmpuint(seen.classes, ==, POLICY_CLASSES(POLICY_CLASS_MANAGE));
    g_assert_cmpstr(seen.command, ==, "AddVMFromFD");
    g_assert_cmpstr(seen.vm, ==, "web");
    g_assert_null(seen.uuid);
    g_assert_cmpuint(seen.owner_uid, ==, 4711);
    g_assert_cmpuint(seen.friend_uid, ==, context_get_uid());
    ask_management(fixture, "AddVMFromFD", NULL, /* giver= */ 65534);
    g_assert_cmpuint(seen.owner_uid, ==, BUS_PEER_NO_ID);
    ask_management(fixture, "AddVM", NULL, BUS_PEER_NO_ID);
    g_assert_cmpuint(seen.owner_uid, ==, BUS_PEER_NO_ID);
    ask_management(fixture, "RemoveVM", fixture->base.vm, BUS_PEER_NO_ID);
    g_assert_cmpuint(seen.owner_uid, ==, getuid());
    g_assert_cmpuint(seen.friend_uid, ==, vm_get_spec(fixture->base.vm)->added_by);
    g_assert_cmpstr(seen.uuid, ==, "12345678-1234-1234-1234-123456789abc");
}

/* A VM whose user the kernel cannot tell: whoever had leave to add it owns it no more than anybody, unless they run the agent. */
static void
test_unknown_owner(Fixture *fixture, gconstpointer unused)
{
    static const VmFuncs funcs = { 0 };
    const guint32 added_by[] = { 4711, context_get_uid() };
    int pair[2];

    for (guint i = 0; i < G_N_ELEMENTS(added_by); i++) {
        VmSpec spec = { .origin = VM_FROM_FD, .added_by = added_by[i], .timeout = G_MAXUINT64 };
        Vm *vm;
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
        spec.fd = pair[0];
        vm = vm_new(fixture->base.context, &spec, /* max_reply= */ 1024, &funcs, fixture);
        g_assert_cmpuint(authorization_get_owner(&fixture->context, vm), ==,
                         i == 0 ? BUS_PEER_NO_ID : context_get_uid());
        vm_free(vm);
        close(pair[1]);
    }
}

/* A refusal comes at once, and leaves nothing that waits. */
static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    fixture->answer = POLICY_REFUSED;
    g_assert_cmpint(ask(fixture, "stop", NULL, NULL), ==, AUTHORIZATION_REFUSED);
    g_assert_error(fixture->error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED);
    authorization_vm_gone(&fixture->context, fixture->base.vm);
    g_assert_cmpuint(fixture->answers, ==, 0);
}

/* The VM goes while a person reads the dialog: every question about it ends, and one about another VM goes on. */
static void
test_vm_gone(Fixture *fixture, gconstpointer unused)
{
    AuthorizationTicket *cancelled, *ticket;
    PolicyTicket *other;

    fixture->answer = POLICY_ASKED;
    g_assert_cmpint(ask(fixture, "stop", NULL, &cancelled), ==, AUTHORIZATION_ASKED);
    g_assert_cmpint(ask_management(fixture, "AddVM", NULL, BUS_PEER_NO_ID), ==, AUTHORIZATION_ASKED);
    other = fixture->tickets->pdata[1];
    ask(fixture, "cont", NULL, &ticket);
    ask(fixture, "quit", NULL, &ticket);
    authorization_ticket_cancel(cancelled);
    g_assert_cmpuint(fixture->answers, ==, 0);
    authorization_vm_gone(&fixture->context, fixture->base.vm);
    g_assert_cmpuint(fixture->answers, ==, 2);
    g_assert_error(fixture->error, QMP_ERROR, QMP_ERROR_DISCONNECTED);
    g_assert_cmpuint(fixture->tickets->len, ==, 1);
    other->func(NULL, other->user_data);
    g_assert_cmpuint(fixture->answers, ==, 3);
    g_assert_no_error(fixture->error);
    policy_ticket_cancel(other);
}

#define ADD_TEST(path, test) g_test_add("/authorization/" path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_TEST("classes", test_classes);
    ADD_TEST("cont-by-state", test_cont_by_state);
    ADD_TEST("request", test_request);
    ADD_TEST("owner-needs-polkit", test_owner_needs_polkit);
    ADD_TEST("management", test_management);
    ADD_TEST("unknown-owner", test_unknown_owner);
    ADD_TEST("refused", test_refused);
    ADD_TEST("vm-gone", test_vm_gone);
    return g_test_run();
}
