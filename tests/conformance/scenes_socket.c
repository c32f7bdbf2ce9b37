/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conformance/differential.h"

/* Scenes on sockets: bytes, datagrams, connections, ends. */

#define BYTES	(UINT32_C(1) << 16)

/* What is sent: bytes that tell scenes apart. */
static unsigned char *
make_bytes(struct scene *scene)
{
	unsigned char *bytes = malloc(BYTES);

	CHECK(bytes != NULL);
	fill(bytes, BYTES, pick(scene, 1u << 20));
	return bytes;
}

/* --- a stream: both ways, until the end --- */

#define SENDS		6
#define RECEIVES	3
#define RECV_MAX	30000

struct way {
	unsigned int number;
	struct proactor_socket *from, *to;
	struct act sends[SENDS];
	struct act receives[RECEIVES];
	unsigned char *room[RECEIVES];
	unsigned int send_count, sent;
	uint64_t sum;		/* of what has arrived */
	size_t arrived;
};

struct stream {
	struct pair pair;
	unsigned char *bytes;
	struct way ways[2];
};

static struct way *
way_of(struct act *act)
{
	struct stream *stream = act->scene->state;

	return &stream->ways[act->number >= 100];
}

/* Sends end in order, each with all its bytes. */
static void
stream_sent(struct act *act, int status, unsigned int flags)
{
	struct way *way = way_of(act);

	CHECK_INT(flags, 0);
	note(act->scene, way->number, "send %u: %d, %zu bytes", act->number,
	    status, act->op.send.bytes);
	if (++way->sent == way->send_count)
		CHECK_INT(proactor_socket_shutdown(way->from,
		    PROACTOR_SHUTDOWN_WRITE), 0);
}

/* How the bytes are cut is free; not which they are. */
static void
stream_received(struct act *act, int status, unsigned int flags)
{
	struct way *way = way_of(act);
	size_t bytes = act->op.recv.bytes;

	if (status != 0 || bytes == 0) {
		CHECK_INT(flags, 0);
		note(act->scene, 2 + way->number, "receive: %d, %zu bytes",
		    status, bytes);
		return;
	}
	way->sum = sum_bytes(way->sum, way->room[act->number % 100], bytes);
	way->arrived += bytes;
	if ((act->op.base.flags & PROACTOR_OP_MULTISHOT) == 0)
		act_submit(act);
	else
		CHECK_INT(flags, PROACTOR_COMPLETION_MORE);
}

static void
begin_receives(struct scene *scene, struct way *way)
{
	unsigned int i, count = 1 + pick(scene, RECEIVES);
	bool multishot = pick(scene, 3) == 0;
	struct proactor_span spans[2];
	struct act *act;
	size_t length, cut;

	for (i = 0; i < (multishot ? 1 : count); i++) {
		act = &way->receives[i];
		length = 2 + pick(scene, pick(scene, 3) ? RECV_MAX : 1000);
		cut = 1 + pick(scene, (unsigned int)length - 1);
		way->room[i] = malloc(length);
		CHECK(way->room[i] != NULL);
		spans[0] = proactor_span(way->room[i], cut);
		spans[1] = proactor_span(way->room[i] + cut, length - cut);
		act_init(act, scene, 100 * way->number + i, stream_received);
		proactor_recv_op_init(&act->op.recv, way->to, spans, 2,
		    called_back, act);
		if (multishot)
			act->op.base.flags = PROACTOR_OP_MULTISHOT;
		act_submit(act);
	}
}

