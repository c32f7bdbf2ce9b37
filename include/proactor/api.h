/* SPDX-License-Identifier: ISC */
/*
 * PROACTOR_API marks what the shared library exports.  A declaration begins
 * its line with it and names the function on that line: tests/docs/symbols.tap
 * reads the headers so.
 */
#ifndef PROACTOR_API_H
#define PROACTOR_API_H

#if defined(_WIN32) && defined(PROACTOR_BUILDING)
# ifdef DLL_EXPORT	/* libtool's, for the shared library's objects only */
#  define PROACTOR_API __declspec(dllexport)
# else
#  define PROACTOR_API
# endif
#elif defined(_WIN32) && !defined(PROACTOR_STATIC)
# define PROACTOR_API __declspec(dllimport)
#elif defined(__GNUC__)
# define PROACTOR_API __attribute__((visibility("default")))
#else
# define PROACTOR_API
#endif

/* The argument is an address that the function does not look through. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
# define PROACTOR_ADDRESS_ONLY(n) __attribute__((access(none, n)))
#else
# define PROACTOR_ADDRESS_ONLY(n)
#endif

#endif
