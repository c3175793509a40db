/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Large replies: somebody who asks for many of them at once must not take the memory that others need, nor the way to them. */
#include "answers.h"

#include <string.h>

#include "bus-error.h"
#include "errors.h"

#define MIB (1024u * 1024)

/* What answers.c does with a call: the library's own is not linked beside this one. */
struct BusCall {
    BusPeer peer;
    gboolean is_answered; /* with a reply */
    gsize size; /* of it */
    char *error; /* owned; NULL: none */
};

typedef struct Fixture {
    GMainContext *main_context; /* owned */
    Config config;
    Context context;
    GByteArray *text; /* owned */
    BusCall calls[16];
    guint n;
} Fixture;

const BusPeer *
bus_call_get_peer(BusCall *call)
{
    return &call->peer;
}

const char *
bus_call_get_sender(BusCall *call)
{
    return call->peer.name;
}

DBusMessage *
bus_call_new_reply(BusCall *call)
{
    return dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
}

DBusMessage *
bus_call_assemble_reply(BusCall *call, const char *signature, const GByteArray *body)
{
    return bus_call_new_reply(call);
}

void
bus_call_return_sized(BusCall *call, DBusMessage *reply, gsize size)
{
    g_assert_true(!call->is_answered && !call->error);
    call->is_answered = TRUE;
    call->size = size;
    dbus_message_unref(reply);
}

static void
note_error(BusCall *call, const char *name, const char *text)
{
    g_assert_true(!call->is_answered && !call->error);
    call->error = g_strdup_printf("%s: %s", name, text);
}

void
errors_fail(BusCall *call, const GError *error)
{
    note_error(call, g_quark_to_string(error->domain), error->message);
}

void
bus_call_fail_code(BusCall *call, BusErrorCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    note_error(call, bus_error_get_name(code), text);
}

/* No reply here is of a type that interfaces own. */
QmpInterfaces *
qmp_interfaces_ref(QmpInterfaces *interfaces)
{
    g_assert_not_reached();
}

void
qmp_interfaces_unref(QmpInterfaces *interfaces)
{
    g_assert_not_reached();
}

/* Strings: they are the least work. */
static GByteArray *
make_text(gsize length)
{
    GByteArray *text = g_byte_array_sized_new((guint)length + 64 * 1024);
    g_autofree char *string = g_strnfill(64 * 1024, 'a');

    g_byte_array_append(text, (const guint8 *)"[", 1);
    while (text->len < length) {
        g_byte_array_append(text, (const guint8 *)(text->len > 1 ? ",\"" : "\""), text->len > 1 ? 2 : 1);
        g_byte_array_append(text, (const guint8 *)string, 64 * 1024);
        g_byte_array_append(text, (const guint8 *)"\"", 1);
    }
    g_byte_array_append(text, (const guint8 *)"]", 2);
    return text;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->main_context = g_main_context_new();
    fixture->config.max_reply = 32 * MIB;
    fixture->context.config = &fixture->config;
    fixture->context.answers = answers_new(fixture->main_context);
    fixture->text = make_text(30 * MIB);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    answers_free(fixture->context.answers);
    for (guint i = 0; i < fixture->n; i++)
        g_free(fixture->calls[i].error);
    g_byte_array_unref(fixture->text);
    g_main_context_unref(fixture->main_context);
}

/* QEMU has answered the call of @caller with this. */
static BusCall *
give_reply(Fixture *fixture, const char *caller, guint32 uid, const char *result, const QmpReply *reply)
{
    const AnswerForm form = { .result = result };
    BusCall *call = &fixture->calls[fixture->n++];

    call->peer = (BusPeer){ .name = (char *)caller, .uid = uid };
    answers_give(&fixture->context, call, &form, reply);
    return call;
}

static QmpReply
get_large(Fixture *fixture)
{
    return (QmpReply){
        .value = { (const char *)fixture->text->data, fixture->text->len - 1 },
        .bytes = fixture->text,
    };
}

static BusCall *
give(Fixture *fixture, const char *caller, guint32 uid)
{
    QmpReply reply = get_large(fixture);

    return give_reply(fixture, caller, uid, "v", &reply);
}

static void
convert_all(Fixture *fixture)
{
    while (g_main_context_iteration(fixture->main_context, /* may_block= */ FALSE))
        ;
}

static void
assert_limited(const BusCall *call)
{
    g_assert_nonnull(call->error);
    g_assert_true(g_str_has_prefix(call->error, "org.freedesktop.DBus.Error.LimitsExceeded: QEMU has answered with 31"));
    g_assert_nonnull(strstr(call->error, call->peer.name));
}

/* A caller who asks for one of the largest replies after the other has each. */
static void
test_one_by_one(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < 3; i++) {
        BusCall *call = give(fixture, ":1.1", 1000);
        convert_all(fixture);
        g_assert_null(call->error);
        g_assert_cmpuint(call->size, >, 30 * MIB);
    }
}

