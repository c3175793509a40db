/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-cost.h"

void
json_cost_add_value(JsonCost *cost, gsize bytes)
{
    cost->bytes += bytes;
    cost->values++;
}

void
json_cost_add_member(JsonCost *cost, guint n_members, gsize length)
{
    cost->bytes += length;
    cost->steps += n_members;
}

char *
json_cost_find_excess(const JsonCost *cost, const JsonCost *max)
{
    if (cost->bytes > max->bytes)
        return g_strdup_printf("more than %zu bytes of JSON", max->bytes);
    if (cost->values > max->values)
        return g_strdup_printf("more than %zu values", max->values);
    if (cost->steps > max->steps)
        return g_strdup("too many members in one object");
    return NULL;
}
