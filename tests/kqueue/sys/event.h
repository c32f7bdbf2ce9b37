/* SPDX-License-Identifier: ISC */
/*
 * The part of FreeBSD's kqueue(2) that tests/kqueue/kqueue.c does on Linux, and
 * macOS' EV_OOBAND.  The values are theirs.
 */
#ifndef TESTS_KQUEUE_SYS_EVENT_H
#define TESTS_KQUEUE_SYS_EVENT_H

#include <stdint.h>

struct timespec;

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EVFILT_READ	(-1)
#define EVFILT_WRITE	(-2)
#define EVFILT_USER	(-11)

/* What to do, what to return. */
#define EV_ADD		0x0001
#define EV_DELETE	0x0002
#define EV_ENABLE	0x0004
#define EV_DISABLE	0x0008
#define EV_ONESHOT	0x0010
#define EV_CLEAR	0x0020
#define EV_RECEIPT	0x0040
#define EV_DISPATCH	0x0080
#define EV_OOBAND	0x2000
#define EV_ERROR	0x4000
#define EV_EOF		0x8000

/* fflags of EVFILT_USER. */
#define NOTE_FFNOP	0x00000000u
#define NOTE_FFAND	0x40000000u
#define NOTE_FFOR	0x80000000u
#define NOTE_FFCOPY	0xc0000000u
#define NOTE_FFCTRLMASK	0xc0000000u
#define NOTE_FFLAGSMASK	0x00ffffffu
#define NOTE_TRIGGER	0x01000000u

/* Of this one only: how many events of a filter were told, in all queues. */
unsigned int	kqueue_told(int filter);

int	kqueue(void);
int	kevent(int kq, const struct kevent *changes, int change_count,
	    struct kevent *events, int event_count,
	    const struct timespec *timeout);

#endif
