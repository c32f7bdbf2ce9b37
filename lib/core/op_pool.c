/* SPDX-License-Identifier: ISC */
/*
 * Pools of operations in classes of sizes.  All memory is taken at the
 * beginning; a class is a stack of slots, lock-free: its top is the number of
 * a slot and, beside it in the same word, a count of all changes, so that a
 * top that went and came back is not taken for one that stayed.  (It would
 * have to change 2^32 times while a thread stands between two instructions.)
 */
#include "config.h"

#include <string.h>

#include "core/core.h"
#include "core/op_pool.h"

#define MAGIC		UINT64_C(0x706f6f6c2d6f7073)
#define LINE		64u
#define CLASS_MAX	PROACTOR_OP_POOL_CLASS_MAX

/* Numbers of slots in their class begin with 1. */
#define SLOT_NONE	0u
#define SLOT_CLOSED	UINT32_MAX	/* instead of a top: nobody takes */
#define COUNT_LIMIT	(UINT32_C(1) << 24)
#define SIZE_LIMIT	(UINT32_C(1) << 24)

/* Before each operation. */
struct slot {
	_Atomic uint32_t next;		/* while it is free */
	_Atomic uint32_t taken;
	_Atomic uint32_t turn;		/* see proactor__op_pool_ended() */
	uint32_t name;			/* class << 24 | number */
};
#define SLOT_SIZE	16u
_Static_assert(sizeof(struct slot) == SLOT_SIZE, "slot");

struct class {
	_Alignas(LINE) _Atomic uint64_t top;	/* changes << 32 | slot */
	unsigned char *slots;
	size_t stride;
	size_t size;
	uint32_t count;
};

struct proactor_op_pool {
	uint64_t magic;
	_Atomic uint32_t references;
	_Atomic uint32_t home;		/* slots that are back for good */
	uint32_t total;			/* of them */
	uint32_t class_count;
	proactor_realloc_fn realloc_fn;
	void *realloc_data;
	void *block;			/* what was allocated */
	struct class classes[CLASS_MAX];
};

/* Enough for every type, and for most to have some bytes beside it. */
void
proactor_op_pool_options_init(struct proactor_op_pool_options *options)
{
	static const struct proactor_op_pool_class defaults[] = {
		{ 240, 256 }, { 624, 256 }, { 1008, 128 },
	};

	if (options == NULL)
		return;
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->class_count = sizeof(defaults) / sizeof(defaults[0]);
	memcpy(options->classes, defaults, sizeof(defaults));
}

static size_t
stride_of(size_t size)
{
	return (SLOT_SIZE + size + LINE - 1) & ~(size_t)(LINE - 1);
}

static int
options_check(const struct proactor_op_pool_options *o)
{
	size_t previous = 0, total = 0;
	unsigned int i;

	if (o->size != sizeof(*o) || o->flags != 0 || o->class_count == 0 ||
	    o->class_count > CLASS_MAX)
		return PROACTOR_EINVAL;
	for (i = 0; i < o->class_count; i++) {
		if (o->classes[i].size < sizeof(struct proactor_op) ||
		    o->classes[i].size > SIZE_LIMIT ||
		    o->classes[i].size <= previous ||
		    o->classes[i].count == 0 ||
		    o->classes[i].count >= COUNT_LIMIT)
			return PROACTOR_EINVAL;
		previous = o->classes[i].size;
		if (o->classes[i].count >
		    (PTRDIFF_MAX / 2 - total) / stride_of(previous))
			return PROACTOR_EINVAL;
		total += o->classes[i].count * stride_of(previous);
	}
	return 0;
}

static struct slot *
slot_at(const struct class *c, uint32_t number)
{
	return (struct slot *)(void *)(c->slots +
	    (size_t)(number - 1) * c->stride);
}

static struct proactor_op *
op_of(struct slot *slot)
{
	return (struct proactor_op *)(void *)(slot + 1);
}

static struct slot *
slot_of(struct proactor_op *op)
{
	return (struct slot *)(void *)op - 1;
}

static void
class_init(struct class *c, uint32_t index,
    const struct proactor_op_pool_class *from, unsigned char *memory)
{
	struct slot *slot;
	uint32_t i;

	c->slots = memory;
	c->size = from->size;
	c->stride = stride_of(from->size);
	c->count = (uint32_t)from->count;
	for (i = 1; i <= c->count; i++) {
		slot = slot_at(c, i);
		slot->name = index * COUNT_LIMIT | i;
		atomic_init(&slot->next, i < c->count ? i + 1 : SLOT_NONE);
		atomic_init(&slot->taken, 0);
		atomic_init(&slot->turn, 0);
	}
	atomic_init(&c->top, 1);
}

