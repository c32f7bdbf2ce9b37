/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_ADDRESS_H
#define PROACTOR_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include <proactor/api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROACTOR_ADDRESS_NONE	0u
#define PROACTOR_ADDRESS_IPV4	1u
#define PROACTOR_ADDRESS_IPV6	2u
#define PROACTOR_ADDRESS_UNIX	3u

/* Long enough for any text of proactor_address_format(), NUL included. */
#define PROACTOR_ADDRESS_TEXT_MAX	128u

/* A socket address by value: the system's struct sockaddr is in storage. */
struct proactor_address {
	uint32_t length;		/* bytes used in storage; 0: none */
	uint32_t reserved;		/* 0 */
	union {
		uint64_t align;
		unsigned char bytes[128];
	} storage;
};

PROACTOR_API int proactor_address_from_ipv4(const char *text, uint16_t port,
    struct proactor_address *ret_address);
PROACTOR_API int proactor_address_from_ipv6(const char *text, uint16_t port,
    struct proactor_address *ret_address);
PROACTOR_API int proactor_address_from_unix(const char *path,
    struct proactor_address *ret_address);
PROACTOR_API int proactor_address_parse(const char *text,
    struct proactor_address *ret_address);
PROACTOR_API int proactor_address_from_sockaddr(const void *sockaddr,
    size_t length, struct proactor_address *ret_address);
PROACTOR_API int proactor_address_format(
    const struct proactor_address *address, char *buffer, size_t size);
PROACTOR_API unsigned int proactor_address_family(
    const struct proactor_address *address);
PROACTOR_API uint16_t proactor_address_port(
    const struct proactor_address *address);
PROACTOR_API int proactor_address_equal(const struct proactor_address *a,
    const struct proactor_address *b);

#ifdef __cplusplus
}
#endif

#endif
