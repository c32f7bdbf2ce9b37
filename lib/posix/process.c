/* SPDX-License-Identifier: ISC */
/*
 * Which thread and which process: numbers for threads, and a page that the
 * kernel clears in a child of fork(2), so that a proactor of the parent can
 * be told from one of the child's own without a system call.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/system.h"

_Thread_local uint64_t proactor__self PROACTOR_TLS_MODEL;

static _Atomic uint64_t threads;
static _Atomic uint32_t generations;
static _Atomic(_Atomic uint32_t *) page;

uint64_t
proactor__self_claim(void)
{
	if (proactor__self == 0)
		proactor__self = atomic_fetch_add(&threads, 1) + 1;
	return proactor__self;
}

static _Atomic uint32_t *
map_page(void)
{
	_Atomic uint32_t *fresh, *none = NULL;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
#ifdef MADV_WIPEONFORK
	(void)madvise(memory, size, MADV_WIPEONFORK);
#endif
	fresh = memory;
	if (!atomic_compare_exchange_strong(&page, &none, fresh)) {
		munmap(memory, size);
		return none;
	}
	return fresh;
}

uint32_t
proactor__generation_create(void)
{
	_Atomic uint32_t *word = atomic_load(&page);
	uint32_t cleared = 0, fresh;

	if (word == NULL && (word = map_page()) == NULL)
		return 0;
	if (atomic_load(word) == 0) {
		fresh = atomic_fetch_add(&generations, 1) + 1;
		atomic_compare_exchange_strong(word, &cleared, fresh);
	}
	return atomic_load(word);
}

bool
proactor__forked(uint32_t generation)
{
	_Atomic uint32_t *word = atomic_load_explicit(&page,
	    memory_order_relaxed);

	return atomic_load_explicit(word, memory_order_relaxed) != generation;
}

const char *
proactor__environment(const char *name)
{
#ifdef HAVE_SECURE_GETENV
	const char *value = secure_getenv(name);
#else
	const char *value = getuid() == geteuid() && getgid() == getegid() ?
	    getenv(name) : NULL;
#endif

	return value != NULL && value[0] != '\0' ? value : NULL;
}
