/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "errors.h"

#include "json-tree.h"
#include "qmp-error.h"
#include "qmp-schema.h"
#include "value.h"

#define PREFIX "org.qemu.Monitor1.Error."

static const char *
name_of_qmp(QmpErrorCode code)
{
    switch (code) {
    case QMP_ERROR_DISCONNECTED:
    case QMP_ERROR_REFUSED:
    case QMP_ERROR_MISSING:
        return PREFIX "Disconnected";
    case QMP_ERROR_TIMED_OUT:
        return PREFIX "TimedOut";
    case QMP_ERROR_PROTOCOL:
        return PREFIX "NotSupported";
    case QMP_ERROR_INVALID:
        return bus_error_get_name(BUS_ERROR_INVALID_ARGS);
    case QMP_ERROR_LIMIT:
        return bus_error_get_name(BUS_ERROR_LIMITS_EXCEEDED);
    case QMP_ERROR_NOT_AUTHORIZED:
        return PREFIX "NotAuthorized";
    }
    g_return_val_if_reached(bus_error_get_name(BUS_ERROR_FAILED));
}

void
errors_fail(BusCall *call, const GError *error)
{
    if (error->domain == QMP_ERROR)
        bus_call_fail(call, name_of_qmp((QmpErrorCode)error->code), error->message);
    else if (error->domain == JSON_TREE_ERROR)
        bus_call_fail(call,
                      bus_error_get_name(error->code == JSON_TREE_ERROR_LIMIT ? BUS_ERROR_LIMITS_EXCEEDED
                                                                              : BUS_ERROR_INVALID_ARGS),
                      error->message);
    else if (error->domain == QMP_SCHEMA_ERROR)
        bus_call_fail(call, bus_error_get_name(BUS_ERROR_INVALID_ARGS), error->message);
    else if (error->domain == VALUE_ERROR)
        bus_call_fail(call, PREFIX "Unrepresentable", error->message);
    else if (g_error_matches(error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED))
        /* Not D-Bus's own AccessDenied: busctl shows two words of its own for that, whatever its text says. */
        bus_call_fail(call, PREFIX "NotAuthorized", error->message);
    else
        bus_call_fail_error(call, error);
}

void
errors_fail_qmp(BusCall *call, const QmpReply *reply)
{
    g_autofree char *name = g_strconcat(PREFIX, reply->error_class, NULL);

    /* A class that makes no D-Bus name is none of QEMU's. */
    if (!dbus_validate_error_name(name, NULL)) {
        bus_call_fail(call, PREFIX "GenericError", reply->error_text);
        return;
    }
    bus_call_fail(call, name, reply->error_text);
}

void
errors_fail_command(BusCall *call, const QmpReply *reply, QmpInterfaces *interfaces, const char *command)
{
    g_autofree char *hint = NULL, *text = NULL;
    QmpReply hinted = { .error_class = reply->error_class };

    if (!g_str_equal(reply->error_class, "CommandNotFound")) {
        errors_fail_qmp(call, reply);
        return;
    }
    hint = qmp_interfaces_dup_hint(interfaces, command);
    hinted.error_text = text = g_strconcat(reply->error_text, hint, NULL);
    errors_fail_qmp(call, &hinted);
}
