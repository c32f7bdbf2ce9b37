/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/library.h"

static void
create_and_release(const struct proactor_options *options)
{
	struct proactor *p;

	check(proactor_create(options, &p), "proactor_create");
	proactor_release(p);
}

void
library_create_release(struct run *run)
{
	struct proactor_options options;
	uint64_t i;

	library_options(run, &options);
	for (i = 0; i < run->warm_up; i++)
		create_and_release(&options);
	run_begin(run);
	for (i = 0; i < run->operations; i++)
		create_and_release(&options);
	run_end(run, run->operations);
}
