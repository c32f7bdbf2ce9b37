/* SPDX-License-Identifier: ISC */
/* Semaphores for threads outside the loop: spin a while, then sleep. */
#include "config.h"

#include "core/semaphore.h"

/* What the thread sleeps on. */
#define SLEEPER_AWAKE	0u
#define SLEEPER_ASLEEP	1u
#define SLEEPER_TOLD	2u

/* Looks between two looks at the clock. */
#define LOOKS		16

struct sleeper {
	struct wait_set set;
	_Atomic uint32_t word;
	struct point points[PROACTOR_MULTI_WAIT_MAX];
};

/* What is waited for. */
struct target {
	struct proactor_semaphore *const *semaphores;
	const uint64_t *values;
	size_t count;
	unsigned int flags;
};

/* Is it decided by what can be seen without a lock? */
static bool
look(const struct target *t, size_t *index, int *status)
{
	size_t i, reached = 0;

	*index = 0;
	for (i = 0; i < t->count; i++) {
		*status = failure_of(t->semaphores[i]);
		if (*status != 0)
			break;
		if (!is_reached(t->semaphores[i], t->values[i]))
			continue;
		reached++;
		if (t->flags == PROACTOR_WAIT_ANY)
			break;
	}
	if (i == t->count)
		return reached == t->count;
	if (t->flags == PROACTOR_WAIT_ANY)
		*index = i;
	return true;
}

static bool
spin(const struct target *t, int64_t until, size_t *index, int *status)
{
	int i;

	do
		for (i = 0; i < LOOKS; i++) {
			if (look(t, index, status))
				return true;
			cpu_relax();
		}
	while (proactor_now() < until);
	return false;
}

void
proactor__sleeper_decided(struct wait_set *set, struct wakeup *wake)
{
	struct sleeper *sleeper = container_of(set, struct sleeper, set);
	_Atomic uint32_t *word = &sleeper->word;

	/*
	 * From here on the sleeper may be gone.  A wake on a word that is
	 * something else by then does no harm.
	 */
	if (atomic_exchange(word, SLEEPER_TOLD) == SLEEPER_ASLEEP)
		wake->word = word;
}

/* Until the set is decided, by the deadline if by nothing else. */
static void
sleep_until(struct sleeper *sleeper, int64_t deadline)
{
	uint32_t awake = SLEEPER_AWAKE;
	int error;

	atomic_compare_exchange_strong(&sleeper->word, &awake,
	    SLEEPER_ASLEEP);
	while (atomic_load(&sleeper->word) != SLEEPER_TOLD) {
		error = proactor__futex_wait(&sleeper->word, SLEEPER_ASLEEP,
		    deadline, false);
		if (error == 0)
			continue;
		if (proactor__wait_decide(&sleeper->set, 0, error))
			return;
		/* Somebody has, and is about to tell. */
		deadline = PROACTOR_FOREVER;
	}
}

static int
sleep_for(const struct target *t, int64_t deadline, size_t *index)
{
	struct sleeper sleeper;
	size_t i;

	sleeper.set.kind = WAIT_SLEEPER;
	atomic_init(&sleeper.word, SLEEPER_AWAKE);
	for (i = 0; i < t->count; i++) {
		atomic_init(&sleeper.points[i].armed, false);
		proactor_semaphore_retain(t->semaphores[i]);
	}
	if (!proactor__wait_begin(&sleeper.set, sleeper.points, t->flags,
	    t->semaphores, t->values, t->count))
		sleep_until(&sleeper, deadline);
	proactor__wait_end(sleeper.points, t->semaphores, t->count, false);
	for (i = 0; i < t->count; i++)
		proactor_semaphore_release(t->semaphores[i]);
	*index = sleeper.set.index;
	return sleeper.set.status;
}

/*
 * Blocks until all or any of the values are reached, one semaphore fails or
 * the deadline passes; see proactor_semaphore_multi_wait(3).  Any thread.
 */
int
proactor_semaphore_multi_wait(unsigned int wait_flags,
    struct proactor_semaphore *const *semaphores, const uint64_t *values,
    size_t count, int64_t deadline, int64_t spin_nanoseconds,
    size_t *ret_index)
{
	struct target t = { semaphores, values, count, wait_flags };
	int64_t until;
	size_t index;
	int status;

	if (semaphores == NULL || values == NULL || spin_nanoseconds < 0)
		return PROACTOR_EINVAL;
	status = proactor__wait_check(wait_flags, semaphores, count,
	    PROACTOR_MULTI_WAIT_MAX);
	if (status != 0)
		return status;
	proactor__semaphores_flush();
	if (!look(&t, &index, &status)) {
		if (deadline <= PROACTOR_IMMEDIATE)
			return PROACTOR_ETIMEDOUT;
		until = proactor_deadline_after(spin_nanoseconds);
		if (until > deadline)
			until = deadline;
		if (spin_nanoseconds == 0 ||
		    !spin(&t, until, &index, &status))
			status = sleep_for(&t, deadline, &index);
	}
	if (status == 0 && ret_index != NULL)
		*ret_index = index;
	return status;
}
