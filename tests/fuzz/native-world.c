/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does for its clients what objects/vm-object.c and calls/open-monitor.c do for callers, in the same order. */
#include "native-world.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authorization.h"
#include "caller-sessions.h"
#include "fuzz.h"
#include "json-framer.h"
#include "json-member.h"
#include "json-tree.h"
#include "native-authority.h"
#include "native-session.h"
#include "test-vm-fixture.h"

#define N_CLIENTS 3
#define STRANGER 4711u

typedef struct Client {
    NativeWorld *world; /* weak */
    BusPeer peer;
    char key[8];
    NativeSession *session; /* owned; NULL: it has not begun, or has ended */
    gboolean has_begun, has_left;
    int fd; /* owned; -1: closed */
    JsonFramer framer; /* of what the client hears */
    guint n_heard;
    gboolean has_heard_last; /* the answer to the last command: native_world_check_alive() */
} Client;

struct NativeWorld {
    VmFixture base;
    ManagementHost host;
    Config config;
    Context context;
    VmContext vm_context;
    Client clients[N_CLIENTS];
    gboolean is_scripted; /* QEMU gives answers of the input's: what it holds of callers may stay for ever */
    gboolean is_dishonest; /* some of them are none */
    gboolean is_stopped; /* the VM is going */
};

static gboolean
is_native_reply_json(const char *text, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = json_tree_parse(text, length, &error);

    return node || strstr(error->message, "twice") || strstr(error->message, "U+0000") ||
           error->code == JSON_TREE_ERROR_LIMIT;
}

static void
hear_native_document(Client *client)
{
    g_autofree char *text = g_strndup(client->framer.text, client->framer.scan.offset);

    if (client->framer.scan.error || !is_native_reply_json(text, strlen(text)))
        fuzz_fail("a client heard %s", text);
    g_assert_true(client->n_heard > 0 || strstr(text, "\"QMP\": {"));
    client->n_heard++;
    client->has_heard_last |= strstr(text, "\"id\": \"the last\"") != NULL;
}

static void
hear_native_client(Client *client)
{
    char bytes[4096];
    gssize n;

    while (client->fd >= 0 && (n = recv(client->fd, bytes, sizeof bytes - 1, MSG_DONTWAIT)) > 0)
        for (gsize used = 0, more; used < (gsize)n; used += more) {
            JsonFramerResult result = json_framer_feed(&client->framer, bytes + used, (gsize)n - used, &more);
            g_assert_true(result == JSON_FRAMER_MORE || result == JSON_FRAMER_DOCUMENT);
            if (result == JSON_FRAMER_DOCUMENT)
                hear_native_document(client);
        }
}

/* What was sent in a turn of the loop leaves at the beginning of the next, also of one that finds nothing more to do. */
void
native_world_settle(NativeWorld *world)
{
    gboolean has_run;

    do {
        has_run = g_main_context_iteration(world->base.context, FALSE);
        for (guint i = 0; i < N_CLIENTS; i++)
            hear_native_client(&world->clients[i]);
    } while (has_run);
}

/* As end_open() of open-monitor.c. */
static void
end_native_session(Client *client)
{
    CallerSessions *sessions = client->world->vm_context.sessions;

    g_clear_pointer(&client->session, native_session_free);
    if (sessions && !client->world->is_stopped)
        caller_sessions_drop_caller(sessions, client->key);
}

static void
on_native_session_end(const GError *error, gpointer user_data)
{
    Client *client = user_data;

    g_assert_nonnull(client->session);
    g_assert_nonnull(error);
    end_native_session(client);
}

static gboolean
open_native_session(Client *client)
{
    NativeOpener opener = {
        .peer = &client->peer,
        .is_interactive = client != &client->world->clients[2],
        .has_left = client->has_left,
        .key = client->key,
    };
    CallerSessions *sessions = client->world->vm_context.sessions;
    int pair[2];

    client->has_begun = TRUE;
    if (!sessions || client->world->is_stopped ||
        !caller_sessions_open(sessions, client->key, client->peer.name, client->peer.uid, /* error= */ NULL))
        return FALSE;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    client->fd = pair[1];
    client->session =
        native_session_new(&client->world->vm_context, pair[0], &opener,
                           /* is_pretty= */ client == &client->world->clients[1], on_native_session_end, client);
    return TRUE;
}

/* With the first bytes there goes a descriptor, where there is one. */
static void
send_native_text(Client *client, const char *text, gsize length, int passed)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec data = { (char *)text, length };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

    if (passed >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
    }
    /* No input is longer than a socket's buffer. */
    sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
native_world_say(NativeWorld *world, guint number, const char *text, gsize length, gboolean with_fd)
{
    static const char plain[] = "{'execute':'qmp_capabilities'}";
    static const char oob[] = "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}";
    Client *client = &world->clients[number];
    const char *negotiation = number == 1 ? oob : plain;
    int passed = -1;

    if (!client->has_begun && open_native_session(client))
        send_native_text(client, negotiation, strlen(negotiation), -1);
    if (client->fd < 0 || length == 0)
        return;
    if (with_fd)
        passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    send_native_text(client, text, length, passed);
    if (passed >= 0)
        close(passed);
}

