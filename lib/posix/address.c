/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <proactor/address.h>
#include <proactor/error.h>

#ifdef __linux__
# define HAVE_ABSTRACT	1
#else
# define HAVE_ABSTRACT	0
#endif

#define PATH_OFFSET	offsetof(struct sockaddr_un, sun_path)
#define PATH_SIZE	sizeof(((struct sockaddr_un *)0)->sun_path)
#define STORAGE_SIZE	sizeof(((struct proactor_address *)0)->storage)

#define UNIX_PREFIX	"unix:"

_Static_assert(sizeof(struct sockaddr_storage) <= STORAGE_SIZE,
    "an address holds any sockaddr");
_Static_assert(sizeof(UNIX_PREFIX) + PATH_SIZE <= PROACTOR_ADDRESS_TEXT_MAX,
    "a text holds any path");

/* An address that was checked; what it does not use is zero. */
struct view {
	unsigned int family;	/* PROACTOR_ADDRESS_IPV4 ... */
	size_t name_length;	/* of sun_path; 0: unnamed */
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
};

static int
view_path(struct view *v, const char *path, size_t size)
{
	size_t length = 0;

	if (size > 0 && path[0] == '\0') {
		/* Abstract; other systems return an unnamed one so. */
		if (!HAVE_ABSTRACT)
			return 0;
		if (size > PATH_SIZE)
			return PROACTOR_EINVAL;
		length = size;
	} else {
		/* A path that fills sun_path has no NUL, or one behind it. */
		while (length < size && path[length] != '\0')
			length++;
		if (length > PATH_SIZE)
			return PROACTOR_EINVAL;
	}
	memcpy(v->u.un.sun_path, path, length);
	v->name_length = length;
	return 0;
}

/* Reads no more than length bytes, of which any may be garbage. */
static int
view_sockaddr(struct view *v, const void *sockaddr, size_t length)
{
	struct sockaddr head;

	memset(v, 0, sizeof(*v));
	if (length < offsetof(struct sockaddr, sa_data) ||
	    length > STORAGE_SIZE)
		return PROACTOR_EINVAL;
	memcpy(&head, sockaddr, offsetof(struct sockaddr, sa_data));

	switch (head.sa_family) {
	case AF_INET:
		if (length < sizeof(v->u.in))
			return PROACTOR_EINVAL;
		v->family = PROACTOR_ADDRESS_IPV4;
		memcpy(&v->u.in, sockaddr, sizeof(v->u.in));
		memset(v->u.in.sin_zero, 0, sizeof(v->u.in.sin_zero));
		return 0;
	case AF_INET6:
		if (length < sizeof(v->u.in6))
			return PROACTOR_EINVAL;
		v->family = PROACTOR_ADDRESS_IPV6;
		memcpy(&v->u.in6, sockaddr, sizeof(v->u.in6));
		return 0;
	case AF_UNIX:
		if (length < PATH_OFFSET)
			return PROACTOR_EINVAL;
		v->family = PROACTOR_ADDRESS_UNIX;
		memcpy(&v->u.un, sockaddr, PATH_OFFSET);
		return view_path(v, (const char *)sockaddr + PATH_OFFSET,
		    length - PATH_OFFSET);
	default:
		return PROACTOR_EAFNOSUPPORT;
	}
}

static int
view_address(struct view *v, const struct proactor_address *address)
{
	return view_sockaddr(v, address->storage.bytes, address->length);
}

static void
store(const struct view *v, struct proactor_address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	switch (v->family) {
	case PROACTOR_ADDRESS_IPV4:
		ret_address->length = sizeof(v->u.in);
		break;
	case PROACTOR_ADDRESS_IPV6:
		ret_address->length = sizeof(v->u.in6);
		break;
	default:
		ret_address->length = (uint32_t)(PATH_OFFSET + v->name_length);
		if (v->u.un.sun_path[0] != '\0' && v->name_length < PATH_SIZE)
			ret_address->length++;
	}
	memcpy(ret_address->storage.bytes, &v->u, ret_address->length);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_number(const char *text)
{
	while (is_digit(*text))
		text++;
	return *text == '\0';
}

/* Decimal, no sign, no leading zeros, nothing around it. */
static int
parse_number(const char *text, uint32_t max, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
		return PROACTOR_EINVAL;
	for (; *text != '\0'; text++) {
		if (!is_digit(*text))
			return PROACTOR_EINVAL;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > max)
			return PROACTOR_EINVAL;
	}
	*ret_number = (uint32_t)number;
	return 0;
}

/* An interface, by its index or its name. */
static int
parse_scope(const char *text, uint32_t *ret_scope)
{
	int error;

	if (is_number(text)) {
		error = parse_number(text, UINT32_MAX, ret_scope);
		if (error == 0 && *ret_scope == 0)
			error = PROACTOR_EINVAL;
		return error;
	}
	/* Linux would read "lo:1" as "lo". */
	if (strlen(text) >= IF_NAMESIZE || strchr(text, ':') != NULL)
		return PROACTOR_ENODEV;
	*ret_scope = if_nametoindex(text);
	if (*ret_scope != 0)
		return 0;
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return -errno;
	default:
		return PROACTOR_ENODEV;
	}
}

