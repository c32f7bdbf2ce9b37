/* SPDX-License-Identifier: ISC */
/*
 * Addresses: tables of texts that are right and wrong, and what counts in a
 * value.
 */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "unit/address.h"
#include "unit/random.h"

int
is_all(const void *memory, int value, size_t size)
{
	const unsigned char *byte = memory;

	while (size-- > 0)
		if (*byte++ != value)
			return 0;
	return 1;
}

int
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

void
check_format(const struct proactor_address *address, const char *wanted)
{
	char text[PROACTOR_ADDRESS_TEXT_MAX];

	CHECK_INT(proactor_address_format(address, text, sizeof(text)), 0);
	CHECK_STR(text, wanted);
}

void
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

const struct good good[] = {
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

const size_t good_count = COUNT(good);

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

const struct tap_case address_cases[] = {
	{ "address: right texts are read and written back", good_texts },
	{ "address: wrong texts are EINVAL", bad_texts },
	{ "address: NULL is EINVAL", null_is_refused },
	{ "address: a short buffer is ERANGE and untouched",
	    format_needs_room },
	{ "address: a malformed value is none", malformed_is_none },
	{ "address: equal is what counts only", equality },
	{ NULL, NULL }
};

int
main(void)
{
	static const struct tap_case *const tables[] = {
		address_cases, address_from_cases, address_random_cases, NULL
	};

	random_start();
	return tap_run_tables(tables);
}
