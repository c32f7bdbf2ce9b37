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
 * that a request allocates nothing.  Each goes round
 *
 *	accept -> receive -> open -> (read -> send)* -> receive ... -> accept
 *
 * with one of these in flight.  So they share their memory, in a union, and
 * have one callback, on_io(), which alone goes on or hangs up.  The functions
 * that return bool prepare what comes next; false says that nothing does.
 * sweep() cancels what takes too long, which is one more way to fail.
 */
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <proactor.h>

#define SECOND		INT64_C(1000000000)
#define HEAD_SIZE	8192	/* of a request, at most */
#define LINE_SIZE	4096	/* of its first line */
#define BAD_REQUEST	"400 Bad Request"
#define HTTP_DATE	"%a, %d %b %Y %H:%M:%S GMT"
#define DIGITS		"0123456789"
/* What a method and the name of a field are made of. */
#define TOKEN		"!#$%&'*+-.^_`|~" DIGITS \
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* The fields of a request that matter here. */
enum { HOST, CONNECTION, LENGTH, CODING, RANGE, IF_RANGE, IF_MODIFIED, FIELDS };
static const char *const field_names[FIELDS] = {
	"Host", "Connection", "Content-Length", "Transfer-Encoding", "Range",
	"If-Range", "If-Modified-Since",
};

static const char *const mime_types[][2] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".jpg", "image/jpeg" },
	{ ".png", "image/png" },
	{ ".svg", "image/svg+xml" },
};

struct server {
	struct proactor *p;
	struct proactor_socket *listener;
	struct connection *connections;
	long size, live;		/* of connections; not ENDED */
	int signals;			/* 0: serve, 1: finish, 2: stop */
	int64_t patience, next_sweep;
	FILE *log;
	char date[40], log_date[40];
};

struct connection {
	struct server *server;
	enum { ENDED, ACCEPTING, RECEIVING, RESPONDING, DRAINING } state;
	int64_t deadline;		/* of what the client does now */
	struct proactor_socket *socket;
	struct proactor_file *file;	/* that is being sent, or NULL */
	union {
		struct proactor_op base;
		struct proactor_accept_op accept;
		struct proactor_recv_op recv;
		struct proactor_file_open_op open;
		struct proactor_file_read_op read;
		struct proactor_send_op send;
	} io;
	char peer[PROACTOR_ADDRESS_TEXT_MAX];
	size_t received, head;		/* bytes in input; of one request */
	const char *line, *target;	/* in input, as are the fields */
	char *field[FIELDS];		/* NULL: it has none */
	bool head_only, old, keep_alive;	/* HEAD; HTTP/1.0 */
	const char *status;		/* "200 OK" */
	uintmax_t length;		/* of the body */
	uintmax_t offset, left;		/* of the file, yet to be read */
	char extra[HEAD_SIZE + 32];	/* fields of this response */
	size_t pending;			/* bytes in output */
	char path[HEAD_SIZE + 16];	/* of the file, from "." on */
	char input[HEAD_SIZE], output[65536];
};

static bool next_request(struct connection *);
static void on_io(void *, struct proactor_op *, int, unsigned int);

static bool
receive(struct connection *c)
{
	struct proactor_span span = proactor_span(c->input + c->received,
	    sizeof(c->input) - c->received);

	proactor_recv_op_init(&c->io.recv, c->socket, &span, 1, on_io, c);
	return true;
}

/* The length of a head that has come whole, with its empty line, or 0. */
static size_t
find_head(const char *input, size_t length)
{
	bool empty = false;		/* the line so far */
	size_t i;

	for (i = 0; i < length; i++) {
		if (input[i] == '\n' && empty)
			return i + 1;
		if (input[i] != '\r')
			empty = input[i] == '\n';
	}
	return 0;
}

/*
 * Makes the path of a file, relative to the docroot, out of the target.
 * First it is decoded and then looked at: "%2e%2e%2f" is "../".  Symbolic
 * links are followed, also out of the docroot: who owns it has made them.
 */
static bool
decode_path(struct connection *c)
{
	const char *in = c->target;
	char *out = c->path;

	for (*out++ = '.'; *in != ' ' && *in != '?'; in++) {
		*out = *in;
		if (*in == '%') {
			if (strspn(in + 1, DIGITS "ABCDEFabcdef") < 2)
				return false;
			*out = (char)strtol((char[]){ in[1], in[2], '\0' },
			    NULL, 16);
			in += 2;
		}
		if (*in < '!' || *in > '~' || *out++ == '\0')
			return false;
	}
	strcpy(out, out[-1] == '/' ? "index.html" : "");
	return strstr(c->path, "/..") == NULL;
}

