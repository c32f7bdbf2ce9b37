# SPDX-License-Identifier: ISC

# PROACTOR_TEST_TOOLS: programs that the tests use when they are there.
AC_DEFUN([PROACTOR_TEST_TOOLS], [
  AC_CHECK_TOOLS([NM], [nm])
  AC_CHECK_TOOLS([TEST_CXX], [c++ g++ clang++])
  AC_CHECK_PROGS([MANDOC], [mandoc])
  AC_CHECK_PROGS([VALGRIND], [valgrind])
])

# PROACTOR_SUMMARY: what will be built, in words.
AC_DEFUN([PROACTOR_SUMMARY], [
  proactor_liburing_words=
  AS_IF([test -n "$proactor_liburing_version"], [proactor_liburing_words="
    liburing      $proactor_liburing_version
      knows       $proactor_knows
      lacks       ${proactor_knows_not:-nothing that was looked for}
                  (lib/io_uring/compat.h supplies what is used of it; the
                  kernel decides)"])
  proactor_kqueue_words=
  AS_IF([test "x$proactor_have_kqueue" = xyes], [proactor_kqueue_words="
    kqueue
      knows       ${proactor_kqueue_knows:-nothing but the basics}
      lacks       ${proactor_kqueue_lacks:-nothing that was looked for}"])
  AC_MSG_NOTICE([

  $PACKAGE_STRING (soname version $LT_VERSION)

    prefix        $prefix
    host          $host
    compiler      $CC $CFLAGS
    warnings     $WARN_CFLAGS
    shared        $enable_shared
    static        $enable_static
    versioned     $proactor_cv_version_script
    backends     $proactor_backends
    left out:$proactor_left_out$proactor_liburing_words$proactor_kqueue_words
    mandoc        ${MANDOC:-no, man pages will not be linted}
    C++           ${TEST_CXX:-no, headers will not be tried as C++}
    valgrind      ${VALGRIND:-no, check-sanitizers will do without}
    bench beside ${proactor_peers:- no other loops (libuv, libevent, Asio)}
])
])
