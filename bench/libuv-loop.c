/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <uv.h>

#include "bench/loop-messages.h"
#include "bench/loop-nops.h"
#include "bench/loop-timers.h"
#include "bench/others.h"

#define WORDS_OF(version) WORDS_OF_(version)
#define WORDS_OF_(version) #version

const char libuv_words[] = "libuv " WORDS_OF(UV_VERSION_MAJOR) "." WORDS_OF(
    UV_VERSION_MINOR) "." WORDS_OF(UV_VERSION_PATCH);

static void
check(int status, const char *what)
{
	if (status < 0)
		die(what, status);
}

/* Handles of one kind, and the loop they are in. */
struct loop {
	uv_loop_t loop;
	void *run;
	unsigned int count;
	union {
		uv_timer_t *timers;
		uv_idle_t *idles;
	} handles;
};

static struct loop *
loop_new(void *run, unsigned int count)
{
	struct loop *l;

	l = allocate(1, sizeof(*l));
	l->run = run;
	l->count = count;
	check(uv_loop_init(&l->loop), "uv_loop_init");
	return l;
}

/* All handles are stopped, so that they need no closing of their own. */
static void
loop_free(struct loop *l, uv_handle_t *handles, size_t size)
{
	unsigned int i;

	for (i = 0; i < l->count; i++)
		uv_close((uv_handle_t *)((char *)handles + i * size), NULL);
	uv_run(&l->loop, UV_RUN_DEFAULT);
	check(uv_loop_close(&l->loop), "uv_loop_close");
	free(handles);
	free(l);
}

static void
on_timer(uv_timer_t *timer)
{
	struct loop *l = timer->data;

	loop_timer_fired(l->run, timer - l->handles.timers);
}

static void *
timers_create(struct timer_run *t)
{
	struct loop *l = loop_new(t, t->count);
	unsigned int i;

	l->handles.timers = allocate(l->count, sizeof(uv_timer_t));
	for (i = 0; i < l->count; i++) {
		uv_timer_init(&l->loop, &l->handles.timers[i]);
		l->handles.timers[i].data = l;
	}
	return l;
}

/* Timeouts count from the loop's own idea of the time. */
static void
timers_settle(void *loop)
{
	struct loop *l = loop;

	uv_update_time(&l->loop);
}

static void
timers_arm(void *loop, unsigned int i, int64_t deadline, int64_t now)
{
	struct loop *l = loop;

	uv_timer_start(&l->handles.timers[i], on_timer,
	    (deadline - now + 999999) / 1000000, 0);
}

static void
timers_cancel(void *loop, unsigned int i)
{
	struct loop *l = loop;

	uv_timer_stop(&l->handles.timers[i]);
}

static void
turn(void *loop)
{
	struct loop *l = loop;

	uv_run(&l->loop, UV_RUN_ONCE);
}

static void
timers_destroy(void *loop)
{
	struct loop *l = loop;

	loop_free(l, (uv_handle_t *)l->handles.timers, sizeof(uv_timer_t));
}

static const struct timer_loop timers = {
	.create = timers_create,
	.arm = timers_arm,
	.cancel = timers_cancel,
	.settle = timers_settle,
	.turn = turn,
	.destroy = timers_destroy,
};

LOOP_TIMER_CELLS(libuv, timers)

static void
on_idle(uv_idle_t *idle)
{
	struct loop *l = idle->data;

	if (!loop_nop_done(l->run))
		uv_idle_stop(idle);
}

static void *
nops_create(unsigned int count, struct nop_run *n)
{
	struct loop *l = loop_new(n, count);
	unsigned int i;

	l->handles.idles = allocate(count, sizeof(uv_idle_t));
	for (i = 0; i < count; i++) {
		uv_idle_init(&l->loop, &l->handles.idles[i]);
		l->handles.idles[i].data = l;
	}
	return l;
}

static void
nops_post(void *loop, unsigned int i)
{
	struct loop *l = loop;

	uv_idle_start(&l->handles.idles[i], on_idle);
}

