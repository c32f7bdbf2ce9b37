/* SPDX-License-Identifier: ISC */
/* What httpd is asked, and what it answers. */
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http.h"

#define BAD_REQUEST	"400 Bad Request"
#define URI_TOO_LONG	"414 URI Too Long"
#define DATE		"%a, %d %b %Y %H:%M:%S GMT"
#define DIGITS		"0123456789"
#define HEX		DIGITS "ABCDEFabcdef"
/* What a method and the name of a field are made of. */
#define TOKEN		"!#$%&'*+-.^_`|~" DIGITS \
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

size_t
http_find_head(const char *input, size_t length)
{
	const char *at = input, *end = input + length;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at++;
		if (at < end - 1 && *at == '\r')
			at++;
		if (at < end && *at == '\n')
			return (size_t)(at + 1 - input);
	}
	return 0;
}

/* Cuts a line off the front, or returns NULL: it must be of text. */
static char *
take_line(char **rest)
{
	char *line = strsep(rest, "\n"), *at;

	for (at = line; at != NULL && *at != '\0'; at++) {
		if (at[0] == '\r' && at[1] == '\0')
			*at = '\0';
		else if (iscntrl((unsigned char)*at) && *at != '\t')
			return NULL;
	}
	return line;
}

/* Cuts a token off the front, or returns NULL: it must end at stop. */
static char *
take_token(char **rest, char stop)
{
	char *token = *rest;
	size_t length = strspn(token, TOKEN);

	if (length == 0 || token[length] != stop)
		return NULL;
	token[length] = '\0';
	*rest = token + length + 1;
	return token;
}

/*
 * Makes the path of a file, relative to the directory that is served, out of
 * the target.  First it is decoded and then looked at: "%2e%2e%2f" is "../".
 */
static const char *
decode_path(struct http_request *r)
{
	const char *in = r->target, *up = r->path;
	char *out = r->path;

	for (*out++ = '.'; *in != '\0' && *in != '?'; in++) {
		if (*in <= ' ' || *in > '~')
			return BAD_REQUEST;
		*out = *in;
		if (*in == '%') {
			if (strspn(in + 1, HEX) < 2)
				return BAD_REQUEST;
			*out = (char)strtol((char[]){ in[1], in[2], '\0' },
			    NULL, 16);
			in += 2;
		}
		if (*out++ == '\0')
			return BAD_REQUEST;
	}
	*out = '\0';
	for (; (up = strstr(up, "/..")) != NULL; up++)
		if (up[3] == '/' || up[3] == '\0')
			return BAD_REQUEST;
	r->index = out[-1] == '/';
	if (r->index)
		strcpy(out, "index.html");
	return NULL;
}

static const char *
parse_line(struct http_request *r, char *rest)
{
	char *method = take_token(&rest, ' ');
	char *target = strsep(&rest, " ");

	if (method == NULL || rest == NULL ||
	    fnmatch("HTTP/[0-9].[0-9]", rest, 0) != 0)
		return BAD_REQUEST;
	if (rest[5] != '1')
		return "505 HTTP Version Not Supported";
	r->old = rest[7] == '0';
	r->head_only = strcmp(method, "HEAD") == 0;
	if (!r->head_only && strcmp(method, "GET") != 0)
		return "405 Method Not Allowed";
	if (strncasecmp(target, "http://", 7) == 0)	/* as to a proxy */
		target += 7 + strcspn(target + 7, "/?");
	r->target = target;
	return *target == '/' ? decode_path(r) : BAD_REQUEST;
}

/* Notes what of the fields matters here. */
static const char *
parse_fields(struct http_request *r, char *rest)
{
	char *line, *name, *value, *end, *word;
	bool close = false, keep = false;
	unsigned int hosts = 0;

	while ((line = take_line(&rest)) != NULL && *line != '\0') {
		name = take_token(&line, ':');
		if (name == NULL)
			return BAD_REQUEST;
		value = line + strspn(line, " \t");
		end = value + strlen(value);
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		if (strcasecmp(name, "host") == 0) {
			hosts++;
		} else if (strcasecmp(name, "connection") == 0) {
			while ((word = strsep(&value, ", \t")) != NULL) {
				close |= strcasecmp(word, "close") == 0;
				keep |= strcasecmp(word, "keep-alive") == 0;
			}
		} else if (strcasecmp(name, "transfer-encoding") == 0 ||
		    strcasecmp(name, "content-length") == 0) {
			/* A body, which nobody here reads: what follows the
			   head is not another request. */
			close = true;
		} else if (strcasecmp(name, "range") == 0) {
			r->range = value;
		} else if (strcasecmp(name, "if-range") == 0) {
			r->if_range = value;
		} else if (strcasecmp(name, "if-modified-since") == 0) {
			r->if_modified = value;
		}
	}
	r->keep_alive = !close && (!r->old || keep);
	return line != NULL && (hosts == 1 || (r->old && hosts == 0)) ?
	    NULL : BAD_REQUEST;
}