static int
parse_ipv4(struct view *v, const char *text, uint16_t port)
{
	memset(v, 0, sizeof(*v));
	v->family = PROACTOR_ADDRESS_IPV4;
	v->u.in.sin_family = AF_INET;
	v->u.in.sin_port = htons(port);
	if (inet_pton(AF_INET, text, &v->u.in.sin_addr) != 1)
		return PROACTOR_EINVAL;
	return 0;
}

static int
parse_ipv6(struct view *v, const char *text, uint16_t port)
{
	char number[INET6_ADDRSTRLEN];
	size_t length;
	int error;

	length = strcspn(text, "%");
	if (length >= sizeof(number))
		return PROACTOR_EINVAL;
	memcpy(number, text, length);
	number[length] = '\0';

	memset(v, 0, sizeof(*v));
	v->family = PROACTOR_ADDRESS_IPV6;
	v->u.in6.sin6_family = AF_INET6;
	v->u.in6.sin6_port = htons(port);
	if (inet_pton(AF_INET6, number, &v->u.in6.sin6_addr) != 1)
		return PROACTOR_EINVAL;
	if (text[length] == '%') {
		error = parse_scope(text + length + 1,
		    &v->u.in6.sin6_scope_id);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
parse_unix(struct view *v, const char *path)
{
	size_t length;

	length = strlen(path);
	if (length == 0)
		return PROACTOR_EINVAL;
	if (path[0] == '@' && !HAVE_ABSTRACT)
		return PROACTOR_ENOTSUP;
	if (path[0] == '@' && length == 1)
		return PROACTOR_EINVAL;
	if (length > PATH_SIZE)
		return PROACTOR_ENAMETOOLONG;

	memset(v, 0, sizeof(*v));
	v->family = PROACTOR_ADDRESS_UNIX;
	v->name_length = length;
	v->u.un.sun_family = AF_UNIX;
	memcpy(v->u.un.sun_path, path, length);
	if (path[0] == '@')
		v->u.un.sun_path[0] = '\0';
	return 0;
}

/* Has the bytes that a line of text may have. */
static bool
is_text(const char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	return true;
}

/* HOST:PORT; in brackets, HOST is an IPv6 address. */
static int
parse_host_port(struct view *v, const char *text)
{
	char host[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
	const char *end;
	uint32_t port;
	size_t length;
	bool bracket;
	int error;

	bracket = text[0] == '[';
	if (bracket)
		text++;
	end = strchr(text, bracket ? ']' : ':');
	if (end == NULL)
		return PROACTOR_EINVAL;
	length = (size_t)(end - text);
	if (length >= sizeof(host))
		return PROACTOR_EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';

	if (bracket && *++end != ':')
		return PROACTOR_EINVAL;
	error = parse_number(end + 1, UINT16_MAX, &port);
	if (error != 0)
		return error;
	return bracket ? parse_ipv6(v, host, (uint16_t)port) :
	    parse_ipv4(v, host, (uint16_t)port);
}

static void
format_ipv4(const struct view *v, char *text)
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &v->u.in.sin_addr, host, sizeof(host));
	snprintf(text, PROACTOR_ADDRESS_TEXT_MAX, "%s:%u", host,
	    (unsigned int)ntohs(v->u.in.sin_port));
}

/* A scope's name is no use when it cannot be read back. */
static void
format_scope(uint32_t scope, char name[IF_NAMESIZE])
{
	if (if_indextoname(scope, name) == NULL || is_number(name) ||
	    strpbrk(name, ":]") != NULL || !is_text(name, strlen(name)))
		snprintf(name, IF_NAMESIZE, "%u", (unsigned int)scope);
}

static void
format_ipv6(const struct view *v, char *text)
{
	const struct sockaddr_in6 *in6 = &v->u.in6;
	char host[INET6_ADDRSTRLEN], scope[IF_NAMESIZE] = "";

	inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
	if (in6->sin6_scope_id != 0)
		format_scope(in6->sin6_scope_id, scope);
	snprintf(text, PROACTOR_ADDRESS_TEXT_MAX, "[%s%s%s]:%u", host,
	    scope[0] != '\0' ? "%" : "", scope,
	    (unsigned int)ntohs(in6->sin6_port));
}

static int
format_unix(const struct view *v, char *text)
{
	const char *name = v->u.un.sun_path;
	size_t length = v->name_length;
	bool abstract;

	/*
	 * No escapes: what has bytes that are not text, or a path that would
	 * be taken for an abstract name, is not written at all.
	 */
	abstract = length > 0 && name[0] == '\0';
	if (abstract) {
		name++;
		length--;
		if (length == 0)
			return PROACTOR_EINVAL;
	} else if (length > 0 && name[0] == '@')
		return PROACTOR_EINVAL;
	if (!is_text(name, length))
		return PROACTOR_EINVAL;
	snprintf(text, PROACTOR_ADDRESS_TEXT_MAX, UNIX_PREFIX "%s%.*s",
	    abstract ? "@" : "", (int)length, name);
	return 0;
}

int
proactor_address_from_ipv4(const char *text, uint16_t port,
    struct proactor_address *ret_address)
{
	struct view v;
	int error;

	if (text == NULL || ret_address == NULL)
		return PROACTOR_EINVAL;
	error = parse_ipv4(&v, text, port);
	if (error == 0)
		store(&v, ret_address);
	return error;
}

int
proactor_address_from_ipv6(const char *text, uint16_t port,
    struct proactor_address *ret_address)
{
	struct view v;
	int error;

	if (text == NULL || ret_address == NULL)
		return PROACTOR_EINVAL;
	error = parse_ipv6(&v, text, port);
	if (error == 0)
		store(&v, ret_address);
	return error;
}

int
proactor_address_from_unix(const char *path,
    struct proactor_address *ret_address)
{
	struct view v;
	int error;

	if (path == NULL || ret_address == NULL)
		return PROACTOR_EINVAL;
	error = parse_unix(&v, path);
	if (error == 0)
		store(&v, ret_address);
	return error;
}

int
proactor_address_parse(const char *text, struct proactor_address *ret_address)
{
	struct view v;
	int error;

	if (text == NULL || ret_address == NULL)
		return PROACTOR_EINVAL;
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0)
		error = parse_host_port(&v, text);
	else if (is_text(text, strlen(text)))
		error = parse_unix(&v, text + strlen(UNIX_PREFIX));
	else
		error = PROACTOR_EINVAL;
	if (error == 0)
		store(&v, ret_address);
	return error;
}

