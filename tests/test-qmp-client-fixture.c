/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-qmp-client-fixture.h"

#include <string.h>

static void note(Fixture *fixture, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
note(Fixture *fixture, const char *format, ...)
{
    va_list arguments;
    g_assert_false(fixture->starting);
    va_start(arguments, format);
    g_autofree char *entry = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_string_append_printf(fixture->log, "%s;", entry);
    if (fixture->free_on && g_str_equal(entry, fixture->free_on)) {
        fixture->free_on = NULL;
        g_clear_pointer(&fixture->client, qmp_client_free);
    }
}

static void
on_ready(QmpClient *client, gpointer user_data)
{
    g_assert_true(qmp_client_is_ready(client));
    note(user_data, "ready");
}

static void
on_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
    Fixture *fixture = user_data;
    fixture->timestamp = event->timestamp;
    note(fixture, "event %s %.*s", event->name, (int)event->data.length, event->data.text ? event->data.text : "");
}

/* Before anybody is told that the session has ended. */
static void
on_closing(QmpClient *client, gpointer user_data)
{
    Fixture *fixture = user_data;
    g_assert_false(qmp_client_is_ready(client));
    g_assert_cmpuint(fixture->n_failed, ==, 0);
    fixture->n_closing++;
}

static void
on_closed(QmpClient *client, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;
    g_assert_false(qmp_client_is_ready(client));
    g_assert_cmpuint(qmp_client_get_in_flight(client), ==, 0);
    g_assert_cmpuint(fixture->n_closing, ==, 1);
    fixture->n_closing = 0;
    fixture->n_closed++;
    fixture->closed = g_error_copy(error);
    note(fixture, "closed");
}

static const QmpClientFuncs funcs = { .on_ready = on_ready, .on_event = on_event, .on_closing = on_closing, .on_closed = on_closed };

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;
    if (call->cancels)
        qmp_client_cancel(call->fixture->client, call->cancels->id);
    call->fixture->n_failed += error && error->code == QMP_ERROR_DISCONNECTED;
    if (error)
        note(call->fixture, "%s failed %d", call->name, error->code);
    else if (reply->error_class)
        note(call->fixture, "%s %s: %s", call->name, reply->error_class, reply->error_text);
    else
        note(call->fixture, "%s %.*s", call->name, (int)reply->value.length, reply->value.text);
}

void
fixture_start(Fixture *fixture, const QmpClientLimits *limits)
{
    int fd;
    g_clear_pointer(&fixture->client, qmp_client_free);
    g_clear_pointer(&fixture->peer, qmp_peer_free);
    fixture->peer = qmp_peer_new(fixture->context, &fd);
    fixture->n_closing = fixture->n_failed = 0;
    fixture->starting = TRUE;
    fixture->client = qmp_client_new(fixture->context, fd, limits, &funcs, fixture);
    fixture->starting = FALSE;
}

void
fixture_set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->log = g_string_new(NULL);
    fixture_start(fixture, &(QmpClientLimits){ .timeout = G_MAXUINT64 });
}

void
fixture_tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->client, qmp_client_free);
    qmp_peer_free_with_context(fixture->peer, fixture->context);
    g_string_free(fixture->log, TRUE);
    g_clear_error(&fixture->closed);
}

void
assert_log(Fixture *fixture, const char *expected)
{
    g_assert_cmpstr(fixture->log->str, ==, expected);
    g_string_truncate(fixture->log, 0);
}

void
get_ready(Fixture *fixture, gboolean oob)
{
    qmp_peer_negotiate(fixture->peer, oob);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "ready;");
}

void
execute(Fixture *fixture, Call *call, const char *command, const char *arguments, QmpExecuteFlags flags)
{
    QmpCommand qmp = { .name = command, .arguments = arguments, .flags = flags };
    call->fixture = fixture;
    call->name = call->name ? call->name : command;
    fixture->starting = TRUE;
    call->id = qmp_client_execute(fixture->client, &qmp, on_reply, call);
    fixture->starting = FALSE;
}

void
expect_end(Fixture *fixture, const char *text, QmpErrorCode code, const char *says)
{
    qmp_peer_send(fixture->peer, text);
    qmp_peer_wait_until(fixture->context, fixture->n_closed > 0);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_closed, ==, 1);
    g_assert_error(fixture->closed, QMP_ERROR, (gint)code);
    if (!strstr(fixture->closed->message, says))
        g_error("\"%s\" does not say \"%s\"", fixture->closed->message, says);
    g_clear_error(&fixture->closed);
    fixture->n_closed = 0;
}
