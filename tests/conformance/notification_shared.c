/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "conformance/conformance.h"

/* Notifications of two processes: what they share goes over a socket. */

#define ROUNDS		2000

/* What is passed: memory, and for each side a handle that counts. */
enum { MEMORY, READ_A, WRITE_A, READ_B, WRITE_B, PASSED };

struct shared {
	int fds[PASSED];
	struct proactor_notification_memory *memory;	/* two of them */
};

static void
counter_open(int fds[2], bool is_pipe)
{
#ifdef __linux__
	if (!is_pipe) {
		fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		CHECK(fds[0] >= 0);
		fds[1] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		CHECK(fds[1] >= 0);
		return;
	}
#endif
	(void)is_pipe;
	CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static int
memory_open(void)
{
	char path[PATH_ROOM];
	int fd;

#ifdef __linux__
	fd = memfd_create("notification", MFD_CLOEXEC);
#else
	fd = open(temp_path(path, "shared"), O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600);
	CHECK_INT(unlink(path), 0);
#endif
	(void)path;
	CHECK(fd >= 0);
	CHECK_INT(ftruncate(fd, 4096), 0);
	return fd;
}

static void
shared_map(struct shared *s)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
	    s->fds[MEMORY], 0);

	CHECK(memory != MAP_FAILED);
	s->memory = memory;
}

static void
shared_open(struct shared *s, bool is_pipe)
{
	s->fds[MEMORY] = memory_open();
	counter_open(&s->fds[READ_A], is_pipe);
	counter_open(&s->fds[READ_B], is_pipe);
	shared_map(s);
}

static void
shared_close(struct shared *s)
{
	int i;

	CHECK_INT(munmap(s->memory, 4096), 0);
	for (i = 0; i < PASSED; i++)
		CHECK_INT(close(s->fds[i]), 0);
}

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(PASSED * sizeof(int))];
};

static void
shared_send(struct shared *s, int socket)
{
	union control control;
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr message;

	memset(&message, 0, sizeof(message));
	memset(&control, 0, sizeof(control));
	message.msg_iov = &iov;
	message.msg_iovlen = 1;
	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(s->fds));
	memcpy(CMSG_DATA(&control.header), s->fds, sizeof(s->fds));
	CHECK_INT(sendmsg(socket, &message, MSG_NOSIGNAL), 1);
}

static void
shared_receive(struct shared *s, int socket)
{
	union control control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message;

	memset(&message, 0, sizeof(message));
	message.msg_iov = &iov;
	message.msg_iovlen = 1;
	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	CHECK_INT(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), 1);
	CHECK(CMSG_FIRSTHDR(&message) != NULL);
	CHECK_INT(control.header.cmsg_len, CMSG_LEN(sizeof(s->fds)));
	memcpy(s->fds, CMSG_DATA(&control.header), sizeof(s->fds));
	shared_map(s);
}

/* Side A's notification, or side B's, over the memory of that number. */
static struct proactor_notification *
attach(struct world *w, struct shared *s, bool a, int number)
{
	struct proactor_notification *n;

	CHECK_INT(proactor_notification_create_shared(w->p,
	    &s->memory[number],
	    proactor_handle_fd(s->fds[a ? READ_A : READ_B]),
	    proactor_handle_fd(s->fds[a ? WRITE_B : WRITE_A]), &n), 0);
	return n;
}

/* Runs the two sides; each makes its own proactor after the fork. */
static void
two_processes(bool is_pipe, void (*a)(struct shared *),
    void (*b)(struct shared *))
{
	struct shared s;
	int sockets[2], status;
	pid_t child;

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(sockets[0]);
		shared_receive(&s, sockets[1]);
		b(&s);
		shared_close(&s);
		_exit(0);
	}
	close(sockets[1]);
	shared_open(&s, is_pipe);
	shared_send(&s, sockets[0]);
	a(&s);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	shared_close(&s);
	close(sockets[0]);
}

/* --- waits of both loops --- */

struct player {
	struct world w;
	struct proactor_notification *mine, *other;
	struct proactor_notification_wait_op wait;
};

