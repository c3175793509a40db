/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How libFuzzer makes new scripts for fuzz-native.c from old ones: by whole steps, or by bytes within one. Bytes changed anywhere would
 * nearly always leave a text behind which no command is read any more. Not part of the replay. */
#include <string.h>

#include "command-class.h"
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2, uint8_t *out,
                                 size_t max_out_size, unsigned int seed);

static const char *
pick(GRand *rand, const char *const *texts)
{
    return texts[g_rand_int_range(rand, 0, (gint32)g_strv_length((char **)texts))];
}

static const char *
pick_command(GRand *rand)
{
    guint n = 0;

    while (policy_class_get_nth_command(n))
        n++;
    return policy_class_get_nth_command((guint)g_rand_int_range(rand, 0, (gint32)n));
}

static char *
make_command_step(GRand *rand)
{
    static const char *const clients[] = { "o", "s", "s", "s", "t", "t", "S", "T", NULL };
    static const char *const verbs[] = { "execute", "execute", "execute", "exec-oob", NULL };
    static const char *const arguments[] = { "{}",
                                             "{\"id\":\"a\"}",
                                             "{\"device\":\"a\"}",
                                             "{\"fdname\":\"a\"}",
                                             "{\"fdset-id\":5}",
                                             "{\"fdset-id\":5,\"fd\":10}",
                                             "{\"opaque\":\"mine\"}",
                                             "{\"path\":\"/chardevs\",\"property\":\"a\"}",
                                             "{\"uri\":\"fd:a\"}",
                                             "{\"command-line\":\"info status\"}",
                                             "{\"driver\":\"file\",\"node-name\":\"a\",\"filename\":\"/dev/fdset/5\"}",
                                             "{\"qom-type\":\"authz-list\",\"id\":\"a\"}",
                                             "{\"qom-type\":\"secret\",\"id\":\"a\",\"data\":\"b\"}",
                                             "{\"path\":\"/objects/a\",\"property\":\"data\"}",
                                             "{\"path\":\"a\",\"property\":\"data\"}",
                                             "{\"command-line\":\"qom-get /objects/a data\"}",
                                             "{\"command-line\":\"info qtree; chardev-remove a\"}",
                                             "{\"type\":\"tap\",\"id\":\"a\",\"fd\":\"a\"}",
                                             NULL };
    static const char *const often[] = { "getfd",      "add-fd",     "remove-fd", "query-fdsets",
                                         "object-add", "object-del", "qom-get",   "human-monitor-command",
                                         NULL };
    const char *command = g_rand_boolean(rand) ? pick_command(rand) : pick(rand, often);

    return g_strdup_printf("%s{\"%s\":\"%s\",\"arguments\":%s,\"id\":%d}", pick(rand, clients), pick(rand, verbs),
                           command, pick(rand, arguments), g_rand_int_range(rand, 0, 9));
}

static char *
make_answer_step(GRand *rand)
{
    static const char *const answers[] = {
        "\"return\": {}",
        "\"return\": []",
        "\"return\": {\"fdset-id\": 5, \"fd\": 10}",
        "\"return\": [{\"fdset-id\":5,\"fds\":[{\"fd\":10,\"opaque\":\"a\"}]}]",
        "\"return\": [{\"name\":\"org.qemu.Monitor1-a\",\"type\":\"child<a>\"},{\"name\":\"b\",\"type\":\"c\"}]",
        "\"return\": \"a\\r\\norg.qemu.Monitor1-a\\r\\nb\"",
        "\"error\": {\"class\":\"GenericError\",\"desc\":\"no\"}",
        NULL
    };

    return g_strdup_printf("r%s %s", pick_command(rand), pick(rand, answers));
}

static char *
make_step(GRand *rand)
{
    static const char *const plain[] = { "y",
                                         "y",
                                         "y",
                                         "n",
                                         "c",
                                         "f",
                                         "F",
                                         "F1",
                                         "k",
                                         "K",
                                         "l",
                                         "xo",
                                         "xs",
                                         "xt",
                                         "p",
                                         "e{\"event\":\"STOP\",\"timestamp\":{\"seconds\":1,\"microseconds\":2}}",
                                         "q{\"event\":\"STOP\",\"timestamp\":{\"seconds\":1,\"microseconds\":2}}",
                                         NULL };

    switch (g_rand_int_range(rand, 0, 8)) {
    case 0:
        return make_answer_step(rand);
    case 1:
        return g_strdup_printf("%s%s", g_rand_boolean(rand) ? "w" : "g", pick_command(rand));
    case 2:
    case 3:
    case 4:
        return g_strdup(pick(rand, plain));
    default:
        return make_command_step(rand);
    }
}

static GPtrArray *
split_steps(const uint8_t *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    char **lines = g_strsplit(text, "\n", -1);
    GPtrArray *steps = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; lines[i]; i++)
        g_ptr_array_add(steps, lines[i]);
    g_free(lines);
    return steps;
}

/* Takes @steps. */
static gsize
join_steps(GPtrArray *steps, uint8_t *data, gsize max_size)
{
    gsize size = 0;

    for (guint i = 0; i < steps->len; i++) {
        gsize length = strlen(steps->pdata[i]);
        if (size + length + 1 > max_size)
            break;
        memcpy(data + size, steps->pdata[i], length);
        size += length;
        data[size++] = '\n';
    }
    g_ptr_array_unref(steps);
    return size;
}

/* One step, by libFuzzer's own ways: bytes, and words of the dictionary. */
static void
mutate_step(GPtrArray *steps, guint n)
{
    uint8_t bytes[1024];
    const char *step = steps->pdata[n];
    gsize length = MIN(strlen(step), sizeof bytes - 1);

    memcpy(bytes, step, length);
    length = LLVMFuzzerMutate(bytes, length, sizeof bytes - 1);
    g_free(steps->pdata[n]);
    steps->pdata[n] = g_strndup((char *)bytes, length);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    GPtrArray *steps = split_steps(data, size);
    guint n = (guint)g_rand_int_range(rand, 0, (gint32)steps->len);

    switch (g_rand_int_range(rand, 0, 8)) {
    case 0:
        g_ptr_array_remove_index(steps, n);
        break;
    case 1:
        g_ptr_array_insert(steps, g_rand_int_range(rand, 0, (gint32)steps->len), g_strdup(steps->pdata[n]));
        break;
    case 2:
    case 3:
    case 4:
        g_ptr_array_insert(steps, (gint)n, make_step(rand));
        break;
    default:
        mutate_step(steps, n);
        break;
    }
    return join_steps(steps, data, max_size);
}

/* The beginning of one script, and the end of another. */
size_t
LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2, uint8_t *out,
                          size_t max_out_size, unsigned int seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    GPtrArray *steps = split_steps(data1, size1);
    g_autoptr(GPtrArray) others = split_steps(data2, size2);

    g_ptr_array_set_size(steps, g_rand_int_range(rand, 0, (gint32)steps->len + 1));
    for (guint i = (guint)g_rand_int_range(rand, 0, (gint32)others->len); i < others->len; i++)
        g_ptr_array_add(steps, g_strdup(others->pdata[i]));
    return join_steps(steps, out, max_out_size);
}
