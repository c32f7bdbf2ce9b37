/* SPDX-License-Identifier: ISC */
/*
 * Which thread and which process: numbers for threads, and a page that is
 * cleared in a child of fork(2), so that a proactor of the parent can be told
 * from one of the child's own without a system call.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/system.h"

_Thread_local uint64_t proactor__self PROACTOR_TLS_MODEL = SELF_NONE;

static _Atomic uint64_t threads;
static _Atomic uint32_t generations;

/* The gates are words of the same page, the first 8 bytes left out. */
#define GATES	448
static _Atomic uint64_t gates_taken[GATES / 64];
_Atomic(_Atomic uint32_t *) proactor__fork_page;

uint64_t
proactor__self_claim(void)
{
	if (proactor__self == SELF_NONE)
		proactor__self = atomic_fetch_add(&threads, 1) + SELF_NONE + 1;
	return proactor__self;
}

/* In the child, where nobody else runs yet. */
static void
clear_page(void)
{
	memset((void *)atomic_load(&proactor__fork_page), 0,
	    (1 + GATES) * sizeof(uint64_t));
}

/*
 * The kernel clears the page, where it can, for whatever makes the child; what
 * only pretends to be Linux may not, and other systems need not know how.
 */
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
	if (!atomic_compare_exchange_strong(&proactor__fork_page, &none,
	    fresh)) {
		munmap(memory, size);
		return none;
	}
	(void)pthread_atfork(NULL, NULL, clear_page);
	return fresh;
}

uint32_t
proactor__generation_create(void)
{
	_Atomic uint32_t *word = atomic_load(&proactor__fork_page);
	uint32_t cleared = 0, fresh;

	if (word == NULL && (word = map_page()) == NULL)
		return 0;
	if (atomic_load(word) == 0) {
		fresh = atomic_fetch_add(&generations, 1) + 1;
		atomic_compare_exchange_strong(word, &cleared, fresh);
	}
	return atomic_load(word);
}

_Atomic uint64_t *
proactor__gate_take(void)
{
	_Atomic uint64_t *gates = (_Atomic uint64_t *)(void *)
	    atomic_load(&proactor__fork_page) + 1;
	uint64_t taken;
	unsigned int i, bit;

	for (i = 0; i < GATES / 64; i++) {
		taken = atomic_load(&gates_taken[i]);
		while (taken != UINT64_MAX) {
			bit = (unsigned int)__builtin_ctzll(~taken);
			if (atomic_compare_exchange_weak(&gates_taken[i],
			    &taken, taken | UINT64_C(1) << bit))
				return &gates[i * 64 + bit];
		}
	}
	return NULL;
}

void
proactor__gate_give(_Atomic uint64_t *gate)
{
	_Atomic uint64_t *gates = (_Atomic uint64_t *)(void *)
	    atomic_load(&proactor__fork_page) + 1;
	size_t i;

	if (gate == NULL)
		return;
	atomic_store(gate, 0);
	i = (size_t)(gate - gates);
	atomic_fetch_and(&gates_taken[i / 64], ~(UINT64_C(1) << i % 64));
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
