/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a value of D-Bus to JSON and back, with every number exact: json-glib takes 18446744073709551615 for -1. */
#pragma once

#include <gio/gio.h>

/* A value of D-Bus as JSON text. The contract's null, an empty signature, is null. */
char *ctl_variant_to_json(GVariant *value);

/* @json, an object, as a dictionary (floating). NULL with @error: it is none, or has a number that would not be exact. */
GVariant *ctl_variant_from_json(const char *json, GError **error);
