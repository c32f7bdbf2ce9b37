# SPDX-License-Identifier: ISC

# PROACTOR_THREADS: what pthread_create needs besides the C library, if anything.
AC_DEFUN([PROACTOR_THREADS], [
  proactor_save_LIBS=$LIBS
  AC_SEARCH_LIBS([pthread_create], [pthread])
  LIBS=$proactor_save_LIBS
  PTHREAD_LIBS=
  AS_CASE([$ac_cv_search_pthread_create], [-*], [PTHREAD_LIBS=$ac_cv_search_pthread_create])
  AC_SUBST([PTHREAD_LIBS])
])

# PROACTOR_AFFINITY: can a thread be bound to a CPU before it runs?
AC_DEFUN([PROACTOR_AFFINITY], [
  proactor_save_LIBS=$LIBS
  LIBS="$PTHREAD_LIBS $LIBS"
  AC_CHECK_FUNCS([pthread_attr_setaffinity_np])
  LIBS=$proactor_save_LIBS
])
