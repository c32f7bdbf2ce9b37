/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/chain.h"

/* Sequences where they meet timeouts, pools and what a step function does. */

/* --- steps that nobody is told of, and deadlines --- */

/*
 * A request, its answer and the time for that: silent are the first steps, so
 * that nobody hears when the time begins.
 */
static void
answer_is_late(struct world *w, unsigned int kind, size_t requests,
    bool each_timed)
{
	struct proactor_send_op sends[3];
	struct proactor_timeout_op timeouts[4];
	struct proactor_recv_op recv;
	struct proactor_op *steps[8];
	struct proactor_sequence_op q;
	struct proactor_socket *s;
	size_t count = 0, i;
	char memory[4];
	int fd;

	s = half_pair(w, kind, 0, &fd);
	poll_barrier(w);
	for (i = 0; i < requests; i++) {
		send_init(&sends[i], w, s, "x", 1);
		sends[i].base.callback = NULL;
		steps[count++] = &sends[i].base;
		proactor_timeout_op_init(&timeouts[i], PROACTOR_FOREVER, NULL,
		    NULL);
		if (each_timed)
			steps[count++] = &timeouts[i].base;
	}
	recv_init(&recv, w, s, memory, sizeof(memory));
	proactor_timeout_op_init(&timeouts[3], proactor_deadline_after(3000000),
	    record, &w->r);
	steps[count++] = &recv.base;
	steps[count++] = &timeouts[3].base;
	proactor_sequence_op_init(&q, steps, count, NULL, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
	CHECK(poll_finals(w, &q, 1));
	CHECK_INT(status_of(&w->r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w->r, &timeouts[3]), PROACTOR_ETIMEDOUT);
	CHECK_INT(status_of(&w->r, &q), PROACTOR_ETIMEDOUT);
	CHECK_INT(q.completed, count - 2);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(fd_drain(fd), requests);
	close(fd);
	recorder_clear(&w->r);
}

static void
late_of(struct world *w, unsigned int kind)
{
	size_t requests;

	for (requests = 1; requests <= 3; requests++) {
		answer_is_late(w, kind, requests, false);
		answer_is_late(w, kind, requests, true);
	}
}

static void
late_answers(void)
{
	each_stream(late_of);
}

const struct tap_case sequence_seam_cases[] = {
	{ "sequence: a deadline counts after steps that nobody is told of",
	    late_answers },
	{ NULL, NULL }
};
