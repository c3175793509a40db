/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU returned becomes the reply to a caller: a short value at once, a long one in slices, between which the main loop is
 * free; and of many short ones that come in one turn some in later turns. Such a reply is so sent after others, and events, that
 * came later. */
#pragma once

#include "bus-call.h"
#include "context.h"
#include "qmp-interfaces.h"
#include "qmp-message.h"

/* The form of a reply. */
typedef struct AnswerForm {
    const char *result; /* weak; D-Bus type, "" for none; NULL: the JSON text as a string */
    const QmpType *type; /* weak, of @interfaces; may be NULL */
    QmpInterfaces *interfaces; /* borrowed; NULL where @type is */
} AnswerForm;

/* Answers @call, which is consumed, with the value of @reply, now or later. */
void answers_give(Context *context, BusCall *call, const AnswerForm *form, const QmpReply *reply);

/* A caller has left: nothing more is converted for them. */
void answers_drop_caller(Context *context, const char *unique_name);

Answers *answers_new(GMainContext *context);

/* Answers that are not ready fail. */
void answers_free(Answers *answers);