/* Notes the fields that matter.  NULL, or the status to refuse them with. */
static const char *
parse_fields(struct connection *c, char *rest)
{
	char *name, *value, *word;
	const char *change = c->old ? "keep-alive" : "close";
	bool keep = !c->old;
	int i;

	while ((name = strtok_r(NULL, "\r\n", &rest)) != NULL) {
		value = name + strspn(name, TOKEN);
		if (value == name || *value != ':')
			return BAD_REQUEST;
		*value++ = '\0';
		value += strspn(value, " \t");
		i = 0;
		while (i < FIELDS && strcasecmp(name, field_names[i]) != 0)
			i++;
		if (i == HOST && c->field[HOST] != NULL)
			return BAD_REQUEST;
		if (i < FIELDS)
			c->field[i] = value;
		while (i == CONNECTION &&
		    (word = strsep(&value, ", \t")) != NULL)
			if (strcasecmp(word, change) == 0)
				keep = c->old;
	}
	if (c->field[HOST] == NULL && !c->old)
		return BAD_REQUEST;
	/* Nobody here reads a body: what follows is not another request. */
	c->keep_alive = keep && c->field[LENGTH] == NULL &&
	    c->field[CODING] == NULL && c->server->signals == 0;
	return NULL;
}

/* Takes a head apart, where it lies. */
static const char *
parse(struct connection *c)
{
	const char *version;
	char *at, *rest;

	if (memchr(c->input, '\n', LINE_SIZE) == NULL)
		return "414 URI Too Long";
	if (c->head == 0)		/* it never ends */
		return "431 Request Header Fields Too Large";
	for (at = c->input; at < c->input + c->head; at++)
		if (iscntrl((unsigned char)*at) && *at != '\t' &&
		    *at != '\n' && (at[0] != '\r' || at[1] != '\n'))
			return BAD_REQUEST;
	at[-1] = '\0';			/* was a line feed */
	/* Forgives lone line feeds, and an empty line before a request. */
	at = strtok_r(c->input, "\r\n", &rest);
	if (at == NULL)
		return BAD_REQUEST;
	c->line = at;
	at += strspn(at, TOKEN);
	version = *at == ' ' ? strchr(++at, ' ') : NULL;
	if (*c->line == ' ' || version == NULL ||
	    fnmatch(" HTTP/[0-9].[0-9]", version, 0) != 0)
		return BAD_REQUEST;
	if (version[6] != '1')
		return "505 HTTP Version Not Supported";
	c->old = version[8] == '0';
	c->head_only = strncmp(c->line, "HEAD ", 5) == 0;
	if (!c->head_only && strncmp(c->line, "GET ", 4) != 0)
		return "405 Method Not Allowed";
	if (strncasecmp(at, "http://", 7) == 0)		/* as to a proxy */
		at += 7 + strcspn(at + 7, "/? ");
	c->target = at;
	return *at == '/' && decode_path(c) ? parse_fields(c, rest) :
	    BAD_REQUEST;
}

/* Logs a response, be it that all was sent or that it cannot be. */
static void
end_response(struct connection *c)
{
	FILE *log = c->server->log;
	const char *at;

	fprintf(log, "%s - - [%s] \"", c->peer, c->server->log_date);
	/* What a client wrote is not to be trusted with a terminal. */
	for (at = c->line; *at != '\0'; at++)
		if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
			fprintf(log, "\\x%02x", (unsigned char)*at);
		else
			putc(*at, log);
	fprintf(log, "\" %.3s %ju\n", c->status, c->length - c->left);
	proactor_file_release(c->file);
	c->file = NULL;
}

/* Reads while there is room and a file to be read, then sends, or ends. */
static bool
send_more(struct connection *c)
{
	size_t room = sizeof(c->output) - c->pending;
	struct proactor_span span = proactor_span(c->output, c->pending);

	if (c->left > 0 && room > 0) {
		proactor_file_read_op_init(&c->io.read, c->file, c->offset,
		    proactor_span(c->output + c->pending,
		    c->left < room ? (size_t)c->left : room), on_io, c);
		return true;
	}
	if (c->pending > 0) {
		proactor_send_op_init(&c->io.send, c->socket, &span, 1, 0,
		    on_io, c);
		return true;
	}
	end_response(c);
	if (c->keep_alive && c->server->signals == 0) {
		c->state = RECEIVING;
		c->received -= c->head;
		memmove(c->input, c->input + c->head, c->received);
		return next_request(c);
	}
	/* To close while bytes are unread would reset the connection, and the
	   response might be lost: close when the client has closed. */
	c->state = DRAINING;
	c->received = 0;
	proactor_socket_shutdown(c->socket, PROACTOR_SHUTDOWN_WRITE);
	return receive(c);
}