/* Makes a pool; see proactor_op_pool_create(3).  Any thread. */
int
proactor_op_pool_create(const struct proactor_op_pool_options *options,
    struct proactor_op_pool **ret_pool)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool;
	unsigned char *memory;
	void *block;
	size_t bytes = sizeof(*pool) + LINE;
	unsigned int i;

	if (ret_pool == NULL)
		return PROACTOR_EINVAL;
	proactor_op_pool_options_init(&o);
	if (options != NULL) {
		if (options_check(options) != 0)
			return PROACTOR_EINVAL;
		o = *options;
	}
	if (o.realloc_fn == NULL)
		o.realloc_fn = proactor__realloc;
	for (i = 0; i < o.class_count; i++)
		bytes += o.classes[i].count * stride_of(o.classes[i].size);
	block = o.realloc_fn(o.realloc_data, NULL, bytes);
	if (block == NULL)
		return PROACTOR_ENOMEM;
	pool = (struct proactor_op_pool *)(((uintptr_t)block + LINE - 1) &
	    ~(uintptr_t)(LINE - 1));
	memset(pool, 0, sizeof(*pool));
	pool->magic = MAGIC;
	pool->block = block;
	pool->realloc_fn = o.realloc_fn;
	pool->realloc_data = o.realloc_data;
	pool->class_count = o.class_count;
	atomic_init(&pool->references, 1);
	memory = (unsigned char *)(pool + 1);
	for (i = 0; i < o.class_count; i++) {
		class_init(&pool->classes[i], i, &o.classes[i], memory);
		memory += pool->classes[i].stride * pool->classes[i].count;
		pool->total += pool->classes[i].count;
	}
	*ret_pool = pool;
	return 0;
}

struct proactor_op_pool *
proactor_op_pool_retain(struct proactor_op_pool *pool)
{
	if (pool != NULL)
		atomic_fetch_add_explicit(&pool->references, 1,
		    memory_order_relaxed);
	return pool;
}

/* So many slots are back for good; the last of all frees the pool. */
static void
come_home(struct proactor_op_pool *pool, uint32_t count)
{
	if (atomic_fetch_add_explicit(&pool->home, count,
	    memory_order_acq_rel) + count != pool->total)
		return;
	pool->magic = 0;
	(void)pool->realloc_fn(pool->realloc_data, pool->block, 0);
}

/*
 * Drops a reference.  After the last one nothing can be acquired, and the
 * memory goes with the last operation that comes back.  Any thread.
 */
