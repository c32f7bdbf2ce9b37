/* SPDX-License-Identifier: ISC */
/*
 * A relay between two processes: one fires what the other waits for, and
 * sleeps meanwhile.
 *
 *	10-relay [rounds]
 *
 * The child rings a bell, a pipe to the parent, and waits for a lamp, a pipe
 * from the parent.  The parent ties the bell to the lamp and goes to sleep.
 *
 *	child                          parent
 *	+-------------+                +-------------------+
 *	| write    ---+---- bell ------+--> source         |
 *	|             |                |      |  relay     |
 *	| event       |                |      v            |
 *	| source  <---+---- lamp ------+--- sink           |
 *	+-------------+                +-------------------+
 *
 * No callback of the parent's runs for a round.  Where proactor-info(1) calls
 * handle_relays native, the kernel fires the lamp while the thread sleeps, and
 * proactor_poll() arms the relay again after it; elsewhere that fires it, too.
 *
 * Pipes are everywhere and come with fork(2).  An eventfd, or descriptors that
 * were passed over a Unix socket, serve as well.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <proactor.h>

/* Ends of a pipe. */
#define READ	0
#define WRITE	1

static int
complain(const char *who, const char *what, int status)
{
	fprintf(stderr, "10-relay: %s: %s: %s\n", who, what,
	    proactor_strerror(status));
	return 1;
}

/*
 * The child.
 */

struct ringer {
	int bell, lamp;
	unsigned long rounds, answers;
	int status;
	bool done;
};

/* A relay takes 8 bytes off its source each time, and writes 8 to its sink. */
static void
ring(struct ringer *r)
{
	const uint64_t one = 1;

	if (write(r->bell, &one, sizeof(one)) != sizeof(one)) {
		r->status = -errno;
		r->done = true;
	}
}

static void
on_lamp(void *user_data, struct proactor_event_source *source,
    unsigned int events)
{
	struct ringer *r = user_data;
	uint64_t value;

	(void)source, (void)events;
	if (read(r->lamp, &value, sizeof(value)) != sizeof(value)) {
		r->status = PROACTOR_EPIPE;
		r->done = true;
		return;
	}
	r->answers++;
	if (r->answers == r->rounds)
		r->done = true;
	else
		ring(r);
}

static int
be_child(int bell, int lamp, unsigned long rounds)
{
	struct ringer r = { .bell = bell, .lamp = lamp, .rounds = rounds };
	struct proactor_event_source *source;
	struct proactor *p;
	int status;

	status = proactor_create(NULL, &p);
	if (status != 0)
		return complain("child", "create", status);
	status = proactor_register_event_source(p, proactor_handle_fd(lamp),
	    on_lamp, &r, &source);
	if (status == 0)
		ring(&r);
	while (status == 0 && !r.done)
		status = proactor_poll(p, PROACTOR_FOREVER, NULL);
	if (status == 0)
		status = r.status;
	proactor_release(p);
	if (status != 0)
		return complain("child", "ring", status);
	printf("child: %lu rings, %lu answers\n", r.rounds, r.answers);
	return 0;
}

/*
 * The parent.
 */

struct ending {
	int status;
	bool seen;
};

/* The relay cannot go on.  That is when the child has closed the bell. */
static void
on_fault(void *user_data, struct proactor_relay *relay, int status)
{
	struct ending *ending = user_data;

	(void)relay;
	ending->status = status;
	ending->seen = true;
}

static int
register_relay(struct proactor *p, int bell, int lamp, struct ending *ending)
{
	struct proactor_relay_options options;

	proactor_relay_options_init(&options);
	options.flags = PROACTOR_RELAY_PERSISTENT;
	options.source_handle = proactor_handle_fd(bell);
	options.sink_handle = proactor_handle_fd(lamp);
	options.error_fn = on_fault;
	options.user_data = ending;
	/* Nobody wants its address: it cleans up after itself. */
	return proactor_register_relay(p, &options, NULL);
}

static int
be_parent(int bell, int lamp)
{
	struct ending ending = { .seen = false };
	size_t completed, callbacks = 0;
	struct proactor *p;
	int status;

	/* Relays read and write without waiting. */
	if (fcntl(bell, F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(lamp, F_SETFL, O_NONBLOCK) != 0)
		return complain("parent", "fcntl", -errno);
	status = proactor_create(NULL, &p);
	if (status != 0)
		return complain("parent", "create", status);
	status = register_relay(p, bell, lamp, &ending);
	while (status == 0 && !ending.seen) {
		status = proactor_poll(p, PROACTOR_FOREVER, &completed);
		if (status == 0)
			callbacks += completed;
	}
	proactor_release(p);
	if (status != 0)
		return complain("parent", "relay", status);
	if (ending.status != PROACTOR_EPIPE)
		return complain("parent", "relay", ending.status);
	printf("parent: %zu callback, the bell is gone\n", callbacks);
	return 0;
}

/* Each process keeps its ends; a relay sees the end of a pipe by that. */
static int
fork_both(const int *bell, const int *lamp, unsigned long rounds)
{
	int status, result;
	pid_t child;

	/* Before any proactor is made: they are not inherited. */
	child = fork();
	if (child < 0)
		return complain("fork", "child", -errno);
	if (child == 0) {
		close(bell[READ]);
		close(lamp[WRITE]);
		return be_child(bell[WRITE], lamp[READ], rounds);
	}
	close(bell[WRITE]);
	close(lamp[READ]);
	result = be_parent(bell[READ], lamp[WRITE]);
	/* A child that still waits has its end by this. */
	close(bell[READ]);
	close(lamp[WRITE]);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		result = 1;
	return result;
}

int
main(int argc, char **argv)
{
	unsigned long rounds = 1000;
	int bell[2], lamp[2];

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	if (argc > 2 || rounds == 0) {
		fprintf(stderr, "usage: 10-relay [rounds]\n");
		return 2;
	}
	/* Writes to whom is gone are to fail, and not to kill. */
	(void)proactor_signal_ignore_broken_pipe();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(bell) != 0 || pipe(lamp) != 0)
		return complain("main", "pipe", -errno);
	return fork_both(bell, lamp, rounds);
}
