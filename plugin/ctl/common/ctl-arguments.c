/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments from words; see ctl-arguments.h. The words become a tree of texts, which is written as JSON text by the types of the
 * schema: no number is read, so that none is rounded. The agent judges what comes of it, and names the place of a mistake. */
#include "ctl-arguments.h"

#include <string.h>

#include "ctl-bus.h"

/* Deeper than any argument of QEMU; keeps a.a.a.… from using up the stack. */
#define MAX_DEPTH 32

typedef struct Word {
    char *name;          /* owned */
    char *value;         /* owned; NULL: it has members */
    gboolean is_json;
    GPtrArray *members;  /* owned: of Word */
} Word;

typedef struct Writer {
    const CtlSchema *schema; /* borrowed; NULL: no word needs a type */
    GString *json;           /* owned */
    GError **error;
} Writer;

static gboolean write_word(Writer *writer, const Word *word, JsonObject *type);

static void
word_free(Word *word)
{
    g_free(word->name);
    g_free(word->value);
    g_ptr_array_unref(word->members);
    g_free(word);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Word, word_free)

static Word *
word_new(const char *name)
{
    Word *word = g_new0(Word, 1);

    word->name = g_strdup(name);
    word->members = g_ptr_array_new_with_free_func((GDestroyNotify)word_free);
    return word;
}

static Word *
find_word(const Word *parent, const char *name)
{
    for (guint i = 0; i < parent->members->len; i++) {
        Word *word = parent->members->pdata[i];
        if (g_str_equal(word->name, name))
            return word;
    }
    return NULL;
}

static gboolean
refuse_word(GError **error, const char *word, const char *why)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s %s", word, why);
    return FALSE;
}

/* The value of @word is not of its type. */
static gboolean
refuse_value(const Writer *writer, const Word *word, const char *type)
{
    g_set_error(writer->error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s is %s, not \"%s\"", word->name, type, word->value);
    return FALSE;
}

/* Puts @value at the dotted @key below @root. */
static gboolean
place_word(Word *root, const char *key, const char *value, gboolean is_json, GError **error)
{
    g_auto(GStrv) names = g_strsplit(key, ".", -1);
    Word *word = root;

    if (g_strv_length(names) > MAX_DEPTH)
        return refuse_word(error, key, "has too many dots");
    for (guint i = 0; names[i]; i++) {
        Word *member = find_word(word, names[i]);
        if (!names[i][0])
            return refuse_word(error, key, "a name between its dots is empty");
        if (member && (member->value || !names[i + 1]))
            return refuse_word(error, key, "is given twice");
        if (!member) {
            member = word_new(names[i]);
            g_ptr_array_add(word->members, member);
        }
        word = member;
    }
    word->value = g_strdup(value);
    word->is_json = is_json;
    return TRUE;
}

static void
write_quoted(GString *json, const char *text)
{
    g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);
    g_autofree char *quoted = json_to_string(node, FALSE);

    g_string_append(json, quoted);
}

static gboolean
write_on_off(GString *json, const char *text)
{
    static const char *const yes[] = { "on", "true", "yes", NULL }, *const no[] = { "off", "false", "no", NULL };
    gboolean is_yes = g_strv_contains(yes, text);

    if (!is_yes && !g_strv_contains(no, text))
        return FALSE;
    g_string_append(json, is_yes ? "true" : "false");
    return TRUE;
}

/* Digits stay as they are, 2^64-1 and beyond too: the agent and QEMU have their own bounds. */
static gboolean
write_integer(GString *json, const char *text)
{
    const char *digits = text + (*text == '-');
    gsize n = strspn(digits, "0123456789");
    const char *unit = n == 0 || !digits[n] ? NULL : strchr("KMGT", digits[n]);

    if (n == 0 || (digits[n] && (!unit || digits[n + 1])) || (n > 1 && digits[0] == '0'))
        return FALSE;
    if (!unit) {
        g_string_append(json, text);
        return TRUE;
    }
    guint64 factor = G_GUINT64_CONSTANT(1) << (10 * (unit - "KMGT" + 1)), size;
    if (*text == '-' || n > 19 || !g_uint64_checked_mul(&size, g_ascii_strtoull(digits, NULL, 10), factor))
        return FALSE;
    g_string_append_printf(json, "%" G_GUINT64_FORMAT, size);
    return TRUE;
}

