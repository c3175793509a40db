/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a document from a QMP server. Called by QmpClient for each one. The parts that JsonScan noted are used as
 * they stand; the few that must be read themselves (an error, a timestamp, a greeting) are small. A reply costs no
 * memory, an event a copy of its name. */
#include "qmp-message.h"

#include <string.h>

#include "json-cursor.h"
#include "json-member.h"
#include "json-tree.h"

/* QEMU's are 200 bytes; the cap keeps a liar from having megabytes parsed. */
#define MAX_GREETING 16384

/* Of an error and its parts, and of the name of an event. */
#define MAX_PART 65536

/* Bytes; QEMU's longest has 33. */
#define MAX_EVENT_NAME 255

static const QmpText no_text = { NULL, 0 };

/* Names are compared as they are written: QEMU escapes none of these. */
static QmpText
get_message_member(const char *text, const JsonScan *scan, const char *name)
{
    for (guint i = 0; i < scan->n_members; i++) {
        const JsonScanMember *member = &scan->members[i];
        if (member->name_length == strlen(name) && memcmp(text + member->name, name, member->name_length) == 0)
            return (QmpText){ text + member->value, member->value_length };
    }
    return no_text;
}

static gboolean
has_twins(const char *text, const JsonScan *scan)
{
    for (guint i = 0; i < scan->n_members; i++)
        for (guint j = 0; j < i; j++) {
            const JsonScanMember *a = &scan->members[i], *b = &scan->members[j];
            if (a->name_length == b->name_length && memcmp(text + a->name, text + b->name, a->name_length) == 0)
                return TRUE;
        }
    return FALSE;
}

/* The members of an object inside a document that was found right. */
static gboolean
scan_object(QmpText value, JsonScan *scan)
{
    gsize used;
    if (value.length == 0 || value.length > MAX_PART || value.text[0] != '{')
        return FALSE;
    json_scan_init(scan, JSON_DIALECT_RFC8259);
    return json_scan_feed(scan, value.text, value.length, &used) == JSON_SCAN_DONE;
}

/* A string for people and for names: U+0000 in it becomes the replacement character. NULL where it is no string. */
static char *
dup_json_string(QmpText value)
{
    if (value.length < 2 || value.length > MAX_PART || value.text[0] != '"')
        return NULL;
    gsize length;
    g_autofree char *string = json_cursor_text_dup((JsonCursorText){ value.text + 1, value.length - 2 }, &length);
    return memchr(string, '\0', length) ? g_utf8_make_valid(string, (gssize)length) : g_steal_pointer(&string);
}

static gboolean
read_uint(QmpText value, guint64 *ret_number)
{
    guint64 number = 0;
    if (value.length == 0 || value.length > 12)
        return FALSE;
    for (gsize i = 0; i < value.length; i++) {
        if (!g_ascii_isdigit(value.text[i]))
            return FALSE;
        number = number * 10 + (guint64)(value.text[i] - '0');
    }
    *ret_number = number;
    return TRUE;
}

static int
read_id(QmpText value)
{
    guint64 id;
    if (!value.text)
        return QMP_MESSAGE_NO_ID;
    return read_uint(value, &id) && id < G_MAXINT ? (int)id : QMP_MESSAGE_FOREIGN_ID;
}

/* QEMU stamps -1 where its clock failed. */
static guint64
read_timestamp(QmpText value)
{
    JsonScan scan;
    guint64 seconds, microseconds;
    if (scan_object(value, &scan) && read_uint(get_message_member(value.text, &scan, "seconds"), &seconds) &&
        read_uint(get_message_member(value.text, &scan, "microseconds"), &microseconds))
        return seconds * G_USEC_PER_SEC + microseconds;
    return (guint64)g_get_real_time();
}

static const char *
read_event_message(QmpMessage *message, const char *text, const JsonScan *scan)
{
    QmpEvent *event = &message->event;
    event->name = message->strings[0] = dup_json_string(get_message_member(text, scan, "event"));
    if (!event->name || strlen(event->name) > MAX_EVENT_NAME)
        return "an event whose name is no string, or longer than any";
    event->data = get_message_member(text, scan, "data");
    if (event->data.text && event->data.text[0] != '{')
        return "an event whose data is no object";
    event->timestamp = read_timestamp(get_message_member(text, scan, "timestamp"));
    return NULL;
}

static const char *
read_error(QmpMessage *message, QmpText error)
{
    JsonScan scan;
    if (!scan_object(error, &scan))
        return "an error that is no object";
    message->strings[0] = dup_json_string(get_message_member(error.text, &scan, "class"));
    message->strings[1] = dup_json_string(get_message_member(error.text, &scan, "desc"));
    message->reply.error_class = message->strings[0];
    message->reply.error_text = message->strings[1];
    return message->strings[0] && message->strings[1] ? NULL : "an error without class and description";
}

