/* SPDX-License-Identifier: ISC */
/*
 * A fuzzer for addresses, by libFuzzer.  In a build directory, after
 * configure (for config.h):
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. \
 *	    -I$srcdir/include -I$srcdir/lib -o fuzz-address \
 *	    $srcdir/tests/fuzz/address.c $srcdir/lib/posix/address.c
 *	./fuzz-address -max_total_time=60 -max_len=200
 *
 * What is accepted as a text must come back as it was after it was written;
 * what is written of a struct made of any bytes must be accepted.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <proactor/address.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
check(const struct proactor_address *address)
{
	char again[PROACTOR_ADDRESS_TEXT_MAX], text[PROACTOR_ADDRESS_TEXT_MAX];
	struct proactor_address back;

	must(proactor_address_equal(address, address));
	if (proactor_address_format(address, text, sizeof(text)) != 0)
		return;
	/* That is how one without a name is written, and no address to use. */
	if (strcmp(text, "unix:") == 0)
		return;
	must(proactor_address_parse(text, &back) == 0);
	must(proactor_address_equal(address, &back));
	must(proactor_address_family(address) ==
	    proactor_address_family(&back));
	must(proactor_address_port(address) == proactor_address_port(&back));
	must(proactor_address_format(&back, again, strlen(text) + 1) == 0);
	must(strcmp(text, again) == 0);
}

static void
from_text(const char *text)
{
	struct proactor_address a;

	if (proactor_address_parse(text, &a) == 0) {
		char buffer[PROACTOR_ADDRESS_TEXT_MAX];

		must(proactor_address_format(&a, buffer,
		    sizeof(buffer)) == 0);
		check(&a);
	}
	if (proactor_address_from_ipv4(text, 1, &a) == 0)
		check(&a);
	if (proactor_address_from_ipv6(text, 65535, &a) == 0)
		check(&a);
	if (proactor_address_from_unix(text, &a) == 0)
		check(&a);
}

static void
from_bytes(const uint8_t *data, size_t size)
{
	struct proactor_address a, b;
	void *copy;

	memset(&a, 0xff, sizeof(a));
	memcpy(&a, data, size < sizeof(a) ? size : sizeof(a));
	if (proactor_address_family(&a) != PROACTOR_ADDRESS_NONE)
		check(&a);
	/* Most lengths are wrong; this one may be right. */
	a.length %= sizeof(a.storage) + 1;
	if (proactor_address_family(&a) != PROACTOR_ADDRESS_NONE)
		check(&a);

	/* On the heap, where no byte too many can be read. */
	copy = malloc(size + !size);
	must(copy != NULL);
	memcpy(copy, data, size);
	if (proactor_address_from_sockaddr(copy, size, &b) == 0)
		check(&b);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	text = malloc(size + 1);
	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	from_text(text);
	free(text);

	from_bytes(data, size);
	return 0;
}