static void
begin_sends(struct scene *scene, struct way *way)
{
	struct stream *stream = scene->state;
	struct act *act, *batch[SENDS];
	struct proactor_span spans[2];
	size_t length, cut;
	unsigned int i;

	for (i = 0; i < way->send_count; i++) {
		act = batch[i] = &way->sends[i];
		length = 2 + pick(scene, pick(scene, 2) ? BYTES - 2 : 500);
		cut = 1 + pick(scene, (unsigned int)length - 1);
		spans[0] = proactor_span(stream->bytes, cut);
		spans[1] = proactor_span(stream->bytes + BYTES - length + cut,
		    length - cut);
		act_init(act, scene, 100 * way->number + i, stream_sent);
		proactor_send_op_init(&act->op.send, way->from, spans, 2, 0,
		    called_back, act);
	}
	if (way->send_count == 0)
		CHECK_INT(proactor_socket_shutdown(way->from,
		    PROACTOR_SHUTDOWN_WRITE), 0);
	else if (pick(scene, 2) == 0)
		act_submit_all(batch, way->send_count);
	else
		for (i = 0; i < way->send_count; i++)
			act_submit(batch[i]);
}

static void
stream_begin(struct scene *scene)
{
	struct stream *stream = scene->state;
	struct way *way;
	unsigned int kind;

	kind = pick(scene, 2) ? PROACTOR_SOCKET_TCP :
	    PROACTOR_SOCKET_UNIX_STREAM;
	stream->bytes = make_bytes(scene);
	pair_open(scene->w, kind, pick(scene, 4) ? 0 :
	    PROACTOR_SOCKET_ZERO_COPY, &stream->pair);
	for (way = stream->ways; way < stream->ways + 2; way++) {
		way->number = way != stream->ways;
		way->from = way->number ? stream->pair.b : stream->pair.a;
		way->to = way->number ? stream->pair.a : stream->pair.b;
		way->send_count = pick(scene, SENDS + 1);
		if (pick(scene, 2) == 0) {
			begin_receives(scene, way);
			maybe_poll(scene);
			begin_sends(scene, way);
		} else {
			begin_sends(scene, way);
			maybe_poll(scene);
			begin_receives(scene, way);
		}
	}
}

static void
stream_end(struct scene *scene)
{
	struct stream *stream = scene->state;
	struct way *way;
	unsigned int i;

	for (way = stream->ways; way < stream->ways + 2; way++) {
		note(scene, 2 + way->number, "%zu bytes, sum %016llx",
		    way->arrived, (unsigned long long)way->sum);
		for (i = 0; i < RECEIVES; i++)
			free(way->room[i]);
	}
	free(stream->bytes);
	proactor_socket_release(stream->pair.a);
	proactor_socket_release(stream->pair.b);
}

const struct scene_kind stream_scene = {
	"stream", sizeof(struct stream), stream_begin, stream_end
};

/* --- datagrams: each arrives whole, or cut where the span ends --- */

#define DATAGRAMS	6
#define DATAGRAM_ROOM	600

struct datagrams {
	struct pair pair;
	struct proactor_address to;
	unsigned char *bytes;
	struct act sends[DATAGRAMS];
	struct act receives[DATAGRAMS];
	unsigned char room[DATAGRAMS][DATAGRAM_ROOM];
	unsigned int count, arrived;
	uint64_t sum;		/* of all, in whatever order */
};

static void
datagram_sent(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	/* Several may be under way at once: no order is promised. */
	((struct datagrams *)act->scene->state)->sum +=
	    (uint64_t)(act->number + 1) * (act->op.sendto.bytes + 1) +
	    (uint64_t)(unsigned int)status;
}

static void
datagram_received(struct act *act, int status, unsigned int flags)
{
	struct datagrams *d = act->scene->state;
	struct proactor_recvfrom_op *op = &act->op.recvfrom;

	CHECK_INT(flags, 0);
	d->sum += sum_bytes(op->bytes * 8 + op->truncated * 4 +
	    (uint64_t)(unsigned int)status, d->room[act->number], op->bytes);
	d->arrived++;
}

