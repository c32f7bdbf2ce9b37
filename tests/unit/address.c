/* SPDX-License-Identifier: ISC */
/*
 * Addresses: tables of what is right and wrong, the system's inet_pton(3) and
 * inet_ntop(3) as judges, and random texts and bytes.  PROACTOR_TEST_SEED
 * repeats a run.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <proactor/address.h>
#include <proactor/error.h>

#include "tap/tap.h"

#define PATH_OFFSET	offsetof(struct sockaddr_un, sun_path)
#define PATH_SIZE	sizeof(((struct sockaddr_un *)0)->sun_path)
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#ifdef __linux__
# define ABSTRACT(status)	(status)
#else
# define ABSTRACT(status)	PROACTOR_ENOTSUP
#endif

static uint64_t random_state;

/* xorshift64*; any seed but 0. */
static uint64_t
random_bits(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

static size_t
random_below(size_t limit)
{
	return (size_t)((random_bits() >> 11) % limit);
}

static void
random_fill(void *memory, size_t size)
{
	unsigned char *byte = memory;

	while (size-- > 0)
		*byte++ = (unsigned char)(random_bits() >> 33);
}

static int
is_all(const void *memory, int value, size_t size)
{
	const unsigned char *byte = memory;

	while (size-- > 0)
		if (*byte++ != value)
			return 0;
	return 1;
}

/* Parses; on failure nothing may have been written, else all of it. */
static int
parse(const char *text, struct proactor_address *ret_address)
{
	struct proactor_address a, b;
	int error;

	memset(&a, 0x5a, sizeof(a));
	memset(&b, 0xa5, sizeof(b));
	error = proactor_address_parse(text, &a);
	CHECK_INT(proactor_address_parse(text, &b), error);
	if (error != 0) {
		CHECK(is_all(&a, 0x5a, sizeof(a)));
		CHECK(is_all(&b, 0xa5, sizeof(b)));
	} else {
		CHECK_MEM(&a, &b, sizeof(a));
		CHECK(a.length <= sizeof(a.storage));
		CHECK_INT(a.reserved, 0);
		CHECK(is_all(a.storage.bytes + a.length, 0,
		    sizeof(a.storage) - a.length));
		*ret_address = a;
	}
	return error;
}

static void
check_format(const struct proactor_address *address, const char *wanted)
{
	char text[PROACTOR_ADDRESS_TEXT_MAX];

	CHECK_INT(proactor_address_format(address, text, sizeof(text)), 0);
	CHECK_STR(text, wanted);
}

/* What was parsed is written so that it is parsed to the same. */
static void
check_round(const struct proactor_address *address)
{
	char text[PROACTOR_ADDRESS_TEXT_MAX], again[PROACTOR_ADDRESS_TEXT_MAX];
	struct proactor_address back;

	CHECK_INT(proactor_address_format(address, text, sizeof(text)), 0);
	CHECK_INT(parse(text, &back), 0);
	CHECK(proactor_address_equal(address, &back));
	CHECK(proactor_address_equal(&back, address));
	CHECK_INT(proactor_address_format(&back, again, sizeof(again)), 0);
	CHECK_STR(again, text);
}

static const struct good {
	const char *text;
	unsigned int family;
	uint16_t port;
	const char *canonical;		/* NULL: text */
} good[] = {
	{ "127.0.0.1:80", PROACTOR_ADDRESS_IPV4, 80, NULL },
	{ "0.0.0.0:0", PROACTOR_ADDRESS_IPV4, 0, NULL },
	{ "255.255.255.255:65535", PROACTOR_ADDRESS_IPV4, 65535, NULL },
	{ "10.20.30.40:9", PROACTOR_ADDRESS_IPV4, 9, NULL },
	{ "[::]:0", PROACTOR_ADDRESS_IPV6, 0, NULL },
	{ "[::1]:8080", PROACTOR_ADDRESS_IPV6, 8080, NULL },
	{ "[2001:db8::7]:443", PROACTOR_ADDRESS_IPV6, 443, NULL },
	{ "[2001:DB8:0:0:0:0:0:7]:443", PROACTOR_ADDRESS_IPV6, 443,
	    "[2001:db8::7]:443" },
	{ "[::ffff:192.0.2.1]:1", PROACTOR_ADDRESS_IPV6, 1, NULL },
	{ "[fe80::1%4294967295]:65535", PROACTOR_ADDRESS_IPV6, 65535, NULL },
	{ "[1111:2222:3333:4444:5555:6666:7777:8888%4000000000]:65535",
	    PROACTOR_ADDRESS_IPV6, 65535, NULL },
	{ "unix:/run/a.sock", PROACTOR_ADDRESS_UNIX, 0, NULL },
	{ "unix:relative", PROACTOR_ADDRESS_UNIX, 0, NULL },
	{ "unix:unix:", PROACTOR_ADDRESS_UNIX, 0, NULL },
	{ "unix: a path:80 with ]", PROACTOR_ADDRESS_UNIX, 0, NULL },
	{ "unix:./@", PROACTOR_ADDRESS_UNIX, 0, NULL },
	{ "unix:/caf\xc3\xa9", PROACTOR_ADDRESS_UNIX, 0, NULL },
};

static void
good_texts(void)
{
	struct proactor_address a;
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		if (parse(good[i].text, &a) != 0)
			FAIL("\"%s\" is refused", good[i].text);
		CHECK_INT(proactor_address_family(&a), good[i].family);
		CHECK_INT(proactor_address_port(&a), good[i].port);
		check_format(&a, good[i].canonical != NULL ?
		    good[i].canonical : good[i].text);
		check_round(&a);
	}
}

