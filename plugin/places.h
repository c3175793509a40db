/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to QEMU that a VM has for its callers: a monitor for each as long as there is room, and one for the others. */
#pragma once

#include "slot.h"
#include "vm.h"

typedef struct Places Places;
typedef struct Place Place;

typedef struct PlacesLimits {
    guint64 idle_timeout; /* us without a command after which a monitor is given back */
    guint max_monitors; /* in one QEMU: each slows down every command of the VM by 20 us */
    gsize max_reply; /* bytes */
} PlacesLimits;

/* The mode has become another: QEMU takes no monitor, or does after all. */
typedef void (*PlacesModeFunc)(gpointer user_data);

/* Borrows @vm, which is up and must outlive it. */
Places *places_new(GMainContext *context, Vm *vm, const PlacesLimits *limits, PlacesModeFunc func, gpointer user_data);

/* No user comes any more, and nobody is told of the mode: what those who are there give back goes for good. */
void places_leave(Places *places);

/* The VM is going: all commands must have been cancelled. */
void places_free(Places *places);

/* How callers get at QEMU: "hotplug", "monitor-add", "spare" or "shared". */
const char *places_get_mode(Places *places);

/* Whether QEMU says that it knows monitors as objects. Before it is known, its version stands for it. */
void places_set_can_hotplug(Places *places, gboolean can_hotplug);

/* Somebody who has a place, or not. Its memory is theirs, zero at first. */
typedef struct PlaceUser {
    Place *place; /* weak; NULL: none, or none any more */
    GList link; /* in the place's users */
    gint64 since; /* us since the epoch */
    guint pending; /* kept by the user: commands under way; with any, the place stays theirs */
    gboolean has_names; /* kept by the user: has named descriptors in it; likewise */
    gboolean is_holding; /* kept by the user: wants it for as long as they are there; likewise */
} PlaceUser;

/* Sees to it that @user has a place. Fails with QMP_ERROR_LIMIT or _PROTOCOL where there is none for somebody who must have
 * one of their own. */
gboolean places_find(Places *places, PlaceUser *user, GError **error);

/* @user has nothing under way in it any more, for the time being. */
void place_note_idle(PlaceUser *user);

/* @user has no use for it any more, and nothing under way. */
void place_give_back(PlaceUser *user);

/* Where a command goes. */
Slot *place_get_slot(Place *place, QmpExecuteFlags flags);

const char *place_get_id(Place *place); /* of the monitor */
const char *place_get_mode(Place *place);