static void
begin_datagrams(struct scene *scene, bool receives)
{
	struct datagrams *d = scene->state;
	struct proactor_span span;
	struct act *act;
	unsigned int i;

	for (i = 0; i < d->count; i++) {
		if (receives) {
			act = &d->receives[i];
			span = proactor_span(d->room[i], DATAGRAM_ROOM);
			act_init(act, scene, i, datagram_received);
			proactor_recvfrom_op_init(&act->op.recvfrom, d->pair.b,
			    &span, 1, called_back, act);
		} else {
			act = &d->sends[i];
			span = proactor_span(d->bytes + 1000 * i,
			    1 + pick(scene, 2 * DATAGRAM_ROOM));
			act_init(act, scene, i, datagram_sent);
			proactor_sendto_op_init(&act->op.sendto, d->pair.a,
			    &span, 1, &d->to, 0, called_back, act);
		}
		act_submit(act);
	}
}

static void
datagram_begin(struct scene *scene)
{
	struct datagrams *d = scene->state;

	d->bytes = make_bytes(scene);
	d->count = 1 + pick(scene, DATAGRAMS);
	pair_open(scene->w, pick(scene, 2) ? PROACTOR_SOCKET_UDP :
	    PROACTOR_SOCKET_UNIX_DATAGRAM, 0, &d->pair);
	CHECK_INT(proactor_socket_query_local_address(d->pair.b, &d->to), 0);
	if (pick(scene, 2) == 0) {
		begin_datagrams(scene, true);
		maybe_poll(scene);
		begin_datagrams(scene, false);
	} else {
		begin_datagrams(scene, false);
		maybe_poll(scene);
		begin_datagrams(scene, true);
	}
}

static void
datagram_end(struct scene *scene)
{
	struct datagrams *d = scene->state;

	note(scene, 0, "%u of %u, sum %016llx", d->arrived, d->count,
	    (unsigned long long)d->sum);
	free(d->bytes);
	proactor_socket_release(d->pair.a);
	proactor_socket_release(d->pair.b);
}

const struct scene_kind datagram_scene = {
	"datagrams", sizeof(struct datagrams), datagram_begin, datagram_end
};

/* --- connections --- */

#define CONNECTIONS	5

struct accepts {
	struct proactor_socket *listener, *refuser;
	struct act accepts[CONNECTIONS];
	struct act connects[CONNECTIONS + 1];
	struct proactor_socket *sockets[CONNECTIONS + 1];
	unsigned int count, accepted;
	bool multishot;
};

static void
accept_called(struct act *act, int status, unsigned int flags)
{
	struct accepts *a = act->scene->state;

	note(act->scene, 0, "accept: %d, flags %u, socket %d", status, flags,
	    act->op.accept.accepted != NULL);
	if (status != 0)
		return;
	proactor_socket_release(act->op.accept.accepted);
	if (++a->accepted == a->count && a->multishot)
		CHECK_INT(proactor_cancel(act->scene->w->p, &act->op.base), 0);
}

static void
connect_called(struct act *act, int status, unsigned int flags)
{
	struct accepts *a = act->scene->state;

	CHECK_INT(flags, 0);
	/* Each its own object. */
	note(act->scene, act->number < CONNECTIONS ? 1 : 2, "connect: %d",
	    status);
	proactor_socket_release(a->sockets[act->number]);
}

static void
begin_accepts(struct scene *scene)
{
	struct accepts *a = scene->state;
	unsigned int i;

	for (i = 0; i < (a->multishot ? 1 : a->count); i++) {
		act_init(&a->accepts[i], scene, i, accept_called);
		proactor_accept_op_init(&a->accepts[i].op.accept, a->listener,
		    called_back, &a->accepts[i]);
		if (a->multishot)
			a->accepts[i].op.base.flags = PROACTOR_OP_MULTISHOT;
		act_submit(&a->accepts[i]);
	}
}

static void
begin_connect(struct scene *scene, unsigned int number, unsigned int kind,
    const struct proactor_address *address)
{
	struct accepts *a = scene->state;
	struct act *act = &a->connects[number];

	CHECK_INT(proactor_socket_create(scene->w->p, kind, 0,
	    &a->sockets[number]), 0);
	act_init(act, scene, number, connect_called);
	proactor_connect_op_init(&act->op.connect, a->sockets[number], address,
	    called_back, act);
	act_submit(act);
}

