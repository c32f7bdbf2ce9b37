/* SPDX-License-Identifier: ISC */
/* Addresses from a host or a path, and from what the system says. */
#include "config.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/address.h"

static void
from_ipv4(void)
{
	static const char *const wrong[] = {
		"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4",
		"1.2.3.4:5", "256.1.1.1", "1.2.3.-4", "0x1.2.3.4", "::1",
		"localhost",
	};
	struct proactor_address a, b;
	struct sockaddr_in in;
	size_t i;

	CHECK_INT(proactor_address_from_ipv4("192.0.2.33", 4660, &a), 0);
	CHECK_INT(a.length, sizeof(in));
	memcpy(&in, a.storage.bytes, sizeof(in));
	CHECK_INT(in.sin_family, AF_INET);
	CHECK_INT(in.sin_port, htons(4660));
	CHECK_INT(in.sin_addr.s_addr, htonl(0xc0000221));
	CHECK(is_all(in.sin_zero, 0, sizeof(in.sin_zero)));
	check_format(&a, "192.0.2.33:4660");

	for (i = 0; i < COUNT(wrong); i++) {
		b = a;
		CHECK_INT(proactor_address_from_ipv4(wrong[i], 1, &b),
		    PROACTOR_EINVAL);
		CHECK_MEM(&b, &a, sizeof(a));
	}
}

static void
from_ipv6(void)
{
	static const char *const wrong[] = {
		"", "1.2.3.4", "[::1]", "::1 ", " ::1", "::1%", "::1%0", "%1",
		"::1%00", "::1%01", "::1%4294967296", "1:2:3:4:5:6:7:8:9",
		"::g", "::1::",
	};
	struct proactor_address a, b;
	struct sockaddr_in6 in6;
	size_t i;

	CHECK_INT(proactor_address_from_ipv6("2001:db8::1%77", 443, &a), 0);
	CHECK_INT(a.length, sizeof(in6));
	memcpy(&in6, a.storage.bytes, sizeof(in6));
	CHECK_INT(in6.sin6_family, AF_INET6);
	CHECK_INT(in6.sin6_port, htons(443));
	CHECK_INT(in6.sin6_flowinfo, 0);
	CHECK_INT(in6.sin6_scope_id, 77);
	CHECK_INT(in6.sin6_addr.s6_addr[0], 0x20);
	CHECK_INT(in6.sin6_addr.s6_addr[15], 1);

	for (i = 0; i < COUNT(wrong); i++) {
		b = a;
		CHECK_INT(proactor_address_from_ipv6(wrong[i], 1, &b),
		    PROACTOR_EINVAL);
		CHECK_MEM(&b, &a, sizeof(a));
	}
}

static void
from_unix(void)
{
	struct proactor_address a, b;
	struct sockaddr_un un;
	char path[PATH_SIZE + 2];

	CHECK_INT(proactor_address_from_unix("/tmp/x", &a), 0);
	CHECK_INT(a.length, PATH_OFFSET + 7);
	memcpy(&un, a.storage.bytes, sizeof(un));
	CHECK_INT(un.sun_family, AF_UNIX);
	CHECK_STR(un.sun_path, "/tmp/x");
	b = a;
	CHECK_INT(proactor_address_from_unix("", &b), PROACTOR_EINVAL);
	CHECK_MEM(&b, &a, sizeof(a));

	/* A path may be anything; its text may not. */
	CHECK_INT(proactor_address_from_unix("a\nb", &b), 0);
	CHECK_INT(b.length, PATH_OFFSET + 4);
	CHECK_INT(proactor_address_format(&b, path, sizeof(path)),
	    PROACTOR_EINVAL);

	memset(path, 'p', sizeof(path));
	path[PATH_SIZE] = '\0';
	CHECK_INT(proactor_address_from_unix(path, &a), 0);
	CHECK_INT(a.length, PATH_OFFSET + PATH_SIZE);
	check_round(&a);
	path[PATH_SIZE] = 'p';
	path[PATH_SIZE + 1] = '\0';
	b = a;
	CHECK_INT(proactor_address_from_unix(path, &b),
	    PROACTOR_ENAMETOOLONG);
	CHECK_MEM(&b, &a, sizeof(a));
}

