/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a connection to a display, from top to bottom:
 *
 *   open_displays_open()   OpenDisplay(): the protocol is read
 *   ask_for_display()      the policy is asked for both actions
 *   on_display_allowed()   the caller may
 *   query_vnc()            QEMU says whether it has a VNC server: it takes a client for one that it has not, and tells nobody
 *   on_vnc_queried()       it has
 *   name_socket()          QEMU gets one end of a socketpair, by the caller's monitor and by a name that nobody can guess
 *   on_socket_named()      QEMU has it
 *   add_display_client()   add_client makes a display's client of it
 *   on_client_added()      the caller gets the other end
 *
 * From then on the agent has nothing to do with it: the connection ends when QEMU or the caller closes it. No word of the caller's
 * goes into add_client, which would make a client of a monitor too; and where QEMU was built without VNC, so that `vnc` may
 * be the name of a character device, QEMU has no command query-vnc-servers either. */
#include "open-display.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "caller-command.h"
#include "caller-sessions.h"
#include "errors.h"
#include "fd-reserve.h"
#include "json-tree.h"
#include "nearest.h"
#include "qmp-error.h"
#include "vardict.h"

/* Under way. Each has two descriptors here, of which a process may have 1,024 where nobody has allowed it more. A user, who may have
 * many connections, takes no more than is left for all others. */
static const QuotaLimits limits_of_opening = { .of_caller = { .n = 8 }, .of_all = { .n = 64 } };

/* Bytes of polkit's question: words of ours. */
#define QUESTION_SIZE 256

typedef struct DisplayProtocol {
    const char *name; /* the caller's */
    const char *qemu_name; /* of add_client */
    const char *argument; /* that QEMU has to be started with */
} DisplayProtocol;

static const DisplayProtocol protocols[] = {
    { "dbus", "@dbus-display", "-display dbus,p2p=on" },
    { "spice", "spice", "-spice port=0" },
    { "vnc", "vnc", "-vnc none" },
};

struct OpenDisplays {
    VmContext *vm_context; /* weak */
    GQueue all; /* of OpenDisplay, owned, by their links */
};

typedef struct OpenDisplay {
    OpenDisplays *displays; /* weak */
    const DisplayProtocol *protocol;
    BusCall *call; /* owned; until it is answered */
    CallerCommand command; /* the step that is under way */
    char *socket_name; /* owned; in QEMU */
    int socket; /* owned; the caller's end; -1: none yet */
    GList link; /* in displays->all */
    QuotaShare share; /* of the context's quota */
} OpenDisplay;

static void
end_display(OpenDisplay *display)
{
    caller_command_cancel(&display->command);
    if (display->socket >= 0)
        close(display->socket);
    quota_share_return(&display->share);
    g_queue_unlink(&display->displays->all, &display->link);
    g_free(display->socket_name);
    g_free(display);
}

static void
fail_display(OpenDisplay *display, const GError *error)
{
    errors_fail(g_steal_pointer(&display->call), error);
    end_display(display);
}

/* QEMU's words, and those that say what to do about it. */
static void
fail_without_display(OpenDisplay *display, const char *error_class, const char *error_text)
{
    g_autofree char *text = g_strdup_printf("The VM has no display for \"%s\", which QEMU has to be started with, for "
                                            "example by `%s`: %s",
                                            display->protocol->name, display->protocol->argument, error_text);

    errors_fail_qmp(g_steal_pointer(&display->call), &(QmpReply){ .error_class = error_class, .error_text = text });
    end_display(display);
}

static CallerCommandStart
start_display_step(OpenDisplay *display, const CallerCommand *step)
{
    g_autoptr(GError) error = NULL;
    CallerCommand whole = *step;
    CallerCommandStart state;

    whole.vm_context = display->displays->vm_context;
    whole.size = QUESTION_SIZE;
    whole.user_data = display;
    state = caller_command_start_step(&display->command, &whole, display->call, &error);
    if (state == CALLER_COMMAND_FAILED)
        fail_display(display, error);
    return state;
}

