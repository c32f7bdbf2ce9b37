/* SPDX-License-Identifier: ISC */
/*
 * A web server for the files below a directory: HTTP/1.1 with keep-alive,
 * pipelining, HEAD, byte ranges and an access log.
 *
 *	httpd [-b address] [-p port] [-d docroot] [-l log]
 *	    [-c connections] [-t seconds]
 *
 * One struct connection holds all that a client needs: socket, buffers and
 * operations.  They are allocated when the server starts, so that a request
 * allocates nothing.  A connection goes round
 *
 *	accept -> receive -> open -> (read -> send)* -> receive ... -> close
 *
 * with one of these in flight at a time, which is why they share their memory
 * in a union and have one callback, on_io().  Beside it runs a timer, which
 * ends clients that are too slow.  Whatever happens, hang_up() closes the
 * socket and cancels the rest, and the last callback to come hands the
 * connection back.
 *
 * What has to do with HTTP alone is in http.c and http_answer.c.
 */
#include <sys/resource.h>
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
#define HEAD_MAX	8192		/* of a request's or response's head */
#define BODY_MAX	65536		/* of a file that is read at once */
#define ACCEPTING_MAX	16		/* accepts in flight */

enum state { IDLE, ACCEPTING, RECEIVING, RESPONDING, DRAINING, CLOSING };

struct server;

struct connection {
	struct server *server;
	struct connection *next;	/* on the list of idle ones */
	enum state state;
	unsigned int in_flight;		/* final callbacks still to come */
	struct proactor_socket *socket;
	struct proactor_file *file;	/* that is being sent */
	struct proactor_timer_op timer;
	int64_t deadline;		/* of what the client does now */
	struct proactor_socket_close_op close;
	union {
		struct proactor_op base;
		struct proactor_accept_op accept;
		struct proactor_recv_op recv;
		struct proactor_file_open_op open;
		struct proactor_file_read_op read;
		struct proactor_send_op send;
	} io;
	char peer[PROACTOR_ADDRESS_TEXT_MAX];

	struct http_request request;
	size_t length;			/* bytes in input */
	size_t head_length;		/* of them, the present request's */
	size_t scanned;			/* of them, without its end */

	struct http_answer answer;
	uint64_t left;			/* of the file, yet to be read */
	uint64_t sent;			/* of the body, for the log */
	size_t out_length, body_length;	/* bytes in out and in body */

	char input[HEAD_MAX];
	char out[HEAD_MAX];
	char body[BODY_MAX];
};

struct server {
	struct proactor *p;
	struct proactor_socket *listener;
	struct proactor_socket_close_op close;
	struct proactor_timer_op pause;	/* after a failed accept */
	bool paused, stopping, abort;
	struct connection *connections, *idle;
	unsigned long size, live;	/* of connections; not idle */
	unsigned int accepting;
	int64_t patience;		/* nanoseconds */
	FILE *log;
	struct http_clock clock;
};

static void on_io(void *, struct proactor_op *, int, unsigned int);
static void arm_accepts(struct server *);
static void next_request(struct connection *);

static void
complain(const char *what, int status)
{
	fprintf(stderr, "httpd: %s: %s\n", what, proactor_strerror(status));
}

/*
 * The life of a connection.
 */

static void
log_request(struct connection *c)
{
	http_log(c->server->log, &c->server->clock, c->peer, &c->request,
	    c->answer.status, c->sent);
}

static void
recycle(struct connection *c)
{
	struct server *s = c->server;

	c->state = IDLE;
	c->next = s->idle;
	s->idle = c;
	s->live--;
	arm_accepts(s);
}

/*
 * Counts an operation out.  While the connection closes, that is all there is
 * to do: returns true.
 */
static bool
over(struct connection *c)
{
	c->in_flight--;
	if (c->state != CLOSING)
		return false;
	if (c->in_flight == 0)
		recycle(c);
	return true;
}

static void
on_close(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)op;
	(void)status;
	(void)flags;
	over(user_data);
}

