/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses: what an administrator typed must be taken as meant, or refused with the place where it went wrong. */
#include <string.h>

#include "qmp-address.h"
#include "qmp-error.h"

#define P10 "/123456789"
#define P100 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10
#define P1000 P100 P100 P100 P100 P100 P100 P100 P100 P100 P100

static void
test_good(void)
{
    static const struct {
        const char *text;
        struct {
            QmpAddressType type;
            gboolean server;
            const char *path, *host;
            guint port;
            gboolean is_abstract, is_loose;
        } is;
    } cases[] = {
        { "unix:/run/x.sock", { .type = QMP_ADDRESS_UNIX, .path = "/run/x.sock" } },
        { "unix:/a,,b,server", { .type = QMP_ADDRESS_UNIX, .path = "/a,b", .server = TRUE } },
        { "unix:/a,,,server=on", { .type = QMP_ADDRESS_UNIX, .path = "/a,", .server = TRUE } },
        { "unix:/a:b=c,server=off", { .type = QMP_ADDRESS_UNIX, .path = "/a:b=c" } },
        { "unix:" P1000, { .type = QMP_ADDRESS_UNIX, .path = P1000 } },
        { "unix:vm/web,abstract=on", { .type = QMP_ADDRESS_UNIX, .path = "vm/web", .is_abstract = TRUE } },
        { "unix:/x,abstract,tight=off,server=on",
          { .type = QMP_ADDRESS_UNIX, .path = "/x", .server = TRUE, .is_abstract = TRUE, .is_loose = TRUE } },
        { "unix:/x,abstract=off,tight=on", { .type = QMP_ADDRESS_UNIX, .path = "/x" } },
        { "unix:" P100 "1234567,abstract", { .type = QMP_ADDRESS_UNIX, .path = P100 "1234567", .is_abstract = TRUE } },
        { "tcp:localhost:4444", { .type = QMP_ADDRESS_TCP, .host = "localhost", .port = 4444 } },
        { "tcp::1,server=on", { .type = QMP_ADDRESS_TCP, .host = "", .port = 1, .server = TRUE } },
        { "tcp:127.0.0.1:65535", { .type = QMP_ADDRESS_TCP, .host = "127.0.0.1", .port = 65535 } },
        { "tcp:[::1]:4444,server=on", { .type = QMP_ADDRESS_TCP, .host = "::1", .port = 4444, .server = TRUE } },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(QmpAddress) parsed = qmp_address_parse(cases[i].text, &error);
        g_assert_no_error(error);
        g_autoptr(QmpAddress) address = qmp_address_copy(parsed);
        g_assert_cmpint(address->type, ==, cases[i].is.type);
        g_assert_cmpstr(address->path, ==, cases[i].is.path);
        g_assert_cmpstr(address->host, ==, cases[i].is.host);
        g_assert_cmpuint(address->port, ==, cases[i].is.port);
        g_assert_cmpint(address->server, ==, cases[i].is.server);
        g_assert_cmpint(address->is_abstract, ==, cases[i].is.is_abstract);
        g_assert_cmpint(address->is_loose, ==, cases[i].is.is_loose);
        g_assert_cmpstr(address->text, ==, cases[i].text);
    }
}

static void
test_bad(void)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        { "", "neither \"unix:\" nor \"tcp:\"" },
        { "/run/x.sock", "neither \"unix:\" nor \"tcp:\"" },
        { "fd:3", "neither \"unix:\" nor \"tcp:\"" },
        { "unix:", "not absolute, at byte 5" },
        { "unix:x.sock", "not absolute, at byte 5" },
        { "unix:@abstract", "not absolute" },
        { "unix:" P100 "12345678,abstract=on", "the name has 108 bytes, there may be 107" },
        { "unix:,abstract=on", "the name is empty, at byte 5" },
        { "unix:/x,abstract=1", "\"abstract\" is \"on\" or \"off\", not \"1\", at byte 8" },
        { "unix:/x,tight=", "\"tight\" is \"on\" or \"off\", not \"\"" },
        { "tcp:h:1,abstract=on", "unknown option \"abstract=on\" at byte 8" },
        { "unix:/x,", "unknown option \"\" at byte 8" },
        { "unix:/x,wait=off", "unknown option \"wait=off\" at byte 8" },
        { "unix:/x,server=on,foo", "unknown option \"foo\" at byte 18" },
        { "unix:/x,server=yes", "\"on\" or \"off\", not \"yes\", at byte 8" },
        { "unix:/x,servers", "unknown option \"servers\"" },
        { "tcp:", "the port is missing" },
        { "tcp:localhost", "the port is missing" },
        { "tcp:localhost:", "\"\" is no port (1 to 65535), at byte 14" },
        { "tcp:localhost:0", "\"0\" is no port" },
        { "tcp:localhost:65536", "\"65536\" is no port" },
        { "tcp:localhost:-1", "\"-1\" is no port" },
        { "tcp:localhost: 1", "\" 1\" is no port" },
        { "tcp:localhost:http", "\"http\" is no port" },
        { "tcp:localhost:1x", "\"1x\" is no port" },
        { "tcp:::1:4444", "IPv6 address stands in brackets, at byte 4" },
        { "tcp:[::1]", "\"[HOST]:PORT\" was expected at byte 4" },
        { "tcp:[::1:4444", "\"[HOST]:PORT\" was expected" },
        { "tcp:[::1]4444", "\"[HOST]:PORT\" was expected" },
        { "tcp:[::1]:", "\"\" is no port (1 to 65535), at byte 10" },
        { "tcp:h:1,x=1", "unknown option \"x=1\" at byte 8" },
        { "unix:/\xff", "not UTF-8" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(qmp_address_parse(cases[i].text, &error));
        g_assert_error(error, QMP_ERROR, QMP_ERROR_INVALID);
        if (!strstr(error->message, cases[i].says))
            g_error("%s: %s", cases[i].text, error->message);
    }
}

/* A path that the kernel would not take. */
static void
test_long_path(void)
{
    g_autofree char *path = g_strnfill(4096, '/'), *text = g_strconcat("unix:", path, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(qmp_address_parse(text, &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "the path has 4096 bytes, there may be 4095"));
}

/* An address that is longer than any: it would go into errors, dialogs and the log. */
static void
test_longest(void)
{
    g_autofree char *host = g_strnfill(8450, 'h'), *text = g_strconcat("tcp:", host, ":1", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(qmp_address_parse(text, &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "it is longer than 8448 bytes"));
}

/* Errors go out on D-Bus, which cuts off whoever sends what is not UTF-8. */
static void
test_long(void)
{
    for (guint length = 150; length < 2000; length++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) text = g_string_new(length % 2 ? "unix:" : "tcp:");
        while (text->len < length)
            g_string_append(text, length % 3 ? "\xe2\x82\xac" : "\xf0\x9f\x98\x80");
        g_assert_null(qmp_address_parse(text->str, &error));
        g_assert_error(error, QMP_ERROR, QMP_ERROR_INVALID);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_cmpuint(strlen(error->message), <, 3000);
    }
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-address/good", test_good);
    g_test_add_func("/qmp-address/bad", test_bad);
    g_test_add_func("/qmp-address/long-path", test_long_path);
    g_test_add_func("/qmp-address/longest", test_longest);
    g_test_add_func("/qmp-address/long", test_long);
    return g_test_run();
}
