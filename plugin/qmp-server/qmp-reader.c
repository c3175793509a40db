/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by qmp-server.c, which has a reader for each session; owns the bytes of a message that has not ended. */
#include "qmp-reader.h"

#include "json-tree.h"

static void
complain(QmpReader *reader, const char *complaint)
{
    reader->func(NULL, complaint, reader->framer.scan.offset, reader->user_data);
}

/* QEMU's class and first words, and our own for the rest. */
static void
complain_of_syntax(QmpReader *reader)
{
    const JsonScan *scan = &reader->framer.scan;
    g_autofree char *complaint = g_strdup_printf("JSON parse error, %s at byte %zu", scan->error, scan->error_offset);

    complain(reader, complaint);
}

static void
read_client_message(QmpReader *reader)
{
    g_autoptr(GError) error = NULL;
    JsonNode *value;

    if (reader->framer.scan.error) {
        complain_of_syntax(reader);
        return;
    }
    value = json_tree_build_command(reader->framer.text, &error);
    if (value) {
        reader->func(value, NULL, reader->framer.scan.offset, reader->user_data);
    } else if (error->code == JSON_TREE_ERROR_LIMIT) {
        /* QEMU has these words for some 2 million tokens; here they keep the policy from reading many. */
        complain(reader, "JSON token count limit exceeded");
    } else {
        g_autofree char *complaint = g_strdup_printf("JSON parse error, %s", error->message);
        complain(reader, complaint);
    }
}

gsize
qmp_reader_feed(QmpReader *reader, const char *text, gsize length)
{
    gsize used;

    switch (json_framer_feed(&reader->framer, text, length, &used)) {
    case JSON_FRAMER_MORE:
        break;
    case JSON_FRAMER_DOCUMENT:
        read_client_message(reader);
        break;
    case JSON_FRAMER_LOST:
        complain_of_syntax(reader);
        json_framer_skip(&reader->framer);
        break;
    case JSON_FRAMER_TOO_LONG:
        /* QEMU's own limit, in these words, is 64 MiB. */
        complain(reader, "JSON token size limit exceeded");
        json_framer_skip(&reader->framer);
        break;
    }
    return used;
}

void
qmp_reader_init(QmpReader *reader, gsize max_command, QmpReaderFunc func, gpointer user_data)
{
    reader->func = func;
    reader->user_data = user_data;
    json_framer_init(&reader->framer, JSON_DIALECT_QEMU, max_command);
}

void
qmp_reader_clear(QmpReader *reader)
{
    json_framer_clear(&reader->framer);
}
