# SPDX-License-Identifier: ISC

# PROACTOR_PEERS: event loops of others that `make bench' measures beside the
# library when they are there.  Nothing that is installed uses them.
AC_DEFUN([PROACTOR_PEERS], [
  AC_REQUIRE([PROACTOR_TEST_TOOLS])
  proactor_peers=
  PROACTOR_PEER([LIBUV], [libuv], [libuv >= 1.34], [uv.h], [uv_loop_close(0)])
  PROACTOR_PEER([LIBEVENT], [libevent],
    [libevent_core >= 2.1 libevent_pthreads >= 2.1], [event2/thread.h], [evthread_use_pthreads()])
  PROACTOR_PEER_ASIO
])

# PROACTOR_PEER(VARIABLE, NAME, MODULES, HEADER, CALL)
# pkg-config may answer for another machine, hence the program that is linked.
AC_DEFUN([PROACTOR_PEER], [
  PKG_CHECK_MODULES([$1], [$3], [
    proactor_save_CFLAGS=$CFLAGS
    proactor_save_LIBS=$LIBS
    CFLAGS="$CFLAGS $$1_CFLAGS"
    LIBS="$$1_LIBS $LIBS"
    AC_MSG_CHECKING([whether $2 links])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <$4>]], [[$5;]])],
      [proactor_peer=yes], [proactor_peer=no])
    AC_MSG_RESULT([$proactor_peer])
    CFLAGS=$proactor_save_CFLAGS
    LIBS=$proactor_save_LIBS
  ], [proactor_peer=no])
  AS_IF([test "x$proactor_peer" = xyes], [
    AC_DEFINE([BENCH_HAVE_$1], [1], [Define to 1 if the benchmarks have $2 beside the library.])
    AS_VAR_APPEND([proactor_peers], [" $2"])
  ], [
    $1_CFLAGS= $1_LIBS=
  ])
  AM_CONDITIONAL([BENCH_$1], [test "x$proactor_peer" = xyes])
])

# PROACTOR_PEER_ASIO: it is all headers, but in C++, for which no compiler is
# needed otherwise: one that is there makes an object that $CC links.
AC_DEFUN([PROACTOR_PEER_ASIO], [
  AC_ARG_VAR([BENCH_CXXFLAGS], [flags for $TEST_CXX, for the benchmark of Asio])
  test -n "$BENCH_CXXFLAGS" || BENCH_CXXFLAGS=$CFLAGS
  ASIO_LIBS=
  AC_MSG_CHECKING([for Asio])
  AS_IF([test -z "$TEST_CXX"], [proactor_peer='no, there is no C++ compiler'], [
    PROACTOR_TRY_ASIO([asio.hpp], [-DASIO_STANDALONE])
    AS_IF([test "x$proactor_peer" = xyes],
      [AC_DEFINE([BENCH_HAVE_ASIO], [1], [Define to 1 if Asio is installed by itself.])],
      [PROACTOR_TRY_ASIO([boost/asio.hpp])])
  ])
  AC_MSG_RESULT([$proactor_peer])
  AS_IF([test "x$proactor_peer" = xyes], [
    ASIO_LIBS="-lstdc++ $PTHREAD_LIBS"
    AC_DEFINE([BENCH_WITH_ASIO], [1], [Define to 1 if the benchmarks have Asio beside the library.])
    AS_VAR_APPEND([proactor_peers], [' asio'])
  ])
  AC_SUBST([ASIO_LIBS])
  AM_CONDITIONAL([BENCH_ASIO], [test "x$proactor_peer" = xyes])
])

# PROACTOR_TRY_ASIO(HEADER, FLAGS): sets proactor_peer.
AC_DEFUN([PROACTOR_TRY_ASIO], [
  cat >conftest.cc <<EOT
#include <$1>
extern "C" int use_asio(void);
extern "C" int use_asio(void) { try { throw 1; } catch (int i) { return i; } }
EOT
  proactor_peer=no
  AS_IF([$TEST_CXX $BENCH_CXXFLAGS -std=c++17 $2 -c -o conftest_asio.o conftest.cc >&AS_MESSAGE_LOG_FD 2>&1], [
    proactor_save_LIBS=$LIBS
    LIBS="conftest_asio.o -lstdc++ $PTHREAD_LIBS $LIBS"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[
int use_asio(void);
int main(void) { return use_asio(); }]])], [proactor_peer=yes])
    LIBS=$proactor_save_LIBS
  ])
  rm -f conftest.cc conftest_asio.o
])