static JsonNode *
make_socket_arguments(OpenDisplay *display, gboolean with_protocol)
{
    g_autoptr(JsonObject) arguments = json_object_new();

    if (with_protocol)
        json_object_set_member(arguments, "protocol", json_tree_new_string(display->protocol->qemu_name));
    json_object_set_member(arguments, "fdname", json_tree_new_string(display->socket_name));
    return json_node_init_object(json_node_alloc(), arguments);
}

/* QEMU has closed the socket, and no reply tells the caller's session that its name has gone. */
static void
forget_socket_name(OpenDisplay *display)
{
    const BusPeer *peer = bus_call_get_peer(display->call);
    CallerSession *session = caller_sessions_get(display->displays->vm_context->sessions, peer->name, peer->uid,
                                                 /* ret_is_new= */ NULL);
    g_autoptr(JsonNode) arguments = make_socket_arguments(display, /* with_protocol= */ FALSE);

    caller_session_submit(session, &(CallerSessionCommand){ .name = "closefd", .arguments = arguments },
                          /* func= */ NULL, /* user_data= */ NULL, /* error= */ NULL);
}

static void
on_client_added(const QmpReply *reply, const GError *error, gpointer user_data)
{
    OpenDisplay *display = user_data;

    if (error) {
        fail_display(display, error);
        return;
    }
    if (reply->error_class) {
        forget_socket_name(display);
        fail_without_display(display, reply->error_class, reply->error_text);
        return;
    }
    bus_call_return_fd(g_steal_pointer(&display->call), display->socket);
    end_display(display);
}

static void
add_display_client(OpenDisplay *display)
{
    start_display_step(display, &(CallerCommand){
                                    .name = "add_client",
                                    .arguments = make_socket_arguments(display, /* with_protocol= */ TRUE),
                                    .fd = -1,
                                    .is_allowed = TRUE,
                                    .func = on_client_added,
                                });
}

static void
on_socket_named(const QmpReply *reply, const GError *error, gpointer user_data)
{
    OpenDisplay *display = user_data;

    if (error) {
        fail_display(display, error);
    } else if (reply->error_class) {
        errors_fail_qmp(g_steal_pointer(&display->call), reply);
        end_display(display);
    } else {
        add_display_client(display);
    }
}

/* A name that a caller could give too would be theirs to replace. */
static char *
make_socket_name(void)
{
    guint64 token;

    if (getrandom(&token, sizeof token, 0) != sizeof token)
        token = (guint64)g_random_int() << 32 | g_random_int();
    return g_strdup_printf("display-%016" G_GINT64_MODIFIER "x", token);
}

static void
name_socket(OpenDisplay *display)
{
    g_autoptr(GError) error = NULL;
    int ends[2];

    if (!fd_reserve_pass_pair(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ends)) {
        g_set_error_literal(&error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "The agent has no descriptors left");
        fail_display(display, error);
        return;
    }
    display->socket = ends[0];
    display->socket_name = make_socket_name();
    start_display_step(display, &(CallerCommand){
                                    .name = "getfd",
                                    .arguments = make_socket_arguments(display, /* with_protocol= */ FALSE),
                                    .flags = QMP_EXECUTE_FD,
                                    .fd = ends[1],
                                    .is_allowed = TRUE,
                                    .func = on_socket_named,
                                });
}

static void
on_vnc_queried(const QmpReply *reply, const GError *error, gpointer user_data)
{
    OpenDisplay *display = user_data;
    gboolean is_answer = reply && !reply->error_class;
    g_autoptr(JsonNode) servers = is_answer ? json_tree_parse_answer(reply->value.text, reply->value.length) : NULL;

    if (error)
        fail_display(display, error);
    else if (!is_answer)
        fail_without_display(display, reply->error_class, reply->error_text);
    else if (servers && JSON_NODE_HOLDS_ARRAY(servers) && json_array_get_length(json_node_get_array(servers)) > 0)
        name_socket(display);
    else
        fail_without_display(display, "DeviceNotActive", "query-vnc-servers tells of none");
}

static void
query_vnc(OpenDisplay *display)
{
    start_display_step(display, &(CallerCommand){
                                    .name = "query-vnc-servers",
                                    .fd = -1,
                                    .is_allowed = TRUE,
                                    .func = on_vnc_queried,
                                });
}

