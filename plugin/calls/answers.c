/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by call.c and execute-and-wait.c. Replies that are put off stand in lines, one for each caller, which take turns: with long
 * ones for a slice, with short ones for a reply. While any short one waits no other is converted at once: callers who ask again as soon
 * as they are answered would go before it for as long as they like. */
#include "answers.h"

#include "errors.h"
#include "fair-queue.h"
#include "qmp-error.h"
#include "value.h"

/* Bytes of memory that conversions hold: QEMU's messages, ours so far (which may have eight times the text's bytes), and the
 * names of large objects. One caller has room for the largest reply with the most names: a message of 32 MiB (VALUE_BODY_MAX) has
 * a million at most beside as much text, and they take another 32 MiB. All have room for a few of the largest at a time, of which
 * a user has half (quota.h): however many ask, conversions take less than a small VM does. */
#define MOST_BESIDE_TEXT ((gsize)64 * 1024 * 1024)
#define MOST_OF_ALL ((gsize)256 * 1024 * 1024)

/* A text that becomes a message by way of its bytes (value-sink.h): the text's own bytes, and its values. With fewer bytes,
 * checking the message's header takes more than is saved. With more values libdbus would check the message for longer than the
 * main loop may be held: 0.27 us each. The 248 kB of QEMU 11.1's schema have 18,000. */
#define MIN_MARSHALLED 512
#define MAX_MARSHALLED (512u * 1024)
#define MAX_VALUES 24576

/* What is converted at once in one turn, in bytes of typed text: some 4 ms. Many replies may come in a turn, of a QEMU that floods or
 * when a barrier opens; the others are put off, and as much of those is converted in each of the next turns. Text that stays JSON is
 * copied and checked, in a thirtieth of the time; the message takes as long as 256 bytes of values. */
#define MOST_AT_ONCE (64u * 1024)
#define WEIGHT_OF_MESSAGE 256
#define JSON_PER_TYPED 32

struct Answers {
    GMainContext *context; /* ref */
    FairQueue slow; /* of Answer, owned, by the unique names of callers: a slice a turn */
    FairQueue lines; /* likewise, those that are short and put off */
    Quota quota; /* the memory of both */
    QuotaLimits limits;
    GSource *slices; /* owned; NULL: nothing is being converted */
    gsize at_once; /* converted at once in this turn */
    gint64 turn; /* the main loop's time then, which is the same all through a turn */
};

typedef struct Answer {
    Answers *answers; /* weak */
    FairLine *line; /* weak */
    BusCall *call; /* owned; until it is answered */
    DBusMessage *reply; /* owned; likewise; NULL: it is made of the writer's bytes at the end */
    AnswerForm form; /* a reference to its interfaces is owned */
    GByteArray *bytes; /* ref; hold the value */
    gsize kept; /* bytes of memory that these take: of the whole message */
    QmpText value;
    ValueWriter *writer; /* owned; NULL: converted at once, when it is the caller's turn */
    QuotaShare share;
    GList link; /* in the line */
} Answer;

static void
leave_line(Answer *answer)
{
    FairLine *line = answer->line;

    fair_line_remove(line, &answer->link);
    if (line->waiting.length == 0)
        fair_line_drop(line);
}

static void
free_answer(Answer *answer)
{
    leave_line(answer);
    quota_share_return(&answer->share);
    g_clear_pointer(&answer->writer, value_writer_free);
    g_clear_pointer(&answer->reply, dbus_message_unref);
    g_clear_pointer(&answer->form.interfaces, qmp_interfaces_unref);
    g_byte_array_unref(answer->bytes);
    g_free(answer);
}

/* Each value but the first stands behind a comma or in a container of its own. What is in strings may make it too many. */
static gboolean
has_few_values(const QmpText *text)
{
    guint n = 0;

    for (gsize i = 0; i < text->length; i++)
        n += text->text[i] == ',' || text->text[i] == '[' || text->text[i] == '{';
    return n < MAX_VALUES;
}

