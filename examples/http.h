/* SPDX-License-Identifier: ISC */
/* What httpd has to know of HTTP.  Nothing here waits or allocates. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE_MAX	4096	/* bytes of a request line */

/* A part of some text: a request is taken apart where it lies. */
struct http_text {
	const char *at;
	size_t length;
};

struct http_request {
	struct http_text line, target;
	struct http_text range, if_range, if_modified;	/* fields */
	bool head_only;			/* HEAD, not GET */
	bool keep_alive;
	bool old;			/* HTTP/1.0 */
	char path[HTTP_LINE_MAX + 16];	/* of the file, beginning with "." */
};

/*
 * The length of the request's head, with the empty line that ends it, or 0
 * when that has not come.  scanned is 0 for a new request and then says where
 * to go on looking.
 */
size_t http_find_head(const char *input, size_t length, size_t *scanned);

/* Takes a head apart: 0, or the status to answer with. */
int http_parse(struct http_request *r, const char *head, size_t length);

/*
 * What a Range field asks for of size bytes: 200 all, 206 a part, 416 a part
 * that is not there.  A range that is malformed, and several at once, are
 * ignored, as the standard allows.
 */
int http_find_range(struct http_text range, uint64_t size,
    uint64_t *ret_offset, uint64_t *ret_length);

bool http_equal(struct http_text text, const char *word);
struct http_text http_take(struct http_text *rest, char stop);
const char *http_mime_type(const char *path);
const char *http_reason(int status);

#endif
