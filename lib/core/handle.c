/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include <proactor.h>

static struct proactor_handle
make(unsigned int type)
{
	struct proactor_handle handle;

	memset(&handle, 0, sizeof(handle));
	handle.type = type;
	return handle;
}

struct proactor_handle
proactor_handle_none(void)
{
	return make(PROACTOR_HANDLE_NONE);
}

struct proactor_handle
proactor_handle_fd(int fd)
{
	struct proactor_handle handle = make(PROACTOR_HANDLE_FD);

	handle.u.fd = fd;
	return handle;
}

struct proactor_handle
proactor_handle_win32(void *win32)
{
	struct proactor_handle handle = make(PROACTOR_HANDLE_WIN32);

	handle.u.handle = win32;
	return handle;
}

struct proactor_handle
proactor_handle_socket(uintptr_t socket)
{
	struct proactor_handle handle = make(PROACTOR_HANDLE_SOCKET);

	handle.u.socket = socket;
	return handle;
}

struct proactor_handle
proactor_handle_mach_port(unsigned int port)
{
	struct proactor_handle handle = make(PROACTOR_HANDLE_MACH_PORT);

	handle.u.mach_port = port;
	return handle;
}
