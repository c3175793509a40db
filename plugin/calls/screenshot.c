/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a screenshot, from top to bottom:
 *
 *   screenshots_take()           Screenshot(): the options are read
 *   ask_for_screen()             the policy is asked as for the command screendump
 *   on_screen_allowed()          the caller may
 *   add_picture_file()           a memory file (picture-file.c) goes to QEMU by the caller's monitor, as an fdset of the agent's
 *   on_picture_file_added()      QEMU has said which
 *   dump_screen()                screendump to that, by the same monitor
 *   on_screen_dumped()           QEMU has written; the picture is copied
 *   on_picture_copied()          the caller gets the copy
 *   end_screenshot()             the file, empty again, is kept for the next screenshot
 *   drop_shared_file()           the VM goes, or the file is of no use: the fdset goes, by the way by which the fdsets of callers who
 *                                have left go (callers/caller-resources.c)
 *
 * A file is kept because QEMU does not let go of an fdset as it should (7.2 to 11.1). While the guest stands, QEMU says that it has
 * removed a descriptor, and keeps it. A set that a PNG went to stays for ever, without descriptors: QEMU closes the file without
 * noting that, and may miscount other sets for it. So QEMU never has more of our files than there were screenshots at a
 * time, which is one as a rule, however many are taken. */
#include "screenshot.h"

#include <string.h>
#include <unistd.h>

#include "caller-command.h"
#include "caller-sessions.h"
#include "errors.h"
#include "json-member.h"
#include "json-tree.h"
#include "picture-file.h"
#include "screenshot-options.h"
#include "timer.h"

/* QEMU makes one picture at a time. Each has three descriptors here, of which a process may have 1,024 where nobody has allowed
 * it more, and one in QEMU. A user, who may have many connections, takes no more than is left for all others. */
static const QuotaLimits limits_of_vm = { .of_caller = { .n = 4 }, .of_all = { .n = 16 } };
static const QuotaLimits limits_of_all = { .of_caller = { .n = 32 }, .of_all = { .n = 128 } };

/* us after which it is looked at how much QEMU has written. */
#define LOOK_INTERVAL ((guint64)100 * G_TIME_SPAN_MILLISECOND)

/* Bytes of polkit's question: a device's id of 512 at most, and words of ours. */
#define QUESTION_SIZE 1024

/* A file that QEMU has in an fdset. */
typedef struct SharedFile {
    PictureFile *file; /* owned */
    char *owner; /* owned; stands for it where fdsets have an owner */
    gint64 fdset; /* -1: QEMU has not told */
} SharedFile;

struct Screenshots {
    VmContext *vm_context; /* weak */
    GQueue all; /* of Screenshot, owned, by their links */
    GQueue idle_files; /* of SharedFile, owned */
    Quota quota; /* of these */
    guint n_files; /* made so far */
    gboolean is_stopped;
};

typedef struct Screenshot {
    Screenshots *screenshots; /* weak */
    ScreenshotOptions options; /* owned */
    BusCall *call; /* owned; NULL: the caller has left, or is answered */
    CallerCommand command; /* the step that is under way */
    SharedFile *file; /* owned; once the policy has let it through */
    gboolean is_kept_file; /* the file is from another screenshot */
    gboolean is_unsure; /* QEMU may write to the file yet, or has it no more */
    GSource *looker; /* owned; while QEMU writes */
    gboolean is_too_large;
    PictureCopy *copy; /* owned; once QEMU has written */
    GList link; /* in screenshots->all */
    QuotaShare shares[2]; /* of the VM's quota, and of the context's */
} Screenshot;

static void
shared_file_free(SharedFile *shared)
{
    picture_file_free(shared->file);
    g_free(shared->owner);
    g_free(shared);
}

/* QEMU is told to close it, at once or when it has said which it is. */
static void
drop_shared_file(Screenshots *screenshots, SharedFile *shared)
{
    caller_sessions_drop_fdsets(screenshots->vm_context->sessions, shared->owner);
    shared_file_free(shared);
}