static const char *
mime_type(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(mime_types) / sizeof(mime_types[0]); i++)
		if (strcasecmp(strrchr(path, '.'), mime_types[i][0]) == 0)
			return mime_types[i][1];
	return "application/octet-stream";
}

/* Sends a head and what is left of the file or, without one, the status. */
static bool
respond(struct connection *c, const char *status)
{
	bool text = c->file == NULL;

	c->status = status;
	c->length = text ? strlen(status) + 1 : c->left;
	c->pending = (size_t)snprintf(c->output, sizeof(c->output),
	    "HTTP/1.1 %s\r\nDate: %s\r\nServer: libproactor-httpd\r\n"
	    "%sContent-Type: %s\r\nContent-Length: %ju\r\n%s\r\n", status,
	    c->server->date, c->extra, text ? "text/plain" :
	    mime_type(c->path), c->length,
	    !c->keep_alive ? "Connection: close\r\n" :
	    c->old ? "Connection: keep-alive\r\n" : "");
	if (c->head_only)
		c->length = c->left = 0;
	else if (text)
		c->pending += (size_t)sprintf(c->output + c->pending, "%s\n",
		    status);
	return send_more(c);
}

/*
 * Narrows a response down to what a Range field asks for, and returns its
 * status.  A range that is malformed, and several at once, are ignored, as
 * the standard allows; strtoull() makes the largest number of larger ones.
 */
static const char *
find_range(struct connection *c)
{
	uintmax_t size = c->left, first, last = UINTMAX_MAX;
	const char *range = c->field[RANGE] + strlen("bytes=");
	const char *dash = range + strspn(range, DIGITS);
	char *field = strchr(c->extra, '\0');

	if (*dash != '-' || dash[1 + strspn(dash + 1, DIGITS)] != '\0' ||
	    strcmp(range, "-") == 0)
		return "200 OK";
	first = strtoull(range, NULL, 10);
	if (dash[1] != '\0')
		last = strtoull(dash + 1, NULL, 10);
	if (dash == range) {		/* the last so many */
		first = last < size ? size - last : 0;
		last = UINTMAX_MAX;
	}
	if (last < first)
		return "200 OK";
	if (first >= size) {
		c->left = 0;
		sprintf(field, "Content-Range: bytes */%ju\r\n", size);
		return "416 Range Not Satisfiable";
	}
	if (last >= size)
		last = size - 1;
	c->offset = first;
	c->left = last + 1 - first;
	sprintf(field, "Content-Range: bytes %ju-%ju/%ju\r\n", first, last,
	    size);
	return "206 Partial Content";
}

/* All of a file, a part, or, when the client has it already, nothing. */
static bool
respond_with_file(struct connection *c)
{
	char modified[40];
	struct stat st;
	struct tm tm;

	c->file = c->io.open.file;
	if (fstat(proactor_file_handle(c->file).u.fd, &st) != 0 ||
	    gmtime_r(&st.st_mtime, &tm) == NULL)
		return false;
	c->left = (uintmax_t)st.st_size;
	strftime(modified, sizeof(modified), HTTP_DATE, &tm);
	sprintf(c->extra, "Last-Modified: %s\r\nAccept-Ranges: bytes\r\n",
	    modified);
	if (c->field[IF_MODIFIED] != NULL &&
	    strcmp(c->field[IF_MODIFIED], modified) == 0) {
		c->head_only = true;
		return respond(c, "304 Not Modified");
	}
	if (c->field[RANGE] == NULL || c->head_only ||
	    strncasecmp(c->field[RANGE], "bytes=", 6) != 0 ||
	    (c->field[IF_RANGE] != NULL &&
	    strcmp(c->field[IF_RANGE], modified) != 0))
		return respond(c, "200 OK");
	return respond(c, find_range(c));
}

