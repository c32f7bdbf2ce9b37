/* SPDX-License-Identifier: ISC */
/*
 * Threads that post messages to a loop.
 *
 *	06-messages [threads [messages]]
 *
 * An adder runs on a thread of its own that polls a proactor.  Threads that
 * have no proactor post numbers to it; when the last number has come, the
 * adder posts the sum to the proactor of the main thread.  Nothing here is
 * shared and nothing is locked: the adder's members are touched by callbacks
 * only, and those run on one thread.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <proactor.h>

#define SECOND		INT64_C(1000000000)
#define THREADS_MAX	64

/* Belongs to the polling thread of p, once that runs. */
struct adder {
	struct proactor *p;
	struct proactor *answer_to;
	uint64_t expected;		/* numbers */
	uint64_t sum;
};

struct poster {
	pthread_t thread;
	struct proactor *target;
	uint64_t first, count;		/* posts first, first + 1, ... */
	int status;
};

struct answer {
	uint64_t sum;
	bool arrived;
};

/*
 * A target holds so many messages that it has not yet looked at, and then
 * refuses: whoever sends decides whether to wait, to drop or to fail.  This
 * waits, and fails when the target has stood still for ten seconds.
 */
static int
post(struct proactor *target, uint64_t data)
{
	const struct timespec pause = { .tv_nsec = 50000 };
	int64_t give_up = proactor_deadline_after(10 * SECOND);
	int status;

	while ((status = proactor_send_message(target, data)) ==
	    PROACTOR_EAGAIN && proactor_now() < give_up)
		nanosleep(&pause, NULL);
	return status;
}

static void *
post_numbers(void *argument)
{
	struct poster *poster = argument;
	uint64_t i;

	for (i = 0; i < poster->count && poster->status == 0; i++)
		poster->status = post(poster->target, poster->first + i);
	return NULL;
}

/* On the adder's thread, once for each number. */
static void
on_number(void *user_data, struct proactor *p, uint64_t data)
{
	struct adder *adder = user_data;

	(void)p;
	adder->sum += data;
	if (--adder->expected == 0)
		post(adder->answer_to, adder->sum);
}

/* On the main thread, inside its proactor_poll(). */
static void
on_answer(void *user_data, struct proactor *p, uint64_t data)
{
	struct answer *answer = user_data;

	(void)p;
	answer->sum = data;
	answer->arrived = true;
}

/* Starts the posters and waits for the answer. */
static int
run(struct proactor *main_p, struct proactor *target,
    struct poster *posters, unsigned int threads, const bool *arrived)
{
	unsigned int i, started;
	int status = 0;

	for (started = 0; started < threads && status == 0; started++) {
		posters[started].target = target;
		status = -pthread_create(&posters[started].thread, NULL,
		    post_numbers, &posters[started]);
	}
	if (status != 0)
		started--;
	while (status == 0 && !*arrived)
		status = proactor_poll(main_p, proactor_deadline_after(
		    60 * SECOND), NULL);
	for (i = 0; i < started; i++) {
		pthread_join(posters[i].thread, NULL);
		if (status == 0)
			status = posters[i].status;
	}
	return status;
}

int
main(int argc, char **argv)
{
	unsigned long threads = 4, messages = 10000;
	struct poster posters[THREADS_MAX] = { 0 };
	struct proactor_thread_options options;
	struct proactor_thread *thread = NULL;
	struct answer answer = { .arrived = false };
	struct adder adder = { .sum = 0 };
	struct proactor *main_p = NULL;
	unsigned int i;
	int status;

	if (argc > 1)
		threads = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		messages = strtoul(argv[2], NULL, 10);
	if (argc > 3 || threads == 0 || threads > THREADS_MAX ||
	    messages == 0 || messages > 100000000) {
		fprintf(stderr, "usage: 06-messages [threads [messages]]\n");
		return 2;
	}
	for (i = 0; i < threads; i++) {
		posters[i].first = i * messages;
		posters[i].count = messages;
	}
	adder.expected = threads * messages;

	status = proactor_create(NULL, &main_p);
	if (status == 0)
		status = proactor_create(NULL, &adder.p);
	adder.answer_to = main_p;
	/* Callbacks are set before anybody can send. */
	if (status == 0)
		status = proactor_set_message_callback(main_p, on_answer,
		    &answer);
	if (status == 0)
		status = proactor_set_message_callback(adder.p, on_number,
		    &adder);
	if (status == 0) {
		proactor_thread_options_init(&options);
		options.name = "adder";
		status = proactor_thread_create(adder.p, &options, &thread);
	}
	if (status == 0)
		status = run(main_p, adder.p, posters,
		    (unsigned int)threads, &answer.arrived);

	/* The thread ends after its present turn; then nobody polls. */
	if (thread != NULL) {
		proactor_thread_request_stop(thread);
		proactor_thread_join(thread, PROACTOR_FOREVER);
		if (status == 0)
			status = proactor_thread_consume_status(thread);
		proactor_thread_release(thread);
	}
	proactor_release(adder.p);
	proactor_release(main_p);

	if (status != 0) {
		fprintf(stderr, "06-messages: %s\n",
		    proactor_strerror(status));
		return 1;
	}
	printf("%lu messages from %lu threads, their sum is %" PRIu64 "\n",
	    threads * messages, threads, answer.sum);
	return 0;
}
