/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A value is built while its tokens come, on a stack of the arrays and objects that are open. A message ends where brackets
 * are even, or more are closed than were opened; what is wrong with it is found at the first token that does not fit, told
 * then (QEMU 11.1) or at its end (7.2, 10.0), and the rest of it only counted. A token that is none ends it at once. */
#include "qmp-reader.h"

#include <string.h>

#include "qmp-cost.h"
#include "qmp-json.h"
#include "qmp-literal.h"

/* Brackets that QEMU lets be open at once (7.2 to 11.1). */
#define MAX_NESTING 1024

typedef enum Place {
    PLACE_VALUE,
    PLACE_VALUE_OR_END, /* after [ */
    PLACE_NAME,
    PLACE_NAME_OR_END, /* after { */
    PLACE_COLON,
    PLACE_AFTER, /* a member or an element */
} Place;

typedef struct Frame {
    JsonNode *node; /* owned; an array or an object */
    char *name; /* owned; of the member under way */
    Place place;
} Frame;

struct QmpReader {
    QmpLexer lexer;
    QmpDialect dialect;
    gsize max;
    QmpReaderFunc func;
    gpointer user_data;
    GArray *stack; /* owned, of Frame */
    int objects, arrays; /* open */
    gsize size; /* bytes of the message */
    QmpCost cost; /* of its values */
    JsonNode *value; /* owned; the whole message */
    char *complaint; /* owned; not told yet */
    gboolean has_failed; /* the rest is only counted */
};

/* What does not fit; the place says what was expected. */
typedef enum Problem {
    PROBLEM_VALUE,
    PROBLEM_NAME,
    PROBLEM_NOT_A_NAME, /* a value, but no string */
    PROBLEM_COLON,
    PROBLEM_OBJECT_COMMA,
    PROBLEM_ARRAY_COMMA,
    PROBLEM_DUPLICATE,
} Problem;

static const char *
get_words(QmpDialect dialect, Problem problem)
{
    static const char *const words[][2] = {
        [PROBLEM_VALUE] = { "expecting value", "expecting value" },
        [PROBLEM_NAME] = { "expecting value", "expecting key" },
        [PROBLEM_NOT_A_NAME] = { "key is not a string in object", "expecting key" },
        [PROBLEM_COLON] = { "missing : in object pair", "expecting ':'" },
        [PROBLEM_OBJECT_COMMA] = { "expected separator in dict", "expected ',' or '}'" },
        [PROBLEM_ARRAY_COMMA] = { "expected separator in list", "expected ',' or ']'" },
        [PROBLEM_DUPLICATE] = { "duplicate key", "duplicate key" },
    };

    return words[problem][dialect == QMP_DIALECT_NEW];
}

static void
clear_frame(gpointer data)
{
    Frame *frame = data;

    json_node_unref(frame->node);
    g_free(frame->name);
}

static Frame *
get_top(QmpReader *reader)
{
    return reader->stack->len > 0 ? &g_array_index(reader->stack, Frame, reader->stack->len - 1) : NULL;
}

/* The next message begins. */
static void
reset(QmpReader *reader)
{
    g_array_set_size(reader->stack, 0);
    g_clear_pointer(&reader->value, json_node_unref);
    g_clear_pointer(&reader->complaint, g_free);
    reader->objects = 0;
    reader->arrays = 0;
    reader->size = 0;
    reader->cost = (QmpCost){ 0 };
    reader->has_failed = FALSE;
}

static void
tell_complaint(QmpReader *reader)
{
    g_autofree char *complaint = g_steal_pointer(&reader->complaint);

    if (complaint)
        reader->func(NULL, complaint, reader->size, reader->user_data);
}

/* Takes @complaint. The first one counts. */
static void
fail(QmpReader *reader, char *complaint)
{
    if (reader->has_failed) {
        g_free(complaint);
        return;
    }
    reader->has_failed = TRUE;
    reader->complaint = complaint;
    g_array_set_size(reader->stack, 0);
    if (reader->dialect == QMP_DIALECT_NEW)
        tell_complaint(reader);
}

static char *
word_error(QmpReader *reader, const char *words)
{
    if (reader->dialect == QMP_DIALECT_OLD)
        return g_strdup_printf("JSON parse error, %s", words);
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ": JSON parse error, %s",
                           reader->lexer.token_line, reader->lexer.token_column, words);
}

static void
fail_with(QmpReader *reader, Problem problem)
{
    fail(reader, word_error(reader, get_words(reader->dialect, problem)));
}

