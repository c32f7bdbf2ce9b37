/* SPDX-License-Identifier: ISC */
/* Random numbers for those that share them: one state for a program. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "tap/tap.h"
#include "unit/random.h"

static uint64_t random_state;

void
random_start(void)
{
	const char *seed = getenv("PROACTOR_TEST_SEED");

	random_state = seed != NULL ? strtoull(seed, NULL, 0) :
	    (uint64_t)time(NULL);
	if (random_state == 0)
		random_state = 1;
	tap_diag("PROACTOR_TEST_SEED=%" PRIu64, random_state);
}

/* xorshift64*; any seed but 0. */
uint64_t
random_bits(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

uint64_t
random_below(uint64_t limit)
{
	return (random_bits() >> 11) % limit;
}
