/* SPDX-License-Identifier: ISC */
/*
 * What readiness/engine.h asks of a demultiplexer.  This program stands for the
 * engine; the compiler is told the one to test as DEMUX.
 */
#ifndef TESTS_UNIT_DEMUX_H
#define TESTS_UNIT_DEMUX_H

#include "readiness/engine.h"
#include "tap/tap.h"

#define IN	PROACTOR_POLL_IN
#define OUT	PROACTOR_POLL_OUT
#define FOREVER	INT64_C(-1)
#define SLOTS	2048
#define CROWD	200

static const struct demux *const demux = &DEMUX;

struct said {
	uint64_t key;
	unsigned int events;
	int error;
};

struct world {
	struct engine e;
	struct proactor p;
	struct slot slots[SLOTS];
	struct said said[SLOTS];	/* by the last wait */
	int count;
	/* Called for each. */
	void (*hook)(struct world *w, int fd);
	int other;
};

/* A demultiplexer in an engine that has no proactor to speak of. */
struct world *world_open(void);
void	 world_close(struct world *w);

/* Leaves the case when the demultiplexer has no MODE_EDGE. */
void	 need_edges(void);

/* As the engine sets a watch: of a socket's slot when it is for edges. */
int	 try_watch(struct world *w, int fd, unsigned int wanted,
	    enum slot_mode mode);
void	 watch(struct world *w, int fd, unsigned int wanted,
	    enum slot_mode mode);
void	 await_out(struct world *w, int fd);
void	 forget(struct world *w, int fd);

/* How often the demultiplexer spoke in one wait. */
int	 wait_for(struct world *w, int64_t timeout);

/* The only thing said now is that fd has these events; nothing is. */
void	 expect(struct world *w, int fd, unsigned int events);
void	 expect_nothing(struct world *w);

/* Two sockets, and a byte. */
void	 open_pair(int fds[2]);
void	 put(int fd);
void	 take(int fd);

extern const struct tap_case watch_cases[];
extern const struct tap_case end_cases[];
extern const struct tap_case wait_cases[];

#endif
