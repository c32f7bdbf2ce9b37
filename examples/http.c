/* SPDX-License-Identifier: ISC */
/* What httpd is asked. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "http.h"

bool
http_equal(struct http_text text, const char *word)
{
	return text.length == strlen(word) &&
	    strncasecmp(text.at, word, text.length) == 0;
}

bool
http_starts(struct http_text text, const char *word)
{
	return text.length >= strlen(word) &&
	    strncasecmp(text.at, word, strlen(word)) == 0;
}

static void
skip(struct http_text *text, size_t bytes)
{
	text->at += bytes;
	text->length -= bytes;
}

struct http_text
http_take(struct http_text *rest, char stop)
{
	const char *found = memchr(rest->at, stop, rest->length);
	struct http_text front = *rest;

	if (found != NULL)
		front.length = (size_t)(found - rest->at);
	skip(rest, front.length + (found != NULL));
	return front;
}

static struct http_text
take_line(struct http_text *rest)
{
	struct http_text line = http_take(rest, '\n');

	if (line.length > 0 && line.at[line.length - 1] == '\r')
		line.length--;
	return line;
}

static struct http_text
trim(struct http_text text)
{
	while (text.length > 0 && (*text.at == ' ' || *text.at == '\t'))
		skip(&text, 1);
	while (text.length > 0 && (text.at[text.length - 1] == ' ' ||
	    text.at[text.length - 1] == '\t'))
		text.length--;
	return text;
}

/* Is the word one of a list with commas? */
static bool
lists(struct http_text list, const char *word)
{
	while (list.length > 0)
		if (http_equal(trim(http_take(&list, ',')), word))
			return true;
	return false;
}

/* Has it bytes, and all of them between these two? */
static bool
within(struct http_text text, unsigned char low, unsigned char high)
{
	size_t i;

	for (i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] < low ||
		    (unsigned char)text.at[i] > high)
			return false;
	return text.length > 0;
}

/* A method, or the name of a field. */
static bool
is_token(struct http_text text)
{
	size_t i;

	for (i = 0; i < text.length; i++)
		if (strchr("\"(),/:;<=>?@[\\]{}", text.at[i]) != NULL)
			return false;
	return within(text, 0x21, 0x7e);
}

bool
http_take_number(struct http_text *text, uint64_t *ret_value)
{
	size_t length = text->length;
	uint64_t value = 0, digit;

	while (text->length > 0 && *text->at >= '0' && *text->at <= '9') {
		digit = (uint64_t)(*text->at - '0');
		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX :
		    value * 10 + digit;
		skip(text, 1);
	}
	*ret_value = value;
	return text->length < length;
}

static int
hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/*
 * Makes the path of a file, relative to the directory that is served, out of
 * the target.  First it is decoded and then looked at: "%2e%2e%2f" is "../".
 */
static int
decode_path(struct http_request *r)
{
	struct http_text rest = r->target, path = http_take(&rest, '?');
	char *out = r->path;
	int high, low;

	*out++ = '.';
	while (path.length > 0) {
		*out = *path.at;
		if (*out == '%') {
			high = path.length > 2 ? hex_digit(path.at[1]) : -1;
			low = path.length > 2 ? hex_digit(path.at[2]) : -1;
			if (high < 0 || low < 0 || high + low == 0)
				return 400;
			*out = (char)(high * 16 + low);
			skip(&path, 2);
		}
		skip(&path, 1);
		out++;
	}
	*out = '\0';
	path.at = r->path;
	path.length = (size_t)(out - r->path);
	while (path.length > 0)
		if (http_equal(http_take(&path, '/'), ".."))
			return 400;
	if (out[-1] == '/')
		memcpy(out, "index.html", sizeof("index.html"));
	return 0;
}

static int
parse_line(struct http_request *r)
{
	struct http_text rest = r->line, method = http_take(&rest, ' ');

	r->target = http_take(&rest, ' ');
	if (!is_token(method) || !within(r->target, 0x21, 0x7e) ||
	    rest.length != strlen("HTTP/1.1") ||
	    memcmp(rest.at, "HTTP/", 5) != 0 || rest.at[6] != '.' ||
	    !within((struct http_text){ rest.at + 5, 1 }, '0', '9') ||
	    !within((struct http_text){ rest.at + 7, 1 }, '0', '9'))
		return 400;
	if (rest.at[5] != '1')
		return 505;
	r->old = rest.at[7] == '0';
	/* The names of methods are in capitals: "get" is not GET. */
	r->head_only = method.length == 4 && memcmp(method.at, "HEAD", 4) == 0;
	if (!r->head_only &&
	    (method.length != 3 || memcmp(method.at, "GET", 3) != 0))
		return 405;
	if (http_starts(r->target, "http://")) {
		/* As a proxy is asked. */
		skip(&r->target, strlen("http://"));
		rest = http_take(&r->target, '/');
		r->target.at--;
		r->target.length++;
	}
	return *r->target.at == '/' ? 0 : 400;
}

/* Notes what of the fields matters here. */
static int
parse_fields(struct http_request *r, struct http_text rest)
{
	struct http_text line, name, value;
	bool close = false, keep = false;
	unsigned int hosts = 0;
	size_t i;

	while ((line = take_line(&rest)).length > 0) {
		value = line;
		name = http_take(&value, ':');
		if (!is_token(name) || name.length == line.length)
			return 400;
		value = trim(value);
		for (i = 0; i < value.length; i++)
			if ((value.at[i] & 0xe0) == 0 && value.at[i] != '\t')
				return 400;
		if (http_equal(name, "host")) {
			hosts++;
		} else if (http_equal(name, "connection")) {
			close = close || lists(value, "close");
			keep = keep || lists(value, "keep-alive");
		} else if (http_equal(name, "transfer-encoding") ||
		    (http_equal(name, "content-length") &&
		    !http_equal(value, "0"))) {
			/* A body, which nobody here reads: what follows the
			   head is not another request. */
			close = true;
		} else if (http_equal(name, "range")) {
			r->range = value;
		} else if (http_equal(name, "if-range")) {
			r->if_range = value;
		} else if (http_equal(name, "if-modified-since")) {
			r->if_modified = value;
		}
	}
	r->keep_alive = !close && (!r->old || keep);
	return hosts == 1 || (r->old && hosts == 0) ? 0 : 400;
}

int
http_parse(struct http_request *r, const char *head, size_t length)
{
	struct http_text rest = { head, length };
	int status, fields_status;

	r->line = take_line(&rest);
	if (r->line.length == 0)	/* one empty line is forgiven */
		r->line = take_line(&rest);
	if (r->line.length > HTTP_LINE_MAX)
		return 414;
	status = parse_line(r);
	if (status != 0 && status != 405)
		return status;
	fields_status = parse_fields(r, rest);
	if (fields_status != 0)
		return fields_status;
	return status != 0 ? status : decode_path(r);
}

size_t
http_find_head(const char *input, size_t length, size_t *scanned)
{
	size_t i;

	for (i = *scanned; i < length; i++) {
		if (input[i] != '\n')
			continue;
		if (i + 1 < length && input[i + 1] == '\n')
			return i + 2;
		if (i + 2 < length && input[i + 1] == '\r' &&
		    input[i + 2] == '\n')
			return i + 3;
	}
	*scanned = length > 2 ? length - 2 : 0;
	return 0;
}