/* A caller who asks for two at once has one, and is told why there is no other: the text fits, but not the message as it grows. Others
 * have theirs, and later so has the caller. */
static void
test_caller(Fixture *fixture, gconstpointer unused)
{
    BusCall *one = give(fixture, ":1.1", 1000), *other = give(fixture, ":1.1", 1000), *stranger = give(fixture, ":1.2", 1001);

    g_assert_null(other->error);
    convert_all(fixture);
    g_assert_true((one->size > 0) != (other->size > 0));
    assert_limited(one->size > 0 ? other : one);
    g_assert_cmpuint(stranger->size, >, 0);
    one = give(fixture, ":1.1", 1000);
    convert_all(fixture);
    g_assert_cmpuint(one->size, >, 0);
}

/* Many users at once: all together stay within the limit, and who comes first is served. */
static void
test_all(Fixture *fixture, gconstpointer unused)
{
    static const char *const callers[] = { ":1.1", ":1.2", ":1.3", ":1.4", ":1.5", ":1.6", ":1.7", ":1.8", ":1.9" };
    guint n_served = 0;

    for (guint i = 0; i < G_N_ELEMENTS(callers); i++)
        give(fixture, callers[i], 1000 + i);
    assert_limited(&fixture->calls[8]);
    convert_all(fixture);
    for (guint i = 0; i < fixture->n; i++) {
        if (fixture->calls[i].size > 0)
            n_served++;
        else
            assert_limited(&fixture->calls[i]);
    }
    g_assert_cmpuint(n_served, >=, 3);
    g_assert_cmpuint(n_served, <=, 4);
}

static guint
count_answered(const Fixture *fixture)
{
    guint n = 0;

    for (guint i = 0; i < fixture->n; i++)
        n += fixture->calls[i].is_answered;
    return n;
}

/* Many replies that come in one turn, each of them short: the main loop is not held until the last of them is converted. */
static void
test_many_in_a_turn(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *filling = g_strnfill(15 * 1024, 'a'), *text = g_strdup_printf("\"%s\"", filling);
    const QmpReply reply = { .value = { text, strlen(text) } };

    for (guint i = 0; i < 8; i++)
        give_reply(fixture, ":1.1", 1000, i % 2 ? "s" : "v", &reply);
    g_assert_cmpuint(count_answered(fixture), ==, 5);
    /* A reply without a value is not put off. */
    g_assert_true(give_reply(fixture, ":1.1", 1000, "", &reply)->is_answered);
    convert_all(fixture);
    g_assert_cmpuint(count_answered(fixture), ==, 9);
    g_assert_cmpuint(fixture->calls[7].size, >, strlen(filling));
    g_assert_cmpuint(fixture->calls[7].size, <, strlen(filling) + 16);
}

/* The short replies of many_in_a_turn, some of them put off. */
static void
give_short(Fixture *fixture, const char *caller, guint32 uid, guint n)
{
    g_autofree char *filling = g_strnfill(15 * 1024, 'a'), *text = g_strdup_printf("\"%s\"", filling);
    const QmpReply reply = { .value = { text, strlen(text) } };

    for (guint i = 0; i < n; i++)
        give_reply(fixture, caller, uid, "s", &reply);
}

static gboolean
on_next_turn(gpointer fixture)
{
    give_short(fixture, ":1.2", 1001, 5);
    return G_SOURCE_REMOVE;
}

/* Replies that come in the next turn do not go before those that are put off; and callers take turns. */
static void
test_overtaken(Fixture *fixture, gconstpointer unused)
{
    GSource *source = g_idle_source_new();

    give_short(fixture, ":1.1", 1000, 8);
    g_assert_cmpuint(count_answered(fixture), ==, 5);
    g_source_set_priority(source, G_PRIORITY_HIGH);
    g_source_set_callback(source, on_next_turn, fixture, NULL);
    g_source_attach(source, fixture->main_context);
    g_source_unref(source);
    g_main_context_iteration(fixture->main_context, /* may_block= */ FALSE);
    g_assert_cmpuint(count_answered(fixture), ==, 5);
    g_main_context_iteration(fixture->main_context, /* may_block= */ FALSE);
    for (guint i = 5; i < 13; i++)
        g_assert_true(fixture->calls[i].is_answered == (i < 10));
    convert_all(fixture);
    g_assert_cmpuint(count_answered(fixture), ==, 13);
}

