/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>

#include <proactor.h>

struct error {
	int code;
	const char *name;
	const char *words;
};

#define ERROR(name, words) { PROACTOR_ ## name, #name, words }

static const struct error errors[] = {
	{ 0, "OK", "success" },
	ERROR(EACCES, "permission denied"),
	ERROR(EADDRINUSE, "address in use"),
	ERROR(EADDRNOTAVAIL, "address not available"),
	ERROR(EAFNOSUPPORT, "address family not supported"),
	ERROR(EAGAIN, "resource temporarily unavailable"),
	ERROR(EALREADY, "already in progress"),
	ERROR(EBADF, "bad or closed handle"),
	ERROR(EBUSY, "busy"),
	ERROR(ECANCELED, "canceled"),
	ERROR(ECHILD, "used in a child process after fork"),
	ERROR(ECONNABORTED, "connection aborted"),
	ERROR(ECONNREFUSED, "connection refused"),
	ERROR(ECONNRESET, "connection reset by peer"),
	ERROR(EDESTADDRREQ, "destination address required"),
	ERROR(EDQUOT, "disk quota exceeded"),
	ERROR(EEXIST, "already exists"),
	ERROR(EFAULT, "bad memory address"),
	ERROR(EFBIG, "file too large"),
	ERROR(EHOSTDOWN, "host is down"),
	ERROR(EHOSTUNREACH, "host unreachable"),
	ERROR(EINVAL, "invalid argument"),
	ERROR(EIO, "input/output error"),
	ERROR(EISCONN, "already connected"),
	ERROR(EISDIR, "is a directory"),
	ERROR(ELOOP, "too many symbolic links"),
	ERROR(EMFILE, "too many open files in this process"),
	ERROR(EMSGSIZE, "message too long"),
	ERROR(ENAMETOOLONG, "name too long"),
	ERROR(ENETDOWN, "network is down"),
	ERROR(ENETUNREACH, "network unreachable"),
	ERROR(ENFILE, "too many open files in the system"),
	ERROR(ENOBUFS, "no buffer space available"),
	ERROR(ENODEV, "no such device"),
	ERROR(ENOENT, "not found"),
	ERROR(ENOMEM, "out of memory"),
	ERROR(ENOSPC, "no space left"),
	ERROR(ENOTCONN, "not connected"),
	ERROR(ENOTDIR, "not a directory"),
	ERROR(ENOTSOCK, "not a socket"),
	ERROR(ENOTSUP, "not supported"),
	ERROR(ENXIO, "no such device or address"),
	ERROR(EOVERFLOW, "value too large"),
	ERROR(EPERM, "operation not permitted"),
	ERROR(EPIPE, "broken pipe"),
	ERROR(EPROTO, "protocol error"),
	ERROR(EPROTOTYPE, "wrong kind of socket"),
	ERROR(ERANGE, "out of range"),
	ERROR(EROFS, "read-only file system"),
	ERROR(ESHUTDOWN, "shutting down"),
	ERROR(ESPIPE, "not seekable"),
	ERROR(ETIMEDOUT, "timed out"),
	ERROR(ETXTBSY, "program file is in use"),
};

static const struct error *
find(int status)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == status)
			return &errors[i];
	return NULL;
}

/* Words for a status; static storage, never NULL.  Any thread. */
const char *
proactor_strerror(int status)
{
	const struct error *e = find(status);

	return e != NULL ? e->words : "unknown error";
}

/* The code's name without PROACTOR_; never NULL.  Any thread. */
const char *
proactor_errname(int status)
{
	const struct error *e = find(status);

	return e != NULL ? e->name : "UNKNOWN";
}