static void
give_back_file(Screenshot *screenshot)
{
    Screenshots *screenshots = screenshot->screenshots;
    SharedFile *shared = g_steal_pointer(&screenshot->file);

    if (screenshots->is_stopped || shared->fdset < 0 || screenshot->is_unsure || screenshot->is_too_large) {
        drop_shared_file(screenshots, shared);
        return;
    }
    picture_file_reset(shared->file);
    g_queue_push_head(&screenshots->idle_files, shared);
}

static void
end_screenshot(Screenshot *screenshot)
{
    caller_command_cancel(&screenshot->command);
    timer_stop(&screenshot->looker);
    g_clear_pointer(&screenshot->copy, picture_copy_free);
    if (screenshot->file)
        give_back_file(screenshot);
    quota_share_return(&screenshot->shares[0]);
    quota_share_return(&screenshot->shares[1]);
    g_queue_unlink(&screenshot->screenshots->all, &screenshot->link);
    screenshot_options_clear(&screenshot->options);
    g_free(screenshot);
}

static void
fail_screenshot(Screenshot *screenshot, const GError *error)
{
    if (screenshot->call)
        errors_fail(g_steal_pointer(&screenshot->call), error);
    end_screenshot(screenshot);
}

/* A step of which nothing more is known: it has failed, or nobody waits for the next. */
static gboolean
ends_with_step(Screenshot *screenshot, const QmpReply *reply, const GError *error)
{
    VmContext *vm_context = screenshot->screenshots->vm_context;

    if (error) {
        screenshot->is_unsure = TRUE;
        fail_screenshot(screenshot, error);
        return TRUE;
    }
    if (screenshot->call && !reply->error_class)
        return FALSE;
    if (screenshot->call)
        errors_fail_command(g_steal_pointer(&screenshot->call), reply, vm_schema_get_interfaces(vm_context->schema),
                            screenshot->command.name);
    end_screenshot(screenshot);
    return TRUE;
}

static CallerCommandStart
start_screenshot_step(Screenshot *screenshot, const CallerCommand *step)
{
    g_autoptr(GError) error = NULL;
    CallerCommand whole = *step;
    CallerCommandStart state;

    whole.vm_context = screenshot->screenshots->vm_context;
    whole.fdset_owner = screenshot->file ? screenshot->file->owner : NULL;
    whole.size = QUESTION_SIZE;
    whole.user_data = screenshot;
    state = caller_command_start_step(&screenshot->command, &whole, screenshot->call, &error);
    if (state == CALLER_COMMAND_FAILED)
        fail_screenshot(screenshot, error);
    return state;
}

static void
on_picture_copied(int fd, const GError *error, gpointer user_data)
{
    Screenshot *screenshot = user_data;

    if (error) {
        fail_screenshot(screenshot, error);
        return;
    }
    bus_call_return_fd(g_steal_pointer(&screenshot->call), fd);
    close(fd);
    end_screenshot(screenshot);
}

static gboolean
look_at_size(gpointer user_data)
{
    Screenshot *screenshot = user_data;
    GMainContext *context = screenshot->screenshots->vm_context->context->host->context;

    timer_stop(&screenshot->looker);
    screenshot->is_too_large = picture_file_check_size(screenshot->file->file);
    if (!screenshot->is_too_large)
        screenshot->looker = timer_start(context, LOOK_INTERVAL, look_at_size, screenshot);
    return G_SOURCE_REMOVE;
}