static gboolean
write_number_text(GString *json, const char *text)
{
    char *end;
    double number = g_ascii_strtod(text, &end);

    if (!*text || *end || number != number || !strchr("-0123456789", *text))
        return FALSE;
    g_string_append(json, text);
    return TRUE;
}

/* A member that the schema does not tell the type of: what it looks like. */
static gboolean
write_as_it_looks(GString *json, const char *text)
{
    if (!write_on_off(json, text) && !write_integer(json, text))
        write_quoted(json, text);
    return TRUE;
}

/* The first of the alternatives of @type that is of @kind, or of @other (NULL: only of @kind); NULL: there is none. */
static JsonObject *
find_alternative(const Writer *writer, JsonObject *type, const char *kind, const char *other)
{
    JsonArray *members = json_object_get_array_member(type, "members");

    for (guint i = 0; i < json_array_get_length(members); i++) {
        JsonObject *member = json_array_get_object_element(members, i);
        JsonObject *one = ctl_schema_get_type(writer->schema, json_object_get_string_member_with_default(member, "type", ""));
        const char *its_kind = one ? ctl_schema_get_kind(one) : NULL;
        if (its_kind && (g_str_equal(its_kind, kind) || g_strcmp0(its_kind, other) == 0))
            return one;
    }
    return NULL;
}

static gboolean
write_alternate(const Writer *writer, JsonObject *type, const char *text)
{
    if ((find_alternative(writer, type, "boolean", NULL) && write_on_off(writer->json, text)) ||
        (find_alternative(writer, type, "int", NULL) && write_integer(writer->json, text)))
        return TRUE;
    if (find_alternative(writer, type, "null", NULL) && !*text)
        g_string_append(writer->json, "null");
    else
        write_quoted(writer->json, text);
    return TRUE;
}

static gboolean
write_value(const Writer *writer, const Word *word, JsonObject *type)
{
    const char *kind = type ? ctl_schema_get_kind(type) : "value";

    if (g_str_equal(kind, "string") || g_str_equal(kind, "enum")) {
        write_quoted(writer->json, word->value);
        return TRUE;
    }
    if (g_str_equal(kind, "int"))
        return write_integer(writer->json, word->value) || refuse_value(writer, word, "an integer");
    if (g_str_equal(kind, "number"))
        return write_number_text(writer->json, word->value) || refuse_value(writer, word, "a number");
    if (g_str_equal(kind, "boolean"))
        return write_on_off(writer->json, word->value) || refuse_value(writer, word, "on or off");
    if (g_str_equal(kind, "alternate"))
        return write_alternate(writer, type, word->value);
    if (g_str_equal(kind, "object"))
        return refuse_word(writer->error, word->name, "is an object: give its members, NAME.MEMBER=VALUE, or NAME:=JSON");
    if (g_str_equal(kind, "array"))
        return refuse_word(writer->error, word->name, "is an array: give its elements, NAME.0=VALUE and so on, or NAME:=JSON");
    return write_as_it_looks(writer->json, word->value);
}

/* The alternative of an alternate that has members or elements, or @type itself. */
static JsonObject *
choose_container(const Writer *writer, JsonObject *type)
{
    if (!type || !g_str_equal(ctl_schema_get_kind(type), "alternate"))
        return type;
    return find_alternative(writer, type, "object", "array");
}

static gboolean
write_elements(Writer *writer, const Word *word, JsonObject *type)
{
    JsonObject *element =
        ctl_schema_get_type(writer->schema, json_object_get_string_member_with_default(type, "element-type", ""));

    g_string_append_c(writer->json, '[');
    for (guint i = 0; i < word->members->len; i++) {
        g_autofree char *name = g_strdup_printf("%u", i);
        const Word *member = find_word(word, name);
        if (!member)
            return refuse_word(writer->error, word->name, "is an array: its elements are called 0, 1, 2 and so on");
        g_string_append(writer->json, i > 0 ? "," : "");
        if (!write_word(writer, member, element))
            return FALSE;
    }
    g_string_append_c(writer->json, ']');
    return TRUE;
}