/* Of those that are put off each is answered once: whose caller leaves, who waits when the agent ends, and others. */
static void
test_put_off_ends(Fixture *fixture, gconstpointer unused)
{
    give_short(fixture, ":1.1", 1000, 8);
    give_short(fixture, ":1.2", 1001, 2);
    answers_drop_caller(&fixture->context, ":1.1");
    for (guint i = 5; i < 8; i++)
        g_assert_cmpstr(fixture->calls[i].error, ==, "org-qemu-monitor1-qmp-error: The caller has left");
    g_assert_cmpuint(count_answered(fixture), ==, 5);
    answers_free(fixture->context.answers);
    fixture->context.answers = answers_new(fixture->main_context);
    for (guint i = 8; i < 10; i++)
        g_assert_cmpstr(fixture->calls[i].error, ==, "org-qemu-monitor1-qmp-error: The agent is stopping");
}

/* Twelve long replies of one caller do not have another one wait for each of them. */
static void
test_long_by_turns(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) text = g_string_new("[0");
    QmpReply reply = { 0 };

    while (text->len < 100 * 1024)
        g_string_append(text, ",0");
    g_string_append_c(text, ']');
    reply.value = (QmpText){ text->str, text->len };
    for (guint i = 0; i < 12; i++)
        give_reply(fixture, ":1.1", 1000, "v", &reply);
    give_reply(fixture, ":1.2", 1001, "v", &reply);
    while (!fixture->calls[12].is_answered)
        g_main_context_iteration(fixture->main_context, /* may_block= */ FALSE);
    g_assert_cmpuint(count_answered(fixture), ==, 1);
    convert_all(fixture);
    g_assert_cmpuint(count_answered(fixture), ==, 13);
}

/* Likewise as text: one of the largest a turn, and what waits is counted. */
static void
test_many_texts(Fixture *fixture, gconstpointer unused)
{
    QmpReply reply = get_large(fixture);
    BusCall *limited;

    for (guint i = 0; i < 4; i++)
        give_reply(fixture, ":1.1", 1000, /* result= */ NULL, &reply);
    g_assert_cmpuint(count_answered(fixture), ==, 1);
    limited = give_reply(fixture, ":1.1", 1000, /* result= */ NULL, &reply);
    assert_limited(limited);
    convert_all(fixture);
    g_assert_cmpuint(count_answered(fixture), ==, 4);
    for (guint i = 0; i < 4; i++)
        g_assert_cmpuint(fixture->calls[i].size, ==, reply.value.length);
}

/* Short replies in large messages: QEMU may put anything beside the return, and the whole message stays in memory. */
static void
test_padded(Fixture *fixture, gconstpointer unused)
{
    QmpReply reply = get_large(fixture);

    reply.value = (QmpText){ reply.value.text + 1, 64 * 1024 + 2 };
    for (guint i = 0; i < 4; i++)
        give_reply(fixture, ":1.1", 1000, "v", &reply);
    assert_limited(&fixture->calls[3]);
    convert_all(fixture);
    g_assert_cmpuint(count_answered(fixture), ==, 3);
    give_reply(fixture, ":1.1", 1000, "v", &reply);
    convert_all(fixture);
    g_assert_cmpuint(count_answered(fixture), ==, 4);
}

/* A caller who leaves gives back what their replies held. */
static void
test_gone(Fixture *fixture, gconstpointer unused)
{
    BusCall *call = give(fixture, ":1.1", 1000), *next;

    for (guint i = 0; i < 100; i++)
        g_main_context_iteration(fixture->main_context, /* may_block= */ FALSE);
    answers_drop_caller(&fixture->context, ":1.1");
    g_assert_cmpstr(call->error, ==, "org-qemu-monitor1-qmp-error: The caller has left");
    next = give(fixture, ":1.1", 1000);
    convert_all(fixture);
    g_assert_cmpuint(next->size, >, 0);
}

/* Whoever waits for a conversion when the agent ends gets the contract's error, as with any other call. */
static void
test_end(Fixture *fixture, gconstpointer unused)
{
    BusCall *call = give(fixture, ":1.1", 1000);

    answers_free(fixture->context.answers);
    fixture->context.answers = answers_new(fixture->main_context);
    g_assert_cmpstr(call->error, ==, "org-qemu-monitor1-qmp-error: The agent is stopping");
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Tens of MiB: minutes under valgrind, which would see nothing there that it does not see in the small. */
    if (!g_getenv("UNDER_VALGRIND")) {
        ADD("/answers/one-by-one", test_one_by_one);
        ADD("/answers/caller", test_caller);
        ADD("/answers/all", test_all);
        ADD("/answers/many-texts", test_many_texts);
        ADD("/answers/padded", test_padded);
    }
    ADD("/answers/many-in-a-turn", test_many_in_a_turn);
    ADD("/answers/overtaken", test_overtaken);
    ADD("/answers/put-off-ends", test_put_off_ends);
    ADD("/answers/long-by-turns", test_long_by_turns);
    ADD("/answers/gone", test_gone);
    ADD("/answers/end", test_end);
    return g_test_run();
}
