# SPDX-License-Identifier: ISC

# PROACTOR_TRY_CFLAG(FLAG, IF-TAKEN, [IF-NOT])
AC_DEFUN([PROACTOR_TRY_CFLAG], [
  AS_VAR_PUSHDEF([cache], [proactor_cv_cflag_$1])
  AC_CACHE_CHECK([whether $CC takes $1], [cache], [
    proactor_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int proactor_flag_test;]])],
      [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$proactor_save_CFLAGS
  ])
  AS_VAR_IF([cache], [yes], [$2], [$3])
  AS_VAR_POPDEF([cache])
])

# PROACTOR_WARNINGS(FLAGS): those that the compiler takes, in WARN_CFLAGS.
AC_DEFUN([PROACTOR_WARNINGS], [
  WARN_CFLAGS=
  m4_foreach_w([flag], [$1], [
    PROACTOR_TRY_CFLAG(flag, [AS_VAR_APPEND([WARN_CFLAGS], " flag")])
  ])
  AC_SUBST([WARN_CFLAGS])
])

# PROACTOR_WERROR: for us and for CI, never for packagers.
AC_DEFUN([PROACTOR_WERROR], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [make warnings errors])],
    [], [enable_werror=no])
  AS_IF([test "x$enable_werror" = xyes], [AS_VAR_APPEND([WARN_CFLAGS], [" -Werror"])])
])

# PROACTOR_VISIBILITY: hide what is not marked PROACTOR_API.
AC_DEFUN([PROACTOR_VISIBILITY], [
  VISIBILITY_CFLAGS=
  PROACTOR_TRY_CFLAG([-fvisibility=hidden], [VISIBILITY_CFLAGS=-fvisibility=hidden])
  AC_SUBST([VISIBILITY_CFLAGS])
])

# PROACTOR_VERSION_SCRIPT: does the linker take a map?
AC_DEFUN([PROACTOR_VERSION_SCRIPT], [
  AC_CACHE_CHECK([whether the linker takes a version script], [proactor_cv_version_script], [
    echo 'PROACTOR_TEST { global: proactor_linker_test; local: *; };' >conftest.map
    proactor_save_CFLAGS=$CFLAGS
    proactor_save_LDFLAGS=$LDFLAGS
    CFLAGS="$CFLAGS $lt_prog_compiler_pic"
    LDFLAGS="$LDFLAGS -shared -Wl,--version-script,conftest.map"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[
int proactor_linker_test(void);
int proactor_linker_test(void) { return 0; }]])],
      [proactor_cv_version_script=yes], [proactor_cv_version_script=no])
    CFLAGS=$proactor_save_CFLAGS
    LDFLAGS=$proactor_save_LDFLAGS
    rm -f conftest.map
  ])
  AM_CONDITIONAL([HAVE_VERSION_SCRIPT], [test "x$proactor_cv_version_script" = xyes])
])

# PROACTOR_ALIASING: the private part of an operation is words to the user and
# a struct to us, which is aliasing that a compiler may otherwise deny.
AC_DEFUN([PROACTOR_ALIASING], [
  ALIASING_CFLAGS=
  PROACTOR_TRY_CFLAG([-fno-strict-aliasing], [ALIASING_CFLAGS=-fno-strict-aliasing])
  AC_SUBST([ALIASING_CFLAGS])
])
