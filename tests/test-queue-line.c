/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much one caller may have at a monitor: what breaks here lets a caller fill the agent's memory, or take the descriptors of all. */
#include "queue-line.h"

#include <string.h>

#define MAX_BYTES (16u * 1024 * 1024)

typedef struct Fixture {
    FairQueue queue;
    QueueLine *line; /* weak; of the only caller */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fair_queue_init(&fixture->queue, sizeof(QueueLine));
    fixture->line = fair_queue_get_line(&fixture->queue, ":1.1");
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    fair_queue_clear(&fixture->queue);
}

static void
assert_refused(Fixture *fixture, const QmpCommand *command, const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(queue_line_check(fixture->line, command, &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_LIMIT);
    g_assert_cmpstr(error->message, ==, text);
}

/* What has left the line counts no more. */
static void
test_bytes(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *arguments = g_strnfill(MAX_BYTES - strlen("stop"), ' ');
    QmpCommand large = { .name = "stop", .arguments = arguments }, small = { .name = "x" };
    GList link = { .data = &large };

    g_assert_true(queue_line_check(fixture->line, &large, NULL));
    queue_line_push(fixture->line, &link, &large);
    g_assert_cmpuint(fixture->line->bytes, ==, MAX_BYTES);
    assert_refused(fixture, &small, "more than 16777216 bytes of this caller's commands would wait");
    queue_line_remove(fixture->line, &link, &large);
    g_assert_cmpuint(fixture->line->bytes, ==, 0);
    g_assert_true(queue_line_check(fixture->line, &small, NULL));
}

static void
test_descriptors(Fixture *fixture, gconstpointer unused)
{
    QmpCommand getfd = { .name = "getfd", .flags = QMP_EXECUTE_FD, .fd = 0 }, stop = { .name = "stop" };
    GList links[16];

    for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
        links[i] = (GList){ .data = &getfd };
        g_assert_true(queue_line_check(fixture->line, &getfd, NULL));
        queue_line_push(fixture->line, &links[i], &getfd);
    }
    assert_refused(fixture, &getfd, "16 descriptors of this caller wait already");
    g_assert_true(queue_line_check(fixture->line, &stop, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(links); i++)
        queue_line_remove(fixture->line, &links[i], &getfd);
    g_assert_cmpuint(fixture->line->fds, ==, 0);
}

/* Those that QEMU has already count as well. */
static void
test_commands(Fixture *fixture, gconstpointer unused)
{
    QmpCommand stop = { .name = "stop" };

    fixture->line->under_way = 4095;
    g_assert_true(queue_line_check(fixture->line, &stop, NULL));
    fixture->line->under_way = 4096;
    assert_refused(fixture, &stop, "4096 commands of this caller wait already");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)
    ADD("/queue-line/bytes", test_bytes);
    ADD("/queue-line/descriptors", test_descriptors);
    ADD("/queue-line/commands", test_commands);
#undef ADD
    return g_test_run();
}