/* Mine counts the other's signals: it waits for each in turn. */
static void
player_turn(struct player *p, size_t round)
{
	CHECK_INT(run_one(&p->w, &p->wait.base), 0);
	CHECK_INT(p->wait.epoch, round);
	p->wait.token = p->wait.epoch;
}

static void
player_open(struct player *p, struct shared *s, bool a)
{
	world_open(&p->w, NULL);
	p->mine = attach(&p->w, s, a, a ? 0 : 1);
	p->other = attach(&p->w, s, a, a ? 1 : 0);
	proactor_notification_wait_op_init(&p->wait, p->mine, record,
	    &p->w.r);
	p->wait.wait_flags = PROACTOR_NOTIFICATION_TOKEN;
}

static void
player_close(struct player *p)
{
	proactor_notification_release(p->mine);
	proactor_notification_release(p->other);
	world_close(&p->w);
}

static void
play_a(struct shared *s)
{
	struct player p;
	size_t i;

	player_open(&p, s, true);
	for (i = 1; i <= ROUNDS; i++) {
		CHECK_INT(proactor_notification_signal(p.other, 1), 0);
		player_turn(&p, i);
	}
	player_close(&p);
}

static void
play_b(struct shared *s)
{
	struct player p;
	size_t i;

	player_open(&p, s, false);
	for (i = 1; i <= ROUNDS; i++) {
		player_turn(&p, i);
		CHECK_INT(proactor_notification_signal(p.other, 1), 0);
	}
	player_close(&p);
}

static void
loops_answer(void)
{
	two_processes(false, play_a, play_b);
}

static void
loops_answer_by_pipes(void)
{
	two_processes(true, play_a, play_b);
}

/* --- threads of both that block --- */

static void
block_in(struct shared *s, bool a)
{
	struct player p;
	uint32_t i;

	player_open(&p, s, a);
	for (i = 0; i < ROUNDS; i++) {
		if (a)
			CHECK_INT(proactor_notification_signal(p.other, 1),
			    0);
		CHECK_INT(proactor_notification_wait_for_token(p.mine, i,
		    patience()), 0);
		CHECK_INT(proactor_notification_query_epoch(p.mine), i + 1);
		if (!a)
			CHECK_INT(proactor_notification_signal(p.other, 1),
			    0);
	}
	player_close(&p);
}

static void
block_a(struct shared *s)
{
	block_in(s, true);
}

static void
block_b(struct shared *s)
{
	block_in(s, false);
}

static void
threads_answer(void)
{
	two_processes(false, block_a, block_b);
}

/* --- a count over the border, observers over the border --- */

#define WAITS	6

static void
count_a(struct shared *s)
{
	struct proactor_notification_signal_op op;
	struct player p;

	player_open(&p, s, true);
	proactor_notification_signal_op_init(&op, p.other, 2, record,
	    &p.w.r);
	/* It is told that all of them wait, and of each wake. */
	CHECK_INT(run_one(&p.w, &p.wait.base), 0);
	CHECK_INT(proactor_notification_signal_if_observed(p.mine, 1), 0);
	CHECK_INT(run_one(&p.w, &op.base), 0);
	CHECK_INT(op.woken, 2);
	p.wait.token = p.wait.epoch;
	CHECK_INT(run_one(&p.w, &p.wait.base), 0);
	op.count = 1;
	CHECK_INT(run_one(&p.w, &op.base), 0);
	CHECK_INT(op.woken, 1);
	p.wait.token = p.wait.epoch;
	CHECK_INT(run_one(&p.w, &p.wait.base), 0);
	CHECK_INT(proactor_notification_signal_if_observed(p.other,
	    INT32_MAX), 1);
	player_close(&p);
}

