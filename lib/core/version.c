/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <proactor.h>

/* The version of the library that runs, as text; static storage. */
const char *
proactor_version(void)
{
	return PROACTOR_VERSION;
}

/* The same as a number, comparable with PROACTOR_VERSION_NUMBER. */
unsigned int
proactor_version_number(void)
{
	return PROACTOR_VERSION_NUMBER;
}
