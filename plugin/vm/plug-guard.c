/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by qmp-monitor.c before QEMU gets its end of the socketpair; owns nothing: all is in the kernel.
 *
 * An agent that is killed while QEMU plugs a monitor must not take its ends with it. With the control connection QEMU would
 * drop the commands that it has not read, and with our end of the monitor's connection the character device would
 * close before the monitor object is there, which then never goes (QEMU 11.1; sometimes it ends with SIGSEGV or SIGABRT).
 *
 * A process that outlives the agent is not needed for that. A descriptor in a message that nobody has read keeps
 * its file open, and the message is in the care of whoever has the socket that it was sent to. So before QEMU is given its
 * end, three bytes are written to that:
 *
 *   ours ---> [ ' ' + one of no use ] [ ' ' + 16 of no use, ours, control ] [ '\n' + one of no use ] ---> QEMU's end
 *
 * Nobody reads them before the monitor is there. QEMU takes 16 descriptors of a message, and the kernel closes the others when
 * the message is read: from then on both connections end with the agent, and the monitor with its connection. QEMU itself never
 * has an end. An end that QEMU took with the second message would stay open for as long as QEMU runs, if QEMU had no room for the
 * third one: a full QEMU has room for the second alone where the agent's death has just ended another monitor (5 of 150 kills).
 *
 * QEMU closes what it took when others come: those of the second message with the third, for which the first has kept a place
 * in a full QEMU. Where even that fails, 16 useless files are left until the monitor goes. If QEMU closes its end
 * first, the kernel drops the messages and all in them.
 *
 * For as long as QEMU has an end that no monitor reads, nobody else is let in at the control monitor. An agent that lives
 * undoes a plug that QEMU refused, and so frees it; one that is killed in that moment does not. So the guard is armed only
 * where QEMU refuses no step (callers/monitor-pool.c). With the schema of 11.1, each refusal that could be made there lets go
 * of the end, or is nobody's accident:
 *
 *   getfd        QEMU may open no more descriptors, or may not have this one: the kernel closes it.
 *   chardev-add  The id is taken. It is random, so somebody with a monitor of their own must have read it, and been faster.
 *   object-add   The id is taken, or the device is: the same.
 *
 * With no memory, or no thread, QEMU itself ends. -compat, -sandbox and a limit of descriptors refuse neither of the last two. To send
 * `closefd` and `chardev-remove` behind each plug would free the end in every case, and cost each plug 0.45 ms of some 2.5.
 *
 * All bytes are white space between commands. QEMU has had the other ends of both connections all the time, so it learns
 * nothing. It may change the flags of the files: we use MSG_DONTWAIT (socket/qmp-socket.h). */
#include "plug-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* QEMU takes so many descriptors of a message (SOCKET_MAX_FDS of its io/channel-socket.c, seen with 11.1). */
#define N_TAKEN 16

#define MAX_FDS (N_TAKEN + 2)

static gboolean
send_with_fds(int socket, char byte, const int *fds, guint n_fds)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
    } control = { .header = { CMSG_LEN(n_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
    struct iovec data = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE(n_fds * sizeof(int)),
    };

    memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

gboolean
plug_guard_arm(int ours, int control)
{
    int useless = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fds[MAX_FDS];
    gboolean is_armed;
    int code;

    if (useless < 0)
        return FALSE;
    for (guint i = 0; i < N_TAKEN; i++)
        fds[i] = useless;
    fds[N_TAKEN] = ours;
    fds[N_TAKEN + 1] = control;
    is_armed = send_with_fds(ours, ' ', &useless, 1) && send_with_fds(ours, ' ', fds, MAX_FDS) &&
               send_with_fds(ours, '\n', &useless, 1);
    code = errno;
    close(useless);
    errno = code;
    return is_armed;
}
