/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-cost.h"

void
qmp_cost_add_value(QmpCost *cost, gsize bytes)
{
    cost->bytes += bytes;
    cost->values++;
}

void
qmp_cost_add_member(QmpCost *cost, guint n_members, gsize length)
{
    cost->bytes += length;
    cost->steps += n_members;
}

char *
qmp_cost_find_excess(const QmpCost *cost, const QmpCost *max)
{
    if (cost->bytes > max->bytes)
        return g_strdup_printf("more than %zu bytes of JSON", max->bytes);
    if (cost->values > max->values)
        return g_strdup_printf("more than %zu values", max->values);
    if (cost->steps > max->steps)
        return g_strdup("too many members in one object");
    return NULL;
}