/* Answers the request in the input, or receives more of it. */
static bool
next_request(struct connection *c)
{
	const char *refusal, *target;
	struct stat st;

	c->head = find_head(c->input, c->received);
	if (c->head == 0 && c->received < sizeof(c->input))
		return receive(c);
	c->state = RESPONDING;
	c->deadline = proactor_deadline_after(c->server->patience);
	c->line = "";
	c->extra[0] = '\0';
	memset(c->field, 0, sizeof(c->field));
	c->head_only = c->old = c->keep_alive = false;
	c->status = "503";		/* until we know better */
	c->length = c->offset = c->left = 0;
	refusal = parse(c);
	if (refusal != NULL) {
		strcpy(c->extra, "Allow: GET, HEAD\r\n");
		return respond(c, refusal);
	}
	/* There is no operation for this, but to open a pipe may never end. */
	if (stat(c->path, &st) != 0)
		return respond(c, errno == EACCES ? "403 Forbidden" :
		    "404 Not Found");
	if (S_ISREG(st.st_mode)) {
		proactor_file_open_op_init(&c->io.open, c->path,
		    PROACTOR_FILE_READ, 0, on_io, c);
		return true;
	}
	if (!S_ISDIR(st.st_mode) || fnmatch("*/index.html", c->path, 0) == 0)
		return respond(c, "403 Forbidden");
	/* Without its slash: relative links in it would go astray. */
	for (target = c->target; target[1] == '/'; target++)
		;			/* "//name" would name a host */
	sprintf(c->extra, "Location: %.*s/\r\n", (int)strcspn(target, "? "),
	    target);
	return respond(c, "301 Moved Permanently");
}

/* Prepares what comes after an operation of this type. */
static bool
step(struct connection *c, unsigned int type, int status)
{
	/* When the client must have done what it does next. */
	int64_t later = proactor_deadline_after(c->server->patience);

	if (type == PROACTOR_OP_FILE_OPEN && status != 0)
		return respond(c, status == PROACTOR_EACCES ?
		    "403 Forbidden" : "503 Service Unavailable");
	if (status != 0)
		return false;
	switch (type) {
	case PROACTOR_OP_ACCEPT:
		strcpy(c->peer, "-:");	/* it may have gone already */
		proactor_address_format(&c->io.accept.peer, c->peer,
		    sizeof(c->peer));
		*strrchr(c->peer, ':') = '\0';
		c->socket = c->io.accept.accepted;
		c->state = RECEIVING;
		c->deadline = later;
		return receive(c);
	case PROACTOR_OP_RECV:
		/* A flood is always faster than the cancel. */
		if (c->io.recv.bytes == 0 || c->deadline <= proactor_now())
			return false;
		if (c->state == DRAINING)
			return receive(c);
		if (c->received == 0)	/* from the first byte to the last */
			c->deadline = later;
		c->received += c->io.recv.bytes;
		return next_request(c);
	case PROACTOR_OP_FILE_OPEN:
		return respond_with_file(c);
	case PROACTOR_OP_FILE_READ:
		c->pending += c->io.read.bytes;
		c->offset += c->io.read.bytes;
		c->left -= c->io.read.bytes;
		/* 0: the file is shorter now than was promised. */
		return c->io.read.bytes > 0 && send_more(c);
	default:			/* a send */
		c->deadline = later;
		c->pending = 0;
		return send_more(c);
	}
}

/* Waits for a client.  When that fails, the next sweep() tries again. */
static void
accept_client(struct connection *c)
{
	struct server *s = c->server;

	c->deadline = PROACTOR_FOREVER;
	c->received = 0;
	proactor_accept_op_init(&c->io.accept, s->listener, on_io, c);
	if (s->signals == 0 && proactor_submit_one(s->p, &c->io.base) == 0) {
		c->state = ACCEPTING;
		s->live++;
	}
}

/* One thing has ended: starts the next, or hangs up. */
static void
on_io(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct connection *c = user_data;

	(void)flags;
	if (step(c, op->type, status) &&
	    proactor_submit_one(c->server->p, op) == 0)
		return;
	if (c->state == RESPONDING)
		end_response(c);
	c->state = ENDED;
	c->server->live--;
	if (c->socket == NULL)
		return;			/* nobody came: sweep() tries again */
	/* Nothing is in flight here, so that the last reference closes. */
	proactor_socket_release(c->socket);
	c->socket = NULL;
	accept_client(c);
}

/*
 * Sets the clock, accepts again where that has failed, and ends clients that
 * are too slow and, while the server stops, those who have asked for nothing.
 */
