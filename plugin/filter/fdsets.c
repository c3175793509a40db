/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fdsets.h"

#include <sys/random.h>

#include "fdset-tag.h"
#include "json-member.h"
#include "json-tree.h"
#include "lazy-table.h"

/* Bytes of add-fd's reply. */
#define MAX_ADDED 1024u

/* Of one caller, and of all callers who have left; QEMU may have as many descriptors altogether, as a rule. */
#define MAX_FDS 1024u

/* QEMU is told once to remove a descriptor, once more when the guest runs, and then a few times in case the guest has
 * been stopped again meanwhile. QEMU itself closes a descriptor that is in use, when that use has ended. */
#define MAX_TRIES 8u

/* Of sets that callers do not number themselves. QEMU itself begins at 1, and takes no more than an int where a file is named by
 * the number. */
#define MIN_NUMBER 1000000
#define MAX_NUMBER G_MAXINT32

/* Stands for all callers who have left: no unique name is empty. */
#define LEFT ""

typedef struct Fd {
    gint64 fdset, fd;
    char *caller; /* owned; LEFT: has left */
    guint64 serial; /* the younger, the greater */
    gboolean is_removed; /* QEMU says so */
    gboolean is_tried; /* to be removed by us */
    guint tries;
} Fd;

struct Fdsets {
    char *tag; /* owned */
    GHashTable *owners; /* owned; fdset → caller, owned; LEFT: has left; NULL, as the next: there was none yet */
    GHashTable *common; /* owned; set of fdsets */
    GPtrArray *fds; /* owned, of Fd */
    guint64 serial; /* the last */
};

static void
fd_free(gpointer data)
{
    Fd *fd = data;

    g_free(fd->caller);
    g_free(fd);
}

Fdsets *
fdsets_new(const char *tag)
{
    Fdsets *fdsets = g_new0(Fdsets, 1);

    fdsets->tag = g_strdup(tag);
    fdsets->fds = g_ptr_array_new_with_free_func(fd_free);
    return fdsets;
}

void
fdsets_free(Fdsets *fdsets)
{
    g_clear_pointer(&fdsets->owners, g_hash_table_unref);
    g_clear_pointer(&fdsets->common, g_hash_table_unref);
    g_ptr_array_unref(fdsets->fds);
    g_free(fdsets->tag);
    g_free(fdsets);
}

static void
set_owner(Fdsets *fdsets, gint64 fdset, const char *caller)
{
    if (!fdsets->owners)
        fdsets->owners = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    g_hash_table_insert(fdsets->owners, g_memdup2(&fdset, sizeof fdset), g_strdup(caller));
}

static void
add_common(Fdsets *fdsets, gint64 fdset)
{
    if (!fdsets->common)
        fdsets->common = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    g_hash_table_add(fdsets->common, g_memdup2(&fdset, sizeof fdset));
}

static JsonNode *
parse_fdsets_reply(const QmpText *reply)
{
    return json_tree_parse_answer(reply->text, reply->length);
}

/* -1: @node has no such number. */
static gint64
get_fd_number(JsonNode *node, const char *name)
{
    gint64 value;

    return json_member_get_int(node, name, &value) ? value : -1;
}

static char *
name_fd(gint64 fdset, gint64 fd)
{
    return fd < 0 ? g_strdup_printf("%" G_GINT64_FORMAT, fdset)
                  : g_strdup_printf("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, fdset, fd);
}

static void
add_fd(Fdsets *fdsets, gint64 fdset, gint64 number, const char *caller)
{
    Fd *fd = g_new(Fd, 1);

    *fd = (Fd){ .fdset = fdset, .fd = number, .caller = g_strdup(caller), .serial = ++fdsets->serial };
    g_ptr_array_add(fdsets->fds, fd);
}

static gboolean
is_listed(GHashTable *listed, gint64 fdset, gint64 fd)
{
    g_autofree char *name = name_fd(fdset, fd);

    return g_hash_table_contains(listed, name);
}

/* The names (name_fd()) of the descriptors that are known. */
static GHashTable *
list_known(Fdsets *fdsets)
{
    GHashTable *known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < fdsets->fds->len; i++) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        g_hash_table_add(known, name_fd(fd->fdset, fd->fd));
    }
    return known;
}