int
proactor_address_from_sockaddr(const void *sockaddr, size_t length,
    struct proactor_address *ret_address)
{
	struct view v;
	int error;

	if (sockaddr == NULL || ret_address == NULL)
		return PROACTOR_EINVAL;
	error = view_sockaddr(&v, sockaddr, length);
	if (error == 0)
		store(&v, ret_address);
	return error;
}

int
proactor_address_format(const struct proactor_address *address, char *buffer,
    size_t size)
{
	char text[PROACTOR_ADDRESS_TEXT_MAX];
	struct view v;
	size_t length;

	if (address == NULL || buffer == NULL ||
	    view_address(&v, address) != 0)
		return PROACTOR_EINVAL;
	if (v.family == PROACTOR_ADDRESS_IPV4)
		format_ipv4(&v, text);
	else if (v.family == PROACTOR_ADDRESS_IPV6)
		format_ipv6(&v, text);
	else if (format_unix(&v, text) != 0)
		return PROACTOR_EINVAL;

	length = strlen(text);
	if (length >= size)
		return PROACTOR_ERANGE;
	memcpy(buffer, text, length + 1);
	return 0;
}

unsigned int
proactor_address_family(const struct proactor_address *address)
{
	struct view v;

	if (address == NULL || view_address(&v, address) != 0)
		return PROACTOR_ADDRESS_NONE;
	return v.family;
}

uint16_t
proactor_address_port(const struct proactor_address *address)
{
	struct view v;

	if (address == NULL || view_address(&v, address) != 0)
		return 0;
	if (v.family == PROACTOR_ADDRESS_IPV4)
		return ntohs(v.u.in.sin_port);
	if (v.family == PROACTOR_ADDRESS_IPV6)
		return ntohs(v.u.in6.sin6_port);
	return 0;
}

/* The flow label of an IPv6 address says nothing of whose it is. */
int
proactor_address_equal(const struct proactor_address *a,
    const struct proactor_address *b)
{
	struct view v, w;

	if (a == NULL || b == NULL)
		return 0;
	if (view_address(&v, a) != 0 || view_address(&w, b) != 0)
		return a->length == 0 && b->length == 0;
	if (v.family != w.family)
		return 0;
	switch (v.family) {
	case PROACTOR_ADDRESS_IPV4:
		return v.u.in.sin_port == w.u.in.sin_port &&
		    memcmp(&v.u.in.sin_addr, &w.u.in.sin_addr,
		    sizeof(v.u.in.sin_addr)) == 0;
	case PROACTOR_ADDRESS_IPV6:
		return v.u.in6.sin6_port == w.u.in6.sin6_port &&
		    v.u.in6.sin6_scope_id == w.u.in6.sin6_scope_id &&
		    memcmp(&v.u.in6.sin6_addr, &w.u.in6.sin6_addr,
		    sizeof(v.u.in6.sin6_addr)) == 0;
	default:
		return v.name_length == w.name_length &&
		    memcmp(v.u.un.sun_path, w.u.un.sun_path,
		    v.name_length) == 0;
	}
}
