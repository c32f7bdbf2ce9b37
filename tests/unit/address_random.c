/* SPDX-License-Identifier: ISC */
/*
 * Addresses: random texts and bytes, with the system's inet_pton(3) and
 * inet_ntop(3) as judges.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/address.h"
#include "unit/random.h"

static void
random_fill(void *memory, size_t size)
{
	unsigned char *byte = memory;

	while (size-- > 0)
		*byte++ = (unsigned char)(random_bits() >> 33);
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
		    good[random_below(good_count)].text);
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

const struct tap_case address_random_cases[] = {
	{ "address: random addresses agree with inet_pton",
	    random_addresses_round },
	{ "address: random texts are judged as inet_pton does",
	    random_texts_are_judged },
	{ "address: mutated texts are survived", mutated_texts_are_survived },
	{ "address: garbage is survived", garbage_is_survived },
	{ NULL, NULL }
};
