/* SPDX-License-Identifier: ISC */
/*
 * A web server for the files below a directory: HTTP/1.1 with keep-alive,
 * pipelining, HEAD, byte ranges and an access log.
 *
 *	httpd [-b address] [-p port] [-d docroot] [-l log]
 *	    [-c connections] [-t seconds]
 *
 * One struct connection holds all that a client needs: socket, buffers and
 * the memory of an operation.  They are allocated when the server starts, so
 * that a request allocates nothing.  A connection goes round
 *
 *	receive -> open -> (read -> send)* -> receive ...
 *
 * with exactly one of these in flight from its accept to its end.  So they
 * share their memory, in a union, and have one callback, on_io(), which alone
 * moves a connection on or ends it.  Whoever else wants it ended, because the
 * client is too slow, cancels the operation: one more way to fail.
 *
 * What has to do with HTTP alone is in http.c.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proactor.h>

#include "http.h"

#define SECOND		INT64_C(1000000000)

struct server;

struct connection {
	struct server *server;
	struct connection *next;	/* on the list of idle ones */
	enum { IDLE, RECEIVING, RESPONDING, DRAINING } state;
	int64_t deadline;		/* of what the client does now */
	struct proactor_socket *socket;
	struct proactor_file *file;	/* that is being sent */
	union {
		struct proactor_op base;
		struct proactor_recv_op recv;
		struct proactor_file_open_op open;
		struct proactor_file_read_op read;
		struct proactor_send_op send;
	} io;
	char peer[PROACTOR_ADDRESS_TEXT_MAX];
	struct http_request request;
	struct http_answer answer;
	size_t length;			/* bytes in input */
	char input[HTTP_HEAD_MAX];
};

struct server {
	struct proactor *p;
	struct proactor_socket *listener;
	struct proactor_accept_op accept;
	struct proactor_timer_op tick;
	bool accepting, stopping, abort;
	struct connection *connections, *idle;
	long size, live;		/* of connections; not idle */
	int64_t patience;		/* nanoseconds */
	FILE *log;
	struct http_clock clock;
};

static void on_io(void *, struct proactor_op *, int, unsigned int);
static void arm_accept(struct server *);
static void next_request(struct connection *);

static void
complain(const char *what, int status)
{
	fprintf(stderr, "httpd: %s: %s\n", what, proactor_strerror(status));
}

/*
 * The life of a connection.
 */

/* The client has done something; it may take so long for the next thing. */
static void
give_time(struct connection *c)
{
	c->deadline = proactor_deadline_after(c->server->patience);
}

/* The response is over, be it that all was sent or that it cannot be. */
static void
end_response(struct connection *c)
{
	http_log(c->server->log, c->peer, &c->request, &c->answer,
	    &c->server->clock);
	proactor_file_release(c->file);
	c->file = NULL;
}

/* Nothing is in flight here, so that the last reference closes. */
static void
hang_up(struct connection *c)
{
	struct server *s = c->server;

	if (c->state == RESPONDING)
		end_response(c);
	proactor_socket_release(c->socket);
	c->state = IDLE;
	c->deadline = PROACTOR_FOREVER;
	c->next = s->idle;
	s->idle = c;
	s->live--;
	arm_accept(s);
}

/* The last thing that a callback does: one is in flight again. */
static void
start(struct connection *c)
{
	if (proactor_submit_one(c->server->p, &c->io.base) != 0)
		hang_up(c);
}

static void
receive(struct connection *c)
{
	struct proactor_span span = proactor_span(c->input + c->length,
	    sizeof(c->input) - c->length);

	proactor_recv_op_init(&c->io.recv, c->socket, &span, 1, on_io, c);
	start(c);
}

/* Logs a response, and turns to what the client has sent since. */
static void
finish_response(struct connection *c)
{
	end_response(c);
	if (c->request.keep_alive && !c->server->stopping) {
		c->state = RECEIVING;
		c->length -= c->request.length;
		memmove(c->input, c->input + c->request.length, c->length);
		next_request(c);
		return;
	}
	/*
	 * Closing while bytes are unread would reset the connection, and the
	 * client might not see the response.  Say that no more is coming,
	 * throw away what arrives, and close when the client has closed.
	 */
	c->state = DRAINING;
	c->length = 0;
	proactor_socket_shutdown(c->socket, PROACTOR_SHUTDOWN_WRITE);
	receive(c);
}