static void
nops_destroy(void *loop)
{
	struct loop *l = loop;

	loop_free(l, (uv_handle_t *)l->handles.idles, sizeof(uv_idle_t));
}

/* An idle callback runs in each turn, which then does not wait. */
static const struct nop_loop nops = {
	.create = nops_create,
	.post = nops_post,
	.turn = turn,
	.destroy = nops_destroy,
};

LOOP_NOP_CELLS(libuv, nops)

struct receiver {
	uv_loop_t loop;
	uv_async_t async;
	void (*woken)(void *user);
	void *user;
};

static void
on_async(uv_async_t *async)
{
	struct receiver *r = async->data;

	r->woken(r->user);
}

static void *
messages_create(void (*woken)(void *user), void *user)
{
	struct receiver *r;

	r = allocate(1, sizeof(*r));
	r->woken = woken;
	r->user = user;
	r->async.data = r;
	check(uv_loop_init(&r->loop), "uv_loop_init");
	check(uv_async_init(&r->loop, &r->async, on_async), "uv_async_init");
	return r;
}

static void
messages_wake(void *loop, void *from)
{
	struct receiver *r = loop;

	(void)from;
	check(uv_async_send(&r->async), "uv_async_send");
}

static void
messages_turn(void *loop)
{
	struct receiver *r = loop;

	uv_run(&r->loop, UV_RUN_ONCE);
}

static void
messages_destroy(void *loop)
{
	struct receiver *r = loop;

	uv_close((uv_handle_t *)&r->async, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	check(uv_loop_close(&r->loop), "uv_loop_close");
	free(r);
}

static const struct message_loop messages = {
	.create = messages_create,
	.wake = messages_wake,
	.turn = messages_turn,
	.destroy = messages_destroy,
};

LOOP_MESSAGE_CELLS(libuv, messages)

void
libuv_create(struct run *run)
{
	uv_loop_t loop;
	uint64_t i;

	for (i = 0; i < run->warm_up + run->operations; i++) {
		if (i == run->warm_up)
			run_begin(run);
		check(uv_loop_init(&loop), "uv_loop_init");
		check(uv_loop_close(&loop), "uv_loop_close");
	}
	run_end(run, run->operations);
}

/* Reads of cached blocks, size of them in flight. */
struct reader {
	uv_loop_t loop;
	uv_fs_t *requests;
	char *buffers;
	uint32_t seed;
	uint64_t left;
	int file;
};

static void on_read(uv_fs_t *request);

static void
start(struct reader *r, uv_fs_t *request)
{
	uint64_t block = random_next(&r->seed) % FILE_BLOCKS;
	uv_buf_t buffer;

	buffer = uv_buf_init(r->buffers + (request - r->requests) * FILE_BLOCK,
	    FILE_BLOCK);
	request->data = r;
	r->left--;
	check(uv_fs_read(&r->loop, request, r->file, &buffer, 1,
		  block * FILE_BLOCK, on_read),
	    "uv_fs_read");
}

static void
on_read(uv_fs_t *request)
{
	struct reader *r = request->data;

	if (request->result != FILE_BLOCK)
		die("read", request->result);
	uv_fs_req_cleanup(request);
	if (r->left > 0)
		start(r, request);
}

static void
read_blocks(struct reader *r, unsigned int depth, uint64_t count)
{
	unsigned int i;

	r->left = count;
	for (i = 0; i < depth && r->left > 0; i++)
		start(r, &r->requests[i]);
	uv_run(&r->loop, UV_RUN_DEFAULT);
}

void
libuv_read(struct run *run)
{
	struct reader r = { .seed = 1, .file = run->file };

	check(uv_loop_init(&r.loop), "uv_loop_init");
	r.requests = allocate(run->size, sizeof(*r.requests));
	r.buffers = allocate(run->size, FILE_BLOCK);
	read_blocks(&r, run->size, run->warm_up);
	run_begin(run);
	read_blocks(&r, run->size, run->operations);
	run_end(run, run->operations);
	check(uv_loop_close(&r.loop), "uv_loop_close");
	free(r.requests);
	free(r.buffers);
}