/* Whether every descriptor in the set was left by an agent that was killed; each that was is noted. */
static gboolean
note_left(Fdsets *fdsets, gint64 fdset, JsonArray *fds, GHashTable *known)
{
    gboolean is_whole = json_array_get_length(fds) > 0;

    for (guint i = 0; i < json_array_get_length(fds); i++) {
        JsonObject *fd = json_member_get_object_at(fds, i);
        const char *opaque = fd ? json_member_get_string(fd, "opaque") : NULL;
        gint64 number = get_fd_number(json_array_get_element(fds, i), "fd");
        gboolean is_left = opaque && fdset_tag_is_on(fdsets->tag, opaque) && fdsets->fds->len < MAX_FDS;
        is_whole &= is_left;
        if (is_left && g_hash_table_add(known, name_fd(fdset, number)))
            add_fd(fdsets, fdset, number, LEFT);
    }
    return is_whole;
}

static void
note_listed_fdset(Fdsets *fdsets, JsonNode *listed, GHashTable *known)
{
    JsonArray *fds =
        JSON_NODE_HOLDS_OBJECT(listed) ? json_member_get_array(json_node_get_object(listed), "fds") : NULL;
    gint64 fdset = get_fd_number(listed, "fdset-id");

    if (lazy_table_contains(fdsets->owners, &fdset))
        return;
    if (fds && note_left(fdsets, fdset, fds, known))
        set_owner(fdsets, fdset, LEFT);
    else
        add_common(fdsets, fdset);
}

void
fdsets_note_common(Fdsets *fdsets, const QmpText *reply)
{
    g_autoptr(JsonNode) list = parse_fdsets_reply(reply);
    g_autoptr(GHashTable) known = list_known(fdsets);

    for (guint i = 0; list && JSON_NODE_HOLDS_ARRAY(list) && i < json_array_get_length(json_node_get_array(list)); i++)
        note_listed_fdset(fdsets, json_array_get_element(json_node_get_array(list), i), known);
}

const char *
fdsets_get_tag(Fdsets *fdsets)
{
    return fdsets->tag;
}

static gboolean
has_fds(Fdsets *fdsets, gint64 fdset, gboolean also_removed)
{
    for (guint i = 0; i < fdsets->fds->len; i++) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        if (fd->fdset == fdset && (also_removed || !fd->is_removed))
            return TRUE;
    }
    return FALSE;
}

/* Nobody can tell it before QEMU has. What a command names is looked at when it is sent; QEMU may be busy, and begin with it behind
 * the add-fd that makes another caller's set of the number. */
static gint64
make_number(void)
{
    guint32 token;

    if (getrandom(&token, sizeof token, 0) != sizeof token)
        token = g_random_int();
    return MIN_NUMBER + token % (MAX_NUMBER - MIN_NUMBER);
}

/* An agent before may have left sets, too, or may be about to remove one. */
gint64
fdsets_take_number(Fdsets *fdsets)
{
    gint64 number;

    do
        number = make_number();
    while (lazy_table_contains(fdsets->owners, &number) || lazy_table_contains(fdsets->common, &number));
    return number;
}

void
fdsets_note_added(Fdsets *fdsets, const QmpText *reply, const char *caller)
{
    g_autoptr(JsonNode) added = reply->length <= MAX_ADDED ? parse_fdsets_reply(reply) : NULL;
    gint64 fdset = added ? get_fd_number(added, "fdset-id") : -1;

    if (fdset < 0)
        return;
    if (!lazy_table_contains(fdsets->common, &fdset) && !has_fds(fdsets, fdset, /* also_removed= */ FALSE))
        set_owner(fdsets, fdset, caller);
    add_fd(fdsets, fdset, get_fd_number(added, "fd"), caller);
}

void
fdsets_note_removed(Fdsets *fdsets, JsonNode *arguments)
{
    gint64 fdset = get_fd_number(arguments, "fdset-id"), number = get_fd_number(arguments, "fd");

    for (guint i = 0; i < fdsets->fds->len; i++) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        if (fd->fdset == fdset && (number < 0 || fd->fd == number))
            fd->is_removed = TRUE;
    }
}

guint64
fdsets_get_serial(Fdsets *fdsets)
{
    return fdsets->serial;
}

/* The set of the names "FDSET" and "FDSET/FD" (name_fd()); NULL: the reply cannot be read. */
static GHashTable *
read_listed(const QmpText *reply)
{
    g_autoptr(JsonNode) list = parse_fdsets_reply(reply);
    GHashTable *listed;

    if (!list || !JSON_NODE_HOLDS_ARRAY(list))
        return NULL;
    listed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < json_array_get_length(json_node_get_array(list)); i++) {
        JsonNode *element = json_array_get_element(json_node_get_array(list), i);
        JsonNode *fds =
            JSON_NODE_HOLDS_OBJECT(element) ? json_object_get_member(json_node_get_object(element), "fds") : NULL;
        gint64 fdset = get_fd_number(element, "fdset-id");
        g_hash_table_add(listed, name_fd(fdset, -1));
        for (guint j = 0; fds && JSON_NODE_HOLDS_ARRAY(fds) && j < json_array_get_length(json_node_get_array(fds));
             j++)
            g_hash_table_add(listed,
                             name_fd(fdset, get_fd_number(json_array_get_element(json_node_get_array(fds), j), "fd")));
    }
    return listed;
}

