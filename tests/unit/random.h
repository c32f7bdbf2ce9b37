/* SPDX-License-Identifier: ISC */
/* Random numbers.  PROACTOR_TEST_SEED repeats a run. */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <stdint.h>

/* Before the first of them: takes a seed, and says which. */
void	 random_start(void);

uint64_t random_bits(void);
uint64_t random_below(uint64_t limit);

#endif
