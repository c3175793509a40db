/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads an address, which an administrator, a caller or a key file gives; owns nothing. */
#include "qmp-address.h"

#include <limits.h>
#include <string.h>
#include <sys/un.h>

#include "qmp-error.h"

/* Bytes of an abstract name, beside the zero before it. */
#define MAX_NAME (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

/* Bytes of a path, beside the zero that ends it. The connector reaches also those that have no room in sun_path. */
#define MAX_PATH ((gsize)PATH_MAX - 1)

/* A host's name has 253 bytes at most; of a path commas are doubled. */
#define MAX_LENGTH (2 * PATH_MAX + 256)

static gboolean refuse_address(GError **error, const char *text, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean
refuse_address(GError **error, const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *shown = g_utf8_substring(text, 0, MIN(200, g_utf8_strlen(text, -1)));
    g_set_error(error, QMP_ERROR, QMP_ERROR_INVALID, "address \"%s\": %s", shown, what);
    return FALSE;
}

/* The text before the first single comma of *@at, commas undoubled; *@at moves behind that comma, or becomes NULL.
 */
static char *
take_part(const char **at)
{
    GString *part = g_string_new(NULL);
    const char *c = *at;
    for (; *c; c++) {
        if (*c == ',' && c[1] != ',')
            break;
        if (*c == ',')
            c++;
        g_string_append_c(part, *c);
    }
    *at = *c == ',' ? c + 1 : NULL;
    return g_string_free(part, FALSE);
}

/* The option called @name, if @option is that: `NAME`, `NAME=on` or `NAME=off`. FALSE: it is not, or (with an error) has
 * another value. */
static gboolean
read_switch(const char *option, const char *name, gboolean *is_on, GError **error, const QmpAddress *address,
            gsize where)
{
    gsize length = strlen(name);

    if (strncmp(option, name, length) != 0 || (option[length] && option[length] != '='))
        return FALSE;
    if (!option[length] || g_str_equal(option + length, "=on"))
        *is_on = TRUE;
    else if (g_str_equal(option + length, "=off"))
        *is_on = FALSE;
    else
        return refuse_address(error, address->text, "\"%s\" is \"on\" or \"off\", not \"%s\", at byte %zu", name,
                              option + length + 1, where);
    return TRUE;
}

static gboolean
read_address_option(QmpAddress *address, const char *option, gsize where, GError **error)
{
    gboolean is_tight = TRUE;
    GError *fault = NULL;

    if (read_switch(option, "server", &address->server, &fault, address, where))
        return TRUE;
    if (!fault && address->type == QMP_ADDRESS_UNIX &&
        read_switch(option, "abstract", &address->is_abstract, &fault, address, where))
        return TRUE;
    if (!fault && address->type == QMP_ADDRESS_UNIX &&
        read_switch(option, "tight", &is_tight, &fault, address, where)) {
        address->is_loose = !is_tight;
        return TRUE;
    }
    if (!fault)
        return refuse_address(error, address->text, "unknown option \"%s\" at byte %zu", option, where);
    g_propagate_error(error, fault);
    return FALSE;
}

static gboolean
read_address_options(QmpAddress *address, const char *at, GError **error)
{
    while (at) {
        gsize where = (gsize)(at - address->text);
        g_autofree char *option = take_part(&at);
        if (!read_address_option(address, option, where, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_path(const QmpAddress *address, gsize where, GError **error)
{
    gsize length = strlen(address->path), most = address->is_abstract ? MAX_NAME : MAX_PATH;

    if (address->is_abstract && length == 0)
        return refuse_address(error, address->text, "the name is empty, at byte %zu", where);
    if (!address->is_abstract && address->path[0] != '/')
        return refuse_address(error, address->text, "the path is not absolute, at byte %zu", where);
    if (length > most)
        return refuse_address(error, address->text, "the %s has %zu bytes, there may be %zu",
                              address->is_abstract ? "name" : "path", length, most);
    return TRUE;
}

static gboolean
read_unix(QmpAddress *address, const char *text, GError **error)
{
    address->type = QMP_ADDRESS_UNIX;
    const char *at = text;
    address->path = take_part(&at);
    return read_address_options(address, at, error) && check_path(address, (gsize)(text - address->text), error);
}

static gboolean
read_port(QmpAddress *address, const char *port, gsize where, GError **error)
{
    guint64 number;
    if (!g_ascii_string_to_unsigned(port, 10, 1, G_MAXUINT16, &number, NULL))
        return refuse_address(error, address->text, "\"%s\" is no port (1 to 65535), at byte %zu", port, where);
    address->port = (guint16)number;
    return TRUE;
}

static gboolean
read_tcp(QmpAddress *address, const char *text, GError **error)
{
    address->type = QMP_ADDRESS_TCP;
    const char *at = text;
    g_autofree char *where = take_part(&at);
    const char *host = where, *host_end;
    if (*where == '[') {
        host = where + 1;
        host_end = strchr(host, ']');
        if (!host_end || host_end[1] != ':')
            return refuse_address(error, address->text, "\"[HOST]:PORT\" was expected at byte %zu",
                                  (gsize)(text - address->text));
    } else {
        host_end = strchr(where, ':');
        if (!host_end)
            return refuse_address(error, address->text, "the port is missing");
        if (strchr(host_end + 1, ':'))
            return refuse_address(error, address->text,
                                  "more than one colon: an IPv6 address stands in brackets, at byte %zu",
                                  (gsize)(text - address->text));
    }
    const char *port = strchr(host_end, ':') + 1;
    address->host = g_strndup(host, (gsize)(host_end - host));
    return read_port(address, port, (gsize)(text - address->text) + (gsize)(port - where), error) &&
           read_address_options(address, at, error);
}

static gboolean
read_socket_address(QmpAddress *address, GError **error)
{
    const char *text = address->text;
    if (strlen(text) > MAX_LENGTH)
        return refuse_address(error, text, "it is longer than %d bytes", MAX_LENGTH);
    if (g_str_has_prefix(text, "unix:"))
        return read_unix(address, text + strlen("unix:"), error);
    if (g_str_has_prefix(text, "tcp:"))
        return read_tcp(address, text + strlen("tcp:"), error);
    return refuse_address(error, text, "it begins with neither \"unix:\" nor \"tcp:\"");
}

QmpAddress *
qmp_address_parse(const char *text, GError **error)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_INVALID, "the address is not UTF-8");
        return NULL;
    }
    g_autoptr(QmpAddress) address = g_new0(QmpAddress, 1);
    address->text = g_strdup(text);
    return read_socket_address(address, error) ? g_steal_pointer(&address) : NULL;
}

QmpAddress *
qmp_address_copy(const QmpAddress *address)
{
    QmpAddress *copy = g_new(QmpAddress, 1);
    *copy = *address;
    copy->path = g_strdup(address->path);
    copy->host = g_strdup(address->host);
    copy->text = g_strdup(address->text);
    return copy;
}

void
qmp_address_free(QmpAddress *address)
{
    g_free(address->path);
    g_free(address->host);
    g_free(address->text);
    g_free(address);
}
