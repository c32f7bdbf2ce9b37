/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_COORDINATION_H
#define TOOLS_COORDINATION_H

#include <stddef.h>

struct proactor;

#define COORDINATIONS	10

/* Who does the waiting, signalling and chaining of one kind, and why. */
struct coordination {
	const char *name;
	const char *tier;	/* native, emulated, library, absent */
	const char *reason;
};

/* What PROACTOR_TIER_* is called. */
const char	*tier_name(unsigned int tier);

/* Fills in how p has each of COORDINATIONS. */
void	 coordination_query(const struct proactor *p,
	    struct coordination *ret_rows);

#endif
