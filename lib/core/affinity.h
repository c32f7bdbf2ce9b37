/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_AFFINITY_H
#define PROACTOR_CORE_AFFINITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proactor_affinity;

/* CPUs, or nodes, by the system's numbers. */
#define CPU_LIMIT	8192u

struct cpu_set {
	uint64_t bits[CPU_LIMIT / 64];
};

static inline bool
cpu_set_has(const struct cpu_set *set, unsigned int number)
{
	return number < CPU_LIMIT &&
	    (set->bits[number / 64] >> number % 64 & 1) != 0;
}

static inline void
cpu_set_add(struct cpu_set *set, unsigned int number)
{
	set->bits[number / 64] |= UINT64_C(1) << number % 64;
}

/* The first that is in the set from number on, or CPU_LIMIT. */
static inline unsigned int
cpu_set_next(const struct cpu_set *set, unsigned int number)
{
	while (number < CPU_LIMIT && !cpu_set_has(set, number))
		number += set->bits[number / 64] >> number % 64 == 0 ?
		    64 - number % 64 : 1;
	return number;
}

/*
 * A list as the kernel writes it, "0-3,8\n": in ascending order, nothing else
 * in it.  False when it is not one; the set is then undefined.
 */
bool	 proactor__cpu_list_parse(const char *text, size_t length,
	    struct cpu_set *ret_set);

/*
 * The allowed CPUs as the files below root, "/sys", describe them.  What
 * cannot be read or makes no sense is left out: the least there is is one
 * domain.  0 or ENOMEM.
 */
int	 proactor__affinity_read(const char *root,
	    const struct cpu_set *allowed,
	    struct proactor_affinity **ret_affinity);

/* The CPU that the calling thread is on, or -1 when nobody knows. */
int	 proactor__sys_current_cpu(void);

#endif