/* Ends whatever the connection is doing.  The callbacks still come. */
static void
hang_up(struct connection *c)
{
	struct proactor *p = c->server->p;

	if (c->state == RESPONDING)
		log_request(c);
	c->state = CLOSING;
	proactor_cancel(p, &c->timer.base);
	proactor_cancel(p, &c->io.base);
	proactor_file_release(c->file);
	c->file = NULL;
	proactor_socket_close_op_init(&c->close, c->socket, on_close, c);
	if (proactor_submit_one(p, &c->close.base) == 0)
		c->in_flight++;		/* and our reference is spent */
	else
		proactor_socket_release(c->socket);
	c->socket = NULL;
	if (c->in_flight == 0)
		recycle(c);
}

static void
start(struct connection *c, struct proactor_op *op)
{
	if (proactor_submit_one(c->server->p, op) == 0)
		c->in_flight++;
	else
		hang_up(c);
}

/* The client has done something; it may take so long for the next thing. */
static void
give_time(struct connection *c)
{
	c->deadline = proactor_deadline_after(c->server->patience);
}

/*
 * The timer is submitted once per connection, not once per request: when it
 * fires and the deadline has moved on, it is armed for the rest.
 */
static void
on_timer(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct connection *c = user_data;

	(void)flags;
	if (over(c))
		return;
	if (status != 0 || c->deadline <= c->timer.deadline) {
		hang_up(c);
	} else {
		c->timer.deadline = c->deadline;
		start(c, op);
	}
}

static void
receive(struct connection *c)
{
	struct proactor_span span = proactor_span(c->input + c->length,
	    sizeof(c->input) - c->length);

	proactor_recv_op_init(&c->io.recv, c->socket, &span, 1, on_io, c);
	start(c, &c->io.base);
}

/*
 * Ends a connection so that the client sees the last response: closing while
 * bytes are unread would reset it.  Say that no more is coming, throw away
 * what arrives, and close when the client has closed.
 */
static void
drain(struct connection *c)
{
	c->state = DRAINING;
	c->length = 0;
	proactor_socket_shutdown(c->socket, PROACTOR_SHUTDOWN_WRITE);
	receive(c);
}

/*
 * Responses.
 */

/* Sends the head, the first time, and the body as far as it is there. */
static void
send_response(struct connection *c)
{
	struct proactor_span spans[2];
	size_t count = 0;

	if (c->out_length > 0)
		spans[count++] = proactor_span(c->out, c->out_length);
	if (c->body_length > 0)
		spans[count++] = proactor_span(c->body, c->body_length);
	proactor_send_op_init(&c->io.send, c->socket, spans, count, 0, on_io,
	    c);
	start(c, &c->io.base);
}

static void
read_file(struct connection *c)
{
	size_t length = c->left < BODY_MAX ? (size_t)c->left : BODY_MAX;

	proactor_file_read_op_init(&c->io.read, c->file, c->answer.offset,
	    proactor_span(c->body, length), on_io, c);
	start(c, &c->io.base);
}

static void
write_head(struct connection *c)
{
	if (c->server->stopping)
		c->request.keep_alive = false;
	c->out_length = http_write_head(c->out, sizeof(c->out), &c->request,
	    &c->server->clock, &c->answer);
}

/* A response of the server's own making. */
static void
respond(struct connection *c, int status)
{
	http_answer_status(&c->answer, status, c->body, sizeof(c->body));
	write_head(c);
	c->body_length = c->request.head_only ? 0 : (size_t)c->answer.length;
	send_response(c);
}

static void
serve_file(struct connection *c, const struct stat *st)
{
	http_answer_file(&c->answer, &c->request, st);
	if (c->answer.status == 416) {
		respond(c, 416);
		return;
	}
	write_head(c);
	if (!c->request.head_only && c->answer.status != 304)
		c->left = c->answer.length;
	if (c->left > 0)
		read_file(c);
	else
		send_response(c);
}

/* A directory without its slash: relative links in it would go astray. */
static void
redirect(struct connection *c)
{
	struct http_text rest = c->request.target;
	struct http_text path = http_take(&rest, '?');

	for (; path.length > 1 && path.at[1] == '/'; path.length--)
		path.at++;		/* "//name" names a host */
	http_add_field(&c->answer, "Location: %.*s/", (int)path.length,
	    path.at);
	respond(c, 301);
}

