/* SPDX-License-Identifier: ISC */
/*
 * A program that ends well: signals in the loop.
 *
 *	07-signals [milliseconds]
 *
 * Jobs, here timers of so many milliseconds, follow one another on three
 * lines.  SIGUSR1 asks how far they are, SIGHUP makes them longer or shorter
 * again, as a daemon would read its configuration.  SIGTERM and SIGINT stop
 * it: no job is begun any more, and those that run may finish; the second of
 * them cancels what still runs.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <proactor.h>

#define LINES		3
#define MILLISECOND	INT64_C(1000000)
/* How long jobs may take to finish when nobody asks a second time. */
#define GRACE		INT64_C(10000000000)

struct worker {
	struct program *program;
	struct proactor_timer_op job;
	bool busy;
};

struct program {
	struct proactor *p;
	struct worker workers[LINES];
	int64_t duration;
	unsigned long finished, canceled;
	unsigned int busy;
	bool stopping;
};

static void
complain(const char *what, int status)
{
	fprintf(stderr, "07-signals: %s: %s\n", what,
	    proactor_strerror(status));
}

static void	 begin_job(struct worker *w);

static void
on_job(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct worker *w = user_data;

	(void)op, (void)flags;
	w->busy = false;
	w->program->busy--;
	if (status == 0)
		w->program->finished++;
	else
		w->program->canceled++;
	if (!w->program->stopping)
		begin_job(w);
}

static void
begin_job(struct worker *w)
{
	int status;

	proactor_timer_op_init(&w->job, proactor_deadline_after(
	    w->program->duration), on_job, w);
	status = proactor_submit_one(w->program->p, &w->job.base);
	if (status != 0) {
		complain("job", status);
		return;
	}
	w->busy = true;
	w->program->busy++;
}

static void
cancel_jobs(struct program *program)
{
	size_t i;

	for (i = 0; i < LINES; i++)
		if (program->workers[i].busy)
			(void)proactor_cancel(program->p,
			    &program->workers[i].job.base);
}

/* SIGINT, SIGTERM: politely the first time. */
static void
on_stop(void *user_data, struct proactor_signal_subscription *subscription,
    unsigned int sig)
{
	struct program *program = user_data;

	(void)subscription;
	printf("%s: %s %u jobs\n", proactor_signal_name(sig),
	    program->stopping ? "cancel" : "wait for", program->busy);
	if (program->stopping)
		cancel_jobs(program);
	program->stopping = true;
}

static void
on_hangup(void *user_data, struct proactor_signal_subscription *subscription,
    unsigned int sig)
{
	struct program *program = user_data;
	const int64_t hour = 3600000 * MILLISECOND;

	(void)subscription;
	program->duration += program->duration < hour ? hour : -hour;
	printf("%s: jobs of %lld ms\n", proactor_signal_name(sig),
	    (long long)(program->duration / MILLISECOND));
}

static void
on_user1(void *user_data, struct proactor_signal_subscription *subscription,
    unsigned int sig)
{
	struct program *program = user_data;

	(void)subscription;
	printf("%s: %u jobs run\n", proactor_signal_name(sig), program->busy);
}

static int
subscribe(struct program *program)
{
	static const struct {
		unsigned int sig;
		proactor_signal_fn fn;
	} wanted[] = {
		{ PROACTOR_SIGNAL_INTERRUPT, on_stop },
		{ PROACTOR_SIGNAL_TERMINATE, on_stop },
		{ PROACTOR_SIGNAL_HANGUP, on_hangup },
		{ PROACTOR_SIGNAL_USER1, on_user1 },
	};
	/* They end with the proactor, so that nobody keeps them. */
	struct proactor_signal_subscription *subscription;
	int status = 0;
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (status == 0)
			status = proactor_subscribe_signal(program->p,
			    wanted[i].sig, wanted[i].fn, program,
			    &subscription);
	return status;
}

/* Until it is stopped and nothing runs, or the patience is at its end. */
static int
run(struct program *program)
{
	int64_t deadline = PROACTOR_FOREVER;
	int status = 0;

	while (status == 0 && (!program->stopping || program->busy > 0)) {
		if (program->stopping && deadline == PROACTOR_FOREVER)
			deadline = proactor_deadline_after(GRACE);
		status = proactor_poll(program->p, deadline, NULL);
	}
	/* What is left then is canceled by the shutdown. */
	return status == PROACTOR_ETIMEDOUT ? 0 : status;
}

int
main(int argc, char **argv)
{
	static struct program program;
	long milliseconds = 100;
	size_t i;
	int status;

	if (argc > 1)
		milliseconds = strtol(argv[1], NULL, 10);
	if (argc > 2 || milliseconds < 1 || milliseconds > 1000000) {
		fprintf(stderr, "usage: 07-signals [milliseconds]\n");
		return 2;
	}
	program.duration = milliseconds * MILLISECOND;
	setvbuf(stdout, NULL, _IOLBF, 0);

	status = proactor_create(NULL, &program.p);
	if (status != 0) {
		complain("create", status);
		return 1;
	}
	status = subscribe(&program);
	if (status == 0) {
		for (i = 0; i < LINES; i++) {
			program.workers[i].program = &program;
			begin_job(&program.workers[i]);
		}
		printf("running\n");
		status = run(&program);
	}
	if (status == 0)
		status = proactor_shutdown(program.p,
		    proactor_deadline_after(GRACE));
	if (status != 0)
		complain("signals", status);
	else
		printf("%lu jobs canceled, %s finished\n", program.canceled,
		    program.finished > 0 ? "some" : "none");
	proactor_release(program.p);
	return status == 0 ? 0 : 1;
}