static const char *
read_reply(QmpMessage *message, const char *text, const JsonScan *scan)
{
    QmpText error = get_message_member(text, scan, "error");
    message->reply.value = get_message_member(text, scan, "return");
    if (error.text && message->reply.value.text)
        return "a reply that is both a success and an error";
    return error.text ? read_error(message, error) : NULL;
}

static gboolean
get_guint(JsonObject *object, const char *name, guint *ret_number)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;
    if (!node || json_tree_get_type(node) != JSON_TREE_INT)
        return FALSE;
    gint64 number = json_tree_get_int(node);
    *ret_number = (guint)number;
    return number >= 0 && number <= G_MAXINT;
}

static gboolean
is_string(JsonNode *node)
{
    return node && json_tree_get_type(node) == JSON_TREE_STRING;
}

static const char *
read_greeting(QmpMessage *message, QmpText value)
{
    QmpGreeting *greeting = &message->greeting;
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *number = NULL, *version_text = NULL;
    QmpText text;
    JsonScan scan;
    if (value.length <= MAX_GREETING)
        root = json_tree_parse(value.text, value.length, NULL);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root))
        return "a greeting that is no QMP greeting";
    JsonObject *version = json_member_get_object(json_node_get_object(root), "version");
    JsonObject *qemu = json_member_get_object(version, "qemu");
    if (!get_guint(qemu, "major", &greeting->major) || !get_guint(qemu, "minor", &greeting->minor) ||
        !get_guint(qemu, "micro", &greeting->micro))
        return "a greeting without a version";
    JsonNode *package = json_object_get_member(version, "package");
    number = g_strdup_printf("%u.%u.%u", greeting->major, greeting->minor, greeting->micro);
    greeting->number = g_ref_string_new_intern(number);
    greeting->package = g_ref_string_new_intern(is_string(package) ? json_tree_get_string(package) : "");
    greeting->oob = json_member_has_word(json_node_get_object(root), "capabilities", "oob");
    scan_object(value, &scan);
    text = get_message_member(value.text, &scan, "version");
    version_text = g_strndup(text.text, text.length);
    greeting->version = g_ref_string_new_intern(version_text);
    return NULL;
}

static QmpMessageType
get_message_type(const char *text, const JsonScan *scan)
{
    if (get_message_member(text, scan, "QMP").text)
        return QMP_MESSAGE_GREETING;
    if (get_message_member(text, scan, "event").text)
        return QMP_MESSAGE_EVENT;
    if (get_message_member(text, scan, "return").text || get_message_member(text, scan, "error").text)
        return QMP_MESSAGE_REPLY;
    return QMP_MESSAGE_UNKNOWN;
}

static const char *
read_message(QmpMessage *message, const char *text, const JsonScan *scan)
{
    /* Text that breaks JSON's rules is not looked into any deeper. */
    if (scan->error)
        return scan->error;
    if (has_twins(text, scan))
        return "a message that names a member twice";
    switch (message->type) {
    case QMP_MESSAGE_GREETING:
        return read_greeting(message, get_message_member(text, scan, "QMP"));
    case QMP_MESSAGE_REPLY:
        return read_reply(message, text, scan);
    case QMP_MESSAGE_EVENT:
        return read_event_message(message, text, scan);
    case QMP_MESSAGE_UNKNOWN:
        break;
    }
    return text[0] == '{' ? "an object that is no greeting, reply or event" : "a value that is no object";
}

void
qmp_message_init(QmpMessage *message, const char *text, const JsonScan *scan)
{
    memset(message, 0, sizeof(*message));
    message->type = get_message_type(text, scan);
    message->id = read_id(get_message_member(text, scan, "id"));
    message->problem = read_message(message, text, scan);
}

void
qmp_message_clear(QmpMessage *message)
{
    qmp_greeting_clear(&message->greeting);
    g_clear_pointer(&message->strings[0], g_free);
    g_clear_pointer(&message->strings[1], g_free);
}

QmpEvent *
qmp_event_copy(const QmpEvent *event)
{
    QmpEvent *copy = g_new0(QmpEvent, 1);
    copy->name = g_strdup(event->name);
    copy->data.text = event->data.text ? g_strndup(event->data.text, event->data.length) : NULL;
    copy->data.length = event->data.length;
    copy->timestamp = event->timestamp;
    return copy;
}

void
qmp_event_free(QmpEvent *event)
{
    g_free((char *)event->name);
    g_free((char *)event->data.text);
    g_free(event);
}

gsize
qmp_reply_get_size(const QmpReply *reply)
{
    gsize kept = reply->bytes ? reply->bytes->len : reply->value.length;

    return kept + (reply->error_text ? strlen(reply->error_text) : 0);
}

void
qmp_greeting_clear(QmpGreeting *greeting)
{
    g_clear_pointer(&greeting->number, g_ref_string_release);
    g_clear_pointer(&greeting->package, g_ref_string_release);
    g_clear_pointer(&greeting->version, g_ref_string_release);
    memset(greeting, 0, sizeof(*greeting));
}
