/* SPDX-License-Identifier: ISC */
/* What httpd has to know of HTTP.  Nothing here waits or allocates. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sys/stat.h>

#define HTTP_HEAD_MAX	8192	/* bytes of a request, without its body */
#define HTTP_LINE_MAX	4096	/* of its first line */

struct http_request {
	size_t length;			/* of the head */
	const char *target;		/* these lie in the input */
	const char *range, *if_range, *if_modified;	/* or NULL */
	bool head_only;			/* HEAD, not GET */
	bool old;			/* HTTP/1.0 */
	bool keep_alive;
	bool index;			/* the target was a directory */
	char line[HTTP_LINE_MAX];	/* the first one, for the log */
	char path[HTTP_LINE_MAX + 16];	/* of the file, beginning with "." */
};

struct http_answer {
	const char *status;		/* "200 OK" */
	uint64_t sent;			/* of the body, for the log */
	uint64_t offset, left;		/* of the file, yet to be read */
	size_t length;			/* bytes in out, yet to be sent */
	char out[65536];
};

/* The time, as it is written in responses and in the log. */
struct http_clock {
	char http[40], log[40];
};

void http_set_clock(struct http_clock *clock);

/* The length of a head that has come whole, with its empty line, or 0. */
size_t http_find_head(const char *input, size_t length);

/* Takes a head apart, where it lies: NULL, or the status to refuse it with. */
const char *http_parse(struct http_request *r, char *head, size_t length);

/* A response without a file: the status in words.  Fields end with CRLF. */
void http_answer_status(struct http_answer *a, const struct http_request *r,
    const char *status, const char *fields, const struct http_clock *clock);

/* The head of a response with all of a file, a part, or nothing of it. */
void http_answer_file(struct http_answer *a, const struct http_request *r,
    const struct stat *st, const struct http_clock *clock);

/* A line in the common log format. */
void http_log(FILE *log, const char *peer, const struct http_request *r,
    const struct http_answer *a, const struct http_clock *clock);

#endif