void
proactor_op_pool_release(struct proactor_op_pool *pool)
{
	struct class *c;
	uint32_t number, count = 0;
	unsigned int i;

	if (pool == NULL || atomic_fetch_sub_explicit(&pool->references, 1,
	    memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < pool->class_count; i++) {
		c = &pool->classes[i];
		number = (uint32_t)atomic_exchange_explicit(&c->top,
		    SLOT_CLOSED, memory_order_acq_rel);
		for (; number != SLOT_NONE; count++)
			number = atomic_load_explicit(&slot_at(c,
			    number)->next, memory_order_relaxed);
	}
	come_home(pool, count);
}

static struct slot *
pop(struct class *c)
{
	uint64_t top = atomic_load_explicit(&c->top, memory_order_acquire);
	struct slot *slot;
	uint32_t next;

	do {
		if ((uint32_t)top == SLOT_NONE || (uint32_t)top == SLOT_CLOSED)
			return NULL;
		slot = slot_at(c, (uint32_t)top);
		/* Whatever it is, if the slot has gone the count tells. */
		next = atomic_load_explicit(&slot->next, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(&c->top, &top,
	    ((top >> 32) + 1) << 32 | next, memory_order_acq_rel,
	    memory_order_acquire));
	return slot;
}

/* False when the class is closed. */
static bool
push(struct class *c, struct slot *slot)
{
	uint64_t top = atomic_load_explicit(&c->top, memory_order_relaxed);

	do {
		if ((uint32_t)top == SLOT_CLOSED)
			return false;
		atomic_store_explicit(&slot->next, (uint32_t)top,
		    memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(&c->top, &top,
	    ((top >> 32) + 1) << 32 | slot->name % COUNT_LIMIT,
	    memory_order_acq_rel, memory_order_relaxed));
	return true;
}

/*
 * An operation of at least so many bytes, its base cleared.  Any thread,
 * async-signal-safe.
 */
int
proactor_op_pool_acquire(struct proactor_op_pool *pool, size_t size,
    struct proactor_op **ret_op)
{
	struct slot *slot;
	unsigned int i;

	if (pool == NULL || ret_op == NULL ||
	    size < sizeof(struct proactor_op) ||
	    size > pool->classes[pool->class_count - 1].size)
		return PROACTOR_EINVAL;
	for (i = 0; i < pool->class_count; i++) {
		if (pool->classes[i].size < size)
			continue;
		slot = pop(&pool->classes[i]);
		if (slot != NULL) {
			atomic_store_explicit(&slot->taken, 1,
			    memory_order_relaxed);
			memset(op_of(slot), 0, sizeof(struct proactor_op));
			*ret_op = op_of(slot);
			return 0;
		}
	}
	return PROACTOR_EAGAIN;
}

/* The class that has op, or NULL: it is not of this pool. */
static struct class *
class_of(struct proactor_op_pool *pool, struct proactor_op *op)
{
	uintptr_t address = (uintptr_t)op, first;
	struct class *c;
	uint32_t number;
	unsigned int i;

	for (i = 0; i < pool->class_count; i++) {
		c = &pool->classes[i];
		first = (uintptr_t)op_of(slot_at(c, 1));
		if (address < first ||
		    address - first >= c->count * c->stride ||
		    address % SLOT_SIZE != 0)
			continue;
		/* Whatever is there, it is right only at the right place. */
		number = slot_of(op)->name % COUNT_LIMIT;
		return number != 0 && address - first ==
		    (number - 1) * c->stride ? c : NULL;
	}
	return NULL;
}

/* An operation that is taken and not in flight goes back. */
static void
put_back(struct proactor_op_pool *pool, struct slot *slot)
{
	if (!push(&pool->classes[slot->name / COUNT_LIMIT], slot))
		come_home(pool, 1);
}

/* Gives an operation back that is not in flight.  Any thread. */
int
proactor_op_pool_return(struct proactor_op_pool *pool, struct proactor_op *op)
{
	struct slot *slot;
	uint32_t life;

	if (pool == NULL || op == NULL || class_of(pool, op) == NULL)
		return PROACTOR_EINVAL;
	slot = slot_of(op);
	if (atomic_load_explicit(&slot->taken, memory_order_acquire) == 0)
		return PROACTOR_ENOENT;
	life = atomic_load_explicit(&op_state(op)->life,
	    memory_order_acquire);
	if (life != LIFE_IDLE && life != LIFE_ENDING)
		return PROACTOR_EBUSY;
	if (atomic_exchange(&slot->taken, 0) == 0)
		return PROACTOR_ENOENT;
	atomic_fetch_add_explicit(&slot->turn, 1, memory_order_relaxed);
	put_back(pool, slot);
	return 0;
}

/*
 * Submit: is the operation, of a type with so many bytes, one that can go
 * back to what it says is its pool?
 */
bool
proactor__op_pool_has(struct proactor_op_pool *pool, struct proactor_op *op,
    size_t size)
{
	struct class *c;

	if ((uintptr_t)pool % LINE != 0 || pool->magic != MAGIC)
		return false;
	c = class_of(pool, op);
	return c != NULL && size <= c->size &&
	    atomic_load_explicit(&slot_of(op)->taken,
	    memory_order_relaxed) != 0;
}

/* Another turn of the operation's begins; a number for _ended(). */
uint32_t
proactor__op_pool_turn(struct proactor_op *op)
{
	return atomic_fetch_add_explicit(&slot_of(op)->turn, 1,
	    memory_order_relaxed) + 1;
}

/*
 * The final callback, which began with this turn, has returned: the operation
 * goes back, unless the callback has submitted or returned it, which are
 * other turns, or initialised it.
 */
void
proactor__op_pool_ended(struct proactor_op_pool *pool, struct proactor_op *op,
    uint32_t turn)
{
	struct slot *slot = slot_of(op);

	if (atomic_load_explicit(&slot->turn, memory_order_acquire) != turn ||
	    atomic_load_explicit(&op_state(op)->life,
	    memory_order_relaxed) != LIFE_ENDING)
		return;
	atomic_store_explicit(&slot->taken, 0, memory_order_relaxed);
	put_back(pool, slot);
}