/* QEMU has these words for some 2 million tokens; values are counted here so that the policy gets to see few. */
static gboolean
check_cost(QmpReader *reader)
{
    g_autofree char *excess = qmp_cost_find_excess(&reader->cost, &QMP_COST_OF_ARGUMENTS);

    if (excess)
        fail(reader, g_strdup("JSON token count limit exceeded"));
    return !excess;
}

/* Takes @value: a whole value has come. */
static void
add_value(QmpReader *reader, JsonNode *value)
{
    Frame *top = get_top(reader);
    JsonObject *object;

    if (!top) {
        reader->value = value;
        return;
    }
    top->place = PLACE_AFTER;
    if (JSON_NODE_HOLDS_ARRAY(top->node)) {
        json_array_add_element(json_node_get_array(top->node), value);
        return;
    }
    object = json_node_get_object(top->node);
    qmp_cost_add_member(&reader->cost, json_object_get_size(object), /* length= */ 0);
    if (json_object_has_member(object, top->name)) {
        json_node_unref(value);
        fail_with(reader, PROBLEM_DUPLICATE);
        return;
    }
    json_object_set_member(object, top->name, value);
    g_clear_pointer(&top->name, g_free);
}

static void
open_bracket(QmpReader *reader, gboolean is_object)
{
    Frame frame = { .place = is_object ? PLACE_NAME_OR_END : PLACE_VALUE_OR_END };

    if (is_object)
        frame.node = json_node_init_object(json_node_alloc(), json_object_new());
    else
        frame.node = json_node_init_array(json_node_alloc(), json_array_new());
    /* json-glib has taken references of its own. */
    if (is_object)
        json_object_unref(json_node_get_object(frame.node));
    else
        json_array_unref(json_node_get_array(frame.node));
    g_array_append_val(reader->stack, frame);
}

static void
close_bracket(QmpReader *reader)
{
    JsonNode *node = json_node_ref(get_top(reader)->node);

    g_array_set_size(reader->stack, reader->stack->len - 1);
    add_value(reader, node);
}

static void
take_value(QmpReader *reader, QmpToken token)
{
    char *error = NULL;
    JsonNode *value;

    qmp_cost_add_value(&reader->cost, /* bytes= */ 0);
    if (!check_cost(reader))
        return;
    if (token == QMP_TOKEN_OPEN_OBJECT || token == QMP_TOKEN_OPEN_ARRAY) {
        open_bracket(reader, token == QMP_TOKEN_OPEN_OBJECT);
        return;
    }
    if (token < QMP_TOKEN_STRING) {
        fail_with(reader, PROBLEM_VALUE);
        return;
    }
    value = qmp_literal_new(token, reader->lexer.text, &error);
    if (value)
        add_value(reader, value);
    else
        fail(reader, word_error(reader, error));
    g_free(error);
}

/* 7.2 and 10.0 read any value here, and then see that it is no string. */
static void
take_name(QmpReader *reader, QmpToken token)
{
    Frame *top = get_top(reader);
    g_autofree char *error = NULL;
    g_autoptr(JsonNode) value = NULL;

    if (token == QMP_TOKEN_STRING && (top->name = qmp_literal_dup_string(reader->lexer.text, &error))) {
        top->place = PLACE_COLON;
        return;
    }
    if (token > QMP_TOKEN_STRING && reader->dialect == QMP_DIALECT_OLD)
        value = qmp_literal_new(token, reader->lexer.text, &error);
    if (error)
        fail(reader, word_error(reader, error));
    else
        fail_with(reader, token < QMP_TOKEN_STRING && token != QMP_TOKEN_OPEN_OBJECT && token != QMP_TOKEN_OPEN_ARRAY
                              ? PROBLEM_NAME
                              : PROBLEM_NOT_A_NAME);
}

static void
take_after(QmpReader *reader, QmpToken token)
{
    Frame *top = get_top(reader);
    gboolean is_object = JSON_NODE_HOLDS_OBJECT(top->node);

    if (token == QMP_TOKEN_COMMA)
        top->place = is_object ? PLACE_NAME : PLACE_VALUE;
    else if (token == (is_object ? QMP_TOKEN_CLOSE_OBJECT : QMP_TOKEN_CLOSE_ARRAY))
        close_bracket(reader);
    else
        fail_with(reader, is_object ? PROBLEM_OBJECT_COMMA : PROBLEM_ARRAY_COMMA);
}