const char *
http_parse(struct http_request *r, char *head, size_t length)
{
	const char *status;
	char *line;

	memset(r, 0, offsetof(struct http_request, line));
	r->length = length;
	r->line[0] = '\0';
	if (length == 0)		/* it never ends */
		return memchr(head, '\n', HTTP_LINE_MAX) == NULL ?
		    URI_TOO_LONG : "431 Request Header Fields Too Large";
	head[length - 1] = '\0';	/* was a line feed */
	if (strlen(head) != length - 1)
		return BAD_REQUEST;
	head += strspn(head, "\r\n");	/* before a request is forgiven */
	line = take_line(&head);
	if (line == NULL)
		return BAD_REQUEST;
	if (strlen(line) >= sizeof(r->line))
		return URI_TOO_LONG;
	strcpy(r->line, line);
	status = parse_line(r, line);
	return status == NULL ? parse_fields(r, head) : status;
}

static const char *
mime_type(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".pdf", "application/pdf" },
		{ ".wasm", "application/wasm" },
		{ ".xml", "application/xml" },
		{ ".gif", "image/gif" },
		{ ".jpg", "image/jpeg" },
		{ ".png", "image/png" },
		{ ".svg", "image/svg+xml" },
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(strrchr(path, '.'), types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

void
http_set_clock(struct http_clock *clock)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(clock->http, sizeof(clock->http), DATE, &tm);
	strftime(clock->log, sizeof(clock->log), "%d/%b/%Y:%T +0000", &tm);
}

/* Begins an answer with its head. */
static void
write_head(struct http_answer *a, const struct http_request *r,
    const char *type, uint64_t length, const char *fields,
    const struct http_clock *clock)
{
	a->length = (size_t)snprintf(a->out, sizeof(a->out), "HTTP/1.1 %s\r\n"
	    "Date: %s\r\nServer: libproactor-httpd\r\n%sContent-Type: %s\r\n"
	    "Content-Length: %" PRIu64 "\r\n%s\r\n", a->status, clock->http,
	    fields, type, length, !r->keep_alive ? "Connection: close\r\n" :
	    r->old ? "Connection: keep-alive\r\n" : "");
}

void
http_answer_status(struct http_answer *a, const struct http_request *r,
    const char *status, const char *fields, const struct http_clock *clock)
{
	a->status = status;
	a->left = 0;
	write_head(a, r, "text/plain", strlen(status) + 1, fields, clock);
	if (r->head_only)
		return;
	a->sent = strlen(status) + 1;
	a->length += (size_t)sprintf(a->out + a->length, "%s\n", status);
}

/*
 * What a Range field asks for of size bytes, and the field that answers it.
 * A range that is malformed, and several at once, are ignored, as the
 * standard allows.  Of numbers that are too large strtoull() makes the
 * largest, which is as good.
 */
static void
find_range(struct http_answer *a, const char *range, uint64_t size,
    char *field, size_t field_size)
{
	uint64_t first, last = UINT64_MAX;
	const char *dash;

	if (strncasecmp(range, "bytes=", 6) != 0)
		return;
	range += 6;
	dash = range + strspn(range, DIGITS);
	if (*dash != '-' || dash[1 + strspn(dash + 1, DIGITS)] != '\0' ||
	    strcmp(range, "-") == 0)
		return;
	if (dash[1] != '\0')
		last = strtoull(dash + 1, NULL, 10);
	if (dash > range) {
		first = strtoull(range, NULL, 10);
	} else {			/* the last so many */
		first = last < size ? size - last : 0;
		last = UINT64_MAX;
	}
	if (last < first)
		return;
	if (last >= size)
		last = size - 1;
	if (first >= size) {
		a->status = "416 Range Not Satisfiable";
		a->left = 0;
		snprintf(field, field_size, "Content-Range: bytes */%" PRIu64
		    "\r\n", size);
	} else {
		a->status = "206 Partial Content";
		a->offset = first;
		a->left = last - first + 1;
		snprintf(field, field_size, "Content-Range: bytes %" PRIu64
		    "-%" PRIu64 "/%" PRIu64 "\r\n", first, last, size);
	}
}

void
http_answer_file(struct http_answer *a, const struct http_request *r,
    const struct stat *st, const struct http_clock *clock)
{
	char modified[40], part[100] = "", fields[200];
	bool known;
	struct tm tm;

	gmtime_r(&st->st_mtime, &tm);
	strftime(modified, sizeof(modified), DATE, &tm);
	known = r->if_modified != NULL && strcmp(r->if_modified, modified) == 0;
	a->status = known ? "304 Not Modified" : "200 OK";
	a->offset = 0;
	a->left = (uint64_t)st->st_size;
	if (r->range != NULL && !known && !r->head_only &&
	    (r->if_range == NULL || strcmp(r->if_range, modified) == 0))
		find_range(a, r->range, a->left, part, sizeof(part));
	snprintf(fields, sizeof(fields), "Last-Modified: %s\r\n"
	    "Accept-Ranges: bytes\r\n%s", modified, part);
	write_head(a, r, mime_type(r->path), a->left, fields, clock);
	if (known || r->head_only)
		a->left = 0;
}

/* What a client wrote is not to be trusted with a terminal or a parser. */
void
http_log(FILE *log, const char *peer, const struct http_request *r,
    const struct http_answer *a, const struct http_clock *clock)
{
	const char *at;

	fprintf(log, "%s - - [%s] \"", peer, clock->log);
	for (at = r->line; *at != '\0'; at++)
		if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
			fprintf(log, "\\x%02x", (unsigned char)*at);
		else
			putc(*at, log);
	fprintf(log, "\" %.3s %" PRIu64 "\n", a->status, a->sent);
}
