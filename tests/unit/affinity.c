/* SPDX-License-Identifier: ISC */
/* Locality domains from trees of files that are made for the purpose. */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proactor.h>

#include "core/affinity.h"
#include "tap/tap.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static bool
parse(const char *text, struct cpu_set *set)
{
	return proactor__cpu_list_parse(text, strlen(text), set);
}

static size_t
size_of(const struct cpu_set *set)
{
	unsigned int n;
	size_t size = 0;

	for (n = 0; n < CPU_LIMIT; n++)
		size += cpu_set_has(set, n);
	return size;
}

static void
good_lists(void)
{
	struct cpu_set set;

	CHECK(parse("", &set) && size_of(&set) == 0);
	CHECK(parse("\n", &set) && size_of(&set) == 0);
	CHECK(parse("0", &set) && size_of(&set) == 1 && cpu_set_has(&set, 0));
	CHECK(parse("7\n", &set) && size_of(&set) == 1 &&
	    cpu_set_has(&set, 7));
	CHECK(parse("0-3,8,10-11\n", &set));
	CHECK_INT(size_of(&set), 7);
	CHECK(cpu_set_has(&set, 3) && !cpu_set_has(&set, 4));
	CHECK(cpu_set_has(&set, 8) && !cpu_set_has(&set, 9));
	CHECK(cpu_set_has(&set, 11) && !cpu_set_has(&set, 12));
	CHECK(parse("0-8191\n", &set) && size_of(&set) == CPU_LIMIT);
	CHECK(parse("8191", &set) && cpu_set_has(&set, 8191));
	CHECK_INT(cpu_set_next(&set, 0), 8191);
	CHECK_INT(cpu_set_next(&set, 8192), 8192);
}

static void
bad_lists(void)
{
	static const char *const bad[] = {
		"x", "-", ",", "-1", "1-", "1,", ",1", "1,,2", "1--2", "1-2-3",
		"2-1", "1-1", "1,1", "3,2", "0-4,4", "0-4,2-6", "00", "01",
		"1-02", " 1", "1 ", "1, 2", "1\n\n", "\n1", "1\n2", "0x1",
		"8192", "0-8192", "99999999999999999999", "1-4294967296", "+1",
		"1;2", "1-3:1/2", "all",
	};
	struct cpu_set set;
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		if (parse(bad[i], &set))
			FAIL("\"%s\" was taken", bad[i]);
	/* What is behind the length is not looked at; a NUL is no digit. */
	CHECK(proactor__cpu_list_parse("12", 1, &set));
	CHECK_INT(cpu_set_next(&set, 0), 1);
	CHECK(!proactor__cpu_list_parse("1\0", 2, &set));
}

/* --- trees --- */

struct tree {
	char root[64];
	struct cpu_set allowed;
};

