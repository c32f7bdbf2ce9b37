/* SPDX-License-Identifier: ISC */
/*
 * The machine's locality domains.  On Linux they are in files of a few bytes
 * each; elsewhere the CPUs are counted and form one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proactor.h>

#include "core/affinity.h"

/* Every other CPU of all that there can be. */
#define TEXT_MAX	24576
#define CACHES_MAX	16u		/* of one CPU: levels, kinds */

/* A number without leading zeros below CPU_LIMIT; NULL when there is none. */
static const char *
parse_number(const char *text, const char *end, unsigned int *ret_number)
{
	const char *start = text;
	unsigned int n = 0;

	for (; text != end && *text >= '0' && *text <= '9'; text++) {
		if (text != start && *start == '0')
			return NULL;
		n = n * 10 + (unsigned int)(*text - '0');
		if (n >= CPU_LIMIT)
			return NULL;
	}
	if (text == start)
		return NULL;
	*ret_number = n;
	return text;
}

bool
proactor__cpu_list_parse(const char *text, size_t length,
    struct cpu_set *ret_set)
{
	const char *end;
	unsigned int first, last, next = 0;

	memset(ret_set, 0, sizeof(*ret_set));
	if (length > 0 && text[length - 1] == '\n')
		length--;
	if (length == 0)
		return true;
	for (end = text + length;; text++) {
		text = parse_number(text, end, &first);
		if (text == NULL || first < next)
			return false;
		last = first;
		if (text != end && *text == '-') {
			text = parse_number(text + 1, end, &last);
			if (text == NULL || last <= first)
				return false;
		}
		for (next = first; next <= last; next++)
			cpu_set_add(ret_set, next);
		if (text == end)
			return true;
		if (*text != ',')
			return false;
	}
}

/* A whole small file; its length, or -1. */
static ssize_t __attribute__((format(printf, 4, 0)))
read_text_list(char *text, size_t size, const char *root, const char *format,
    va_list arguments)
{
	char path[512];
	size_t length = 0;
	ssize_t n;
	int fd, used;

	used = snprintf(path, sizeof(path), "%s/devices/system/", root);
	if (used < 0 || (size_t)used >= sizeof(path))
		return -1;
	n = vsnprintf(path + used, sizeof(path) - (size_t)used, format,
	    arguments);
	if (n < 0 || (size_t)n >= sizeof(path) - (size_t)used)
		return -1;
	do
		fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -1;
	do {
		n = read(fd, text + length, size - length);
		if (n > 0)
			length += (size_t)n;
	} while ((n > 0 && length < size) || (n < 0 && errno == EINTR));
	close(fd);
	/* One that fills the room may have been cut. */
	return n < 0 || length == size ? -1 : (ssize_t)length;
}

static ssize_t __attribute__((format(printf, 4, 5)))
read_text(char *text, size_t size, const char *root, const char *format, ...)
{
	va_list arguments;
	ssize_t length;

	va_start(arguments, format);
	length = read_text_list(text, size, root, format, arguments);
	va_end(arguments);
	return length;
}

static bool __attribute__((format(printf, 3, 4)))
read_list(struct cpu_set *ret_set, const char *root, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;
	ssize_t length;

	va_start(arguments, format);
	length = read_text_list(text, sizeof(text), root, format, arguments);
	va_end(arguments);
	return length >= 0 && proactor__cpu_list_parse(text, (size_t)length,
	    ret_set);
}

/* While it is being made: one block, everything in it. */
struct draft {
	struct proactor_affinity affinity;
	size_t members;			/* that are in a domain */
	struct proactor_affinity_cpu *cpus;		/* by number */
	struct proactor_affinity_domain *domains;
	const struct proactor_affinity_cpu **cpu_list;
	const struct proactor_affinity_cpu **member_list;
	const struct proactor_affinity_domain **domain_list;
};

static struct draft *
draft_create(size_t cpus, size_t domains)
{
	struct draft *d;

	d = calloc(1, sizeof(*d) + cpus * (sizeof(*d->cpus) +
	    2 * sizeof(void *)) + domains * (sizeof(*d->domains) +
	    sizeof(void *)));
	if (d == NULL)
		return NULL;
	d->cpus = (struct proactor_affinity_cpu *)(void *)(d + 1);
	d->domains = (struct proactor_affinity_domain *)(void *)
	    (d->cpus + cpus);
	d->cpu_list = (const struct proactor_affinity_cpu **)(void *)
	    (d->domains + domains);
	d->member_list = d->cpu_list + cpus;
	d->domain_list = (const struct proactor_affinity_domain **)(void *)
	    (d->member_list + cpus);
	d->affinity.cpu_count = cpus;
	d->affinity.cpus = d->cpu_list;
	d->affinity.domain_count = domains;
	d->affinity.domains = d->domain_list;
	return d;
}