void
native_world_close_client(NativeWorld *world, guint number)
{
    Client *client = &world->clients[number];

    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static gboolean
is_honest_answer(const char *answer)
{
    g_autofree char *text = g_strdup_printf("{%s}", answer);
    g_autoptr(JsonNode) node = json_tree_parse(text, strlen(text), NULL);
    JsonObject *object = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonObject *error;

    if (!object || json_object_get_size(object) != 1)
        return FALSE;
    if (json_object_has_member(object, "return"))
        return TRUE;
    error = json_member_get_object(object, "error");
    return error && json_member_get_string(error, "class") && json_member_get_string(error, "desc");
}

void
native_world_set_answer(NativeWorld *world, const char *command, const char *answer)
{
    world->is_scripted = TRUE;
    world->is_dishonest |= !is_honest_answer(answer);
    test_qemu_set_answer(world->base.qemu, command, answer);
}

static gboolean
has_said_monitor(NativeWorld *world, gboolean is_control, guint number)
{
    return (is_control || number > 0) && test_qemu_has_monitor(world->base.qemu, number);
}

void
native_world_let_qemu_say(NativeWorld *world, gboolean is_control, const char *text)
{
    guint number = is_control ? 0 : test_qemu_get_newest(world->base.qemu);

    world->is_dishonest = TRUE;
    if (has_said_monitor(world, is_control, number))
        test_qemu_send(world->base.qemu, number, text);
}

void
native_world_close_monitor(NativeWorld *world, gboolean is_control)
{
    guint number = is_control ? 0 : test_qemu_get_newest(world->base.qemu);

    world->is_dishonest = TRUE;
    if (has_said_monitor(world, is_control, number))
        test_qemu_close(world->base.qemu, number);
}

/* As open_monitors_drop_caller(). */
void
native_world_note_left(NativeWorld *world)
{
    for (guint i = 1; i < N_CLIENTS; i++) {
        Client *client = &world->clients[i];
        if (client->has_left)
            continue;
        client->has_left = TRUE;
        client->peer.pid = BUS_PEER_NO_ID;
        if (client->session)
            native_session_opener_left(client->session);
    }
}

void
native_world_stop(NativeWorld *world)
{
    if (world->is_stopped)
        return;
    world->is_stopped = TRUE;
    for (guint i = 0; i < N_CLIENTS; i++)
        if (world->clients[i].session)
            native_session_stop(world->clients[i].session);
}

/* As vm_object_free(). */
static void
drop_native_vm(NativeWorld *world)
{
    if (!world->vm_context.sessions)
        return;
    native_world_stop(world);
    authorization_vm_gone(&world->context, world->base.vm);
    g_clear_pointer(&world->vm_context.sessions, caller_sessions_free);
    for (guint i = 0; i < N_CLIENTS; i++)
        if (world->clients[i].session)
            end_native_session(&world->clients[i]);
}

static gboolean
on_native_vm_up(Vm *vm, GError **error, gpointer user_data)
{
    return TRUE;
}

static void
on_native_vm_changed(Vm *vm, gpointer user_data)
{
    NativeWorld *world = user_data;

    if (world->vm_context.sessions)
        caller_sessions_status_changed(world->vm_context.sessions);
}

static void
on_native_vm_event(Vm *vm, const QmpEvent *event, gpointer user_data)
{
    NativeWorld *world = user_data;

    for (guint i = 0; i < N_CLIENTS; i++)
        if (world->clients[i].session)
            native_session_event(world->clients[i].session, event);
}

static void
on_native_vm_stuck(Vm *vm, const GError *error, gpointer user_data)
{
    NativeWorld *world = user_data;

    if (world->vm_context.sessions)
        caller_sessions_fail(world->vm_context.sessions, error);
}

static void
on_native_vm_ending(Vm *vm, gpointer user_data)
{
    native_world_stop(user_data);
}

static gboolean
on_native_vm_down(Vm *vm, VmDown how, const GError *error, gpointer user_data)
{
    NativeWorld *world = user_data;

    drop_native_vm(world);
    g_clear_pointer(&world->base.vm, vm_free);
    return FALSE;
}

static void
check_native_log(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    for (gsize i = 0; i < n_fields; i++)
        if (!g_utf8_validate(fields[i].value, fields[i].length, NULL))
            fuzz_fail("logged: %s=%s", fields[i].key, (const char *)fields[i].value);
}

static void
init_native_client(NativeWorld *world, guint number)
{
    Client *client = &world->clients[number];

    client->world = world;
    client->fd = -1;
    client->peer = (BusPeer){
        .name = g_strdup_printf(":1.%u", number),
        .uid = number == 0 ? getuid() : STRANGER + number,
        .pid = (guint32)getpid(),
    };
    g_snprintf(client->key, sizeof client->key, ":1.%u/1", number);
    json_framer_init(&client->framer, JSON_DIALECT_RFC8259, 1 << 20);
}

NativeWorld *
native_world_new(guint major, guint minor)
{
    static const VmFuncs funcs = { on_native_vm_up,    on_native_vm_up,     on_native_vm_changed, on_native_vm_event,
                                   on_native_vm_stuck, on_native_vm_ending, on_native_vm_down };
    /* The first client gets a monitor, the others share one. */
    static const MonitorPoolLimits limits = { .idle_timeout = G_MAXINT64, .max_monitors = 2, .max_reply = 65536 };
    NativeWorld *world = g_new0(NativeWorld, 1);

    vm_fixture_set_up(&world->base, major, minor, /* isolation_required= */ FALSE);
    vm_set_funcs(world->base.vm, &funcs, world);
    vm_set_name(world->base.vm, "web");
    world->host =
        (ManagementHost){ .context = world->base.context, .bus = MANAGEMENT_BUS_SYSTEM, .log = check_native_log };
    world->context.host = &world->host;
    world->context.config = &world->config;
    world->context.audit = audit_new(&world->host);
    world->context.policy = policy_new(world->base.context, /* bus= */ NULL, /* system_bus_address= */ NULL,
                                       audit_decision, world->context.audit);
    world->context.authorizations = authorizations_new();
    world->vm_context.context = &world->context;
    world->vm_context.vm = world->base.vm;
    world->vm_context.sessions = caller_sessions_new(world->base.context, world->base.vm, &limits, NULL, NULL);
    for (guint i = 0; i < N_CLIENTS; i++)
        init_native_client(world, i);
    return world;
}

static void
free_native_client(Client *client)
{
    if (client->session)
        end_native_session(client);
    if (client->fd >= 0)
        close(client->fd);
    json_framer_clear(&client->framer);
    g_free(client->peer.name);
}

/* Nothing is sent any more to a QEMU that was told to quit (qmp/qmp-ending.h), and this one lives on. */
static gboolean
has_to_answer(NativeWorld *world)
{
    return !world->is_dishonest && !world->is_stopped && !strstr(test_qemu_get_log(world->base.qemu), " quit");
}

void
native_world_free(NativeWorld *world)
{
    gboolean was_up = world->vm_context.sessions && !world->is_scripted && has_to_answer(world);

    for (guint i = 0; i < N_CLIENTS; i++)
        if (world->clients[i].session)
            end_native_session(&world->clients[i]);
    native_world_settle(world);
    /* The one for all who have none of their own stays until it has been idle for long enough. */
    g_assert_true(!was_up || test_qemu_get_n_plugged(world->base.qemu) <= 1);
    drop_native_vm(world);
    for (guint i = 0; i < N_CLIENTS; i++)
        free_native_client(&world->clients[i]);
    policy_free(world->context.policy);
    audit_free(world->context.audit);
    authorizations_free(world->context.authorizations);
    vm_fixture_tear_down(&world->base);
    g_free(world);
}

TestQemu *
native_world_get_qemu(NativeWorld *world)
{
    return world->base.qemu;
}

/* Behind a text that the client has not ended: 0xff resets the session's scanner. */
static void
ask_last(NativeWorld *world, guint number)
{
    static const char last[] = "\xff{\"execute\":\"query-status\",\"id\":\"the last\"}";

    if (world->clients[number].session)
        native_world_say(world, number, last, strlen(last), /* with_fd= */ FALSE);
}

void
native_world_check_alive(NativeWorld *world)
{
    native_authority_set_fails(FALSE);
    test_qemu_release_all(world->base.qemu);
    for (guint i = 0; i < N_CLIENTS; i++)
        ask_last(world, i);
    do
        native_world_settle(world);
    while (native_authority_answer(AUTHORITY_NO, /* error= */ NULL));
    for (guint i = 0; i < N_CLIENTS && has_to_answer(world); i++)
        if (world->clients[i].session && world->clients[i].fd >= 0 && !world->clients[i].has_heard_last)
            fuzz_fail("the session of client %u hangs", i);
}

/* Whether it is one of those that the agent itself sends by the control monitor, which callers share where there is no other. */
static gboolean
may_be_the_agents(const char *line)
{
    static const char *const own[] = { "qmp_capabilities", "getfd",       "closefd",        "add-fd",
                                       "remove-fd",        "chardev-add", "chardev-remove", "object-",
                                       "qom-list",         "qom-get",     "query-",         "monitor-" };
    gboolean is_own = FALSE;

    for (guint i = 0; !is_own && *line == '0' && i < G_N_ELEMENTS(own); i++)
        is_own = g_str_has_prefix(line + strlen("0 "), own[i]);
    return is_own;
}

void
native_world_foreach_arrival(NativeWorld *world, void (*func)(const char *line, gpointer user_data),
                             gpointer user_data)
{
    g_auto(GStrv) lines = g_strsplit(test_qemu_get_log(world->base.qemu), "\n", -1);

    for (guint i = 0; lines[i] && !world->clients[0].has_begun; i++)
        if (*lines[i] && !may_be_the_agents(lines[i]))
            func(lines[i], user_data);
}
