/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of paths: a path that stays behind is listed by every browser of the bus as an object that is not there, and one
 * that goes too early takes a VM off the bus. */
#include "bus-tree.h"

#include "bus-standard.h"

typedef struct Fixture {
    BusTree *tree; /* owned */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    BusInterface *standard[BUS_N_STANDARD];

    bus_standard_new(standard);
    fixture->tree = bus_tree_new(standard);
    for (guint i = 0; i < BUS_N_STANDARD; i++)
        bus_interface_unref(standard[i]);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    bus_tree_free(fixture->tree);
}

static BusNode *
insert(Fixture *fixture, BusObject *object)
{
    return object->node = bus_tree_insert(fixture->tree, object);
}

static gboolean
is_there(Fixture *fixture, const char *path)
{
    BusNode *node = bus_tree_lookup(fixture->tree, path);

    g_assert_true(!node || g_str_equal(node->path, path));
    return node != NULL;
}

/* The paths that lead to an object come and go with it. */
static void
test_paths(Fixture *fixture, gconstpointer unused)
{
    BusObject first = { .path = (char *)"/a/b/one" }, second = { .path = (char *)"/a/b/two" };
    BusObject above = { .path = (char *)"/a" };

    g_assert_true(insert(fixture, &first)->object == &first);
    insert(fixture, &second);
    g_assert_true(is_there(fixture, "/") && is_there(fixture, "/a") && is_there(fixture, "/a/b"));
    g_assert_cmpuint(bus_tree_lookup(fixture->tree, "/a/b")->children.length, ==, 2);
    g_assert_null(bus_tree_lookup(fixture->tree, "/a/b")->object);
    g_assert_true(first.node->parent == bus_tree_lookup(fixture->tree, "/a/b"));

    bus_tree_remove(fixture->tree, first.node);
    g_assert_false(is_there(fixture, "/a/b/one"));
    g_assert_true(is_there(fixture, "/a/b"));
    g_assert_cmpuint(bus_tree_lookup(fixture->tree, "/a/b")->children.length, ==, 1);

    insert(fixture, &above);
    bus_tree_remove(fixture->tree, second.node);
    g_assert_false(is_there(fixture, "/a/b"));
    g_assert_true(is_there(fixture, "/a"));
    bus_tree_remove(fixture->tree, above.node);
    g_assert_false(is_there(fixture, "/a"));
    g_assert_true(is_there(fixture, "/"));
}

/* An object that has others below it leaves their paths alone. */
static void
test_object_in_between(Fixture *fixture, gconstpointer unused)
{
    BusObject vm = { .path = (char *)"/vm" }, job = { .path = (char *)"/vm/job" };

    insert(fixture, &vm);
    insert(fixture, &job);
    bus_tree_remove(fixture->tree, vm.node);
    g_assert_true(is_there(fixture, "/vm/job"));
    g_assert_null(bus_tree_lookup(fixture->tree, "/vm")->object);
    g_assert_true(insert(fixture, &vm) == bus_tree_lookup(fixture->tree, "/vm"));
    bus_tree_remove(fixture->tree, job.node);
    bus_tree_remove(fixture->tree, vm.node);
}

/* An object may stand at the root, which never goes. */
static void
test_root(Fixture *fixture, gconstpointer unused)
{
    BusObject root = { .path = (char *)"/" };

    g_assert_true(insert(fixture, &root) == bus_tree_lookup(fixture->tree, "/"));
    bus_tree_remove(fixture->tree, root.node);
    g_assert_true(is_there(fixture, "/"));
}

/* A path that only leads to objects can be introspected and pinged, and has no properties. */
static void
test_standard(Fixture *fixture, gconstpointer unused)
{
    static const char *const names[] = {
        [BUS_STANDARD_INTROSPECTABLE] = "org.freedesktop.DBus.Introspectable",
        [BUS_STANDARD_PEER] = "org.freedesktop.DBus.Peer",
        [BUS_STANDARD_PROPERTIES] = "org.freedesktop.DBus.Properties",
        [BUS_STANDARD_OBJECT_MANAGER] = "org.freedesktop.DBus.ObjectManager",
    };
    BusObject manager = { .path = (char *)"/a/b", .is_manager = TRUE }, plain = { .path = (char *)"/a/b/c" };

    insert(fixture, &manager);
    insert(fixture, &plain);
    g_assert_cmpuint(bus_node_count_standard(bus_tree_lookup(fixture->tree, "/a")), ==, 2);
    g_assert_cmpuint(bus_node_count_standard(plain.node), ==, 3);
    g_assert_cmpuint(bus_node_count_standard(manager.node), ==, 4);
    for (guint i = 0; i < BUS_N_STANDARD; i++)
        g_assert_cmpstr(bus_interface_get_name(bus_tree_get_standard(fixture->tree, (BusStandard)i)), ==, names[i]);
    bus_tree_remove(fixture->tree, plain.node);
    bus_tree_remove(fixture->tree, manager.node);
}

/* The Bus closes before an object is freed: the object must not refer to the tree any more. */
static void
test_tree_goes_first(void)
{
    BusObject object = { .path = (char *)"/a" };
    Fixture fixture;

    set_up(&fixture, NULL);
    insert(&fixture, &object);
    tear_down(&fixture, NULL);
    g_assert_null(object.node);
}

#define ADD_TEST(path, test) g_test_add("/bus-tree/" path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_TEST("paths", test_paths);
    ADD_TEST("object-in-between", test_object_in_between);
    ADD_TEST("root", test_root);
    ADD_TEST("standard", test_standard);
    g_test_add_func("/bus-tree/tree-goes-first", test_tree_goes_first);
    return g_test_run();
}