static const char *const bad[] = {
	"", " ", ":", ":80", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1: 80",
	"127.0.0.1 :80", " 127.0.0.1:80", "127.0.0.1:80 ", "127.0.0.1:80\n",
	"127.0.0.1:80x", "127.0.0.1:080", "127.0.0.1:00", "127.0.0.1:65536",
	"127.0.0.1:99999", "127.0.0.1:4294967376", "127.0.0.1:-1",
	"127.0.0.1:+1", "127.0.0.1:0x50", "127.0.0.1:18446744073709551696",
	"127.0.0.1:1:2", "127.0.0.1:80:", "127.0.0.1::80",
	"127.0.0.1:99999999999999999999999999999999999999999999999999999999",
	"127.0.0.01:80", "127.0.0.256:80", "127.0.1:80", "127.1:80",
	"2130706433:80", "0x7f.0.0.1:80", "127.0.0.1.1:80", "127.0.0.:80",
	".0.0.1:80", "127..0.1:80", "1.2.3.4.5.6.7.8.9.10.11.12:80",
	"localhost:80", "example.org:80", "*:80", "[127.0.0.1]:80",
	"::1", "::1:80", "[::1]", "[::1]:", "[::1] :80", "[ ::1]:80",
	"[::1 ]:80", "[::1]80", "[::1]::80", "[::1]:080", "[::1]:65536",
	"[::1]:80 ", "[::1]]:80", "[[::1]]:80", "[::1:80", "::1]:80",
	"[]:80", "[:]:80", "[:::]:80", "[1::2::3]:80", "[1:2:3:4:5:6:7]:80",
	"[1:2:3:4:5:6:7:8:9]:80", "[12345::]:80", "[g::]:80", "[::1/64]:80",
	"[localhost]:80", "[::1%]:80", "[::1%0]:80", "[::1%01]:80",
	"[::1%4294967296]:80", "[::1%99999999999999]:80",
	"[%1]:80", "[::1%1%]:80x", "[::ffff:1.2.3.04]:80",
	"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dd]:1",
	"unix", "unix:", "Unix:/a", "UNIX:/a", " unix:/a", "unix :/a", "unix:@",
	"unix:/a\n", "unix:/a\x7f", "unix:\t/a", "file:/a", "/a", "@a",
	"tcp:127.0.0.1:80", "http://127.0.0.1:80",
};

static void
bad_texts(void)
{
	struct proactor_address a;
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		int wanted = strcmp(bad[i], "unix:@") == 0 ?
		    ABSTRACT(PROACTOR_EINVAL) : PROACTOR_EINVAL;

		if (parse(bad[i], &a) != wanted)
			FAIL("\"%s\" is not refused as it should be", bad[i]);
	}
}