static void
take_token(QmpReader *reader, QmpToken token)
{
    Frame *top = get_top(reader);
    Place place = top ? top->place : PLACE_VALUE;

    switch (place) {
    case PLACE_VALUE_OR_END:
        if (token == QMP_TOKEN_CLOSE_ARRAY) {
            close_bracket(reader);
            return;
        }
        take_value(reader, token);
        return;
    case PLACE_VALUE:
        take_value(reader, token);
        return;
    case PLACE_NAME_OR_END:
        if (token == QMP_TOKEN_CLOSE_OBJECT) {
            close_bracket(reader);
            return;
        }
        take_name(reader, token);
        return;
    case PLACE_NAME:
        take_name(reader, token);
        return;
    case PLACE_COLON:
        if (token == QMP_TOKEN_COLON)
            top->place = PLACE_VALUE;
        else
            fail_with(reader, PROBLEM_COLON);
        return;
    case PLACE_AFTER:
        take_after(reader, token);
        return;
    }
}

static void
end_message(QmpReader *reader)
{
    JsonNode *value = g_steal_pointer(&reader->value);
    gsize size = reader->size;

    tell_complaint(reader);
    reset(reader);
    if (value)
        reader->func(value, NULL, size, reader->user_data);
}

/* Whatever was found wrong before, 7.2 and 10.0 tell of this alone. */
static void
take_stray(QmpReader *reader)
{
    g_autofree char *words = g_strdup_printf("stray '%s'", reader->lexer.text->str);

    if (reader->dialect == QMP_DIALECT_OLD || !reader->has_failed) {
        g_clear_pointer(&reader->complaint, g_free);
        reader->complaint = word_error(reader, words);
    }
    tell_complaint(reader);
    reset(reader);
}

static void
count_bracket(QmpReader *reader, QmpToken token)
{
    reader->objects += token == QMP_TOKEN_OPEN_OBJECT;
    reader->objects -= token == QMP_TOKEN_CLOSE_OBJECT;
    reader->arrays += token == QMP_TOKEN_OPEN_ARRAY;
    reader->arrays -= token == QMP_TOKEN_CLOSE_ARRAY;
}

/* 7.2 and 10.0 begin anew after it. */
static void
fail_nesting(QmpReader *reader)
{
    if (reader->dialect == QMP_DIALECT_OLD)
        g_clear_pointer(&reader->complaint, g_free);
    reader->has_failed &= reader->dialect == QMP_DIALECT_NEW;
    fail(reader, g_strdup("JSON nesting depth limit exceeded"));
    if (reader->dialect == QMP_DIALECT_OLD)
        end_message(reader);
}

static void
take(QmpReader *reader, QmpToken token)
{
    if (token == QMP_TOKEN_STRAY) {
        take_stray(reader);
        return;
    }
    count_bracket(reader, token);
    if (reader->objects + reader->arrays > MAX_NESTING) {
        fail_nesting(reader);
        return;
    }
    if (!reader->has_failed)
        take_token(reader, token);
    if (reader->objects < 0 || reader->arrays < 0 || (reader->objects == 0 && reader->arrays == 0))
        end_message(reader);
}

/* QEMU's own limit, in these words, is 64 MiB. */
static void
fail_size(QmpReader *reader)
{
    g_clear_pointer(&reader->complaint, g_free);
    reader->complaint = g_strdup("JSON token size limit exceeded");
    tell_complaint(reader);
    reset(reader);
    qmp_lexer_skip(&reader->lexer);
}

void
qmp_reader_feed(QmpReader *reader, char c)
{
    gboolean is_used = FALSE;

    while (!is_used) {
        QmpToken token = qmp_lexer_feed(&reader->lexer, c, &is_used);
        if (reader->objects > 0 || reader->arrays > 0 || reader->lexer.text->len > 0)
            reader->size += is_used;
        if (token)
            take(reader, token);
        if (reader->size > reader->max)
            fail_size(reader);
    }
}

QmpReader *
qmp_reader_new(QmpDialect dialect, gsize max, QmpReaderFunc func, gpointer user_data)
{
    QmpReader *reader = g_new0(QmpReader, 1);

    qmp_lexer_init(&reader->lexer);
    reader->dialect = dialect;
    reader->max = max;
    reader->func = func;
    reader->user_data = user_data;
    reader->stack = g_array_new(FALSE, FALSE, sizeof(Frame));
    g_array_set_clear_func(reader->stack, clear_frame);
    return reader;
}

void
qmp_reader_free(QmpReader *reader)
{
    reset(reader);
    g_array_unref(reader->stack);
    qmp_lexer_clear(&reader->lexer);
    g_free(reader);
}