static void
abstract_names(void)
{
	struct proactor_address a;
	struct sockaddr_un un;
	char name[PATH_SIZE + 2], text[PROACTOR_ADDRESS_TEXT_MAX];

	CHECK_INT(proactor_address_from_unix("@", &a),
	    ABSTRACT(PROACTOR_EINVAL));
	CHECK_INT(proactor_address_from_unix("@name", &a), ABSTRACT(0));
	CHECK_INT(parse("unix:@name", &a), ABSTRACT(0));
	if (ABSTRACT(0) != 0)
		SKIP("abstract names are Linux's");

	CHECK_INT(a.length, PATH_OFFSET + 5);
	CHECK_MEM(a.storage.bytes + PATH_OFFSET, "\0name", 5);
	check_format(&a, "unix:@name");
	check_round(&a);

	memset(name, '@', sizeof(name));
	name[PATH_SIZE] = '\0';
	CHECK_INT(proactor_address_from_unix(name, &a), 0);
	CHECK_INT(a.length, PATH_OFFSET + PATH_SIZE);
	check_round(&a);
	name[PATH_SIZE] = '@';
	name[PATH_SIZE + 1] = '\0';
	CHECK_INT(proactor_address_from_unix(name, &a),
	    PROACTOR_ENAMETOOLONG);

	/* Names that have no text: the empty one, a NUL, a control. */
	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	CHECK_INT(proactor_address_from_sockaddr(&un, PATH_OFFSET + 1, &a), 0);
	CHECK_INT(proactor_address_family(&a), PROACTOR_ADDRESS_UNIX);
	CHECK_INT(proactor_address_format(&a, text, sizeof(text)),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(&un, sizeof(un), &a), 0);
	CHECK_INT(a.length, sizeof(un));
	CHECK_INT(proactor_address_format(&a, text, sizeof(text)),
	    PROACTOR_EINVAL);
	memcpy(un.sun_path, "\0a\033b", 4);
	CHECK_INT(proactor_address_from_sockaddr(&un, PATH_OFFSET + 4, &a), 0);
	CHECK_INT(proactor_address_format(&a, text, sizeof(text)),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(&un, sizeof(un) + 1, &a),
	    PROACTOR_EINVAL);
}

static void
scopes(void)
{
	struct if_nameindex *list;
	struct proactor_address a, b;
	struct sockaddr_in6 in6;
	char text[PROACTOR_ADDRESS_TEXT_MAX];

	memset(&b, 0x5a, sizeof(b));
	CHECK_INT(proactor_address_from_ipv6("fe80::1%no-such-if", 1, &b),
	    PROACTOR_ENODEV);
	CHECK_INT(proactor_address_from_ipv6(
	    "fe80::1%a-name-that-is-longer-than-any", 1, &b), PROACTOR_ENODEV);
	CHECK_INT(proactor_address_parse("[fe80::1%no-such-if]:1", &b),
	    PROACTOR_ENODEV);
	CHECK(is_all(&b, 0x5a, sizeof(b)));

	list = if_nameindex();
	if (list == NULL || list[0].if_index == 0)
		SKIP("there is no network interface");
	snprintf(text, sizeof(text), "[fe80::1%%%s]:7", list[0].if_name);
	CHECK_INT(parse(text, &a), 0);
	memcpy(&in6, a.storage.bytes, sizeof(in6));
	CHECK_INT(in6.sin6_scope_id, list[0].if_index);
	check_format(&a, text);
	check_round(&a);

	/* The index is another spelling of it. */
	snprintf(text, sizeof(text), "fe80::1%%%u", list[0].if_index);
	CHECK_INT(proactor_address_from_ipv6(text, 7, &b), 0);
	CHECK_MEM(&a, &b, sizeof(a));
	CHECK_INT(proactor_address_from_ipv6("fe80::1", 7, &b), 0);
	CHECK(!proactor_address_equal(&a, &b));

	snprintf(text, sizeof(text), "fe80::1%%%s:1", list[0].if_name);
	CHECK_INT(proactor_address_from_ipv6(text, 7, &b), PROACTOR_ENODEV);
	if_freenameindex(list);
}

static void
from_sockaddr(void)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_un *un = (struct sockaddr_un *)&ss;
	struct proactor_address a, b;
	size_t length;

	/* Whatever is behind the address does not count. */
	memset(&ss, 0xff, sizeof(ss));
	in->sin_family = AF_INET;
	in->sin_port = htons(5);
	in->sin_addr.s_addr = htonl(0x01020304);
	CHECK_INT(proactor_address_from_sockaddr(&ss, sizeof(ss), &a), 0);
	CHECK_INT(parse("1.2.3.4:5", &b), 0);
	CHECK_MEM(&a, &b, sizeof(a));
	for (length = 0; length < sizeof(*in); length++)
		CHECK_INT(proactor_address_from_sockaddr(&ss, length, &b),
		    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(&ss, sizeof(ss) + 1, &b),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(&ss, SIZE_MAX, &b),
	    PROACTOR_EINVAL);

	/* The flow label is kept, and makes no difference. */
	memset(&ss, 0, sizeof(ss));
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(5);
	in6->sin6_flowinfo = htonl(0x12345);
	in6->sin6_addr.s6_addr[15] = 1;
	CHECK_INT(proactor_address_from_sockaddr(&ss, sizeof(*in6), &a), 0);
	CHECK_MEM(a.storage.bytes, in6, sizeof(*in6));
	CHECK_INT(parse("[::1]:5", &b), 0);
	CHECK(proactor_address_equal(&a, &b));
	for (length = 0; length < sizeof(*in6); length++)
		CHECK_INT(proactor_address_from_sockaddr(&ss, length, &b),
		    PROACTOR_EINVAL);

	/* A path ends with its NUL or with the length. */
	memset(&ss, 'x', sizeof(ss));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, "/ab\0cd", 6);
	CHECK_INT(proactor_address_from_unix("/ab", &b), 0);
	for (length = 3; length < 100; length++) {
		CHECK_INT(proactor_address_from_sockaddr(&ss,
		    PATH_OFFSET + length, &a), 0);
		CHECK_MEM(&a, &b, sizeof(a));
	}
	memset(un->sun_path, 'y', sizeof(ss) - PATH_OFFSET);
	CHECK_INT(proactor_address_from_sockaddr(&ss, sizeof(*un), &a), 0);
	CHECK_INT(proactor_address_from_sockaddr(&ss, sizeof(*un) + 1, &a),
	    PROACTOR_EINVAL);

	memset(&ss, 0, sizeof(ss));
	CHECK_INT(proactor_address_from_sockaddr(&ss, sizeof(ss), &a),
	    PROACTOR_EAFNOSUPPORT);
	ss.ss_family = 0x7d;
	CHECK_INT(proactor_address_from_sockaddr(&ss, sizeof(ss), &a),
	    PROACTOR_EAFNOSUPPORT);
}