/*
 * Responses.
 */

/* Reads while there is room and a file to be read, or else sends. */
static void
send_more(struct connection *c)
{
	struct http_answer *a = &c->answer;
	size_t room = sizeof(a->out) - a->length;
	struct proactor_span span;

	if (a->left > 0 && room > 0) {
		span = proactor_span(a->out + a->length,
		    a->left < room ? (size_t)a->left : room);
		proactor_file_read_op_init(&c->io.read, c->file, a->offset,
		    span, on_io, c);
		start(c);
	} else if (a->length > 0) {
		span = proactor_span(a->out, a->length);
		proactor_send_op_init(&c->io.send, c->socket, &span, 1, 0,
		    on_io, c);
		start(c);
	} else {
		finish_response(c);
	}
}

/* A response of the server's own making. */
static void
respond(struct connection *c, const char *status, const char *fields)
{
	http_answer_status(&c->answer, &c->request, status, fields,
	    &c->server->clock);
	send_more(c);
}

/* A directory without its slash: relative links in it would go astray. */
static void
redirect(struct connection *c)
{
	char location[HTTP_LINE_MAX + 32];
	const char *target = c->request.target;

	target += strspn(target, "/");	/* "//name" names a host */
	snprintf(location, sizeof(location), "Location: /%.*s/\r\n",
	    (int)strcspn(target, "?"), target);
	respond(c, "301 Moved Permanently", location);
}

static void
opened(struct connection *c, int status)
{
	struct stat st;

	if (status == 0) {
		c->file = c->io.open.file;
		if (fstat(proactor_file_handle(c->file).u.fd, &st) != 0)
			status = -errno;
	}
	if (status == 0) {
		http_answer_file(&c->answer, &c->request, &st,
		    &c->server->clock);
		send_more(c);
	} else {
		respond(c, status == PROACTOR_EACCES ? "403 Forbidden" :
		    "503 Service Unavailable", "");
	}
}

/*
 * Looks before it opens, which a pipe could make last for ever.  For what has
 * no operation there is the system's own call.
 */
static void
open_file(struct connection *c)
{
	struct stat st;

	if (stat(c->request.path, &st) != 0) {
		respond(c, errno == EACCES ? "403 Forbidden" :
		    "404 Not Found", "");
	} else if (S_ISREG(st.st_mode)) {
		proactor_file_open_op_init(&c->io.open, c->request.path,
		    PROACTOR_FILE_READ, 0, on_io, c);
		start(c);
	} else if (S_ISDIR(st.st_mode) && !c->request.index) {
		redirect(c);
	} else {
		respond(c, "403 Forbidden", "");
	}
}

/* Answers the request in the input, or receives more of it. */
static void
next_request(struct connection *c)
{
	size_t length = http_find_head(c->input, c->length);
	const char *refusal;

	if (length == 0 && c->length < sizeof(c->input)) {
		receive(c);
		return;
	}
	c->state = RESPONDING;
	c->answer.status = "503";	/* until we know better */
	c->answer.sent = 0;
	refusal = http_parse(&c->request, c->input, length);
	if (refusal != NULL || c->server->stopping)
		c->request.keep_alive = false;
	if (refusal == NULL)
		open_file(c);
	else
		respond(c, refusal, "Allow: GET, HEAD\r\n");
}

/*
 * Steps: what was in flight has ended.
 */

static void
received(struct connection *c, size_t bytes)
{
	/* A flood is always faster than the cancel. */
	if (bytes == 0 || c->deadline <= proactor_now()) {
		hang_up(c);
	} else if (c->state == DRAINING) {
		receive(c);
	} else {
		if (c->length == 0)	/* from the first byte to the last */
			give_time(c);
		c->length += bytes;
		next_request(c);
	}
}