static void
fail_stopped(Screenshot *screenshot)
{
    g_autoptr(GError) error = g_error_new_literal(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");

    fail_screenshot(screenshot, error);
}

/* Somebody else has removed the fdset, by a monitor that is not ours. 7.2 and 10.0 fail to open the path then; 11.1 fails to find the
 * fdset, or a file descriptor in it. */
static gboolean
is_file_lost(const QmpReply *reply)
{
    return reply && g_strcmp0(reply->error_class, "GenericError") == 0 &&
           (strstr(reply->error_text, "'/dev/fdset/") || strstr(reply->error_text, "Failed to find f"));
}

static void add_picture_file(Screenshot *screenshot);

/* The next screenshots are not to meet the lost file again, and this one does not fail for it. FALSE: the file is new. */
static gboolean
replace_lost_file(Screenshot *screenshot)
{
    screenshot->is_unsure = TRUE;
    if (!screenshot->is_kept_file || !screenshot->call)
        return FALSE;
    give_back_file(screenshot);
    screenshot->is_unsure = FALSE;
    add_picture_file(screenshot);
    return TRUE;
}

static void
on_screen_dumped(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Screenshot *screenshot = user_data;
    GMainContext *context = screenshot->screenshots->vm_context->context->host->context;
    g_autoptr(GError) too_large = NULL;

    timer_stop(&screenshot->looker);
    screenshot->is_too_large |= picture_file_check_size(screenshot->file->file);
    if (!error && screenshot->is_too_large) {
        g_set_error(&too_large, QMP_ERROR, QMP_ERROR_LIMIT, "QEMU has written more than %u bytes as a picture",
                    PICTURE_MAX_SIZE);
        fail_screenshot(screenshot, too_large);
        return;
    }
    if ((is_file_lost(reply) && replace_lost_file(screenshot)) || ends_with_step(screenshot, reply, error))
        return;
    /* A reply that was held back is given after screenshots_stop(), and the VM goes before a copy could be made. */
    if (screenshot->screenshots->is_stopped)
        fail_stopped(screenshot);
    else
        screenshot->copy = picture_copy_new(context, screenshot->file->file, screenshot->options.format->magic,
                                            on_picture_copied, screenshot);
}

static void
dump_screen(Screenshot *screenshot)
{
    g_autofree char *path = g_strdup_printf("/dev/fdset/%" G_GINT64_FORMAT, screenshot->file->fdset);
    GMainContext *context = screenshot->screenshots->vm_context->context->host->context;

    if (start_screenshot_step(screenshot,
                              &(CallerCommand){
                                  .name = "screendump",
                                  .arguments = screenshot_options_make_arguments(&screenshot->options, path),
                                  .fd = -1,
                                  .is_described = TRUE,
                                  .is_allowed = TRUE,
                                  .func = on_screen_dumped,
                              }) == CALLER_COMMAND_UNDER_WAY)
        screenshot->looker = timer_start(context, LOOK_INTERVAL, look_at_size, screenshot);
}

static void
on_picture_file_added(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Screenshot *screenshot = user_data;
    g_autoptr(JsonNode) added =
        reply && !reply->error_class ? json_tree_parse_answer(reply->value.text, reply->value.length) : NULL;
    g_autoptr(GError) problem = NULL;

    if (added && !json_member_get_int(added, "fdset-id", &screenshot->file->fdset))
        screenshot->file->fdset = -1;
    if (ends_with_step(screenshot, reply, error))
        return;
    if (screenshot->file->fdset >= 0) {
        dump_screen(screenshot);
        return;
    }
    g_set_error(&problem, QMP_ERROR, QMP_ERROR_PROTOCOL, "QEMU's reply to add-fd tells of no fdset");
    fail_screenshot(screenshot, problem);
}

static SharedFile *
shared_file_new(Screenshots *screenshots, GError **error)
{
    PictureFile *file = picture_file_new(error);
    SharedFile *shared;

    if (!file)
        return NULL;
    shared = g_new0(SharedFile, 1);
    shared->file = file;
    shared->owner = g_strdup_printf("picture %u", ++screenshots->n_files);
    shared->fdset = -1;
    return shared;
}

static void
add_picture_file(Screenshot *screenshot)
{
    g_autoptr(GError) error = NULL;
    int fd = -1;

    screenshot->is_kept_file = FALSE;
    screenshot->file = shared_file_new(screenshot->screenshots, &error);
    if (screenshot->file)
        fd = picture_file_dup_writer(screenshot->file->file);
    if (fd < 0) {
        if (!error)
            g_set_error(&error, QMP_ERROR, QMP_ERROR_LIMIT, "The agent has no descriptors left");
        fail_screenshot(screenshot, error);
        return;
    }
    start_screenshot_step(screenshot, &(CallerCommand){
                                          .name = "add-fd",
                                          .flags = QMP_EXECUTE_FD,
                                          .fd = fd,
                                          .is_allowed = TRUE,
                                          .func = on_picture_file_added,
                                      });
}

static void
use_screen(Screenshot *screenshot)
{
    screenshot->file = g_queue_pop_head(&screenshot->screenshots->idle_files);
    screenshot->is_kept_file = screenshot->file != NULL;
    if (screenshot->is_kept_file)
        dump_screen(screenshot);
    else
        add_picture_file(screenshot);
}

static void
on_screen_allowed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Screenshot *screenshot = user_data;

    if (error)
        fail_screenshot(screenshot, error);
    else
        use_screen(screenshot);
}

