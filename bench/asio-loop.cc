/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <chrono>
#include <deque>

#include "bench/asio.h"
#include "bench/loop-messages.h"
#include "bench/loop-nops.h"
#include "bench/loop-timers.h"

#define WORDS_OF(version) WORDS_OF_(version)
#define WORDS_OF_(version) #version

#ifdef BENCH_HAVE_ASIO
const char asio_words[] = "Asio, version " WORDS_OF(ASIO_VERSION);
#else
const char asio_words[] = "Boost.Asio, version " WORDS_OF(BOOST_ASIO_VERSION);
#endif

namespace {

/* A loop that never runs out of work. */
struct loop {
	net::io_context io;
	net::executor_work_guard<net::io_context::executor_type> work;

	loop() : io(LOOP_HINT), work(io.get_executor()) {}
};

void
turn(void *user)
{
	static_cast<loop *>(user)->io.run_one();
}

struct timers : loop {
	struct timer_run *run;
	std::deque<net::steady_timer> all;

	explicit timers(struct timer_run *t) : run(t)
	{
		for (unsigned int i = 0; i < t->count; i++)
			all.emplace_back(io);
	}
};

void *
timers_create(struct timer_run *t)
{
	return new timers(t);
}

/* Its clock is ours: CLOCK_MONOTONIC. */
void
timers_arm(void *user, unsigned int i, int64_t deadline, int64_t)
{
	timers *l = static_cast<timers *>(user);
	std::chrono::nanoseconds ns(deadline);

	l->all[i].expires_at(net::steady_timer::time_point(ns));
	l->all[i].async_wait([l, i](const error_code &error) {
		if (!error)
			loop_timer_fired(l->run, i);
	});
}

void
timers_cancel(void *user, unsigned int i)
{
	static_cast<timers *>(user)->all[i].cancel();
}

void
timers_settle(void *user)
{
	static_cast<timers *>(user)->io.poll();
}

void
timers_destroy(void *user)
{
	delete static_cast<timers *>(user);
}

constexpr struct timer_loop timer_way = {
	timers_create,
	timers_arm,
	timers_cancel,
	timers_settle,
	turn,
	timers_destroy,
};

struct nops : loop {
	struct nop_run *run;

	explicit nops(struct nop_run *n) : run(n) {}

	void post()
	{
		net::post(io, [this]() {
			if (loop_nop_done(run))
				post();
		});
	}
};

void *
nops_create(unsigned int, struct nop_run *n)
{
	return new nops(n);
}

void
nops_post(void *user, unsigned int)
{
	static_cast<nops *>(user)->post();
}

void
nops_turn(void *user)
{
	static_cast<nops *>(user)->io.poll();
}

void
nops_destroy(void *user)
{
	delete static_cast<nops *>(user);
}

constexpr struct nop_loop nop_way = {
	nops_create,
	nops_post,
	nops_turn,
	nops_destroy,
};

struct receiver : loop {
	void (*woken)(void *user);
	void *user;
};

void *
messages_create(void (*woken)(void *user), void *user)
{
	receiver *r = new receiver();

	r->woken = woken;
	r->user = user;
	return r;
}

void
messages_wake(void *to, void *)
{
	receiver *r = static_cast<receiver *>(to);

	net::post(r->io, [r]() { r->woken(r->user); });
}

void
messages_destroy(void *user)
{
	delete static_cast<receiver *>(user);
}

constexpr struct message_loop message_way = {
	false,
	messages_create,
	messages_wake,
	nullptr,
	turn,
	messages_destroy,
};

}

LOOP_NOP_CELLS(asio, nop_way)
LOOP_TIMER_CELLS(asio, timer_way)
LOOP_MESSAGE_CELLS(asio, message_way)

/* A loop makes its descriptors when it has its first timer or socket. */
void
asio_create(struct run *run)
{
	for (uint64_t i = 0; i < run->warm_up + run->operations; i++) {
		if (i == run->warm_up)
			run_begin(run);
		net::io_context io(LOOP_HINT);
		tcp::socket socket(io);
	}
	run_end(run, run->operations);
}