static void
was_read(struct connection *c, size_t bytes)
{
	if (bytes == 0) {
		hang_up(c);		/* shorter now than was promised */
		return;
	}
	c->answer.length += bytes;
	c->answer.offset += bytes;
	c->answer.left -= bytes;
	c->answer.sent += bytes;
	send_more(c);
}

static void
on_io(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct connection *c = user_data;

	(void)flags;
	if (op->type == PROACTOR_OP_FILE_OPEN) {
		opened(c, status);
	} else if (status != 0) {
		hang_up(c);
	} else if (op->type == PROACTOR_OP_RECV) {
		received(c, c->io.recv.bytes);
	} else if (op->type == PROACTOR_OP_FILE_READ) {
		was_read(c, c->io.read.bytes);
	} else {
		give_time(c);
		c->answer.length = 0;
		send_more(c);
	}
}

/*
 * The server.
 */

static void
on_accept(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct server *s = user_data;
	struct connection *c = s->idle;

	(void)op;
	(void)flags;
	s->accepting = false;
	if (status != 0 || s->stopping) {
		proactor_socket_release(s->accept.accepted);
		return;			/* the next tick tries again */
	}
	s->idle = c->next;
	s->live++;
	c->socket = s->accept.accepted;
	strcpy(c->peer, "-:");		/* it may have gone already */
	proactor_address_format(&s->accept.peer, c->peer, sizeof(c->peer));
	*strrchr(c->peer, ':') = '\0';
	c->state = RECEIVING;
	c->length = 0;
	give_time(c);
	receive(c);
	arm_accept(s);
}

/*
 * Accepts while there are connections to be had: clients beyond the limit
 * wait in the system's queue.  A multishot accept would take them, too.
 */
static void
arm_accept(struct server *s)
{
	if (s->idle == NULL || s->accepting || s->stopping)
		return;
	proactor_accept_op_init(&s->accept, s->listener, on_accept, s);
	s->accepting = proactor_submit_one(s->p, &s->accept.base) == 0;
}

/* Ends clients that are too slow and, while the server stops, idle ones. */
static void
sweep(struct server *s)
{
	int64_t now = proactor_now();
	struct connection *c;
	long i;

	for (i = 0; i < s->size; i++) {
		c = &s->connections[i];
		if (c->deadline <= now || (s->stopping &&
		    (c->state == DRAINING ||
		    (c->state == RECEIVING && c->length == 0))))
			proactor_cancel(s->p, &c->io.base);
	}
}

/* Once a second. */
static void
on_tick(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct server *s = user_data;

	(void)flags;
	if (status != 0)
		return;			/* the proactor shuts down */
	http_set_clock(&s->clock);
	sweep(s);
	arm_accept(s);			/* again, if it has failed */
	s->tick.deadline = proactor_deadline_after(SECOND);
	if (proactor_submit_one(s->p, op) != 0)
		s->abort = true;
}

/*
 * The first signal takes no new clients and serves who is in the middle of
 * something to its end, the second stops at once.
 */
static void
on_signal(void *user_data, struct proactor_signal_subscription *subscription,
    unsigned int sig)
{
	struct server *s = user_data;

	(void)subscription;
	(void)sig;
	s->abort = s->stopping;
	s->stopping = true;
	if (s->accepting)
		proactor_cancel(s->p, &s->accept.base);
	proactor_socket_release(s->listener);
	s->listener = NULL;
	sweep(s);
}

static int
open_listener(struct server *s, const struct proactor_address *address)
{
	struct proactor_address local;
	char text[PROACTOR_ADDRESS_TEXT_MAX];
	int status;

	status = proactor_socket_create(s->p,
	    proactor_address_family(address) == PROACTOR_ADDRESS_IPV6 ?
	    PROACTOR_SOCKET_TCP6 : PROACTOR_SOCKET_TCP,
	    PROACTOR_SOCKET_REUSE_ADDRESS | PROACTOR_SOCKET_NO_DELAY,
	    &s->listener);
	if (status == 0)
		status = proactor_socket_bind(s->listener, address);
	if (status == 0)
		status = proactor_socket_listen(s->listener, 0);
	if (status == 0)
		status = proactor_socket_query_local_address(s->listener,
		    &local);
	if (status == 0)
		status = proactor_address_format(&local, text, sizeof(text));
	if (status == 0) {
		printf("serving at http://%s/\n", text);
		fflush(stdout);
	}
	return status;
}

