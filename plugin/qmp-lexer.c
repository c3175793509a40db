/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state machine that looks at one byte in one state. Called by qmp-reader.c; owns the text of one token. */
#include "qmp-lexer.h"

#include <string.h>

enum {
    START,
    STRING_DOUBLE,
    STRING_SINGLE,
    ESCAPE_DOUBLE,
    ESCAPE_SINGLE,
    KEYWORD,
    MINUS,
    ZERO,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT, /* after the e */
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
    RECOVERY, /* after a stray */
};

/* What a byte leads to. */
typedef struct Step {
    guint8 state;
    QmpToken token;
    gboolean is_refed; /* the byte is not part of it */
} Step;

static const Step stray = { RECOVERY, QMP_TOKEN_STRAY, FALSE };

static Step
go(guint8 state)
{
    return (Step){ state, QMP_TOKEN_NONE, FALSE };
}

static Step
end(QmpToken token)
{
    return (Step){ START, token, TRUE };
}

static QmpToken
get_structural(char c)
{
    static const char structural[] = "{}[]:,";
    const char *at = c ? strchr(structural, c) : NULL;

    return at ? QMP_TOKEN_OPEN_OBJECT + (QmpToken)(at - structural) : QMP_TOKEN_NONE;
}

static gboolean
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* QEMU takes any other byte for a part of a string. */
static gboolean
is_text(char c)
{
    return (guchar)c >= 0x20 && (guchar)c < 0xfe;
}

static Step
step_start(char c)
{
    QmpToken structural = get_structural(c);

    if (structural)
        return (Step){ START, structural, FALSE };
    if (is_space(c))
        return go(START);
    if (c == '"' || c == '\'')
        return go(c == '"' ? STRING_DOUBLE : STRING_SINGLE);
    if (g_ascii_islower(c))
        return go(KEYWORD);
    if (g_ascii_isdigit(c))
        return go(c == '0' ? ZERO : DIGITS);
    return c == '-' ? go(MINUS) : stray;
}

static Step
step_string(guint8 state, char c)
{
    gboolean is_double = state == STRING_DOUBLE;

    if (!is_text(c))
        return stray;
    if (c == (is_double ? '"' : '\''))
        return (Step){ START, QMP_TOKEN_STRING, FALSE };
    if (c == '\\')
        return go(is_double ? ESCAPE_DOUBLE : ESCAPE_SINGLE);
    return go(state);
}

static Step
step_integer(guint8 state, char c)
{
    if (c == '.')
        return go(POINT);
    if (c == 'e' || c == 'E')
        return go(EXPONENT);
    if (g_ascii_isdigit(c))
        return state == ZERO ? stray : go(DIGITS);
    return end(QMP_TOKEN_INTEGER);
}

static Step
step_number(guint8 state, char c)
{
    gboolean is_digit = g_ascii_isdigit(c);

    switch (state) {
    case MINUS:
        return is_digit ? go(c == '0' ? ZERO : DIGITS) : stray;
    case POINT:
        return is_digit ? go(FRACTION) : stray;
    case FRACTION:
        if (c == 'e' || c == 'E')
            return go(EXPONENT);
        return is_digit ? go(FRACTION) : end(QMP_TOKEN_FLOAT);
    case EXPONENT:
        if (c == '+' || c == '-')
            return go(EXPONENT_SIGN);
        return is_digit ? go(EXPONENT_DIGITS) : stray;
    case EXPONENT_SIGN:
        return is_digit ? go(EXPONENT_DIGITS) : stray;
    case EXPONENT_DIGITS:
        return is_digit ? go(EXPONENT_DIGITS) : end(QMP_TOKEN_FLOAT);
    default: /* ZERO, DIGITS */
        return step_integer(state, c);
    }
}

/* What ends the recovery is looked at anew. */
static Step
step_recovery(char c)
{
    if (c == '\t' || (is_text(c) && !get_structural(c)))
        return go(RECOVERY);
    return is_space(c) ? go(START) : (Step){ START, QMP_TOKEN_NONE, TRUE };
}

static Step
step(guint8 state, char c)
{
    switch (state) {
    case START:
        return step_start(c);
    case STRING_DOUBLE:
    case STRING_SINGLE:
        return step_string(state, c);
    case ESCAPE_DOUBLE:
    case ESCAPE_SINGLE:
        return is_text(c) ? go(state == ESCAPE_DOUBLE ? STRING_DOUBLE : STRING_SINGLE) : stray;
    case KEYWORD:
        return g_ascii_islower(c) ? go(KEYWORD) : end(QMP_TOKEN_KEYWORD);
    case RECOVERY:
        return step_recovery(c);
    default:
        return step_number(state, c);
    }
}

static void
consume(QmpLexer *lexer, char c, gboolean is_token)
{
    lexer->column++;
    if (is_token)
        g_string_append_c(lexer->text, c);
    if (c == '\n') {
        lexer->line++;
        lexer->column = 0;
    }
}

QmpToken
qmp_lexer_feed(QmpLexer *lexer, char c, gboolean *ret_used)
{
    guint8 before = lexer->state;
    Step next = step(before, c);

    if (before == START || before == RECOVERY)
        g_string_truncate(lexer->text, 0);
    if (before == START) {
        lexer->token_line = lexer->line;
        lexer->token_column = lexer->column + 1 + lexer->is_refed;
    }
    lexer->state = next.state;
    lexer->is_refed = next.is_refed;
    *ret_used = !next.is_refed;
    if (!next.is_refed)
        consume(lexer, c, next.token || (next.state != START && next.state != RECOVERY));
    return next.token;
}

void
qmp_lexer_skip(QmpLexer *lexer)
{
    lexer->state = RECOVERY;
    g_string_truncate(lexer->text, 0);
}

void
qmp_lexer_init(QmpLexer *lexer)
{
    *lexer = (QmpLexer){ .line = 1 };
    lexer->text = g_string_new(NULL);
}

void
qmp_lexer_clear(QmpLexer *lexer)
{
    g_string_free(g_steal_pointer(&lexer->text), TRUE);
}