static gboolean
is_marshalled(const QmpText *text)
{
    return text->length >= MIN_MARSHALLED && text->length <= MAX_MARSHALLED && has_few_values(text);
}

/* NULL: @bytes are no message, which nothing that JsonScan found right should be. */
static DBusMessage *
assemble_reply(BusCall *call, const char *result, const GByteArray *bytes, GError **error)
{
    DBusMessage *reply = bus_call_assemble_reply(call, result, bytes);

    if (!reply)
        g_set_error_literal(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE, "return is no value of D-Bus");
    return reply;
}

static void
finish_answer(Answer *answer)
{
    g_autoptr(GError) error = NULL;

    if (!answer->reply)
        answer->reply = assemble_reply(answer->call, answer->form.result, value_writer_get_bytes(answer->writer), &error);
    if (answer->reply)
        bus_call_return_sized(g_steal_pointer(&answer->call), g_steal_pointer(&answer->reply),
                              value_writer_get_size(answer->writer));
    else
        errors_fail(g_steal_pointer(&answer->call), error);
}

/* The longest hold of the main loop that is left: a string of 30 MB takes libdbus 22 to 35 ms of the processor's time, and our copy of
 * it, which ends with a NUL, 13. Of libdbus's, 9 (ASCII) to 21 are its check that the string is UTF-8, and 13 its copy. libdbus 1.14
 * has no public way to append a string in parts, or without the check: its iterators make both in one call, and a message that
 * is given as bytes (dbus_message_demarshal()) is checked whole, for 37 to 45 ms. An `ay` of the same bytes is not checked, and is not
 * what the contract says. */
