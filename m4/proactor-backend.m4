# SPDX-License-Identifier: ISC

# PROACTOR_BACKEND(NAME, WORDS, PROBE)
# --enable-NAME is auto by default; asked for and not to be had is an error.
# PROBE sets proactor_have_NAME to yes, or proactor_why_NAME to the reason.
# Defines PROACTOR_HAVE_NAME and the conditional BACKEND_NAME.
AC_DEFUN([PROACTOR_BACKEND], [
  m4_pushdef([option], m4_translit([$1], [_], [-]))
  AC_ARG_ENABLE(option,
    [AS_HELP_STRING([--disable-]option, [leave out the $2 backend; --enable-]option[ insists on it])],
    [AS_CASE([$enableval], [yes | no | auto], [proactor_want_$1=$enableval],
      [AC_MSG_ERROR([--enable-]option[ takes yes, no or auto, not $enableval])])],
    [proactor_want_$1=auto])
  proactor_have_$1=no
  proactor_why_$1=
  AS_IF([test "x$proactor_want_$1" = xno], [proactor_why_$1=disabled], [$3])
  AC_MSG_CHECKING([whether to build the $2 backend])
  AS_IF([test "x$proactor_have_$1" = xyes], [
    AC_MSG_RESULT([yes])
    AC_DEFINE(m4_toupper([PROACTOR_HAVE_$1]), [1], [Define to 1 to build the $2 backend.])
    AS_VAR_APPEND([proactor_backends], [" $1"])
  ], [
    AC_MSG_RESULT([no, $proactor_why_$1])
    AS_VAR_APPEND([proactor_left_out], ["
      $1: $proactor_why_$1"])
    AS_IF([test "x$proactor_want_$1" = xyes],
      [AC_MSG_ERROR([--enable-]option[ was given, but: $proactor_why_$1])])
  ])
  AM_CONDITIONAL(m4_toupper([BACKEND_$1]), [test "x$proactor_have_$1" = xyes])
  m4_popdef([option])
])

# PROACTOR_BACKENDS_DONE: a library without a backend is of no use.
AC_DEFUN([PROACTOR_BACKENDS_DONE], [
  AS_IF([test -z "$proactor_backends"],
    [AC_MSG_ERROR([no backend can be built:$proactor_left_out])])
  AC_SUBST([REQUIRES_PRIVATE])
])

# PROACTOR_BACKEND_SOURCES(NAME, FILE): the system can; can this source tree?
AC_DEFUN([PROACTOR_BACKEND_SOURCES], [
  AS_IF([test -f "$srcdir/$2"], [proactor_have_$1=yes], [proactor_why_$1='not in this release'])
])

AC_DEFUN([PROACTOR_PROBE_EPOLL], [
  AC_CHECK_FUNC([epoll_create1], [PROACTOR_BACKEND_SOURCES([epoll], [lib/readiness/epoll.c])],
    [proactor_why_epoll='this system has no epoll_create1'])
])

AC_DEFUN([PROACTOR_PROBE_POLL], [
  AC_CHECK_FUNC([poll], [PROACTOR_BACKEND_SOURCES([poll], [lib/readiness/poll.c])],
    [proactor_why_poll='this system has no poll'])
])

# The system's; libkqueue only where it is asked for, and there is no other.
AC_DEFUN([PROACTOR_PROBE_KQUEUE], [
  AC_CHECK_FUNC([kqueue], [
    PROACTOR_BACKEND_SOURCES([kqueue], [lib/readiness/kqueue.c])
  ], [
    AS_IF([test "x$proactor_want_kqueue" = xyes], [
      PKG_CHECK_MODULES([LIBKQUEUE], [libkqueue], [
        REQUIRES_PRIVATE="$REQUIRES_PRIVATE libkqueue"
        PROACTOR_BACKEND_SOURCES([kqueue], [lib/readiness/kqueue.c])
      ], [AS_IF([test -z "$PKG_CONFIG"],
        [proactor_why_kqueue='this system has no kqueue, and libkqueue could not be looked for: install pkgconf or pkg-config'],
        [proactor_why_kqueue='this system has no kqueue, and libkqueue was not found: install libkqueue-dev (Debian, Ubuntu) or libkqueue-devel (Fedora)'])
      ])
    ], [proactor_why_kqueue='this system has no kqueue'])
  ])
  AS_IF([test "x$proactor_have_kqueue" = xyes], [
    proactor_save_CPPFLAGS=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS $LIBKQUEUE_CFLAGS"
    PROACTOR_KQUEUE_DECL([user events], [EVFILT_USER])
    PROACTOR_KQUEUE_DECL([out-of-band events], [EV_OOBAND])
    CPPFLAGS=$proactor_save_CPPFLAGS
  ])
])

# PROACTOR_KQUEUE_DECL(WORDS, NAME): does the header know it?  A HAVE_DECL_ in
# config.h, and a word in the summary.
AC_DEFUN([PROACTOR_KQUEUE_DECL], [
  AC_CHECK_DECLS([$2], [
    AS_VAR_APPEND([proactor_kqueue_knows], ["${proactor_kqueue_knows:+, }$1"])
  ], [
    AS_VAR_APPEND([proactor_kqueue_lacks], ["${proactor_kqueue_lacks:+, }$1"])
  ], [[
#include <sys/types.h>
#include <sys/event.h>]])
])

AC_DEFUN([PROACTOR_PROBE_IOCP], [
  AC_MSG_CHECKING([for GetQueuedCompletionStatusEx])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <winsock2.h>
#include <windows.h>]], [[
    ULONG n;
    OVERLAPPED_ENTRY e;
    return GetQueuedCompletionStatusEx(NULL, &e, 1, &n, 0, FALSE);]])], [
    AC_MSG_RESULT([yes])
    AC_DEFINE([HAVE_GETQUEUEDCOMPLETIONSTATUSEX], [1],
      [Define to 1 if you have the GetQueuedCompletionStatusEx function.])
    PROACTOR_BACKEND_SOURCES([iocp], [lib/iocp/port.c])
  ], [
    AC_MSG_RESULT([no])
    proactor_why_iocp='this system has no GetQueuedCompletionStatusEx'
    AS_IF([test ! -f "$srcdir/lib/iocp/port.c"],
      [AS_VAR_APPEND([proactor_why_iocp], [', and the backend is not in this release: nothing can be installed for it'])])
  ])
])