typedef struct Gone {
    Fdsets *fdsets; /* weak */
    GHashTable *listed; /* weak; as read_listed() gave it */
} Gone;

static gboolean
is_owned_set_gone(gpointer fdset, gpointer unused_caller, gpointer gone)
{
    Gone *sets = gone;

    return !is_listed(sets->listed, *(gint64 *)fdset, -1) &&
           !has_fds(sets->fdsets, *(gint64 *)fdset, /* also_removed= */ TRUE);
}

static gboolean
is_common_set_gone(gpointer fdset, gpointer unused_value, gpointer gone)
{
    return !is_listed(((Gone *)gone)->listed, *(gint64 *)fdset, -1);
}

void
fdsets_note_all(Fdsets *fdsets, const QmpText *reply, guint64 serial)
{
    g_autoptr(GHashTable) listed = read_listed(reply);
    Gone gone = { fdsets, listed };

    if (!listed)
        return;
    for (guint i = fdsets->fds->len; i-- > 0;) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        if (fd->serial <= serial && !is_listed(listed, fd->fdset, fd->fd))
            g_ptr_array_remove_index_fast(fdsets->fds, i);
    }
    lazy_table_remove_if(fdsets->owners, is_owned_set_gone, &gone);
    lazy_table_remove_if(fdsets->common, is_common_set_gone, &gone);
}

gboolean
fdsets_is_foreign(Fdsets *fdsets, gint64 fdset, const char *caller)
{
    const char *owner = lazy_table_lookup(fdsets->owners, &fdset);

    return owner && !g_str_equal(owner, caller);
}

gboolean
fdsets_is_full(Fdsets *fdsets, const char *caller)
{
    guint n = 0;

    for (guint i = 0; i < fdsets->fds->len; i++)
        n += g_str_equal(((Fd *)g_ptr_array_index(fdsets->fds, i))->caller, caller);
    return n >= MAX_FDS;
}

void
fdsets_leave(Fdsets *fdsets, const char *caller)
{
    g_autoptr(GList) sets = lazy_table_list_keys(fdsets->owners);

    for (guint i = 0; i < fdsets->fds->len; i++) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        if (!g_str_equal(fd->caller, caller))
            continue;
        g_free(fd->caller);
        fd->caller = g_strdup(LEFT);
    }
    for (GList *i = sets; i; i = i->next)
        if (!fdsets_is_foreign(fdsets, *(gint64 *)i->data, caller))
            set_owner(fdsets, *(gint64 *)i->data, LEFT);
}

/* Removes the whole set where its owner has left. Otherwise only the descriptor: the number of a set that was given
 * up may be another caller's by now. */
static void
remove_left_fd(Fdsets *fdsets, Fd *fd, FdsetsFunc func, gpointer user_data)
{
    const char *owner = lazy_table_lookup(fdsets->owners, &fd->fdset);
    gboolean is_whole = g_strcmp0(owner, LEFT) == 0;

    fd->is_tried = TRUE;
    fd->tries++;
    for (guint i = 0; is_whole && i < fdsets->fds->len; i++) {
        Fd *other = g_ptr_array_index(fdsets->fds, i);
        if (other->fdset != fd->fdset || other == fd)
            continue;
        other->is_tried = TRUE;
        other->tries++;
    }
    func(fd->fdset, is_whole ? -1 : fd->fd, user_data);
}

guint
fdsets_remove_left(Fdsets *fdsets, guint max, FdsetsFunc func, gpointer user_data)
{
    guint n = 0;

    for (guint i = 0; i < fdsets->fds->len && n < max; i++) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        if (!g_str_equal(fd->caller, LEFT) || fd->is_tried)
            continue;
        remove_left_fd(fdsets, fd, func, user_data);
        n++;
    }
    return n;
}

void
fdsets_retry(Fdsets *fdsets)
{
    for (guint i = 0; i < fdsets->fds->len; i++) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        fd->is_tried = fd->tries >= MAX_TRIES;
    }
}