static void
opened(struct connection *c, int status)
{
	struct http_text target = c->request.target;
	struct stat st;

	if (status == 0) {
		c->file = c->io.open.file;
		/* For what has no operation, the system's own call. */
		if (fstat(proactor_file_handle(c->file).u.fd, &st) != 0)
			status = -errno;
	}
	switch (status) {
	case 0:
		if (S_ISREG(st.st_mode))
			serve_file(c, &st);
		else if (!S_ISDIR(st.st_mode))
			respond(c, 403);
		else if (memchr(target.at, '?', target.length) == NULL &&
		    target.at[target.length - 1] == '/')
			respond(c, 404);
		else
			redirect(c);
		break;
	case PROACTOR_ENOENT:
	case PROACTOR_ENOTDIR:
	case PROACTOR_ENAMETOOLONG:
	case PROACTOR_ELOOP:
		respond(c, 404);
		break;
	case PROACTOR_EACCES:
	case PROACTOR_EPERM:
		respond(c, 403);
		break;
	case PROACTOR_EMFILE:
	case PROACTOR_ENFILE:
	case PROACTOR_ENOMEM:
		http_add_field(&c->answer, "Retry-After: 1");
		respond(c, 503);
		break;
	default:
		complain(c->request.path, status);
		respond(c, 500);
		break;
	}
}

/* Logs a response, and turns to what the client has sent since. */
static void
finish_response(struct connection *c)
{
	log_request(c);
	proactor_file_release(c->file);
	c->file = NULL;
	give_time(c);
	if (!c->request.keep_alive) {
		drain(c);
		return;
	}
	c->state = RECEIVING;
	c->length -= c->head_length;
	memmove(c->input, c->input + c->head_length, c->length);
	c->scanned = 0;
	if (c->server->stopping && c->length == 0)
		hang_up(c);
	else
		next_request(c);
}

/* Answers the request in the input, or receives more of it. */
static void
next_request(struct connection *c)
{
	int status;

	memset(&c->request, 0, offsetof(struct http_request, path));
	c->head_length = http_find_head(c->input, c->length, &c->scanned);
	if (c->head_length > 0) {
		status = http_parse(&c->request, c->input, c->head_length);
	} else if (c->length >= HTTP_LINE_MAX &&
	    memchr(c->input, '\n', HTTP_LINE_MAX) == NULL) {
		status = 414;
	} else if (c->length == sizeof(c->input)) {
		status = 431;
	} else {
		receive(c);
		return;
	}
	c->state = RESPONDING;
	memset(&c->answer, 0, offsetof(struct http_answer, fields) + 1);
	c->answer.status = 500;		/* until we know better */
	c->left = c->sent = 0;
	c->out_length = c->body_length = 0;
	http_tick(&c->server->clock);
	if (status == 0) {
		proactor_file_open_op_init(&c->io.open, c->request.path,
		    PROACTOR_FILE_READ, 0, on_io, c);
		start(c, &c->io.base);
	} else if (status == 405) {
		http_add_field(&c->answer, "Allow: GET, HEAD");
		respond(c, 405);
	} else {
		c->request.keep_alive = false;	/* who knows what comes now */
		respond(c, status);
	}
}

/*
 * Accepting.
 */

static void
on_pause(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct server *s = user_data;

	(void)op;
	(void)status;
	(void)flags;
	s->paused = false;
	arm_accepts(s);
}

/* Short of descriptors or memory: at once it would only fail again. */
static void
pause_accepts(struct server *s, int status)
{
	if (s->paused || s->stopping)
		return;
	complain("accept", status);
	proactor_timer_op_init(&s->pause, proactor_deadline_after(SECOND / 5),
	    on_pause, s);
	s->paused = proactor_submit_one(s->p, &s->pause.base) == 0;
}

/*
 * Accepts while there are connections to be had, a few at a time.  Clients
 * beyond the limit wait in the system's queue.
 */
