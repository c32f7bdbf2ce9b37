/* SPDX-License-Identifier: ISC */
/* What the programs share that run where the system refuses. */
#ifndef FAULT_SUPPORT_H
#define FAULT_SUPPORT_H

#include <sys/resource.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proactor.h>

#include "tap/tap.h"

/* The system calls of io_uring, the same numbers everywhere. */
#define SETUP		425
#define ENTER		426
#define REGISTER	427

/*
 * Answers error to the system calls first..last from now on; all others are
 * allowed, as far as earlier filters allow them.  Skips the case where there
 * are no such filters.
 */
void	 forbid(unsigned int first, unsigned int last, unsigned int error);

void	 lower_limit(int what, rlim_t value);

/* Skips the case when root cannot become anybody else. */
void	 become_ordinary(void);

/* Runs it in a child, where it must pass or skip. */
void	 in_child(void (*fn)(void));

/* Counts in an int, and wants status and flags to be 0. */
void	 count_success(void *user_data, struct proactor_op *op, int status,
	    unsigned int flags);

/* Polls until *calls is count, or the case fails. */
void	 poll_calls(struct proactor *p, const int *calls, int count);

/* It runs operations of the kernel's as well as its own. */
void	 works(struct proactor *p);

/* Is it in this build, and does it work now? */
bool	 have_backend(const char *name);

/* Creates by this name, or by none when it is NULL, and has the reason. */
int	 create(const char *backend, char reason[256], struct proactor **ret_p);

/* By name; skips the case when it is not in this build or does not work. */
struct proactor *create_or_skip(const char *name);

/* An orderly end, of one that has nothing to do any more. */
void	 end_proactor(struct proactor *p);

/* A file without a name, with so many bytes of text in it. */
int	 file_of(size_t size);

/* The number that the next descriptor will have. */
int	 next_descriptor(void);

#endif
