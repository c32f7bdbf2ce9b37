/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

/* The allocator of who has not said otherwise. */
void *
proactor__realloc(void *user_data, void *memory, size_t size)
{
	(void)user_data;
	if (size == 0) {
		free(memory);
		return NULL;
	}
	return realloc(memory, size);
}

/* Zeroed memory from the user's allocator, or NULL.  Any thread. */
void *
proactor__allocate(struct proactor *p, size_t size)
{
	void *memory = p->realloc_fn(p->realloc_data, NULL, size);

	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

void
proactor__free(struct proactor *p, void *memory)
{
	if (memory != NULL)
		(void)p->realloc_fn(p->realloc_data, memory, 0);
}

/* Tells the user's hook, if there is one.  Any thread. */
void
proactor__log(struct proactor *p, int level, const char *format, ...)
{
	char message[256];
	va_list arguments;

	if (p->log_fn == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	p->log_fn(p->log_data, level, message);
}
