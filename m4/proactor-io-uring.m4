# SPDX-License-Identifier: ISC

# PROACTOR_PROBE_IO_URING: is there a liburing that is new enough and links?
# pkg-config answers for the build machine when one cross-compiles, hence the
# program that is linked.
AC_DEFUN([PROACTOR_PROBE_IO_URING], [
  PKG_CHECK_MODULES([LIBURING], [liburing >= 2.2], [
    proactor_save_CFLAGS=$CFLAGS
    proactor_save_LIBS=$LIBS
    CFLAGS="$CFLAGS $LIBURING_CFLAGS"
    LIBS="$LIBURING_LIBS $LIBS"
    AC_MSG_CHECKING([whether liburing links])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <liburing.h>]],
      [[struct io_uring r; return io_uring_queue_init(8, &r, 0);]])],
      [proactor_liburing_links=yes], [proactor_liburing_links=no])
    AC_MSG_RESULT([$proactor_liburing_links])
    AS_IF([test "x$proactor_liburing_links" = xyes], [
      PROACTOR_LIBURING_KNOWS
      REQUIRES_PRIVATE=liburing
      proactor_liburing_version=`$PKG_CONFIG --modversion liburing 2>/dev/null`
      PROACTOR_BACKEND_SOURCES([io_uring], [lib/io_uring/ring.c])
    ], [
      LIBURING_CFLAGS= LIBURING_LIBS=
      proactor_why_io_uring='liburing was found but does not link for this host, see config.log'
    ])
    CFLAGS=$proactor_save_CFLAGS
    LIBS=$proactor_save_LIBS
  ], [
    AS_CASE([$PKG_CONFIG:$host_os],
      [:linux*], [proactor_why_io_uring='liburing could not be looked for: install pkgconf or pkg-config'],
      [*:linux*], [proactor_why_io_uring='liburing >= 2.2 was not found: install liburing-dev (Debian, Ubuntu, Alpine), liburing-devel (Fedora, openSUSE) or liburing (Arch)'],
      [proactor_why_io_uring='io_uring is a facility of Linux'])
  ])
])

# PROACTOR_LIBURING_KNOWS: what the headers know, one HAVE_DECL_ in config.h
# each.  What the headers lack lib/io_uring/compat.h supplies, and what the
# kernel can do is asked of the kernel; so nothing here is required.
AC_DEFUN([PROACTOR_LIBURING_KNOWS], [
  PROACTOR_LIBURING_DECL([zero-copy send], [IORING_OP_SEND_ZC])
  PROACTOR_LIBURING_DECL([zero-copy sendmsg], [IORING_OP_SENDMSG_ZC])
  PROACTOR_LIBURING_DECL([futex wait], [IORING_OP_FUTEX_WAIT])
  PROACTOR_LIBURING_DECL([futex wake], [IORING_OP_FUTEX_WAKE])
  PROACTOR_LIBURING_DECL([ring messages], [IORING_OP_MSG_RING])
  PROACTOR_LIBURING_DECL([tagged buffers], [IORING_REGISTER_BUFFERS2])
  PROACTOR_LIBURING_DECL([sparse tables], [IORING_RSRC_REGISTER_SPARSE])
  PROACTOR_LIBURING_DECL([multishot accept], [IORING_ACCEPT_MULTISHOT])
  PROACTOR_LIBURING_DECL([multishot recv], [IORING_RECV_MULTISHOT])
  PROACTOR_LIBURING_DECL([multishot poll], [IORING_POLL_ADD_MULTI])
  PROACTOR_LIBURING_DECL([provided-buffer rings], [IORING_REGISTER_PBUF_RING])
  PROACTOR_LIBURING_DECL([incremental buffers], [IOU_PBUF_RING_INC])
  PROACTOR_LIBURING_DECL([deferred task run], [IORING_SETUP_DEFER_TASKRUN])
  PROACTOR_LIBURING_DECL([single issuer], [IORING_SETUP_SINGLE_ISSUER])
  PROACTOR_LIBURING_DECL([no submission array], [IORING_SETUP_NO_SQARRAY])
  PROACTOR_LIBURING_DECL([absolute waits], [IORING_ENTER_ABS_TIMER])
  PROACTOR_LIBURING_DECL([registered waits], [IORING_ENTER_EXT_ARG_REG])
  PROACTOR_LIBURING_DECL([bundles], [IORING_RECVSEND_BUNDLE])
  PROACTOR_LIBURING_DECL([no I/O wait], [IORING_ENTER_NO_IOWAIT])
  PROACTOR_LIBURING_DECL([buffer ring set-up call], [io_uring_setup_buf_ring])
  PROACTOR_LIBURING_DECL([synchronous cancel call], [io_uring_register_sync_cancel])
  PROACTOR_LIBURING_DECL([enter call], [io_uring_enter])
  PROACTOR_LIBURING_DECL([I/O wait call], [io_uring_set_iowait])
])

# PROACTOR_LIBURING_DECL(WORDS, NAME)
AC_DEFUN([PROACTOR_LIBURING_DECL], [
  AC_CHECK_DECLS([$2], [
    AS_VAR_APPEND([proactor_knows], ["${proactor_knows:+, }$1"])
  ], [
    AS_VAR_APPEND([proactor_knows_not], ["${proactor_knows_not:+, }$1"])
  ], [[
#include <liburing.h>
#include <linux/io_uring.h>]])
])