static gboolean
append_result_text(DBusMessage *message, const QmpText *value, gsize *ret_size, GError **error)
{
    g_autofree char *text = NULL;

    if (value->length >= VALUE_BODY_MAX) {
        g_set_error(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE,
                    "return: %" G_GSIZE_FORMAT " bytes, a message has room for %u", value->length, VALUE_BODY_MAX);
        return FALSE;
    }
    text = g_strndup(value->text, value->length);
    dbus_message_append_args(message, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    *ret_size = value->length;
    return TRUE;
}

static gboolean
append_result(DBusMessage *message, const AnswerForm *form, const QmpText *value, gsize *ret_size, GError **error)
{
    if (!form->result)
        return append_result_text(message, value, ret_size, error);
    return !*form->result || value_append(message, form->result, form->type, value->text, "return", ret_size, error);
}

/* NULL: failed. */
static DBusMessage *
new_result(BusCall *call, const AnswerForm *form, const QmpText *value, gsize *ret_size, GError **error)
{
    g_autoptr(GByteArray) bytes = NULL;
    DBusMessage *reply = NULL;

    if (form->result && *form->result && is_marshalled(value)) {
        bytes = value_marshal(form->result, form->type, value->text, "return", error);
        *ret_size = bytes ? bytes->len : 0;
        return bytes ? assemble_reply(call, form->result, bytes, error) : NULL;
    }
    reply = bus_call_new_reply(call);
    if (append_result(reply, form, value, ret_size, error))
        return reply;
    dbus_message_unref(reply);
    return NULL;
}

static void
convert_now(BusCall *call, const AnswerForm *form, const QmpText *value)
{
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    DBusMessage *reply = new_result(call, form, value, &size, &error);

    if (reply)
        bus_call_return_sized(call, reply, size);
    else
        errors_fail(call, error);
}

static void
fail_budget(BusCall *call, gsize kept)
{
    bus_call_fail_code(call, BUS_ERROR_LIMITS_EXCEEDED,
                       "QEMU has answered with %" G_GSIZE_FORMAT " bytes, and what is being converted for %s, for others of "
                       "the same user, or for all takes too much memory already",
                       kept, bus_call_get_sender(call));
}

/* FALSE: there is no room for what the last step has made. */
static gboolean
account_memory(Answer *answer)
{
    gsize held = answer->kept + value_writer_get_memory(answer->writer);

    return held <= answer->share.bytes ||
           quota_share_grow(&answer->share, &answer->answers->limits, held - answer->share.bytes);
}

/* A moment's work. */
static void
convert_slice(Answer *answer)
{
    g_autoptr(GError) error = NULL;

    switch (value_writer_step(answer->writer, &error)) {
    case VALUE_MORE:
        if (!account_memory(answer)) {
            fail_budget(g_steal_pointer(&answer->call), answer->kept);
            break;
        }
        /* The caller's other replies go first. */
        fair_line_remove(answer->line, &answer->link);
        fair_line_push(answer->line, &answer->link);
        return;
    case VALUE_DONE:
        finish_answer(answer);
        break;
    case VALUE_FAILED:
        errors_fail(g_steal_pointer(&answer->call), error);
        break;
    }
    free_answer(answer);
}

/* The time that a short reply takes, as bytes of typed text. */
static gsize
weigh_answer(const AnswerForm *form, gsize length)
{
    return WEIGHT_OF_MESSAGE + (form->result ? length : length / JSON_PER_TYPED);
}

static void
convert_put_off(Answers *answers)
{
    FairLine *line;

    while (answers->at_once < MOST_AT_ONCE && (line = fair_queue_take_turn(&answers->lines, NULL, NULL))) {
        Answer *answer = line->waiting.head->data;
        answers->at_once += weigh_answer(&answer->form, answer->value.length);
        convert_now(g_steal_pointer(&answer->call), &answer->form, &answer->value);
        free_answer(answer);
    }
}

static void
note_turn(Answers *answers)
{
    GSource *source = g_main_current_source();
    gint64 turn = source ? g_source_get_time(source) : answers->turn;

    if (turn != answers->turn)
        answers->at_once = 0;
    answers->turn = turn;
}

static void
convert_slow(Answers *answers)
{
    FairLine *line = fair_queue_take_turn(&answers->slow, NULL, NULL);

    if (line)
        convert_slice(line->waiting.head->data);
}

/* What was converted in this turn before does not count: replies without a value are not put off, and would hold up all that is. */
static gboolean
on_slice_due(gpointer user_data)
{
    Answers *answers = user_data;

    note_turn(answers);
    answers->at_once = 0;
    convert_put_off(answers);
    convert_slow(answers);
    if (fair_queue_has_lines(&answers->slow) || fair_queue_has_lines(&answers->lines))
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&answers->slices, g_source_unref);
    return G_SOURCE_REMOVE;
}

/* At the priority of everything else: work that is left over, not idle work. */
static void
start_converting(Answers *answers)
{
    if (answers->slices)
        return;
    answers->slices = g_idle_source_new();
    g_source_set_priority(answers->slices, G_PRIORITY_DEFAULT);
    g_source_set_callback(answers->slices, on_slice_due, answers, NULL);
    g_source_attach(answers->slices, answers->context);
}

/* With a byte behind the text, for the cursor. */
static void
keep_value(Answer *answer, const QmpReply *reply)
{
    const QmpText *value = &reply->value;

    answer->value = *value;
    if (reply->bytes) {
        answer->bytes = g_byte_array_ref(reply->bytes);
        return;
    }
    answer->bytes = g_byte_array_sized_new((guint)value->length + 1);
    g_byte_array_append(answer->bytes, (const guint8 *)value->text, (guint)value->length);
    g_byte_array_append(answer->bytes, (const guint8 *)"", 1);
    answer->value.text = (const char *)answer->bytes->data;
}

static void
start_writing(Answer *answer)
{
    const AnswerForm *form = &answer->form;

    answer->reply = is_marshalled(&answer->value) ? NULL : bus_call_new_reply(answer->call);
    answer->writer = value_writer_new(answer->reply, form->result, form->type, answer->value.text, "return");
}

static gboolean
is_slow(const AnswerForm *form, gsize length)
{
    return form->result && length > VALUE_STEP;
}