static gboolean
write_members(Writer *writer, const Word *word, JsonObject *type)
{
    const char *tag_name = type ? json_object_get_string_member_with_default(type, "tag", NULL) : NULL;
    const Word *tag = tag_name ? find_word(word, tag_name) : NULL;

    g_string_append_c(writer->json, '{');
    for (guint i = 0; i < word->members->len; i++) {
        const Word *member = word->members->pdata[i];
        g_string_append(writer->json, i > 0 ? "," : "");
        write_quoted(writer->json, member->name);
        g_string_append_c(writer->json, ':');
        JsonObject *of_member =
            type ? ctl_schema_get_member(writer->schema, type, member->name, tag ? tag->value : NULL) : NULL;
        if (!write_word(writer, member, of_member))
            return FALSE;
    }
    g_string_append_c(writer->json, '}');
    return TRUE;
}

static gboolean
write_word(Writer *writer, const Word *word, JsonObject *type)
{
    if (word->is_json) {
        g_string_append(writer->json, word->value);
        return TRUE;
    }
    if (word->value)
        return write_value(writer, word, type);
    type = choose_container(writer, type);
    if (type && g_str_equal(ctl_schema_get_kind(type), "array"))
        return write_elements(writer, word, type);
    return write_members(writer, word, type && g_str_equal(ctl_schema_get_kind(type), "object") ? type : NULL);
}

/* Reads one word into @root. A JSON object is left alone. */
static gboolean
read_one_word(Word *root, const char *text, const char **file, GError **error)
{
    const char *equals = strchr(text, '=');

    if (text[0] == '@') {
        if (*file)
            return refuse_word(error, text, "is the second descriptor; a command takes one");
        *file = text + 1;
        return TRUE;
    }
    if (!equals || equals == text || (equals == text + 1 && text[0] == ':'))
        return refuse_word(error, text, "is none of KEY=VALUE, KEY:=JSON, a JSON object, @FILE");
    gboolean is_json = equals[-1] == ':';
    g_autofree char *key = g_strndup(text, (gsize)(equals - text - is_json));
    return place_word(root, key, equals + 1, is_json, error);
}

/* Reads the words into @root; or gives the one that is all arguments. */
static gboolean
read_words(char **words, Word *root, const char **ret_whole, const char **ret_file, GError **error)
{
    *ret_whole = *ret_file = NULL;
    for (guint i = 0; words[i]; i++) {
        const char *text = words[i] + strspn(words[i], " \t\n");
        if (*text == '{' && !*ret_whole)
            *ret_whole = text;
        else if (!read_one_word(root, words[i], ret_file, error))
            return FALSE;
    }
    if (*ret_whole && root->members->len > 0)
        return refuse_word(error, *ret_whole, "is all arguments; KEY=VALUE cannot come with it");
    return TRUE;
}

static gboolean
needs_schema(const Word *word)
{
    if (word->value)
        return !word->is_json;
    for (guint i = 0; i < word->members->len; i++)
        if (needs_schema(word->members->pdata[i]))
            return TRUE;
    return FALSE;
}

static char *
write_arguments(const CtlSchema *schema, const char *command, const Word *root, GError **error)
{
    g_autoptr(GString) json = g_string_new(NULL);
    Writer writer = { .schema = schema, .json = json, .error = error };
    JsonObject *type = schema ? ctl_schema_get_arguments(schema, command) : NULL;

    return write_members(&writer, root, type) ? g_strdup(json->str) : NULL;
}

char *
ctl_read_arguments_by(const CtlSchema *schema, const char *command, char **words, const char **ret_file, GError **error)
{
    g_autoptr(Word) root = word_new("");
    const char *whole;

    if (!read_words(words, root, &whole, ret_file, error))
        return NULL;
    return whole ? g_strdup(whole) : write_arguments(schema, command, root, error);
}

/* Who may run a command and not look at the schema gives words that are taken for what they look like. */
static gboolean
is_schema_refusal(const GError *problem)
{
    return ctl_error_is(problem, "NotAuthorized") ||
           ctl_error_is(problem, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
}

char *
ctl_read_arguments(Ctl *ctl, const char *path, const char *command, char **words, const char **ret_file, GError **error)
{
    g_autoptr(Word) root = word_new("");
    g_autoptr(CtlSchema) schema = NULL;
    g_autoptr(GError) problem = NULL;
    const char *whole;

    if (!read_words(words, root, &whole, ret_file, error))
        return NULL;
    if (whole)
        return g_strdup(whole);
    if (needs_schema(root) && !(schema = ctl_schema_load(ctl, path, &problem)) && !is_schema_refusal(problem)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    return write_arguments(schema, command, root, error);
}