static size_t
count(const struct cpu_set *set)
{
	unsigned int cpu;
	size_t n = 0;

	for (cpu = cpu_set_next(set, 0); cpu < CPU_LIMIT;
	    cpu = cpu_set_next(set, cpu + 1))
		n++;
	return n;
}

static void
intersect(struct cpu_set *set, const struct cpu_set *with)
{
	size_t i;

	for (i = 0; i < CPU_LIMIT / 64; i++)
		set->bits[i] &= with->bits[i];
}

/*
 * The node of each usable CPU, and which nodes there are.  False unless each
 * CPU is in one node.
 */
static bool
read_nodes(const char *root, const struct cpu_set *usable,
    uint16_t node_of[CPU_LIMIT], struct cpu_set *ret_nodes)
{
	struct cpu_set online, cpus, left = *usable;
	unsigned int node, cpu;

	memset(ret_nodes, 0, sizeof(*ret_nodes));
	if (!read_list(&online, root, "node/online"))
		return false;
	for (node = cpu_set_next(&online, 0); node < CPU_LIMIT;
	    node = cpu_set_next(&online, node + 1)) {
		if (!read_list(&cpus, root, "node/node%u/cpulist", node))
			return false;
		intersect(&cpus, usable);
		for (cpu = cpu_set_next(&cpus, 0); cpu < CPU_LIMIT;
		    cpu = cpu_set_next(&cpus, cpu + 1)) {
			if (!cpu_set_has(&left, cpu))
				return false;
			left.bits[cpu / 64] &= ~(UINT64_C(1) << cpu % 64);
			node_of[cpu] = (uint16_t)node;
			cpu_set_add(ret_nodes, node);
		}
	}
	return cpu_set_next(&left, 0) == CPU_LIMIT;
}

/* The domain with this index is the node, or with -1 all there is. */
static void
fill_domain(struct draft *d, size_t index, int node,
    const uint16_t node_of[CPU_LIMIT])
{
	struct proactor_affinity_domain *domain = &d->domains[index];
	struct proactor_affinity_cpu *c;
	size_t i;

	d->domain_list[index] = domain;
	domain->node = node;
	domain->cpus = d->member_list + d->members;
	for (i = 0; i < d->affinity.cpu_count; i++) {
		c = &d->cpus[i];
		if (node >= 0 && node_of[c->number] != node)
			continue;
		c->domain = (unsigned int)index;
		d->member_list[d->members++] = c;
		domain->cpu_count++;
	}
}

/* Who shares a core; the CPU itself when nobody says. */
static void
fill_core(struct draft *d, const char *root, const struct cpu_set *usable,
    struct proactor_affinity_cpu *cpu)
{
	struct cpu_set set;
	size_t i;

	if (!read_list(&set, root, "cpu/cpu%u/topology/core_cpus_list",
	    cpu->number) && !read_list(&set, root,
	    "cpu/cpu%u/topology/thread_siblings_list", cpu->number))
		return;
	intersect(&set, usable);
	if (!cpu_set_has(&set, cpu->number))
		return;
	for (i = 0; i < d->affinity.cpu_count; i++)
		if (cpu_set_has(&set, d->cpus[i].number))
			d->cpus[i].core = cpu_set_next(&set, 0);
}