static void
count_b(struct shared *s)
{
	struct proactor_notification_wait_op waits[WAITS];
	struct player p;
	size_t i;

	player_open(&p, s, false);
	/* Before the first poll an operation is accepted and does not wait. */
	poll_barrier(&p.w);
	for (i = 0; i < WAITS; i++) {
		proactor_notification_wait_op_init(&waits[i], p.mine, record,
		    &p.w.r);
		CHECK_INT(proactor_submit_one(p.w.p, &waits[i].base), 0);
	}
	CHECK_INT(proactor_notification_signal(p.other, 1), 0);
	CHECK(poll_until(&p.w, &p.w.r.finals, 2));
	CHECK(poll_quiet(&p.w));
	CHECK_INT(proactor_notification_signal(p.other, 1), 0);
	CHECK(poll_until(&p.w, &p.w.r.finals, 3));
	CHECK(poll_quiet(&p.w));
	CHECK_INT(proactor_notification_signal(p.other, 1), 0);
	CHECK(poll_until(&p.w, &p.w.r.finals, WAITS));
	for (i = 0; i < WAITS; i++)
		CHECK(p.w.r.seen[i].op == &waits[i].base);
	CHECK_INT(proactor_notification_signal_if_observed(p.mine, 1), 0);
	player_close(&p);
}

static void
counts_over_the_border(void)
{
	two_processes(false, count_a, count_b);
}

/* --- one of them dies --- */

static void
waits_and_dies(struct shared *s)
{
	struct player p;

	player_open(&p, s, false);
	CHECK_INT(proactor_submit_one(p.w.p, &p.wait.base), 0);
	CHECK_INT(proactor_notification_signal(p.other, 1), 0);
	_exit(0);
}

static void
goes_on_alone(struct shared *s)
{
	struct player p;
	size_t i;

	player_open(&p, s, true);
	for (i = 1; i <= 100; i++) {
		CHECK_INT(proactor_submit_one(p.w.p, &p.wait.base), 0);
		if (i > 1)
			CHECK_INT(proactor_notification_signal(p.mine, 1), 0);
		CHECK_INT(proactor_notification_signal(p.other, 1), 0);
		CHECK(poll_finals(&p.w, &p.wait, i));
		CHECK_INT(status_of(&p.w.r, &p.wait), 0);
		p.wait.token = p.wait.epoch;
	}
	player_close(&p);
}

static void
one_dies(void)
{
	two_processes(false, goes_on_alone, waits_and_dies);
}

/* The last writer of a pipe goes: nobody waits for it in vain. */
static void
pipe_ends(void)
{
	struct proactor_notification_wait_op waits[2];
	struct proactor_notification *n;
	struct shared s;
	struct world w;
	int fds[2];
	size_t i;

	shared_open(&s, false);
	world_open(&w, NULL);
	counter_open(fds, true);
	CHECK_INT(proactor_notification_create_shared(w.p, s.memory,
	    proactor_handle_fd(fds[0]), proactor_handle_none(), &n), 0);
	for (i = 0; i < 2; i++) {
		proactor_notification_wait_op_init(&waits[i], n, record,
		    &w.r);
		CHECK_INT(proactor_submit_one(w.p, &waits[i].base), 0);
	}
	CHECK(poll_quiet(&w));
	CHECK_INT(close(fds[1]), 0);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(status_of(&w.r, &waits[0]), PROACTOR_EPIPE);
	CHECK_INT(status_of(&w.r, &waits[1]), PROACTOR_EPIPE);
	CHECK_INT(close(fds[0]), 0);
	proactor_notification_release(n);
	world_close(&w);
	shared_close(&s);
}

/* --- both sides in one process --- */

static void
sides_of_one_process(void)
{
	struct proactor_notification_wait_op waits[3];
	struct proactor_notification *a, *b;
	struct world v, w;
	struct shared s;
	size_t i, before = open_fds();

	shared_open(&s, false);
	world_open(&v, NULL);
	world_open(&w, NULL);
	a = attach(&v, &s, true, 0);
	b = attach(&w, &s, false, 0);
	proactor_notification_wait_op_init(&waits[0], a, record, &v.r);
	proactor_notification_wait_op_init(&waits[1], b, record, &w.r);
	proactor_notification_wait_op_init(&waits[2], b, record, &w.r);
	for (i = 1; i <= 50; i++) {
		CHECK_INT(proactor_submit_one(v.p, &waits[0].base), 0);
		CHECK_INT(proactor_submit_one(w.p, &waits[1].base), 0);
		CHECK_INT(proactor_submit_one(w.p, &waits[2].base), 0);
		CHECK_INT(proactor_notification_signal(i % 2 ? a : b,
		    INT32_MAX), 0);
		CHECK(poll_until(&v, &v.r.finals, i));
		CHECK(poll_until(&w, &w.r.finals, 2 * i));
	}
	CHECK(poll_quiet(&v));
	CHECK(poll_quiet(&w));
	proactor_notification_release(a);
	proactor_notification_release(b);
	world_close(&v);
	world_close(&w);
	shared_close(&s);
	CHECK_INT(open_fds(), before);
}