static void
ask_for_screen(Screenshot *screenshot)
{
    if (start_screenshot_step(screenshot,
                              &(CallerCommand){
                                  .name = "screendump",
                                  .arguments = screenshot_options_make_arguments(&screenshot->options, NULL),
                                  .fd = -1,
                                  .is_method = TRUE,
                                  .func = on_screen_allowed,
                              }) == CALLER_COMMAND_ALLOWED)
        use_screen(screenshot);
}

static gboolean
take_screen_room(Screenshot *screenshot, GError **error)
{
    VmContext *vm_context = screenshot->screenshots->vm_context;
    const BusPeer *peer = bus_call_get_peer(screenshot->call);

    if (quota_take(&screenshot->screenshots->quota, &limits_of_vm, peer->name, peer->uid, /* bytes= */ 0,
                   &screenshot->shares[0]) &&
        quota_take(&vm_context->context->screenshots, &limits_of_all, peer->name, peer->uid, /* bytes= */ 0,
                   &screenshot->shares[1]))
        return TRUE;
    g_set_error(
        error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
        "A caller may take %u screenshots of a VM at a time and %u in all, and there may be %u of a VM and %u in "
        "all, of which a user may have no more than are left for all others",
        limits_of_vm.of_caller.n, limits_of_all.of_caller.n, limits_of_vm.of_all.n, limits_of_all.of_all.n);
    return FALSE;
}

void
screenshots_take(Screenshots *screenshots, BusCall *call)
{
    Screenshot *screenshot = g_new0(Screenshot, 1);
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;

    screenshot->screenshots = screenshots;
    screenshot->call = call;
    screenshot->command.fd = -1;
    screenshot->link.data = screenshot;
    g_queue_push_tail_link(&screenshots->all, &screenshot->link);
    dbus_message_iter_init(bus_call_get_message(call), &iter);
    if (!take_screen_room(screenshot, &error) ||
        !screenshot_options_read(&iter, vm_get_qemu(screenshots->vm_context->vm), &screenshot->options, &error)) {
        fail_screenshot(screenshot, error);
        return;
    }
    bus_call_drop_message(call);
    ask_for_screen(screenshot);
}

/* What QEMU has begun it goes on with: until it answers the file is nobody else's. */
void
screenshots_drop_caller(Screenshots *screenshots, const char *unique_name)
{
    for (GList *i = screenshots->all.head, *next; i; i = next) {
        Screenshot *screenshot = i->data;
        next = i->next;
        if (!screenshot->call || !g_str_equal(bus_call_get_sender(screenshot->call), unique_name))
            continue;
        bus_call_fail_code(g_steal_pointer(&screenshot->call), BUS_ERROR_DISCONNECTED, "The caller has left");
        if (!caller_command_abandon(&screenshot->command))
            end_screenshot(screenshot);
    }
}

Screenshots *
screenshots_new(VmContext *vm_context)
{
    Screenshots *screenshots = g_new0(Screenshots, 1);

    screenshots->vm_context = vm_context;
    return screenshots;
}

void
screenshots_stop(Screenshots *screenshots)
{
    screenshots->is_stopped = TRUE;
    while (screenshots->idle_files.head)
        drop_shared_file(screenshots, g_queue_pop_head(&screenshots->idle_files));
    for (GList *i = screenshots->all.head, *next; i; i = next) {
        Screenshot *screenshot = i->data;
        next = i->next;
        if (screenshot->copy)
            fail_stopped(screenshot);
    }
}

void
screenshots_free(Screenshots *screenshots)
{
    g_free(screenshots);
}
