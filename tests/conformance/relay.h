/* SPDX-License-Identifier: ISC */
/* Relays between ends of every kind. */
#ifndef RELAY_H
#define RELAY_H

#include "conformance/conformance.h"

/* One end: a handle that counts, or a notification. */
struct relay_end {
	int read_fd, write_fd;		/* -1: it is a notification */
	struct proactor_notification *n;
	uint32_t seen;			/* of its epoch */
};

/* One relay with its ends, and what its error callback was told. */
struct relay {
	struct world *w;
	struct relay_end from, to;
	struct proactor_relay_options o;
	struct proactor_relay *relay;
	size_t errors;
	int status;
};

/* handle: else a notification. */
void	 end_open(struct world *w, struct relay_end *e, bool handle);
void	 end_close(struct relay_end *e);

/* Makes it ready. */
void	 end_touch(struct relay_end *e);

/* What it has been touched with since it was last asked. */
uint64_t end_count(struct relay_end *e);

/* Polls until it has been touched; how often. */
uint64_t end_wait(struct world *w, struct relay_end *e);

/* It is not touched for a while. */
void	 end_quiet(struct world *w, struct relay_end *e);

/* Ends and options of the kinds and flags that kind, 0 to 3, stands for. */
#define RELAY_KINDS	4
void	 relay_prepare(struct world *w, struct relay *r, int kind,
	    unsigned int flags);
void	 relay_register(struct relay *r);
void	 relay_open(struct world *w, struct relay *r, int kind,
	    unsigned int flags);
void	 relay_close(struct relay *r);

#endif
