/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's dialect of JSON, a byte at a time: the tokens that QEMU finds in what a client sends (7.2 to 11.1 alike), which are
 * more than RFC 8259 has (strings in single quotes), and where it takes up the thread after what is none. Part of the
 * native session, whose clients expect QEMU's errors. What QEMU itself sends is read by qmp-scan. */
#pragma once

#include <glib.h>

typedef enum QmpToken {
    QMP_TOKEN_NONE, /* it goes on */
    QMP_TOKEN_OPEN_OBJECT,
    QMP_TOKEN_CLOSE_OBJECT,
    QMP_TOKEN_OPEN_ARRAY,
    QMP_TOKEN_CLOSE_ARRAY,
    QMP_TOKEN_COLON,
    QMP_TOKEN_COMMA,
    QMP_TOKEN_STRING, /* with its quotes */
    QMP_TOKEN_INTEGER,
    QMP_TOKEN_FLOAT,
    QMP_TOKEN_KEYWORD, /* lower-case letters, not necessarily one of JSON's */
    QMP_TOKEN_STRAY, /* none */
} QmpToken;

typedef struct QmpLexer {
    guint8 state;
    gboolean is_refed; /* the byte at hand ended the token before */
    GString *text; /* owned; of the token */
    guint64 line, column; /* of the last byte, from 1 */
    guint64 token_line, token_column; /* where QEMU 11.1 says that the token begins: one too far after a number, a word
                                       * or a stray */
} QmpLexer;

void qmp_lexer_init(QmpLexer *lexer);
void qmp_lexer_clear(QmpLexer *lexer);

/* Takes @c, unless it ends a token that it does not belong to: then *@ret_used is FALSE and it is to be fed again. The
 * text of the token is in @lexer->text until the next call. */
QmpToken qmp_lexer_feed(QmpLexer *lexer, char c, gboolean *ret_used);

/* Skips what comes up to the next bracket, colon, comma or end of the line, as after a stray. */
void qmp_lexer_skip(QmpLexer *lexer);
