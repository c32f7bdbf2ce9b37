/* SPDX-License-Identifier: ISC */
/* What httpd has to know of HTTP.  Nothing here waits or allocates. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <sys/stat.h>

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
 * Answers.  The time is asked for once a second at most.
 */

struct http_clock {
	time_t second;			/* that the dates are of */
	char http[40], log[40];
};

void http_tick(struct http_clock *clock);

struct http_answer {
	int status;
	uint64_t offset, length;	/* of the file, that GET would send */
	size_t used;
	char fields[HTTP_LINE_MAX + 256];
};

/* Adds a header field, without its CRLF. */
void http_add_field(struct http_answer *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A file is answered with all of it (200), a part (206), nothing since it is
 * known (304), or has no such part (416).
 */
void http_answer_file(struct http_answer *a, const struct http_request *r,
    const struct stat *st);

/* The status is all there is: its text goes into body. */
void http_answer_status(struct http_answer *a, int status, char *body,
    size_t size);

/* Returns the bytes of the head. */
size_t http_write_head(char *head, size_t size, const struct http_request *r,
    const struct http_clock *clock, const struct http_answer *a);

/* A line in the common log format. */
void http_log(FILE *log, const struct http_clock *clock, const char *peer,
    const struct http_request *r, int status, uint64_t sent);

/* Without regard to case. */
bool http_equal(struct http_text text, const char *word);
bool http_starts(struct http_text text, const char *word);

/* Takes what is before the byte, and the byte, off the front of rest. */
struct http_text http_take(struct http_text *rest, char stop);

/* Digits off the front; what the type cannot hold becomes its largest. */
bool http_take_number(struct http_text *text, uint64_t *ret_value);

#endif