/* "36608K\n" in bytes, or 0. */
static uint64_t
parse_size(const char *text, ssize_t length)
{
	uint64_t n = 0;
	ssize_t i;

	for (i = 0; i < length && text[i] >= '0' && text[i] <= '9' &&
	    n < UINT32_MAX; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	return i > 0 && length - i == 2 && text[i] == 'K' &&
	    text[i + 1] == '\n' ? n * 1024 : 0;
}

/* The index of the cache that is farthest from the CPU; -1: none. */
static int
last_cache(const char *root, unsigned int cpu)
{
	char text[32];
	unsigned int i, highest = 0;
	ssize_t n;
	int found = -1;

	for (i = 0; i < CACHES_MAX; i++) {
		n = read_text(text, sizeof(text), root,
		    "cpu/cpu%u/cache/index%u/level", cpu, i);
		if (n < 0)
			break;
		if (n != 2 || text[0] < '1' || text[0] > '9' ||
		    (unsigned int)(text[0] - '0') < highest)
			continue;
		highest = (unsigned int)(text[0] - '0');
		found = (int)i;
	}
	return found;
}

static void
fill_cache(struct draft *d, const char *root, const struct cpu_set *usable,
    struct proactor_affinity_cpu *cpu)
{
	struct cpu_set set;
	char text[32];
	ssize_t n;
	size_t i;
	int index = last_cache(root, cpu->number);

	if (index < 0 || !read_list(&set, root,
	    "cpu/cpu%u/cache/index%d/shared_cpu_list", cpu->number, index))
		return;
	intersect(&set, usable);
	if (!cpu_set_has(&set, cpu->number))
		return;
	n = read_text(text, sizeof(text), root,
	    "cpu/cpu%u/cache/index%d/size", cpu->number, index);
	for (i = 0; i < d->affinity.cpu_count; i++)
		if (cpu_set_has(&set, d->cpus[i].number)) {
			d->cpus[i].cache = cpu_set_next(&set, 0);
			d->cpus[i].cache_bytes = parse_size(text, n);
		}
}

static void
fill_cpus(struct draft *d, const char *root, const struct cpu_set *usable)
{
	struct proactor_affinity_cpu *c;
	unsigned int cpu = 0;
	size_t i;

	for (i = 0; i < d->affinity.cpu_count; i++) {
		cpu = cpu_set_next(usable, cpu);
		d->cpus[i].number = cpu++;
		d->cpus[i].core = d->cpus[i].cache = CPU_LIMIT;
		d->cpu_list[i] = &d->cpus[i];
	}
	for (i = 0; i < d->affinity.cpu_count; i++) {
		c = &d->cpus[i];
		/* Those whom an earlier one has told of have it. */
		if (c->core == CPU_LIMIT) {
			c->core = c->number;
			fill_core(d, root, usable, c);
		}
		if (c->cache == CPU_LIMIT) {
			c->cache = c->number;
			fill_cache(d, root, usable, c);
		}
	}
}

int
proactor__affinity_read(const char *root, const struct cpu_set *allowed,
    struct proactor_affinity **ret_affinity)
{
	uint16_t node_of[CPU_LIMIT];
	struct cpu_set usable, nodes;
	struct draft *d;
	unsigned int node;
	size_t i = 0;
	bool known;

	if (read_list(&usable, root, "cpu/online"))
		intersect(&usable, allowed);
	else
		usable = *allowed;
	if (cpu_set_next(&usable, 0) == CPU_LIMIT)
		usable = *allowed;
	known = read_nodes(root, &usable, node_of, &nodes);
	d = draft_create(count(&usable), known ? count(&nodes) : 1);
	if (d == NULL)
		return PROACTOR_ENOMEM;
	fill_cpus(d, root, &usable);
	if (!known)
		fill_domain(d, 0, -1, node_of);
	else
		for (node = cpu_set_next(&nodes, 0); node < CPU_LIMIT;
		    node = cpu_set_next(&nodes, node + 1))
			fill_domain(d, i++, (int)node, node_of);
	*ret_affinity = &d->affinity;
	return 0;
}

int
proactor__sys_current_cpu(void)
{
#ifdef __linux__
	return sched_getcpu();
#else
	return -1;
#endif
}

/* What the calling thread may run on. */
static void
allowed_cpus(struct cpu_set *set)
{
	unsigned int cpu;
	long n;
#ifdef __linux__
	unsigned long words[CPU_LIMIT / (8 * sizeof(unsigned long))];
	cpu_set_t *cpus = (cpu_set_t *)(void *)words;

	memset(words, 0, sizeof(words));
	if (sched_getaffinity(0, sizeof(words), cpus) == 0) {
		for (cpu = 0; cpu < CPU_LIMIT; cpu++)
			if (CPU_ISSET_S(cpu, sizeof(words), cpus))
				cpu_set_add(set, cpu);
		return;
	}
#endif
	n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	for (cpu = 0; cpu < CPU_LIMIT && cpu < (unsigned long)n; cpu++)
		cpu_set_add(set, cpu);
}

/*
 * The domains of the machine, as far as the calling thread may run on them;
 * see proactor_affinity_query(3).  Any thread.
 */
int
proactor_affinity_query(struct proactor_affinity **ret_affinity)
{
	struct cpu_set allowed;

	if (ret_affinity == NULL)
		return PROACTOR_EINVAL;
	memset(&allowed, 0, sizeof(allowed));
	allowed_cpus(&allowed);
	return proactor__affinity_read("/sys", &allowed, ret_affinity);
}

void
proactor_affinity_free(struct proactor_affinity *affinity)
{
	/* The draft begins with it. */
	free(affinity);
}