static void
sweep(struct server *s)
{
	int64_t now = proactor_now();
	time_t today = time(NULL);
	struct connection *c;
	struct tm tm;

	gmtime_r(&today, &tm);
	strftime(s->date, sizeof(s->date), HTTP_DATE, &tm);
	strftime(s->log_date, sizeof(s->log_date), "%d/%b/%Y:%T +0000", &tm);
	for (c = s->connections; c < s->connections + s->size; c++)
		if (c->state == ENDED)
			accept_client(c);
		else if (c->deadline <= now ||
		    (s->signals > 0 && c->received == 0))
			proactor_cancel(s->p, &c->io.base);
	s->next_sweep = now + SECOND;
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

	(void)subscription, (void)sig;
	s->signals++;
	proactor_socket_release(s->listener);
	s->listener = NULL;
	s->next_sweep = PROACTOR_IMMEDIATE;
}

/* A server that cannot start, or go on, says why. */
static void
must(const char *what, int status)
{
	if (status == 0)
		return;
	fprintf(stderr, "httpd: %s: %s\n", what, proactor_strerror(status));
	exit(1);
}

/* Listens, says where, and takes the memory for all that clients will need. */
static void
start(struct server *s, char *where, struct proactor_address *a)
{
	struct proactor_signal_subscription *ends_with_p;
	long i;

	must("create", proactor_create(NULL, &s->p));
	must(where, proactor_socket_create(s->p,
	    proactor_address_family(a) == PROACTOR_ADDRESS_IPV6 ?
	    PROACTOR_SOCKET_TCP6 : PROACTOR_SOCKET_TCP,
	    PROACTOR_SOCKET_REUSE_ADDRESS | PROACTOR_SOCKET_NO_DELAY,
	    &s->listener));
	must(where, proactor_socket_bind(s->listener, a));
	must(where, proactor_socket_listen(s->listener, 0));
	must(where, proactor_socket_query_local_address(s->listener, a));
	must(where, proactor_address_format(a, where,
	    PROACTOR_ADDRESS_TEXT_MAX));
	must("signals", proactor_subscribe_signal(s->p,
	    PROACTOR_SIGNAL_INTERRUPT, on_signal, s, &ends_with_p));
	must("signals", proactor_subscribe_signal(s->p,
	    PROACTOR_SIGNAL_TERMINATE, on_signal, s, &ends_with_p));
	s->connections = calloc((size_t)s->size, sizeof(*s->connections));
	must("connections", s->connections == NULL ? PROACTOR_ENOMEM : 0);
	for (i = 0; i < s->size; i++)
		s->connections[i].server = s;
	printf("serving at http://%s/\n", where);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	const char *options['z'] = { ['b'] = "127.0.0.1", ['p'] = "8080",
	    ['d'] = ".", ['c'] = "1000", ['t'] = "15" };
	long patience, files = sysconf(_SC_OPEN_MAX), most = (files - 32) / 2;
	char where[PROACTOR_ADDRESS_TEXT_MAX];
	struct server s = { .log = stdout };
	struct proactor_address address;
	int option, status;

	while ((option = getopt(argc, argv, "b:c:d:l:p:t:")) != -1)
		options[option] = option == '?' ? "" : optarg;
	snprintf(where, sizeof(where), "%s:%s", options['b'], options['p']);
	s.size = strtol(options['c'], NULL, 10);
	patience = strtol(options['t'], NULL, 10);
	if (optind != argc || options['?'] != NULL || s.size < 1 ||
	    patience < 1 || patience > 86400 ||
	    proactor_address_parse(where, &address) != 0) {
		fprintf(stderr, "usage: httpd [-b address] [-p port] "
		    "[-d docroot]\n\t[-l log] [-c connections] [-t seconds]\n");
		return 2;
	}
	s.patience = patience * SECOND;
	/* Each takes two descriptors; -1 is no limit. */
	if (files != -1 && s.size > most)
		s.size = most > 0 ? most : 1;
	if (options['l'] != NULL)
		s.log = fopen(options['l'], "ae");
	must(options['l'], s.log == NULL ? -errno : 0);
	must(options['d'], chdir(options['d']) != 0 ? -errno : 0);
	start(&s, where, &address);

	/* Until stopped, and then until the last client has gone. */
	while (s.signals == 0 || (s.signals == 1 && s.live > 0)) {
		if (s.next_sweep <= proactor_now())
			sweep(&s);
		status = proactor_poll(s.p, s.next_sweep, NULL);
		must("poll", status == PROACTOR_ETIMEDOUT ? 0 : status);
		fflush(s.log);		/* one write for a turn's lines */
	}
	/* What is left after a second signal is called back here. */
	s.signals = 2;
	proactor_shutdown(s.p, proactor_deadline_after(SECOND));
	proactor_release(s.p);
	free(s.connections);
	return fclose(s.log) != 0;
}