static void
use_display(OpenDisplay *display)
{
    if (g_str_equal(display->protocol->name, "vnc"))
        query_vnc(display);
    else
        name_socket(display);
}

static void
on_display_allowed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    OpenDisplay *display = user_data;

    if (error)
        fail_display(display, error);
    else
        use_display(display);
}

static void
ask_for_display(OpenDisplay *display)
{
    if (start_display_step(display, &(CallerCommand){
                                        .name = "OpenDisplay",
                                        .fd = -1,
                                        .is_method = TRUE,
                                        .func = on_display_allowed,
                                    }) == CALLER_COMMAND_ALLOWED)
        use_display(display);
}

static const DisplayProtocol *
find_server_protocol(const char *name, GError **error)
{
    g_autofree char *question = NULL;
    Nearest nearest;

    nearest_init(&nearest, name);
    for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
        nearest_offer(&nearest, protocols[i].name);
        if (g_str_equal(protocols[i].name, name))
            return &protocols[i];
    }
    question = nearest_dup_question(&nearest);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "protocol: \"%.100s\" is none of `dbus`, `spice` and `vnc`%s", name, question);
    return NULL;
}

static gboolean
read_display_arguments(OpenDisplay *display, GError **error)
{
    static const VardictRow no_rows[] = { { 0 } };
    DBusMessageIter iter;
    const char *name;

    dbus_message_iter_init(bus_call_get_message(display->call), &iter);
    dbus_message_iter_get_basic(&iter, &name);
    dbus_message_iter_next(&iter);
    display->protocol = find_server_protocol(name, error);
    return display->protocol && vardict_read(&iter, no_rows, /* options= */ NULL, error);
}

static gboolean
take_display_room(OpenDisplay *display, GError **error)
{
    VmContext *vm_context = display->displays->vm_context;
    const BusPeer *peer = bus_call_get_peer(display->call);

    if (quota_take(&vm_context->context->displays, &limits_of_opening, peer->name, peer->uid, /* bytes= */ 0,
                   &display->share))
        return TRUE;
    g_set_error(
        error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
        "A caller may open %u displays at a time, and there may be %u in all, of which a user may have no more "
        "than are left for all others",
        limits_of_opening.of_caller.n, limits_of_opening.of_all.n);
    return FALSE;
}

static gboolean
check_has_display(OpenDisplay *display, GError **error)
{
    if (!qemu_connection_is_storage_daemon(vm_get_qemu(display->displays->vm_context->vm)))
        return TRUE;
    g_set_error_literal(error, QMP_ERROR, QMP_ERROR_PROTOCOL, "A storage daemon has no display");
    return FALSE;
}

void
open_displays_open(OpenDisplays *displays, BusCall *call)
{
    OpenDisplay *display = g_new0(OpenDisplay, 1);
    g_autoptr(GError) error = NULL;

    display->displays = displays;
    display->call = call;
    display->command.fd = -1;
    display->socket = -1;
    display->link.data = display;
    g_queue_push_tail_link(&displays->all, &display->link);
    if (!take_display_room(display, &error) || !read_display_arguments(display, &error) ||
        !check_has_display(display, &error)) {
        fail_display(display, error);
        return;
    }
    bus_call_drop_message(call);
    ask_for_display(display);
}

/* The name of a socket that QEMU has goes with the caller's session. */
void
open_displays_drop_caller(OpenDisplays *displays, const char *unique_name)
{
    for (GList *i = displays->all.head, *next; i; i = next) {
        OpenDisplay *display = i->data;
        next = i->next;
        if (!display->call || !g_str_equal(bus_call_get_sender(display->call), unique_name))
            continue;
        bus_call_fail_code(g_steal_pointer(&display->call), BUS_ERROR_DISCONNECTED, "The caller has left");
        end_display(display);
    }
}

OpenDisplays *
open_displays_new(VmContext *vm_context)
{
    OpenDisplays *displays = g_new0(OpenDisplays, 1);

    displays->vm_context = vm_context;
    return displays;
}

void
open_displays_free(OpenDisplays *displays)
{
    g_free(displays);
}