static void
arm_accepts(struct server *s)
{
	struct connection *c;
	int status;

	while (s->idle != NULL && s->accepting < ACCEPTING_MAX &&
	    !s->paused && !s->stopping) {
		c = s->idle;
		proactor_accept_op_init(&c->io.accept, s->listener, on_io, c);
		status = proactor_submit_one(s->p, &c->io.base);
		if (status != 0) {
			pause_accepts(s, status);
			return;
		}
		s->idle = c->next;
		s->accepting++;
		s->live++;
		c->in_flight++;
		c->state = ACCEPTING;
	}
}

static void
accepted(struct connection *c, int status)
{
	struct server *s = c->server;
	char *port;

	s->accepting--;
	if (status != 0) {
		if (status != PROACTOR_ECONNABORTED)
			pause_accepts(s, status);
		recycle(c);
		return;
	}
	c->socket = c->io.accept.accepted;
	if (proactor_address_format(&c->io.accept.peer, c->peer,
	    sizeof(c->peer)) != 0)
		strcpy(c->peer, "-");
	port = strrchr(c->peer, ':');
	if (port != NULL)
		*port = '\0';
	c->state = RECEIVING;
	c->length = 0;
	c->scanned = 0;
	give_time(c);
	proactor_timer_op_init(&c->timer, c->deadline, on_timer, c);
	start(c, &c->timer.base);
	if (c->state == RECEIVING)
		receive(c);
	arm_accepts(s);
}

/*
 * Steps: what was in flight has ended.
 */

static void
received(struct connection *c, size_t bytes)
{
	if (bytes == 0) {
		hang_up(c);
	} else if (c->state == DRAINING) {
		receive(c);
	} else {
		if (c->length == 0)
			give_time(c);	/* from the first byte to the last */
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
	c->body_length = bytes;
	c->answer.offset += bytes;
	c->left -= bytes;
	send_response(c);
}

static void
was_sent(struct connection *c)
{
	c->sent += c->body_length;
	c->out_length = c->body_length = 0;
	if (c->left > 0) {
		give_time(c);
		read_file(c);
	} else {
		finish_response(c);
	}
}

static void
on_io(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct connection *c = user_data;

	(void)flags;
	if (c->state == CLOSING && op->type == PROACTOR_OP_FILE_OPEN &&
	    status == 0)
		proactor_file_release(c->io.open.file);
	if (over(c))
		return;
	if (op->type == PROACTOR_OP_ACCEPT)
		accepted(c, status);
	else if (op->type == PROACTOR_OP_FILE_OPEN)
		opened(c, status);
	else if (status != 0)
		hang_up(c);
	else if (op->type == PROACTOR_OP_RECV)
		received(c, c->io.recv.bytes);
	else if (op->type == PROACTOR_OP_FILE_READ)
		was_read(c, c->io.read.bytes);
	else
		was_sent(c);
}

/*
 * The server.
 */

static void
on_listener_close(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)user_data;
	(void)op;
	(void)status;
	(void)flags;
}

/* No new clients; who is in the middle of something is served to its end. */
static void
stop(struct server *s)
{
	struct connection *c;
	unsigned long i;

	s->stopping = true;
	/* The accepts in flight are called back before the close is. */
	proactor_socket_close_op_init(&s->close, s->listener,
	    on_listener_close, s);
	if (proactor_submit_one(s->p, &s->close.base) == 0)
		s->listener = NULL;
	for (i = 0; i < s->size; i++) {
		c = &s->connections[i];
		if (c->state == DRAINING ||
		    (c->state == RECEIVING && c->length == 0))
			hang_up(c);
	}
}

/* The first signal stops gently, the second at once. */
static void
on_signal(void *user_data, struct proactor_signal_subscription *subscription,
    unsigned int sig)
{
	struct server *s = user_data;

	(void)subscription;
	(void)sig;
	if (s->stopping)
		s->abort = true;
	else
		stop(s);
}

