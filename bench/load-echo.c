/* SPDX-License-Identifier: ISC */
/*
 * The client of the echo servers: one request under way on each connection,
 * always.  A turn first reads all the answers that have come and then sends
 * as many requests, so that the server finds them together.
 *
 * How many come together decides what one of them costs, and with connections
 * in groups that take turns it may be few for long.  When costs are counted,
 * not timed, all requests wait for all answers.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"

#define EVENTS_MAX	1024

struct connection {
	int fd;
	unsigned int got;		/* bytes of the answer */
	int64_t sent;			/* when, if latency is wanted */
};

struct client {
	struct run *run;
	pid_t server;
	int epoll;
	struct connection *connections;
	struct connection **whole;	/* have their answers */
	unsigned int wholes;
	bool together;
	uint64_t sent, answered, total;
	int64_t *latencies;		/* NULL: not wanted */
	size_t samples;
};

static const char request[MESSAGE_SIZE];

static void
send_request(struct client *c, struct connection *n)
{
	if (c->latencies != NULL)
		n->sent = now_ns();
	n->got = 0;
	if (send(n->fd, request, sizeof(request), 0) != sizeof(request))
		die("send", -errno);
	c->sent++;
}

/* Reads what has come of an answer.  Is it whole? */
static bool
read_answer(struct client *c, struct connection *n)
{
	char answer[MESSAGE_SIZE];
	ssize_t got;

	got = recv(n->fd, answer, sizeof(answer) - n->got, 0);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0)
		die("recv", got < 0 ? -errno : -1);
	n->got += got;
	if (n->got < sizeof(answer))
		return false;
	if (c->latencies != NULL && c->answered >= c->run->warm_up)
		c->latencies[c->samples++] = now_ns() - n->sent;
	c->answered++;
	if (c->server != 0 && c->answered == c->run->warm_up)
		run_begin_of(c->run, c->server);
	if (c->server != 0 && c->answered == c->total)
		run_end_of(c->run, c->server, c->run->operations);
	return true;
}

static void
turn(struct client *c)
{
	struct epoll_event events[EVENTS_MAX];
	unsigned int j;
	int i, n;

	n = epoll_wait(c->epoll, events, EVENTS_MAX, -1);
	if (n < 0 && errno != EINTR)
		die("epoll_wait", -errno);
	for (i = 0; i < n; i++)
		if (read_answer(c, events[i].data.ptr))
			c->whole[c->wholes++] = events[i].data.ptr;
	if (c->together && c->wholes < c->run->size)
		return;
	for (j = 0; j < c->wholes && c->sent < c->total; j++)
		send_request(c, c->whole[j]);
	c->wholes = 0;
}

static void
join(struct client *c, struct connection *n, unsigned int port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = n };

	n->fd = net_connect(port, true);
	if (fcntl(n->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, n->fd, &event) != 0)
		die("epoll_ctl", -errno);
}

void
load_echo(struct run *run, unsigned int port, pid_t server)
{
	struct client c = {
		.run = run,
		.server = server,
		.together = server == 0,
	};
	unsigned int i;

	c.total = run->warm_up + run->operations;
	c.epoll = epoll_create1(EPOLL_CLOEXEC);
	c.connections = allocate(run->size, sizeof(*c.connections));
	c.whole = allocate(run->size, sizeof(*c.whole));
	if (run->size == 1)
		c.latencies = allocate(run->operations, sizeof(*c.latencies));

	for (i = 0; i < run->size; i++)
		join(&c, &c.connections[i], port);
	for (i = 0; i < run->size && c.sent < c.total; i++) {
		send_request(&c, &c.connections[i]);
		/* One after the other, the server once waits for each. */
		while (c.together && c.answered <= i)
			turn(&c);
	}
	while (c.answered < c.total)
		turn(&c);
	run_latencies(run, c.latencies, c.samples);

	for (i = 0; i < run->size; i++)
		close(c.connections[i].fd);
	close(c.epoll);
	free(c.latencies);
	free(c.connections);
	free(c.whole);
}
