/* SPDX-License-Identifier: ISC */
/* What httpd answers, and what it notes of it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http.h"

#define DATE		"%a, %d %b %Y %H:%M:%S GMT"

static const char *
mime_type(const char *path)
{
	static const char types[][2][32] = {
		{ "c", "text/plain; charset=utf-8" },
		{ "css", "text/css; charset=utf-8" },
		{ "csv", "text/csv; charset=utf-8" },
		{ "gif", "image/gif" },
		{ "gz", "application/gzip" },
		{ "h", "text/plain; charset=utf-8" },
		{ "htm", "text/html; charset=utf-8" },
		{ "html", "text/html; charset=utf-8" },
		{ "ico", "image/x-icon" },
		{ "jpeg", "image/jpeg" },
		{ "jpg", "image/jpeg" },
		{ "js", "text/javascript; charset=utf-8" },
		{ "json", "application/json" },
		{ "md", "text/markdown; charset=utf-8" },
		{ "mp3", "audio/mpeg" },
		{ "mp4", "video/mp4" },
		{ "pdf", "application/pdf" },
		{ "png", "image/png" },
		{ "svg", "image/svg+xml" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "wasm", "application/wasm" },
		{ "webm", "video/webm" },
		{ "webp", "image/webp" },
		{ "woff2", "font/woff2" },
		{ "xml", "application/xml" },
		{ "zip", "application/zip" },
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	for (i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(dot + 1, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

static const char *
reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 206:
		return "Partial Content";
	case 301:
		return "Moved Permanently";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 414:
		return "URI Too Long";
	case 416:
		return "Range Not Satisfiable";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

/*
 * What a Range field asks for of size bytes.  A range that is malformed, and
 * several at once, are ignored, as the standard allows.
 */
static int
find_range(struct http_text range, uint64_t size, uint64_t *ret_offset,
    uint64_t *ret_length)
{
	uint64_t first, last;
	bool has_first, has_last;

	if (!http_starts(range, "bytes="))
		return 200;
	(void)http_take(&range, '=');
	has_first = http_take_number(&range, &first);
	if (range.length == 0 || *range.at != '-')
		return 200;
	(void)http_take(&range, '-');
	has_last = http_take_number(&range, &last);
	if (range.length > 0 || (!has_first && !has_last))
		return 200;
	if (!has_first) {		/* the last so many */
		first = last == 0 ? size : last < size ? size - last : 0;
		last = UINT64_MAX;
	} else if (!has_last) {
		last = UINT64_MAX;
	}
	if (last < first)
		return 200;
	if (first >= size)
		return 416;
	*ret_offset = first;
	*ret_length = (last < size ? last + 1 : size) - first;
	return 206;
}

void
http_tick(struct http_clock *clock)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now == clock->second)
		return;
	clock->second = now;
	gmtime_r(&now, &tm);
	strftime(clock->http, sizeof(clock->http), DATE, &tm);
	strftime(clock->log, sizeof(clock->log), "%d/%b/%Y:%H:%M:%S +0000",
	    &tm);
}

void
http_add_field(struct http_answer *a, const char *format, ...)
{
	size_t room = sizeof(a->fields) - a->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(a->fields + a->used, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n + sizeof("\r\n") > room) {
		a->fields[a->used] = '\0';	/* rather none than a half */
		return;
	}
	a->used += (size_t)n;
	memcpy(a->fields + a->used, "\r\n", sizeof("\r\n"));
	a->used += 2;
}

void
http_answer_file(struct http_answer *a, const struct http_request *r,
    const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size;
	char modified[40];
	struct tm tm;

	gmtime_r(&st->st_mtime, &tm);
	strftime(modified, sizeof(modified), DATE, &tm);
	a->status = 200;
	a->length = size;
	if (http_equal(r->if_modified, modified))
		a->status = 304;
	else if (!r->head_only && (r->if_range.at == NULL ||
	    http_equal(r->if_range, modified)))
		a->status = find_range(r->range, size, &a->offset, &a->length);
	if (a->status == 416) {
		http_add_field(a, "Content-Range: bytes */%" PRIu64, size);
		return;
	}
	http_add_field(a, "Last-Modified: %s", modified);
	http_add_field(a, "Accept-Ranges: bytes");
	http_add_field(a, "Content-Type: %s", mime_type(r->path));
	if (a->status == 206)
		http_add_field(a, "Content-Range: bytes %" PRIu64 "-%" PRIu64
		    "/%" PRIu64, a->offset, a->offset + a->length - 1, size);
}

void
http_answer_status(struct http_answer *a, int status, char *body, size_t size)
{
	a->status = status;
	a->length = (uint64_t)snprintf(body, size, "%d %s\n", status,
	    reason(status));
	http_add_field(a, "Content-Type: text/plain");
}

size_t
http_write_head(char *head, size_t size, const struct http_request *r,
    const struct http_clock *clock, const struct http_answer *a)
{
	return (size_t)snprintf(head, size, "HTTP/1.1 %d %s\r\nDate: %s\r\n"
	    "Server: libproactor-httpd\r\n%sContent-Length: %" PRIu64
	    "\r\n%s\r\n", a->status, reason(a->status), clock->http,
	    a->fields, a->length, !r->keep_alive ? "Connection: close\r\n" :
	    r->old ? "Connection: keep-alive\r\n" : "");
}

/* What a client wrote is not to be trusted with a terminal or a parser. */
void
http_log(FILE *log, const struct http_clock *clock, const char *peer,
    const struct http_request *r, int status, uint64_t sent)
{
	struct http_text line = r->line;
	unsigned char ch;

	fprintf(log, "%s - - [%s] \"", peer, clock->log);
	for (; line.length > 0; line.at++, line.length--) {
		ch = (unsigned char)*line.at;
		if (ch < ' ' || ch >= 0x7f || ch == '"' || ch == '\\')
			fprintf(log, "\\x%02x", ch);
		else
			putc(ch, log);
	}
	fprintf(log, "\" %d %" PRIu64 "\n", status, sent);
}
