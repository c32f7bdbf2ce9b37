/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_FILE_H
#define PROACTOR_FILE_H

#include <proactor/handle.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_file;

/* Open flags. */
#define PROACTOR_FILE_READ	0x01u
#define PROACTOR_FILE_WRITE	0x02u
#define PROACTOR_FILE_CREATE	0x04u
#define PROACTOR_FILE_TRUNCATE	0x08u
#define PROACTOR_FILE_APPEND	0x10u
#define PROACTOR_FILE_DIRECT	0x20u
#define PROACTOR_FILE_EXCLUSIVE	0x40u

struct proactor_file_open_op {
	struct proactor_op base;
	const char *path;		/* the caller's until the callback */
	unsigned int open_flags;	/* PROACTOR_FILE_* */
	unsigned int mode;		/* of a file that is created */
	/* results */
	struct proactor_file *file;	/* the callback's to release */
	uint64_t opaque[2];
};

struct proactor_file_read_op {
	struct proactor_op base;
	struct proactor_file *file;
	uint64_t offset;
	struct proactor_span span;
	/* results */
	size_t bytes;
	uint64_t opaque[2];
};

struct proactor_file_write_op {
	struct proactor_op base;
	struct proactor_file *file;
	uint64_t offset;
	struct proactor_span span;
	/* results */
	size_t bytes;
	uint64_t opaque[2];
};

struct proactor_file_close_op {
	struct proactor_op base;
	struct proactor_file *file;
	uint64_t opaque[2];
};

PROACTOR_API int proactor_file_import(struct proactor *p,
    struct proactor_handle handle, struct proactor_file **ret_file);
PROACTOR_API struct proactor_file *proactor_file_retain(
    struct proactor_file *file);
PROACTOR_API void proactor_file_release(struct proactor_file *file);
PROACTOR_API struct proactor_handle proactor_file_handle(
    struct proactor_file *file);

PROACTOR_API void proactor_file_open_op_init(
    struct proactor_file_open_op *op, const char *path,
    unsigned int open_flags, unsigned int mode, proactor_callback callback,
    void *user_data);
PROACTOR_API void proactor_file_read_op_init(
    struct proactor_file_read_op *op, struct proactor_file *file,
    uint64_t offset, struct proactor_span span, proactor_callback callback,
    void *user_data);
PROACTOR_API void proactor_file_write_op_init(
    struct proactor_file_write_op *op, struct proactor_file *file,
    uint64_t offset, struct proactor_span span, proactor_callback callback,
    void *user_data);
PROACTOR_API void proactor_file_close_op_init(
    struct proactor_file_close_op *op, struct proactor_file *file,
    proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
