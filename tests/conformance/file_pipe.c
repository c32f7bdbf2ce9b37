/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "conformance/files.h"

/* Files without offsets: what does not wait for a pipe. */

/* To pipes direct access is another thing: each write is a packet. */
#ifdef O_DIRECT
# define PACKETS	O_DIRECT
#else
# define PACKETS	(-1)
#endif

static void
open_pipe(struct world *w, int flags, struct proactor_file *ends[2])
{
	int fds[2], i;

	if (flags == 0)
		CHECK_INT(pipe(fds), 0);
#ifdef O_DIRECT
	else if (pipe2(fds, flags) != 0)
#else
	else
#endif
		SKIP("the system has no pipes of packets");
	for (i = 0; i < 2; i++)
		CHECK_INT(proactor_file_import(w->p,
		    proactor_handle_fd(fds[i]), &ends[i]), 0);
}

static void
close_pipe(struct world *w, struct proactor_file *ends[2])
{
	CHECK_INT(close_file(w, ends[1]), 0);
	CHECK_INT(close_file(w, ends[0]), 0);
	world_close(w);
}

static void
wrong_end(void)
{
	struct proactor_file *ends[2];
	struct world w;
	size_t bytes, length;
	char byte = 'x';

	world_open(&w, NULL);
	open_pipe(&w, 0, ends);
	for (length = 0; length < 2; length++) {
		CHECK_INT(write_bytes(&w, ends[0], 0, &byte, length, &bytes),
		    PROACTOR_EBADF);
		CHECK_INT(bytes, 0);
		CHECK_INT(read_bytes(&w, ends[1], 0, &byte, length, &bytes),
		    PROACTOR_EBADF);
		CHECK_INT(bytes, 0);
	}
	close_pipe(&w, ends);
}

static void
nothing(void)
{
	struct proactor_file *ends[2];
	struct world w;
	size_t bytes;
	char byte = 'x';
	int i;

	world_open(&w, NULL);
	open_pipe(&w, 0, ends);
	/* What is used often may be read another way. */
	for (i = 0; i < 200; i++) {
		bytes = 99;
		CHECK_INT(read_bytes(&w, ends[0], 0, &byte, 0, &bytes), 0);
		CHECK_INT(bytes, 0);
		bytes = 99;
		CHECK_INT(write_bytes(&w, ends[1], 0, &byte, 0, &bytes), 0);
		CHECK_INT(bytes, 0);
	}
	put_bytes(&w, ends[1], 0, "text", 4);
	check_bytes(&w, ends[0], 0, "text", 4);
	close_pipe(&w, ends);
}

static void
packets(void)
{
	struct proactor_file *ends[2];
	struct world w;
	size_t bytes;
	char memory[8];

	world_open(&w, NULL);
	open_pipe(&w, PACKETS, ends);
	put_bytes(&w, ends[1], 0, "one", 3);
	put_bytes(&w, ends[1], 0, "four", 4);
	CHECK_INT(read_bytes(&w, ends[0], 0, memory, 8, &bytes), 0);
	CHECK_INT(bytes, 3);
	CHECK_INT(read_bytes(&w, ends[0], 0, memory, 8, &bytes), 0);
	CHECK_INT(bytes, 4);
	CHECK_MEM(memory, "four", 4);
	close_pipe(&w, ends);
}

const struct tap_case file_pipe_cases[] = {
	{ "file: the wrong end of a pipe is EBADF", wrong_end },
	{ "file: a length of 0 does not wait for a pipe", nothing },
	{ "file: a pipe of packets", packets },
	{ NULL, NULL }
};
