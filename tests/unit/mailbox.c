/* SPDX-License-Identifier: ISC */
/* The mailbox: everything arrives once, and in order from each sender. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/list.h"
#include "core/mailbox.h"
#include "tap/tap.h"

#define SENDERS		4
#define LETTERS		50000
#define BATCH		7

struct letter {
	struct mail mail;
	unsigned int sender;
	unsigned int number;
};

struct sender {
	struct mailbox *mailbox;
	struct letter *letters;
	pthread_t thread;
};

static void
empty_gives_nothing(void)
{
	struct mailbox m = { NULL };

	CHECK(mailbox_empty(&m));
	CHECK(mailbox_take(&m) == NULL);
}

static void
oldest_first(void)
{
	struct mailbox m = { NULL };
	struct mail mail[3], *l;
	int i;

	for (i = 0; i < 3; i++)
		mailbox_post(&m, &mail[i]);
	CHECK(!mailbox_empty(&m));
	l = mailbox_take(&m);
	for (i = 0; i < 3; i++, l = l->next)
		CHECK(l == &mail[i]);
	CHECK(l == NULL);
	CHECK(mailbox_empty(&m));
}

static void
batches_stay_together(void)
{
	struct mailbox m = { NULL };
	struct mail mail[4], *l;
	int i;

	mailbox_post(&m, &mail[0]);
	mail[2].next = &mail[1];
	mailbox_post_list(&m, &mail[2], &mail[1]);
	mailbox_post(&m, &mail[3]);
	l = mailbox_take(&m);
	for (i = 0; i < 4; i++, l = l->next)
		CHECK(l == &mail[i]);
	CHECK(l == NULL);
}

/* Posts one by one and in batches, as submissions come. */
static void *
send_all(void *argument)
{
	struct sender *s = argument;
	unsigned int i, j, n;

	for (i = 0; i < LETTERS; i += n) {
		n = i % 3 == 0 ? 1 : BATCH;
		if (n > LETTERS - i)
			n = LETTERS - i;
		for (j = 1; j < n; j++)
			s->letters[i + j].mail.next = &s->letters[i + j - 1].mail;
		mailbox_post_list(s->mailbox, &s->letters[i + n - 1].mail,
		    &s->letters[i].mail);
	}
	return NULL;
}

static void
threads_lose_nothing(void)
{
	struct mailbox m = { NULL };
	struct sender senders[SENDERS];
	unsigned int next[SENDERS] = { 0 }, i, j, total = 0;
	struct letter *letter;
	struct mail *l, *after;

	for (i = 0; i < SENDERS; i++) {
		senders[i].mailbox = &m;
		senders[i].letters = calloc(LETTERS, sizeof(struct letter));
		CHECK(senders[i].letters != NULL);
		for (j = 0; j < LETTERS; j++) {
			senders[i].letters[j].sender = i;
			senders[i].letters[j].number = j;
		}
		CHECK_INT(pthread_create(&senders[i].thread, NULL, send_all,
		    &senders[i]), 0);
	}
	while (total < SENDERS * LETTERS)
		for (l = mailbox_take(&m); l != NULL; l = after) {
			after = l->next;
			letter = container_of(l, struct letter, mail);
			CHECK_INT(letter->number, next[letter->sender]);
			next[letter->sender]++;
			total++;
		}
	for (i = 0; i < SENDERS; i++) {
		CHECK_INT(pthread_join(senders[i].thread, NULL), 0);
		CHECK_INT(next[i], LETTERS);
		free(senders[i].letters);
	}
	CHECK(mailbox_empty(&m));
}

static const struct tap_case cases[] = {
	{ "mailbox: an empty one gives nothing", empty_gives_nothing },
	{ "mailbox: the oldest comes first", oldest_first },
	{ "mailbox: a batch arrives in its order, undivided",
	    batches_stay_together },
	{ "mailbox: threads lose nothing and keep their order",
	    threads_lose_nothing },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
