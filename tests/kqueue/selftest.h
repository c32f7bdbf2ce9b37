/* SPDX-License-Identifier: ISC */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <sys/types.h>
#include <sys/event.h>

#include <time.h>

#include "tap/tap.h"

extern const struct timespec at_once;

int	 open_queue(void);
void	 open_pair(int fds[2]);
struct kevent change_of(int ident, int filter, int flags);

/* 0 or the errno of one change. */
int	 change(int kq, int ident, int filter, int flags);

/* How many events there are now; the first is *ret. */
int	 look(int kq, struct kevent *ret);

void	 put(int fd, int count);

extern const struct tap_case selftest_cases[];
extern const struct tap_case selftest_call_cases[];

#endif
