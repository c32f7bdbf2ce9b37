/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CLOCK_H
#define PROACTOR_CLOCK_H

#include <stdint.h>

#include <proactor/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Deadlines are absolute nanoseconds of proactor_now()'s clock. */
#define PROACTOR_IMMEDIATE	((int64_t)0)
#define PROACTOR_FOREVER	INT64_MAX

PROACTOR_API int64_t proactor_now(void);
PROACTOR_API int64_t proactor_deadline_after(int64_t nanoseconds);

#ifdef __cplusplus
}
#endif

#endif
