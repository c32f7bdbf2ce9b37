/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_AFFINITY_H
#define PROACTOR_AFFINITY_H

#include <stddef.h>
#include <stdint.h>

#include <proactor/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the machine is made of, as far as the calling thread may use it.  The
 * library's; later versions add members at the ends.
 */
struct proactor_affinity_cpu {
	unsigned int number;		/* the system's */
	unsigned int core;		/* the first CPU of its core */
	unsigned int cache;		/* the first CPU of its last cache */
	unsigned int domain;		/* index in domains */
	uint64_t cache_bytes;		/* of its last cache; 0: not known */
};

struct proactor_affinity_domain {
	int node;			/* the system's number, or -1 */
	size_t cpu_count;
	const struct proactor_affinity_cpu *const *cpus;
};

struct proactor_affinity {
	size_t cpu_count;
	const struct proactor_affinity_cpu *const *cpus;
	size_t domain_count;
	const struct proactor_affinity_domain *const *domains;
};

PROACTOR_API int proactor_affinity_query(
    struct proactor_affinity **ret_affinity);
PROACTOR_API void proactor_affinity_free(struct proactor_affinity *affinity);

#ifdef __cplusplus
}
#endif

#endif
