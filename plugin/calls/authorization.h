/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate between callers and everything that is not public: one place that asks the policy. Nothing reaches QEMU in a
 * caller's name but through here. */
#pragma once

#include "command-class.h"
#include "vm-context.h"

/* The questions of one instance. When they are freed none may be left. */
Authorizations *authorizations_new(void);
void authorizations_free(Authorizations *authorizations);

typedef struct AuthorizationTicket AuthorizationTicket; /* a question that has not been answered */

typedef enum AuthorizationAnswer {
    AUTHORIZATION_REFUSED, /* refused, with an error */
    AUTHORIZATION_ALLOWED, /* allowed */
    AUTHORIZATION_ASKED, /* polkit has to be asked: the callback tells */
} AuthorizationAnswer;

/* Exactly once, unless cancelled; never from inside authorization_ask(). @error: NULL: allowed. Otherwise it is for the caller
 * (errors_fail()): refused, or the VM has gone meanwhile. The ticket is gone when this returns. */
typedef void (*AuthorizationFunc)(const GError *error, gpointer user_data);

/* May @peer do this? Nothing in it is kept. */
typedef struct AuthorizationQuestion {
    const BusPeer *peer;
    gboolean has_left; /* they have left the bus, and polkit cannot be asked about them */
    gboolean is_interactive; /* they may be asked for a password */
    const char *command; /* a QMP command, or a method of the VM interface ("Subscribe", "OpenMonitor", …) */
    JsonNode *arguments; /* of the QMP command, an object; NULL: none. They can raise what is asked for. */
    gsize size; /* bytes that whoever asks holds meanwhile */
} AuthorizationQuestion;

/* Asks for something to be done to @vm_context's VM. After AUTHORIZATION_ASKED everything is to be looked up again, except that @vm_context
 * still exists when the callback comes without an error. @ret_classes: what polkit is asked
 * for, where it is; may be NULL. */
AuthorizationAnswer authorization_ask(VmContext *vm_context, const AuthorizationQuestion *question,
                                      AuthorizationFunc func, gpointer user_data, AuthorizationTicket **ret_ticket,
                                      PolicyClasses *ret_classes, GError **error);

/* The classes that authorization_ask() would ask for now. Some depend on the state of the VM: whoever has waited for the answer
 * compares. */
PolicyClasses authorization_get_classes(VmContext *vm_context, const char *command, JsonNode *arguments);

/* Whether these classes are others by the VM's run state, whatever the arguments are. */
gboolean authorization_depends_on_status(const char *command);

/* The same for a method of the manager. @vm: whom it is about; NULL: one that is not there yet, called @name. @vm, if any,
 * is still connected as it was when the callback comes without an error. */
typedef struct AuthorizationManagement {
    const BusPeer *peer;
    gboolean is_interactive;
    const char *method;
    const char *name;
    Vm *vm;
    guint32
        giver; /* without @vm: the caller, where they give a descriptor of a QEMU that they run; else BUS_PEER_NO_ID */
} AuthorizationManagement;
AuthorizationAnswer authorization_ask_management(Context *context, const AuthorizationManagement *question,
                                                 AuthorizationFunc func, gpointer user_data,
                                                 AuthorizationTicket **ret_ticket, GError **error);

/* The user who needs no leave for @vm; BUS_PEER_NO_ID: nobody. */
guint32 authorization_get_owner(Context *context, Vm *vm);

/* The callback does not come. Whoever is being asked is not asked any more. */
void authorization_ticket_cancel(AuthorizationTicket *ticket);

/* The connection to @vm has ended: questions about it get their answer. */
void authorization_vm_gone(Context *context, Vm *vm);