static void
queue_answer(Answer *answer)
{
    Answers *answers = answer->answers;
    gboolean goes_slowly = is_slow(&answer->form, answer->value.length);

    if (goes_slowly)
        start_writing(answer);
    answer->link.data = answer;
    answer->line =
        fair_queue_get_line(goes_slowly ? &answers->slow : &answers->lines, bus_call_get_sender(answer->call));
    fair_line_push(answer->line, &answer->link);
    start_converting(answers);
}

/* The configuration may have been read again. */
static void
set_limits(Answers *answers, const Config *config)
{
    answers->limits.of_caller.bytes = config->max_reply + MOST_BESIDE_TEXT;
    answers->limits.of_all.bytes = MAX(MOST_OF_ALL, 2 * answers->limits.of_caller.bytes);
}

static void
convert_later(Context *context, BusCall *call, const AnswerForm *form, const QmpReply *reply)
{
    Answers *answers = context->answers;
    gsize kept = qmp_reply_get_size(reply);
    const BusPeer *peer = bus_call_get_peer(call);
    QuotaShare share = { 0 };
    Answer *answer;

    set_limits(answers, context->config);
    if (!quota_take(&answers->quota, &answers->limits, peer->name, peer->uid, kept, &share)) {
        fail_budget(call, kept);
        return;
    }
    answer = g_new0(Answer, 1);
    answer->answers = answers;
    answer->share = share;
    answer->call = call;
    answer->kept = kept;
    answer->form = *form;
    if (form->interfaces)
        qmp_interfaces_ref(form->interfaces);
    keep_value(answer, reply);
    queue_answer(answer);
}

/* A reply without a value is no work. */
static gboolean
is_put_off(const Answers *answers, const AnswerForm *form, gsize length)
{
    if (form->result && !*form->result)
        return FALSE;
    return is_slow(form, length) || answers->at_once >= MOST_AT_ONCE || fair_queue_has_lines(&answers->lines);
}

void
answers_give(Context *context, BusCall *call, const AnswerForm *form, const QmpReply *reply)
{
    Answers *answers = context->answers;
    gsize length = reply->value.length;

    note_turn(answers);
    if (is_put_off(answers, form, length)) {
        convert_later(context, call, form, reply);
        return;
    }
    answers->at_once += weigh_answer(form, length);
    convert_now(call, form, &reply->value);
}

static void
fail_answer(Answer *answer, const char *why)
{
    g_autoptr(GError) error = g_error_new_literal(QMP_ERROR, QMP_ERROR_DISCONNECTED, why);

    errors_fail(g_steal_pointer(&answer->call), error);
    free_answer(answer);
}

void
answers_drop_caller(Context *context, const char *unique_name)
{
    Answers *answers = context->answers;
    FairLine *line;

    while ((line = fair_queue_find_line(&answers->slow, unique_name)) ||
           (line = fair_queue_find_line(&answers->lines, unique_name)))
        fail_answer(line->waiting.head->data, "The caller has left");
}

Answers *
answers_new(GMainContext *context)
{
    Answers *answers = g_new0(Answers, 1);

    answers->context = g_main_context_ref(context);
    fair_queue_init(&answers->slow, sizeof(FairLine));
    fair_queue_init(&answers->lines, sizeof(FairLine));
    return answers;
}

void
answers_free(Answers *answers)
{
    FairLine *line;

    while ((line = fair_queue_find_turn(&answers->slow, NULL, NULL)) ||
           (line = fair_queue_find_turn(&answers->lines, NULL, NULL)))
        fail_answer(line->waiting.head->data, "The agent is stopping");
    fair_queue_clear(&answers->slow);
    fair_queue_clear(&answers->lines);
    if (answers->slices)
        g_source_destroy(answers->slices);
    g_clear_pointer(&answers->slices, g_source_unref);
    g_main_context_unref(answers->context);
    g_free(answers);
}
