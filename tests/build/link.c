/* SPDX-License-Identifier: ISC */
/* A program linked from outside: header and library are of one version. */
#include <stdio.h>
#include <string.h>

#include <proactor.h>

int
main(void)
{
	if (strcmp(proactor_version(), PROACTOR_VERSION) != 0 ||
	    proactor_version_number() != PROACTOR_VERSION_NUMBER) {
		printf("# library %s, header %s\n", proactor_version(),
		    PROACTOR_VERSION);
		return 1;
	}
	return 0;
}
