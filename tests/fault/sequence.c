/* SPDX-License-Identifier: ISC */
/*
 * sequence COUNT ENTRIES: so many sequences on io_uring, one after the other,
 * of 64 steps that write and read a file and that nobody is told of; on a ring
 * of so many entries.  The system calls are for sequence.tap to count.  Exit
 * status 77 and a reason when the backend does not work.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include <proactor.h>

#define STEPS	64

struct work {
	struct proactor *p;
	struct proactor_file_write_op writes[STEPS / 2];
	struct proactor_file_read_op reads[STEPS / 2];
	struct proactor_op *steps[STEPS];
	struct proactor_sequence_op sequence;
	unsigned long left;
};

static void
must(const char *what, int status)
{
	if (status == 0)
		return;
	fprintf(stderr, "sequence: %s: %s\n", what, proactor_strerror(status));
	exit(1);
}

static void
done(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct work *k = user_data;

	(void)flags;
	must("sequence", status);
	if (--k->left > 0)
		must("submit", proactor_submit_one(k->p, op));
}

static void
run(struct work *k, struct proactor_file *file, unsigned long count)
{
	char byte;
	size_t i;

	for (i = 0; i < STEPS / 2; i++) {
		proactor_file_write_op_init(&k->writes[i], file, i,
		    proactor_span("x", 1), NULL, NULL);
		proactor_file_read_op_init(&k->reads[i], file, i,
		    proactor_span(&byte, 1), NULL, NULL);
		k->steps[2 * i] = &k->writes[i].base;
		k->steps[2 * i + 1] = &k->reads[i].base;
	}
	proactor_sequence_op_init(&k->sequence, k->steps, STEPS, NULL, done,
	    k);
	k->left = count;
	must("submit", proactor_submit_one(k->p, &k->sequence.base));
	while (k->left > 0)
		must("poll", proactor_poll(k->p, PROACTOR_FOREVER, NULL));
}

int
main(int argc, char **argv)
{
	struct proactor_options options;
	struct proactor_file *file;
	struct work work;
	char reason[256] = "";
	FILE *stream = tmpfile();
	int status;

	if (argc != 3 || stream == NULL)
		return 2;
	proactor_options_init(&options);
	options.backend = "io_uring";
	options.flags = PROACTOR_DEFER_SUBMIT;
	options.max_concurrent_operations = (uint32_t)strtoul(argv[2], NULL,
	    10);
	options.reason = reason;
	options.reason_size = sizeof(reason);
	status = proactor_create(&options, &work.p);
	if (status != 0) {
		printf("%s\n", reason);
		return 77;
	}
	must("file", proactor_file_import(work.p,
	    proactor_handle_fd(fileno(stream)), &file));
	run(&work, file, strtoul(argv[1], NULL, 10));
	proactor_release(work.p);
	return 0;
}
