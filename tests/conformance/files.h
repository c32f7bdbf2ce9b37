/* SPDX-License-Identifier: ISC */
/* Files in a line each, for cases that are about what is in them. */
#ifndef FILES_H
#define FILES_H

#include "conformance/transfer.h"

#define RW	(PROACTOR_FILE_READ | PROACTOR_FILE_WRITE)
#define RWC	(RW | PROACTOR_FILE_CREATE)

/*
 * One operation, run to its end: its status, or the code of the refusal.
 * bytes is set whenever there was a callback.
 */
int	 open_path(struct world *w, const char *path, unsigned int flags,
	    unsigned int mode, struct proactor_file **ret);
int	 read_bytes(struct world *w, struct proactor_file *f, uint64_t offset,
	    void *memory, size_t length, size_t *bytes);
int	 write_bytes(struct world *w, struct proactor_file *f,
	    uint64_t offset, const void *memory, size_t length,
	    size_t *bytes);
int	 close_file(struct world *w, struct proactor_file *f);

/* All of it, or the case fails. */
void	 put_bytes(struct world *w, struct proactor_file *f, uint64_t offset,
	    const void *memory, size_t length);
void	 check_bytes(struct world *w, struct proactor_file *f,
	    uint64_t offset, const void *wanted, size_t length);

/* A new file for reading and writing, and its path. */
struct proactor_file *new_file(struct world *w, char path[PATH_ROOM]);
int	 file_fd(struct proactor_file *f);

/* Without the library. */
void	 make_file(const char *path, const void *memory, size_t length);
size_t	 size_of(const char *path);

#endif