/* The subscriptions end with the proactor, so that nobody keeps them. */
static int
open_signals(struct server *s)
{
	struct proactor_signal_subscription *subscription;
	int status;

	status = proactor_subscribe_signal(s->p, PROACTOR_SIGNAL_INTERRUPT,
	    on_signal, s, &subscription);
	if (status == 0)
		status = proactor_subscribe_signal(s->p,
		    PROACTOR_SIGNAL_TERMINATE, on_signal, s, &subscription);
	return status;
}

static int
open_listener(struct server *s, const char *host, uint16_t port,
    const char *docroot)
{
	struct proactor_address address;
	char text[PROACTOR_ADDRESS_TEXT_MAX];
	unsigned int kind = PROACTOR_SOCKET_TCP;
	int status;

	status = proactor_address_from_ipv4(host, port, &address);
	if (status != 0) {
		kind = PROACTOR_SOCKET_TCP6;
		status = proactor_address_from_ipv6(host, port, &address);
	}
	if (status == 0)
		status = proactor_socket_create(s->p, kind,
		    PROACTOR_SOCKET_REUSE_ADDRESS | PROACTOR_SOCKET_NO_DELAY,
		    &s->listener);
	if (status == 0)
		status = proactor_socket_bind(s->listener, &address);
	if (status == 0)
		status = proactor_socket_listen(s->listener, 0);
	if (status == 0)
		status = proactor_socket_query_local_address(s->listener,
		    &address);
	if (status == 0)
		status = proactor_address_format(&address, text, sizeof(text));
	if (status == 0) {
		printf("serving %s at http://%s/\n", docroot, text);
		fflush(stdout);
	}
	return status;
}

static int
open_connections(struct server *s)
{
	struct rlimit limit;
	unsigned long i;
	rlim_t most;

	/* A client takes two descriptors, and the usual limit is 1024. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		most = limit.rlim_cur < 34 ? 1 : (limit.rlim_cur - 32) / 2;
		if (s->size > most)
			s->size = (unsigned long)most;
	}
	s->connections = calloc(s->size, sizeof(*s->connections));
	if (s->connections == NULL)
		return PROACTOR_ENOMEM;
	for (i = s->size; i-- > 0;) {
		s->connections[i].server = s;
		s->connections[i].next = s->idle;
		s->idle = &s->connections[i];
	}
	return 0;
}

/* Until stopped, and then until the last client has gone. */
static int
run(struct server *s)
{
	int status = 0;

	arm_accepts(s);
	while (status == 0 && !s->abort && !(s->stopping && s->live == 0)) {
		status = proactor_poll(s->p, PROACTOR_FOREVER, NULL);
		fflush(s->log);		/* one write for a turn's lines */
	}
	return status;
}

/* A decimal number between the two, or -1. */
static long
number(const char *text, long low, long high)
{
	char *end;
	long value = strtol(text, &end, 10);

	return *text < '0' || *text > '9' || *end != '\0' || value < low ||
	    value > high ? -1 : value;
}

int
main(int argc, char **argv)
{
	struct server s = { 0 };
	const char *host = "127.0.0.1", *docroot = ".", *log = NULL;
	long port = 8080, size = 1000, patience = 15;
	bool usage = false;
	int option, status;

	while ((option = getopt(argc, argv, "b:c:d:l:p:t:")) != -1) {
		if (option == 'b')
			host = optarg;
		else if (option == 'c')
			size = number(optarg, 1, 100000);
		else if (option == 'd')
			docroot = optarg;
		else if (option == 'l')
			log = optarg;
		else if (option == 'p')
			port = number(optarg, 0, 65535);
		else if (option == 't')
			patience = number(optarg, 1, 86400);
		else
			usage = true;
	}
	if (usage || optind != argc || size < 0 || port < 0 || patience < 0) {
		fprintf(stderr, "usage: httpd [-b address] [-p port] "
		    "[-d docroot] [-l log]\n             [-c connections] "
		    "[-t seconds]\n");
		return 2;
	}
	s.size = (unsigned long)size;
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
		status = open_signals(&s);
	if (status == 0)
		status = open_listener(&s, host, (uint16_t)port, docroot);
	if (status == 0)
		status = run(&s);
	if (status != 0)
		complain(host, status);

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
