# SPDX-License-Identifier: ISC

# PROACTOR_PKG_CONFIG: pkg-config itself, and where our .pc goes.  Its macros
# come with it, so their absence is told here and not by a strange shell error.
AC_DEFUN([PROACTOR_PKG_CONFIG], [
  m4_ifndef([PKG_PROG_PKG_CONFIG],
    [m4_fatal([pkg.m4 is missing: install pkgconf or pkg-config, and run autoreconf again])])
  AC_REQUIRE([PKG_PROG_PKG_CONFIG])
  PKG_INSTALLDIR
])