static void
unnamed(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct proactor_address a, b;

	CHECK_INT(proactor_address_from_sockaddr(&un, PATH_OFFSET, &a), 0);
	CHECK_INT(a.length, PATH_OFFSET);
	CHECK_INT(proactor_address_family(&a), PROACTOR_ADDRESS_UNIX);
	check_format(&a, "unix:");
	CHECK_INT(parse("unix:", &b), PROACTOR_EINVAL);
	b = a;
	CHECK(proactor_address_equal(&a, &b));
	CHECK_INT(proactor_address_from_unix("x", &b), 0);
	CHECK(!proactor_address_equal(&a, &b));
}

/* What the system says of a bound socket is what it was bound to. */
static void
check_bound(const struct proactor_address *address)
{
	const struct sockaddr *sa = (const void *)address->storage.bytes;
	struct proactor_address seen;
	unsigned char name[256];
	socklen_t length = sizeof(name);
	int fd;

	fd = socket(sa->sa_family, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	CHECK_INT(bind(fd, sa, (socklen_t)address->length), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)name, &length), 0);
	CHECK_INT(proactor_address_from_sockaddr(name, length, &seen), 0);
	CHECK_INT(proactor_address_family(&seen),
	    proactor_address_family(address));
	check_round(&seen);
	if (proactor_address_family(&seen) == PROACTOR_ADDRESS_UNIX)
		CHECK(proactor_address_equal(&seen, address));
	else
		CHECK(proactor_address_port(&seen) != 0);
	close(fd);
}

static void
bind_in(const char *directory)
{
	struct proactor_address a;
	char path[PATH_SIZE + 1];
	size_t length;

	snprintf(path, sizeof(path), "%s/s", directory);
	CHECK_INT(proactor_address_from_unix(path, &a), 0);
	check_bound(&a);
	unlink(path);

	/* As long as can be: no room for a NUL. */
	length = strlen(directory);
	memset(path, '/', PATH_SIZE);
	memcpy(path, directory, length);
	path[PATH_SIZE - 1] = 'l';
	path[PATH_SIZE] = '\0';
	CHECK_INT(proactor_address_from_unix(path, &a), 0);
	CHECK_INT(a.length, PATH_OFFSET + PATH_SIZE);
	check_bound(&a);
	unlink(path);
}

static void
as_the_system_sees_it(void)
{
	const char *base = getenv("TMPDIR");
	struct proactor_address a;
	char directory[64];
	int fd;

	CHECK_INT(parse("127.0.0.1:0", &a), 0);
	check_bound(&a);
	CHECK_INT(parse("[::1]:0", &a), 0);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd >= 0 && bind(fd, (void *)a.storage.bytes,
	    (socklen_t)a.length) == 0)
		check_bound(&a);
	if (fd >= 0)
		close(fd);

	if (base == NULL || strlen(base) > sizeof(directory) - 20)
		base = "/tmp";
	snprintf(directory, sizeof(directory), "%s/proactorXXXXXX", base);
	CHECK(mkdtemp(directory) != NULL);
	bind_in(directory);
	rmdir(directory);
}

const struct tap_case address_from_cases[] = {
	{ "address: IPv4 is a strict dotted quad", from_ipv4 },
	{ "address: IPv6 is strict, with a scope", from_ipv6 },
	{ "address: a Unix path fills sun_path and no more", from_unix },
	{ "address: @ makes an abstract name on Linux", abstract_names },
	{ "address: a scope is an interface's name or index", scopes },
	{ "address: a sockaddr is checked and cleaned", from_sockaddr },
	{ "address: an unnamed Unix address is written as unix:", unnamed },
	{ "address: the system agrees", as_the_system_sees_it },
	{ NULL, NULL }
};
