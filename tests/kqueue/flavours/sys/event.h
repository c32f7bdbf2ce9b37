/* SPDX-License-Identifier: ISC */
/*
 * Declarations only: struct kevent has members of other types on each system.
 * One of FLAVOUR_FREEBSD, _FREEBSD_11, _MACOS, _NETBSD, _NETBSD_9, _OPENBSD is
 * defined.  Sizes, signs and values are those of the systems' headers.
 */
#ifndef TESTS_KQUEUE_FLAVOURS_SYS_EVENT_H
#define TESTS_KQUEUE_FLAVOURS_SYS_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct timespec;

#if defined(FLAVOUR_NETBSD) || defined(FLAVOUR_NETBSD_9)
# define EVFILT_READ	0U
# define EVFILT_WRITE	1U
# ifdef FLAVOUR_NETBSD
#  define EVFILT_USER	8U
# endif
typedef uint32_t flavour_filter;
typedef uint32_t flavour_flags;
typedef size_t flavour_count;
#else
# define EVFILT_READ	(-1)
# define EVFILT_WRITE	(-2)
# if defined(FLAVOUR_MACOS)
#  define EVFILT_USER	(-10)
#  define EV_FLAG1	0x2000
#  define EV_OOBAND	EV_FLAG1
# elif !defined(FLAVOUR_OPENBSD)
#  define EVFILT_USER	(-11)
# endif
typedef int16_t flavour_filter;
typedef uint16_t flavour_flags;
typedef int flavour_count;
#endif

#if defined(FLAVOUR_MACOS) || defined(FLAVOUR_FREEBSD_11)
typedef intptr_t flavour_data;
#else
typedef int64_t flavour_data;
#endif

#ifdef FLAVOUR_NETBSD_9
typedef intptr_t flavour_udata;
#else
typedef void *flavour_udata;
#endif

struct kevent {
	uintptr_t ident;
	flavour_filter filter;
	flavour_flags flags;
	uint32_t fflags;
	flavour_data data;
	flavour_udata udata;
#ifdef FLAVOUR_FREEBSD
	uint64_t ext[4];
#endif
};

#define EV_ADD		0x0001
#define EV_DELETE	0x0002
#define EV_ONESHOT	0x0010
#define EV_CLEAR	0x0020
#define EV_RECEIPT	0x0040
#define EV_ERROR	0x4000
#define EV_EOF		0x8000

#ifdef EVFILT_USER
# define NOTE_TRIGGER	0x01000000
#endif

int	kqueue(void);
int	kevent(int kq, const struct kevent *changes,
	    flavour_count change_count, struct kevent *events,
	    flavour_count event_count, const struct timespec *timeout);

#endif
