/* SPDX-License-Identifier: ISC */
/*
 * usage: load WORKLOAD OPERATIONS PORT
 * The client of a workload, for a server that `one' runs.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"

int
main(int argc, char *argv[])
{
	const struct workload *w;
	struct run *run;

	if (argc != 4 || (w = workload_find(argv[1])) == NULL ||
	    w->shape != SHAPE_SERVED) {
		fprintf(stderr, "usage: load WORKLOAD OPERATIONS PORT\n");
		return 2;
	}
	run = run_create();
	run->operations = strtoull(argv[2], NULL, 10);
	run->size = w->size;
	load_of(w->slot)(run, strtoul(argv[3], NULL, 10), 0);
	return 0;
}