static int
open_connections(struct server *s)
{
	long i, most = (sysconf(_SC_OPEN_MAX) - 32) / 2;

	/* A client takes two descriptors, for its socket and for a file. */
	if (s->size > most)
		s->size = most > 0 ? most : 1;
	s->connections = calloc((size_t)s->size, sizeof(*s->connections));
	if (s->connections == NULL)
		return PROACTOR_ENOMEM;
	for (i = s->size; i-- > 0;) {
		s->connections[i].server = s;
		s->connections[i].deadline = PROACTOR_FOREVER;
		s->connections[i].next = s->idle;
		s->idle = &s->connections[i];
	}
	return 0;
}

/* Until stopped, and then until the last client has gone. */
static int
run(struct server *s)
{
	struct proactor_signal_subscription *ends_with_p;
	int status;

	status = proactor_subscribe_signal(s->p, PROACTOR_SIGNAL_INTERRUPT,
	    on_signal, s, &ends_with_p);
	if (status == 0)
		status = proactor_subscribe_signal(s->p,
		    PROACTOR_SIGNAL_TERMINATE, on_signal, s, &ends_with_p);
	/* The first tick comes at once, and accepts. */
	proactor_timer_op_init(&s->tick, PROACTOR_IMMEDIATE, on_tick, s);
	if (status == 0)
		status = proactor_submit_one(s->p, &s->tick.base);
	while (status == 0 && !s->abort && !(s->stopping && s->live == 0)) {
		status = proactor_poll(s->p, PROACTOR_FOREVER, NULL);
		fflush(s->log);		/* one write for a turn's lines */
	}
	return status;
}

int
main(int argc, char **argv)
{
	struct server s = { .size = 1000 };
	struct proactor_address address;
	const char *host = "127.0.0.1", *port = "8080";
	const char *docroot = ".", *log = NULL;
	char where[PROACTOR_ADDRESS_TEXT_MAX];
	long patience = 15;
	int option, status;

	while ((option = getopt(argc, argv, "b:c:d:l:p:t:")) != -1) {
		if (option == 'b')
			host = optarg;
		else if (option == 'c')
			s.size = strtol(optarg, NULL, 10);
		else if (option == 'd')
			docroot = optarg;
		else if (option == 'l')
			log = optarg;
		else if (option == 'p')
			port = optarg;
		else if (option == 't')
			patience = strtol(optarg, NULL, 10);
		else
			patience = 0;
	}
	snprintf(where, sizeof(where), "%s:%s", host, port);
	if (optind != argc || s.size < 1 || patience < 1 ||
	    patience > 86400 || proactor_address_parse(where, &address) != 0) {
		fprintf(stderr, "usage: httpd [-b address] [-p port] "
		    "[-d docroot] [-l log]\n             [-c connections] "
		    "[-t seconds]\n");
		return 2;
	}
	s.patience = patience * SECOND;
	s.log = log == NULL ? stdout : fopen(log, "ae");
	if (s.log == NULL || chdir(docroot) != 0) {
		complain(s.log == NULL ? log : docroot, -errno);
		return 1;
	}

	status = proactor_create(NULL, &s.p);
	if (status != 0) {
		complain("create", status);
		return 1;
	}
	status = open_connections(&s);
	if (status == 0)
		status = open_listener(&s, &address);
	if (status == 0)
		status = run(&s);
	if (status != 0)
		complain(where, status);

	/* What is left after an abort or a failure is called back here. */
	s.stopping = true;
	proactor_shutdown(s.p, proactor_deadline_after(SECOND));
	proactor_socket_release(s.listener);
	proactor_release(s.p);
	free(s.connections);
	if (fclose(s.log) != 0 && status == 0)
		status = PROACTOR_EIO;
	return status == 0 ? 0 : 1;
}