static void
null_is_refused(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct proactor_address a;
	char text[PROACTOR_ADDRESS_TEXT_MAX];

	CHECK_INT(proactor_address_parse(NULL, &a), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_parse("1.2.3.4:5", NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv4(NULL, 1, &a), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv4("1.2.3.4", 1, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv6(NULL, 1, &a), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv6("::1", 1, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_unix(NULL, &a), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_unix("/a", NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(NULL, sizeof(in), &a),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(&in, sizeof(in), NULL),
	    PROACTOR_EINVAL);

	CHECK_INT(parse("1.2.3.4:5", &a), 0);
	CHECK_INT(proactor_address_format(NULL, text, sizeof(text)),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_format(&a, NULL, sizeof(text)),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_family(NULL), PROACTOR_ADDRESS_NONE);
	CHECK_INT(proactor_address_port(NULL), 0);
	CHECK_INT(proactor_address_equal(NULL, &a), 0);
	CHECK_INT(proactor_address_equal(&a, NULL), 0);
	CHECK_INT(proactor_address_equal(NULL, NULL), 0);
}

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

static void
format_needs_room(void)
{
	char buffer[PROACTOR_ADDRESS_TEXT_MAX + 1];
	struct proactor_address a;
	size_t i, length, size;

	for (i = 0; i < COUNT(good); i++) {
		CHECK_INT(parse(good[i].text, &a), 0);
		length = strlen(good[i].canonical != NULL ?
		    good[i].canonical : good[i].text);
		for (size = 0; size <= length; size++) {
			memset(buffer, 0x5a, sizeof(buffer));
			CHECK_INT(proactor_address_format(&a, buffer, size),
			    PROACTOR_ERANGE);
			CHECK(is_all(buffer, 0x5a, sizeof(buffer)));
		}
		CHECK_INT(proactor_address_format(&a, buffer, size), 0);
		CHECK_INT(strlen(buffer), length);
		CHECK(is_all(buffer + size, 0x5a, sizeof(buffer) - size));
	}
}

static void
malformed_is_none(void)
{
	struct proactor_address a, ok;
	char text[PROACTOR_ADDRESS_TEXT_MAX];
	static const uint32_t lengths[] = {
		0, 1, 2, 15, 129, 1000, 0x7fffffff, UINT32_MAX,
	};
	size_t i;

	CHECK_INT(parse("1.2.3.4:5", &ok), 0);
	for (i = 0; i < COUNT(lengths); i++) {
		a = ok;
		a.length = lengths[i];
		memset(text, 0x5a, sizeof(text));
		CHECK_INT(proactor_address_family(&a), PROACTOR_ADDRESS_NONE);
		CHECK_INT(proactor_address_port(&a), 0);
		CHECK_INT(proactor_address_format(&a, text, sizeof(text)),
		    PROACTOR_EINVAL);
		CHECK(is_all(text, 0x5a, sizeof(text)));
		CHECK_INT(proactor_address_equal(&a, &ok), 0);
		CHECK_INT(proactor_address_equal(&ok, &a), 0);
		CHECK_INT(proactor_address_equal(&a, &a), lengths[i] == 0);
	}
	/* A longer length is as good as the right one. */
	a = ok;
	a.length = sizeof(a.storage);
	CHECK(proactor_address_equal(&a, &ok));
	check_format(&a, "1.2.3.4:5");

	/* A relative path that would read as an abstract name. */
	CHECK_INT(proactor_address_from_unix("x/y", &a), 0);
	a.storage.bytes[PATH_OFFSET] = '@';
	CHECK_INT(proactor_address_format(&a, text, sizeof(text)),
	    PROACTOR_EINVAL);
}

static void
equality(void)
{
	static const char *const texts[] = {
		"1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:5", "[::1]:5", "[::1]:6",
		"[::2]:5", "[::1%9999]:5", "[::1%9998]:5", "unix:/a",
		"unix:/b", "unix:/aa",
	};
	struct proactor_address a, b;
	size_t i, j;

	for (i = 0; i < COUNT(texts); i++)
		for (j = 0; j < COUNT(texts); j++) {
			CHECK_INT(parse(texts[i], &a), 0);
			CHECK_INT(parse(texts[j], &b), 0);
			CHECK_INT(proactor_address_equal(&a, &b), i == j);
		}
	memset(&a, 0, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	b.length = 0;
	CHECK_INT(proactor_address_equal(&a, &b), 1);
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

/* Bytes with runs of zeros, as real addresses have. */
static void
random_bytes(unsigned char *bytes, size_t size)
{
	size_t i;

	random_fill(bytes, size);
	for (i = random_below(size); i < size && random_below(4) != 0; i++)
		bytes[i] = 0;
	for (i = random_below(size); i < size && random_below(6) != 0; i++)
		bytes[i] = 0;
}

static void
random_addresses_round(void)
{
	char host[INET6_ADDRSTRLEN], text[PROACTOR_ADDRESS_TEXT_MAX];
	struct proactor_address a, b;
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	unsigned int port, i;

	for (i = 0; i < 10000; i++) {
		port = (unsigned int)random_below(65536) >>
		    random_below(16);
		memset(&in, 0, sizeof(in));
		in.sin_family = AF_INET;
		in.sin_port = htons((uint16_t)port);
		random_bytes((unsigned char *)&in.sin_addr, 4);
		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s:%u", host, port);
		CHECK_INT(parse(text, &a), 0);
		CHECK_INT(a.length, sizeof(in));
		CHECK_MEM(a.storage.bytes, &in, sizeof(in));
		check_format(&a, text);
		CHECK_INT(proactor_address_from_ipv4(host, (uint16_t)port,
		    &b), 0);
		CHECK_MEM(&a, &b, sizeof(a));

		memset(&in6, 0, sizeof(in6));
		in6.sin6_family = AF_INET6;
		in6.sin6_port = htons((uint16_t)port);
		random_bytes((unsigned char *)&in6.sin6_addr, 16);
		inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "[%s]:%u", host, port);
		CHECK_INT(parse(text, &a), 0);
		CHECK_INT(a.length, sizeof(in6));
		CHECK_MEM(a.storage.bytes, &in6, sizeof(in6));
		check_format(&a, text);
		CHECK_INT(proactor_address_from_ipv6(host, (uint16_t)port,
		    &b), 0);
		CHECK_MEM(&a, &b, sizeof(a));
	}
}

/* By another way: inet_pton(3), and a port that prints as it was read. */
static int
judge(const char *text)
{
	char host[PROACTOR_ADDRESS_TEXT_MAX], number[32];
	unsigned char binary[16];
	const char *colon;
	unsigned long port;
	size_t length;

	colon = strrchr(text, ':');
	if (colon == NULL)
		return 0;
	port = strtoul(colon + 1, NULL, 10);
	snprintf(number, sizeof(number), "%lu", port);
	if (port > 65535 || strcmp(number, colon + 1) != 0)
		return 0;
	length = (size_t)(colon - text);
	memcpy(host, text, length);
	host[length] = '\0';
	if (host[0] != '[')
		return inet_pton(AF_INET, host, binary) == 1;
	if (host[length - 1] != ']')
		return 0;
	host[length - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, binary) == 1;
}

static void
mutate(char *text, size_t size, const char *alphabet)
{
	size_t length = strlen(text), at = random_below(length + 1);
	char c = alphabet[random_below(strlen(alphabet))];

	switch (random_below(4)) {
	case 0:		/* insert */
		if (length + 1 == size)
			return;
		memmove(text + at + 1, text + at, length - at + 1);
		text[at] = c;
		break;
	case 1:		/* remove */
		if (at < length)
			memmove(text + at, text + at + 1, length - at);
		break;
	case 2:		/* cut */
		text[at] = '\0';
		break;
	default:
		if (at < length)
			text[at] = c;
	}
}

/* The characters that hosts and ports are made of, nearly right. */
static void
random_texts_are_judged(void)
{
	static const char *const seeds[] = {
		"127.0.0.1:80", "1.2.3.4:65535", "10.0.0.255:0", "[::1]:80",
		"[2001:db8::8:800:200c:417a]:443", "[::ffff:1.2.3.4]:65535",
	};
	char text[64];
	struct proactor_address a;
	unsigned int accepted = 0, i;
	size_t n;

	for (i = 0; i < 50000; i++) {
		strcpy(text, seeds[random_below(COUNT(seeds))]);
		for (n = random_below(3) + 1; n > 0; n--)
			mutate(text, sizeof(text), "0123456789.:[]af \n+-x");
		if (judge(text)) {
			accepted++;
			if (parse(text, &a) != 0)
				FAIL("refused: \"%s\"", text);
			check_round(&a);
		} else if (parse(text, &a) == 0)
			FAIL("accepted: \"%s\"", text);
	}
	tap_diag("%u of %u accepted", accepted, i);
	CHECK(accepted > 1000);
}

/* Anything at all, with scopes and paths. */
static void
mutated_texts_are_survived(void)
{
	char alphabet[256], text[160];
	struct proactor_address a;
	unsigned int i;
	size_t n;

	for (n = 0; n < 255; n++)
		alphabet[n] = (char)(n + 1);
	alphabet[255] = '\0';
	for (i = 0; i < 40000; i++) {
		strcpy(text, random_below(8) == 0 ? "unix:@abc" :
		    good[random_below(COUNT(good))].text);
		for (n = random_below(5); n > 0; n--)
			mutate(text, sizeof(text), random_below(2) ?
			    "0123456789.:[]%@ulo/\n" : alphabet);
		if (parse(text, &a) == 0)
			check_round(&a);
	}
}

static void
garbage_is_survived(void)
{
	static const unsigned char families[] = {
		AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC,
	};
	char text[PROACTOR_ADDRESS_TEXT_MAX + 1];
	struct proactor_address a, b;
	struct sockaddr head;
	unsigned int i, formatted = 0;
	int error;

	for (i = 0; i < 40000; i++) {
		random_fill(&a, sizeof(a));
		if (random_below(8) != 0)
			a.length %= 160;
		if (random_below(8) != 0) {
			memset(&head, 0, sizeof(head));
			head.sa_family = families[random_below(4)];
			memcpy(a.storage.bytes, &head,
			    offsetof(struct sockaddr, sa_data));
		}
		if (random_below(2) != 0)
			memset(a.storage.bytes + PATH_OFFSET, '@',
			    random_below(sizeof(a.storage) - PATH_OFFSET));
		if (random_below(2) != 0)
			memset(a.storage.bytes + PATH_OFFSET + 1, 'u',
			    random_below(sizeof(a.storage) - PATH_OFFSET - 1));

		error = proactor_address_format(&a, text, sizeof(text));
		if (proactor_address_family(&a) == PROACTOR_ADDRESS_NONE) {
			CHECK_INT(error, PROACTOR_EINVAL);
			CHECK_INT(proactor_address_port(&a), 0);
			CHECK_INT(proactor_address_equal(&a, &a),
			    a.length == 0);
			continue;
		}
		CHECK_INT(proactor_address_equal(&a, &a), 1);
		CHECK_INT(proactor_address_from_sockaddr(a.storage.bytes,
		    a.length, &b), 0);
		CHECK_INT(proactor_address_equal(&a, &b), 1);
		CHECK_INT(proactor_address_port(&a),
		    proactor_address_port(&b));
		if (error == 0 && strcmp(text, "unix:") != 0) {
			formatted++;
			check_round(&a);
		} else if (error != 0)
			CHECK_INT(error, PROACTOR_EINVAL);
	}
	tap_diag("%u of %u formatted", formatted, i);
	CHECK(formatted > 1000);
}

static const struct tap_case cases[] = {
	{ "address: right texts are read and written back", good_texts },
	{ "address: wrong texts are EINVAL", bad_texts },
	{ "address: NULL is EINVAL", null_is_refused },
	{ "address: IPv4 is a strict dotted quad", from_ipv4 },
	{ "address: IPv6 is strict, with a scope", from_ipv6 },
	{ "address: a Unix path fills sun_path and no more", from_unix },
	{ "address: @ makes an abstract name on Linux", abstract_names },
	{ "address: a scope is an interface's name or index", scopes },
	{ "address: a sockaddr is checked and cleaned", from_sockaddr },
	{ "address: an unnamed Unix address is written as unix:", unnamed },
	{ "address: a short buffer is ERANGE and untouched",
	    format_needs_room },
	{ "address: a malformed value is none", malformed_is_none },
	{ "address: equal is what counts only", equality },
	{ "address: the system agrees", as_the_system_sees_it },
	{ "address: random addresses agree with inet_pton",
	    random_addresses_round },
	{ "address: random texts are judged as inet_pton does",
	    random_texts_are_judged },
	{ "address: mutated texts are survived", mutated_texts_are_survived },
	{ "address: garbage is survived", garbage_is_survived },
	{ NULL, NULL }
};

int
main(void)
{
	const char *seed = getenv("PROACTOR_TEST_SEED");

	random_state = seed != NULL ? strtoull(seed, NULL, 0) :
	    (uint64_t)time(NULL);
	if (random_state == 0)
		random_state = 1;
	tap_diag("PROACTOR_TEST_SEED=%" PRIu64, random_state);
	return tap_run(cases);
}
