/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/raw.h"

/* As many entries as the library's default ring has. */
#define ENTRIES	256

static void
create_and_release(void)
{
	struct io_uring ring;

	raw_ring_init(&ring, ENTRIES);
	io_uring_queue_exit(&ring);
}

void
raw_create(struct run *run)
{
	uint64_t i;

	for (i = 0; i < run->warm_up; i++)
		create_and_release();
	run_begin(run);
	for (i = 0; i < run->operations; i++)
		create_and_release();
	run_end(run, run->operations);
}
