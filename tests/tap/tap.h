/* SPDX-License-Identifier: ISC */
/*
 * Tests that speak TAP, in two ways.
 *
 * Points, for small things:
 *
 *	tap_plan(2);
 *	tap_ok(heap_empty(&h), "a new heap is empty");
 *	tap_is_int(heap_count(&h), 0, "and counts nothing");
 *	return tap_done();
 *
 * Cases, for what may crash or hang: a table of sentences and functions, each
 * run in a child of its own with a time limit.
 *
 *	static void
 *	refuses_null(void)
 *	{
 *		CHECK_INT(proactor_submit(NULL, NULL, 0), PROACTOR_EINVAL);
 *	}
 *
 *	static const struct tap_case cases[] = {
 *		{ "submit: no proactor is EINVAL", refuses_null },
 *		{ NULL, NULL }
 *	};
 *	...
 *	return tap_run(cases);
 *
 * The environment: PROACTOR_TEST_CASE runs the cases whose name contains it;
 * PROACTOR_TEST_NOFORK=1 runs them in this process, without a limit, for a
 * debugger; PROACTOR_TEST_TIMEOUT is the limit in seconds (60).
 */
#ifndef TAP_H
#define TAP_H

#include <stdint.h>

#if defined(__GNUC__)
# define TAP_PRINTF(f, a) __attribute__((format(printf, f, a)))
# define TAP_NORETURN __attribute__((noreturn))
#else
# define TAP_PRINTF(f, a)
# define TAP_NORETURN
#endif

/* Points. */
void tap_plan(int count);
void tap_skip_all(const char *format, ...) TAP_PRINTF(1, 2) TAP_NORETURN;
int tap_ok(int passed, const char *format, ...) TAP_PRINTF(2, 3);
int tap_is_int(int64_t seen, int64_t wanted, const char *format, ...)
    TAP_PRINTF(3, 4);
int tap_is_str(const char *seen, const char *wanted, const char *format, ...)
    TAP_PRINTF(3, 4);
void tap_skip(int count, const char *format, ...) TAP_PRINTF(2, 3);
void tap_diag(const char *format, ...) TAP_PRINTF(1, 2);
void tap_bail(const char *format, ...) TAP_PRINTF(1, 2) TAP_NORETURN;

/* What main() returns: 0 when all passed and as many ran as were planned. */
int tap_done(void);

/* Cases.  Tables end with a NULL name. */
struct tap_case {
	const char *name;
	void (*fn)(void);
};

/* Plan, run and report; what main() returns.  The tables end with NULL. */
int tap_run(const struct tap_case *cases);
int tap_run_tables(const struct tap_case *const *tables);

/*
 * Inside a case, on any thread: the first that fails says where and ends the
 * case.  Arguments are evaluated once.
 */
#define CHECK(expression)						\
	((expression) ? (void)0 :					\
	    tap_case_fail(__FILE__, __LINE__, "%s", #expression))
#define CHECK_INT(seen, wanted)						\
	tap_case_int(__FILE__, __LINE__, #seen, (int64_t)(seen),	\
	    (int64_t)(wanted))
#define CHECK_STR(seen, wanted)						\
	tap_case_str(__FILE__, __LINE__, #seen, (seen), (wanted))
#define CHECK_MEM(seen, wanted, size)					\
	tap_case_mem(__FILE__, __LINE__, #seen, (seen), (wanted), (size))
#define FAIL(...)							\
	tap_case_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...)							\
	tap_case_skip(__VA_ARGS__)

void tap_case_fail(const char *file, int line, const char *format, ...)
    TAP_PRINTF(3, 4) TAP_NORETURN;
void tap_case_skip(const char *format, ...) TAP_PRINTF(1, 2) TAP_NORETURN;
void tap_case_int(const char *file, int line, const char *expression,
    int64_t seen, int64_t wanted);
void tap_case_str(const char *file, int line, const char *expression,
    const char *seen, const char *wanted);
void tap_case_mem(const char *file, int line, const char *expression,
    const void *seen, const void *wanted, unsigned long size);

#endif