/* A watch that ends while the next wait begins, and one that is dropped. */
static void
shared_cancels(void)
{
	struct proactor_notification_wait_op wait;
	struct proactor_notification *n;
	struct shared s;
	struct world w;
	size_t i;

	shared_open(&s, false);
	world_open(&w, NULL);
	n = attach(&w, &s, true, 0);
	proactor_notification_wait_op_init(&wait, n, record, &w.r);
	for (i = 1; i <= 60; i++) {
		CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
		if (i % 3 == 0)
			(void)proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
		CHECK_INT(proactor_cancel(w.p, &wait.base), 0);
		if (i % 2 == 0)
			CHECK_INT(proactor_notification_signal(n, 1), 0);
		CHECK(poll_until(&w, &w.r.finals, i));
		CHECK_INT(status_of(&w.r, &wait), PROACTOR_ECANCELED);
	}
	CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
	proactor_notification_release(n);
	CHECK_INT(proactor_shutdown(w.p, patience()), 0);
	CHECK_INT(w.r.finals, i);
	proactor_release(w.p);
	recorder_clear(&w.r);
	/* And without a shutdown. */
	world_open(&w, NULL);
	n = attach(&w, &s, true, 0);
	proactor_notification_wait_op_init(&wait, n, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
	(void)proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
	proactor_release(w.p);
	CHECK_INT(proactor_notification_signal_if_observed(n, 1), 0);
	proactor_notification_release(n);
	CHECK_INT(w.r.calls, 0);
	shared_close(&s);
}

static void
shared_arguments(void)
{
	struct proactor_notification_wait_op wait;
	struct proactor_notification *n = NULL;
	struct proactor_handle none = proactor_handle_none();
	struct shared s;
	struct world w;

	shared_open(&s, false);
	world_open(&w, NULL);
	CHECK_INT(proactor_notification_create_shared(NULL, s.memory, none,
	    none, &n), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_create_shared(w.p, NULL, none, none,
	    &n), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_create_shared(w.p, s.memory, none,
	    none, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_create_shared(w.p, (void *)
	    ((char *)s.memory + 1), none, none, &n), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_create_shared(w.p, s.memory,
	    proactor_handle_fd(-1), none, &n), PROACTOR_EBADF);
	CHECK_INT(proactor_notification_create_shared(w.p, s.memory, none,
	    proactor_handle_fd(-1), &n), PROACTOR_EBADF);
	CHECK(n == NULL);
	/* Without a handle to wake it, a loop cannot wait. */
	CHECK_INT(proactor_notification_create_shared(w.p, s.memory, none,
	    none, &n), 0);
	proactor_notification_wait_op_init(&wait, n, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &wait.base), PROACTOR_ENOTSUP);
	CHECK_INT(proactor_notification_signal(n, 1), 0);
	CHECK_INT(s.memory->epoch, 1);
	CHECK_INT(proactor_notification_wait_for_token(n, 0,
	    PROACTOR_IMMEDIATE), 0);
	proactor_notification_release(n);
	world_close(&w);
	shared_close(&s);
}

const struct tap_case notification_shared_cases[] = {
	{ "notification shared: loops of two processes answer each other",
	    loops_answer },
	{ "notification shared: the same by pipes", loops_answer_by_pipes },
	{ "notification shared: threads of two processes answer each other",
	    threads_answer },
	{ "notification shared: counts and observers are of both processes",
	    counts_over_the_border },
	{ "notification shared: one process dies, the other goes on",
	    one_dies },
	{ "notification shared: the end of the wake handle ends the waits",
	    pipe_ends },
	{ "notification shared: both sides in one process",
	    sides_of_one_process },
	{ "notification shared: cancelled, shut down and released",
	    shared_cancels },
	{ "notification shared: bad arguments have their codes",
	    shared_arguments },
	{ NULL, NULL }
};
