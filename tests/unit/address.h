/* SPDX-License-Identifier: ISC */
/* Addresses that are read and written, and what must be true of that. */
#ifndef TESTS_UNIT_ADDRESS_H
#define TESTS_UNIT_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include <stddef.h>
#include <stdint.h>

#include <proactor/address.h>
#include <proactor/error.h>

#include "tap/tap.h"

#define PATH_OFFSET	offsetof(struct sockaddr_un, sun_path)
#define PATH_SIZE	sizeof(((struct sockaddr_un *)0)->sun_path)
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#ifdef __linux__
# define ABSTRACT(status)	(status)
#else
# define ABSTRACT(status)	PROACTOR_ENOTSUP
#endif

/* Texts that are right, and how each is written. */
struct good {
	const char *text;
	unsigned int family;
	uint16_t port;
	const char *canonical;		/* NULL: text */
};

extern const struct good good[];
extern const size_t good_count;

int	 is_all(const void *memory, int value, size_t size);

/* Parses; on failure nothing may have been written, else all of it. */
int	 parse(const char *text, struct proactor_address *ret_address);

void	 check_format(const struct proactor_address *address,
	    const char *wanted);

/* What was parsed is written so that it is parsed to the same. */
void	 check_round(const struct proactor_address *address);

extern const struct tap_case address_cases[];
extern const struct tap_case address_from_cases[];
extern const struct tap_case address_random_cases[];

#endif
