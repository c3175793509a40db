/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by whatever refuses a name; owns nothing. The distance is Damerau's: how many letters were forgotten, added or
 * mistaken, or changed places with their neighbours. Only the band of the table is filled in which the distance can be
 * within the limit: length * (2 * limit + 1) cells instead of length * length. */
#include "nearest.h"

#include <string.h>

/* Of all names together, some 0.5 ms. QEMU 11.1 has 242 commands and an enumeration of 300 words, whose bands have 50,000
 * cells; only somebody who makes names up needs more. */
#define MAX_WORK 250000u

/* One mistake in three letters is a mistake; more of them, or more than three in all, make another name. */
#define LETTERS_A_MISTAKE 3u
#define MAX_LIMIT 3u

/* Letters and digits, small; 0 where there are more than there may be. */
static guint
fold(const char *name, char folded[NEAREST_MAX_LENGTH])
{
    guint length = 0;

    for (; *name; name++) {
        if (!g_ascii_isalnum(*name) && !(*name & 0x80))
            continue;
        if (length == NEAREST_MAX_LENGTH)
            return 0;
        folded[length++] = g_ascii_tolower(*name);
    }
    return length;
}

void
nearest_init(Nearest *nearest, const char *wrong)
{
    *nearest = (Nearest){ .work = MAX_WORK };
    nearest->length = fold(wrong, nearest->wrong);
    nearest->limit = MIN(nearest->length / LETTERS_A_MISTAKE, MAX_LIMIT);
}

/* Rows of the table of distances: of the letter that is looked at, the one before it, and the one before that. */
typedef struct Rows {
    guint now[NEAREST_MAX_LENGTH + 1], last[NEAREST_MAX_LENGTH + 1], before[NEAREST_MAX_LENGTH + 1];
} Rows;

/* One cell: the last step was a letter that is right or mistaken, forgotten, added, or two that changed places. */
static guint
fill_cell(const Rows *rows, const char *wrong, guint i, const char *name, guint j)
{
    gboolean is_same = wrong[i - 1] == name[j - 1];
    guint distance = MIN(MIN(rows->last[j], rows->now[j - 1]) + 1, rows->last[j - 1] + !is_same);

    if (i > 1 && j > 1 && wrong[i - 1] == name[j - 2] && wrong[i - 2] == name[j - 1])
        distance = MIN(distance, rows->before[j - 2] + 1);
    return distance;
}

/* More than the limit: some number above it. Outside of the band @beyond stands for all of those. */
static guint
measure(Nearest *nearest, const char *name, guint length)
{
    guint limit = nearest->limit, beyond = limit + 1;
    Rows rows;

    for (guint j = 0; j <= length; j++)
        rows.now[j] = rows.last[j] = rows.before[j] = MIN(j, beyond);
    for (guint i = 1; i <= nearest->length; i++) {
        guint min = i > limit ? i - limit : 1, max = MIN(i + limit, length), least = MIN(i, beyond);
        if (min > length || nearest->work < max - min + 1)
            return beyond;
        nearest->work -= max - min + 1;
        memcpy(rows.before, rows.last, sizeof rows.last);
        memcpy(rows.last, rows.now, sizeof rows.now);
        rows.now[min - 1] = min == 1 ? least : beyond;
        for (guint j = min; j <= max; j++) {
            rows.now[j] = MIN(fill_cell(&rows, nearest->wrong, i, name, j), beyond);
            least = MIN(least, rows.now[j]);
        }
        if (least > limit)
            return beyond;
    }
    return rows.now[length];
}

static gboolean
is_there(const Nearest *nearest, const char *name)
{
    for (guint i = 0; i < nearest->n_names; i++)
        if (g_str_equal(nearest->names[i], name))
            return TRUE;
    return FALSE;
}

/* Behind those that are as near. The last falls out where there are too many. */
static void
insert(Nearest *nearest, const char *name, guint distance)
{
    guint at = nearest->n_names;

    while (at > 0 && nearest->distances[at - 1] > distance)
        at--;
    if (at == NEAREST_MAX_NAMES)
        return;
    nearest->n_names = MIN(nearest->n_names + 1, NEAREST_MAX_NAMES);
    for (guint i = nearest->n_names - 1; i > at; i--) {
        nearest->names[i] = nearest->names[i - 1];
        nearest->distances[i] = nearest->distances[i - 1];
    }
    nearest->names[at] = name;
    nearest->distances[at] = distance;
}

void
nearest_offer(Nearest *nearest, const char *name)
{
    char folded[NEAREST_MAX_LENGTH];
    guint length = name ? fold(name, folded) : 0, distance;

    if (length == 0 || nearest->length == 0 ||
        MAX(length, nearest->length) - MIN(length, nearest->length) > nearest->limit)
        return;
    distance = measure(nearest, folded, length);
    if (distance <= nearest->limit && !is_there(nearest, name))
        insert(nearest, name, distance);
}

void
nearest_offer_all(Nearest *nearest, const char *const *names)
{
    for (; names && *names; names++)
        nearest_offer(nearest, *names);
}

/* Names that are further away than the first by more than one are not worth reading. A name that differs in capitals
 * and separators only is the one. */
static gboolean
is_worth_naming(const Nearest *nearest, guint index)
{
    guint best = nearest->distances[0];

    return nearest->distances[index] <= (best == 0 ? 0 : best + 1);
}

char *
nearest_dup_question(const Nearest *nearest)
{
    GString *question = g_string_new(NULL);

    for (guint i = 0; i < nearest->n_names && is_worth_naming(nearest, i); i++)
        g_string_append_printf(question, "%s%s", i == 0 ? "; did you mean " : " or ", nearest->names[i]);
    if (question->len > 0)
        g_string_append_c(question, '?');
    return g_string_free(question, FALSE);
}

const char *
nearest_get(const Nearest *nearest)
{
    return nearest->n_names > 0 ? nearest->names[0] : NULL;
}