static void
tree_open(struct tree *t, const char *allowed)
{
	const char *parent = getenv("TMPDIR");

	snprintf(t->root, sizeof(t->root), "%.40s/affinity-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	CHECK(mkdtemp(t->root) != NULL);
	CHECK(parse(allowed, &t->allowed));
}

static int
remove_one(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void
tree_close(struct tree *t)
{
	CHECK_INT(nftw(t->root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A file with this text, and the folders that lead to it. */
static void __attribute__((format(printf, 3, 4)))
put(struct tree *t, const char *text, const char *format, ...)
{
	char path[256], *slash;
	va_list arguments;
	FILE *file;
	int n;

	n = snprintf(path, sizeof(path), "%s/devices/system/", t->root);
	va_start(arguments, format);
	vsnprintf(path + n, sizeof(path) - (size_t)n, format, arguments);
	va_end(arguments);
	for (slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(path, "w");
	CHECK(file != NULL);
	CHECK(fputs(text, file) >= 0);
	CHECK_INT(fclose(file), 0);
}

static void
put_cache(struct tree *t, unsigned int cpu, unsigned int index, int level,
    const char *shared, const char *size)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", level);
	put(t, text, "cpu/cpu%u/cache/index%u/level", cpu, index);
	put(t, shared, "cpu/cpu%u/cache/index%u/shared_cpu_list", cpu, index);
	put(t, size, "cpu/cpu%u/cache/index%u/size", cpu, index);
}

static struct proactor_affinity *
read_tree(struct tree *t)
{
	struct proactor_affinity *a;

	CHECK_INT(proactor__affinity_read(t->root, &t->allowed, &a), 0);
	return a;
}

/* Two sockets of two cores of two threads, numbered as is usual. */
static void
put_machine(struct tree *t)
{
	char cores[16];
	unsigned int cpu;

	put(t, "0-7\n", "cpu/online");
	put(t, "0-1\n", "node/online");
	put(t, "0-1,4-5\n", "node/node0/cpulist");
	put(t, "2-3,6-7\n", "node/node1/cpulist");
	for (cpu = 0; cpu < 8; cpu++) {
		snprintf(cores, sizeof(cores), "%u,%u\n", cpu % 4,
		    cpu % 4 + 4);
		put(t, cores, "cpu/cpu%u/topology/core_cpus_list", cpu);
		put_cache(t, cpu, 0, 1, cores, "32K\n");
		put_cache(t, cpu, 1, 1, cores, "32K\n");
		put_cache(t, cpu, 2, 2, cores, "1024K\n");
		put_cache(t, cpu, 3, 3, cpu % 4 < 2 ? "0-1,4-5\n" :
		    "2-3,6-7\n", "36608K\n");
	}
}

static void
two_nodes(void)
{
	struct proactor_affinity *a;
	struct tree t;
	size_t i;

	tree_open(&t, "0-7");
	put_machine(&t);
	a = read_tree(&t);
	CHECK_INT(a->cpu_count, 8);
	CHECK_INT(a->domain_count, 2);
	for (i = 0; i < 8; i++) {
		CHECK_INT(a->cpus[i]->number, i);
		CHECK_INT(a->cpus[i]->core, i % 4);
		CHECK_INT(a->cpus[i]->domain, i % 4 / 2);
		CHECK_INT(a->cpus[i]->cache, i % 4 < 2 ? 0 : 2);
		CHECK_INT(a->cpus[i]->cache_bytes, 36608 * 1024);
	}
	for (i = 0; i < 2; i++) {
		CHECK_INT(a->domains[i]->node, i);
		CHECK_INT(a->domains[i]->cpu_count, 4);
		CHECK_INT(a->domains[i]->cpus[0]->number, 2 * i);
		CHECK_INT(a->domains[i]->cpus[3]->number, 2 * i + 5);
	}
	proactor_affinity_free(a);
	tree_close(&t);
}

/* The node that has none of ours is not there, and numbers are kept. */
static void
allowed_only(void)
{
	struct proactor_affinity *a;
	struct tree t;

	tree_open(&t, "3,6-7,100");
	put_machine(&t);
	a = read_tree(&t);
	CHECK_INT(a->cpu_count, 3);
	CHECK_INT(a->domain_count, 1);
	CHECK_INT(a->domains[0]->node, 1);
	CHECK_INT(a->domains[0]->cpu_count, 3);
	CHECK_INT(a->cpus[0]->number, 3);
	CHECK_INT(a->cpus[0]->core, 3);
	CHECK_INT(a->cpus[1]->number, 6);
	CHECK_INT(a->cpus[1]->core, 6);
	CHECK_INT(a->cpus[2]->core, 3);
	CHECK_INT(a->cpus[2]->cache, 3);
	proactor_affinity_free(a);
	tree_close(&t);
}

static void
nodes_of_memory(void)
{
	struct proactor_affinity *a;
	struct tree t;

	tree_open(&t, "0-7");
	put_machine(&t);
	put(&t, "0,5,9,40\n", "node/online");
	put(&t, "0-3\n", "node/node0/cpulist");
	put(&t, "\n", "node/node5/cpulist");
	put(&t, "4-7\n", "node/node9/cpulist");
	put(&t, "", "node/node40/cpulist");
	a = read_tree(&t);
	CHECK_INT(a->domain_count, 2);
	CHECK_INT(a->domains[0]->node, 0);
	CHECK_INT(a->domains[1]->node, 9);
	CHECK_INT(a->domains[1]->cpus[0]->number, 4);
	CHECK_INT(a->cpus[4]->domain, 1);
	proactor_affinity_free(a);
	tree_close(&t);
}

static void
check_one_domain(struct tree *t, size_t cpus)
{
	struct proactor_affinity *a = read_tree(t);
	size_t i;

	CHECK_INT(a->cpu_count, cpus);
	CHECK_INT(a->domain_count, 1);
	CHECK_INT(a->domains[0]->node, -1);
	CHECK_INT(a->domains[0]->cpu_count, cpus);
	for (i = 0; i < cpus; i++) {
		CHECK_INT(a->cpus[i]->domain, 0);
		CHECK(a->domains[0]->cpus[i] == a->cpus[i]);
	}
	proactor_affinity_free(a);
}

static void
bad_nodes(void)
{
	static const char *const bad[] = {
		"0-1,4-5", "2-3,6-7,8x", "2-3,6", "1-3,6-7", "0x2", "7-2",
	};
	struct tree t;
	size_t i;

	tree_open(&t, "0-7");
	put_machine(&t);
	for (i = 0; i < COUNT(bad); i++) {
		put(&t, bad[i], "node/node1/cpulist");
		check_one_domain(&t, 8);
	}
	put(&t, "2-3,6-7\n", "node/node1/cpulist");
	put(&t, "0-2\n", "node/online");
	check_one_domain(&t, 8);
	put(&t, "zero\n", "node/online");
	check_one_domain(&t, 8);
	tree_close(&t);
}

static void
no_tree(void)
{
	struct proactor_affinity *a;
	struct tree t;

	tree_open(&t, "1,3");
	check_one_domain(&t, 2);
	a = read_tree(&t);
	CHECK_INT(a->cpus[0]->core, 1);
	CHECK_INT(a->cpus[1]->core, 3);
	CHECK_INT(a->cpus[1]->cache, 3);
	CHECK_INT(a->cpus[1]->cache_bytes, 0);
	proactor_affinity_free(a);
	tree_close(&t);
	CHECK_INT(proactor__affinity_read("/nowhere/at/all", &t.allowed, &a),
	    0);
	CHECK_INT(a->cpu_count, 2);
	proactor_affinity_free(a);
}

static void
offline(void)
{
	struct proactor_affinity *a;
	struct tree t;

	tree_open(&t, "0-7");
	put_machine(&t);
	put(&t, "0-2,5\n", "cpu/online");
	a = read_tree(&t);
	CHECK_INT(a->cpu_count, 4);
	CHECK_INT(a->cpus[3]->number, 5);
	CHECK_INT(a->domain_count, 2);
	proactor_affinity_free(a);
	/* Nothing that makes sense: what is allowed is what there is. */
	put(&t, "64\n", "cpu/online");
	a = read_tree(&t);
	CHECK_INT(a->cpu_count, 8);
	proactor_affinity_free(a);
	put(&t, "rubbish", "cpu/online");
	a = read_tree(&t);
	CHECK_INT(a->cpu_count, 8);
	proactor_affinity_free(a);
	tree_close(&t);
}

static void
caches(void)
{
	struct proactor_affinity *a;
	struct tree t;

	tree_open(&t, "0-7");
	put(&t, "0-7\n", "cpu/online");
	/* No level 3; one that leaves itself out; bad sizes; an old name. */
	put_cache(&t, 0, 0, 1, "0\n", "32K\n");
	put_cache(&t, 0, 1, 2, "0-1\n", "512K\n");
	put_cache(&t, 2, 0, 3, "3-4\n", "1024K\n");
	put_cache(&t, 3, 0, 3, "3\n", "1024\n");
	put_cache(&t, 4, 0, 3, "4\n", "K\n");
	put_cache(&t, 5, 0, 3, "5\n", "99999999999999999999K\n");
	put(&t, "x\n", "cpu/cpu6/cache/index0/level");
	put(&t, "6-7\n", "cpu/cpu6/topology/thread_siblings_list");
	a = read_tree(&t);
	CHECK_INT(a->cpus[0]->cache_bytes, 512 * 1024);
	CHECK_INT(a->cpus[1]->cache, 0);
	CHECK_INT(a->cpus[1]->cache_bytes, 512 * 1024);
	CHECK_INT(a->cpus[2]->cache, 2);
	CHECK_INT(a->cpus[2]->cache_bytes, 0);
	CHECK_INT(a->cpus[3]->cache, 3);
	CHECK_INT(a->cpus[3]->cache_bytes, 0);
	CHECK_INT(a->cpus[4]->cache_bytes, 0);
	CHECK_INT(a->cpus[5]->cache_bytes, 0);
	CHECK_INT(a->cpus[6]->cache, 6);
	CHECK_INT(a->cpus[6]->core, 6);
	CHECK_INT(a->cpus[7]->core, 6);
	proactor_affinity_free(a);
	tree_close(&t);
}

/* A list that does not fit is not cut to one that does. */
static void
long_file(void)
{
	struct proactor_affinity *a;
	struct tree t;
	char *text;
	size_t n = 0;
	unsigned int i;

	tree_open(&t, "0-7");
	put_machine(&t);
	text = malloc(100000);
	CHECK(text != NULL);
	for (i = 0; i < CPU_LIMIT; i += 2)
		n += (size_t)sprintf(text + n, "%s%u", i > 0 ? "," : "", i);
	put(&t, text, "node/node0/cpulist");
	put(&t, "1,3,5,7\n", "node/node1/cpulist");
	a = read_tree(&t);
	CHECK_INT(a->domain_count, 2);
	proactor_affinity_free(a);
	memset(text, '0', 99999);
	text[99999] = '\0';
	put(&t, text, "node/node0/cpulist");
	check_one_domain(&t, 8);
	free(text);
	tree_close(&t);
}

static const struct tap_case cases[] = {
	{ "affinity: lists", good_lists },
	{ "affinity: what is no list", bad_lists },
	{ "affinity: two nodes of two cores of two threads", two_nodes },
	{ "affinity: only what is allowed", allowed_only },
	{ "affinity: nodes without CPUs are left out", nodes_of_memory },
	{ "affinity: nodes that make no sense are one domain", bad_nodes },
	{ "affinity: without a tree there is one domain", no_tree },
	{ "affinity: CPUs that are off are left out", offline },
	{ "affinity: caches, and files that make no sense", caches },
	{ "affinity: a file that is too long", long_file },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
