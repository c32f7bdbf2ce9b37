/* SPDX-License-Identifier: ISC */
/*
 * usage: one PEER WORKLOAD OPERATIONS
 * One cell in this process, with nothing around it, for valgrind, strace,
 * perf and the debugger.  A server prints its port and waits for `load'.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"

int
main(int argc, char *argv[])
{
	const struct workload *w;
	const struct peer *peer;
	struct run *run;
	unsigned int port;
	int i;

	if (argc != 4 || (w = workload_find(argv[2])) == NULL ||
	    (i = peer_index(argv[1])) < 0 ||
	    bench_peers[i]->cells[w->slot] == NULL) {
		fprintf(stderr, "usage: one PEER WORKLOAD OPERATIONS\n");
		return 2;
	}
	peer = bench_peers[i];
	run = run_create();
	run->backend = peer->backend;
	run->operations = strtoull(argv[3], NULL, 10);
	run->size = w->size;
	run->cpu = run->other_cpu = -1;
	run->measured = 1;
	if (w->slot == SLOT_READ)
		run->file = run_file();
	if (w->shape == SHAPE_SERVED) {
		run->listener = net_listen(&port, w->slot);
		printf("%u\n", port);
		fflush(stdout);
	}
	count_into(run);
	peer->cells[w->slot](run);
	printf("%llu allocations\n", (unsigned long long)run->allocations);
	return 0;
}
