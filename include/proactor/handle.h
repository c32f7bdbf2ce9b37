/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_HANDLE_H
#define PROACTOR_HANDLE_H

#include <stdint.h>

#include <proactor/api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROACTOR_HANDLE_NONE		0u
#define PROACTOR_HANDLE_FD		1u
#define PROACTOR_HANDLE_WIN32		2u
#define PROACTOR_HANDLE_SOCKET		3u
#define PROACTOR_HANDLE_MACH_PORT	4u

/* A system's handle and its kind.  It owns nothing. */
struct proactor_handle {
	unsigned int type;		/* PROACTOR_HANDLE_* */
	unsigned int reserved;		/* 0 */
	union {
		int fd;
		unsigned int mach_port;
		void *handle;
		uintptr_t socket;
		uint64_t bits;
	} u;
};

PROACTOR_API struct proactor_handle proactor_handle_none(void);
PROACTOR_API struct proactor_handle proactor_handle_fd(int fd);
PROACTOR_API struct proactor_handle proactor_handle_win32(void *handle);
PROACTOR_API struct proactor_handle proactor_handle_socket(uintptr_t socket);
PROACTOR_API struct proactor_handle proactor_handle_mach_port(unsigned int port);
PROACTOR_API int proactor_handle_dup(struct proactor_handle handle,
    struct proactor_handle *ret_handle);
PROACTOR_API int proactor_handle_close(struct proactor_handle handle);

#ifdef __cplusplus
}
#endif

#endif