/* An address that is taken, where nobody listens. */
static void
open_refuser(struct scene *scene, struct proactor_address *ret)
{
	struct accepts *a = scene->state;

	CHECK_INT(proactor_socket_create(scene->w->p, PROACTOR_SOCKET_TCP, 0,
	    &a->refuser), 0);
	address_to_bind(PROACTOR_SOCKET_TCP, ret);
	CHECK_INT(proactor_socket_bind(a->refuser, ret), 0);
	CHECK_INT(proactor_socket_query_local_address(a->refuser, ret), 0);
}

static void
accept_begin(struct scene *scene)
{
	struct accepts *a = scene->state;
	struct proactor_address address, refused;
	unsigned int i, kind;
	bool early = pick(scene, 2) != 0;

	kind = pick(scene, 2) ? PROACTOR_SOCKET_TCP :
	    PROACTOR_SOCKET_UNIX_STREAM;
	a->count = 1 + pick(scene, CONNECTIONS);
	a->multishot = pick(scene, 2) != 0;
	a->listener = listener_open(scene->w, kind, 0, &address);
	if (early)
		begin_accepts(scene);
	for (i = 0; i < a->count; i++) {
		begin_connect(scene, i, kind, &address);
		maybe_poll(scene);
	}
	if (!early)
		begin_accepts(scene);
	if (pick(scene, 2) == 0) {
		open_refuser(scene, &refused);
		begin_connect(scene, CONNECTIONS, PROACTOR_SOCKET_TCP,
		    &refused);
	}
}

static void
accept_end(struct scene *scene)
{
	struct accepts *a = scene->state;

	note(scene, 0, "%u of %u", a->accepted, a->count);
	proactor_socket_release(a->listener);
	proactor_socket_release(a->refuser);
}

const struct scene_kind accept_scene = {
	"connections", sizeof(struct accepts), accept_begin, accept_end
};

/* --- a close with operations pending --- */

#define PENDING	4

struct closing {
	struct pair pair;
	struct act receives[PENDING];
	struct act close;
	struct act last;	/* the other end sees the end */
	char bytes[PENDING + 1][10];
};

static void
close_called(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 0, "%u: %d", act->number, status);
}

static void
close_seen(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 1, "end: %d, %zu bytes", status, act->op.recv.bytes);
}

static void
close_receive(struct act *act, struct proactor_socket *s, char *bytes)
{
	struct proactor_span span = proactor_span(bytes, 10);

	proactor_recv_op_init(&act->op.recv, s, &span, 1, called_back, act);
	act_submit(act);
}

static void
close_begin(struct scene *scene)
{
	struct closing *c = scene->state;
	unsigned int i, count = pick(scene, PENDING + 1);

	pair_open(scene->w, pick(scene, 2) ? PROACTOR_SOCKET_TCP :
	    PROACTOR_SOCKET_UNIX_STREAM, 0, &c->pair);
	act_init(&c->last, scene, 0, close_seen);
	close_receive(&c->last, c->pair.b, c->bytes[PENDING]);
	for (i = 0; i < count; i++) {
		act_init(&c->receives[i], scene, i, close_called);
		close_receive(&c->receives[i], c->pair.a, c->bytes[i]);
		maybe_poll(scene);
	}
	act_init(&c->close, scene, PENDING, close_called);
	proactor_socket_close_op_init(&c->close.op.close, c->pair.a,
	    called_back, &c->close);
	act_submit(&c->close);
}

static void
close_end(struct scene *scene)
{
	struct closing *c = scene->state;

	proactor_socket_release(c->pair.b);
}

const struct scene_kind close_scene = {
	"close", sizeof(struct closing), close_begin, close_end
};
