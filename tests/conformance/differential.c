/* SPDX-License-Identifier: ISC */
/*
 * differential [BACKEND[:none] ...]: the same random programs on each backend
 * do the same, as far as the contract promises.  ":none" is the backend with
 * all capabilities masked.  Those that do not work here are left out, unless
 * PROACTOR_REQUIRE_BACKENDS names them.
 *
 * PROACTOR_TEST_SEED in the environment repeats a run; a failure says which
 * program it was and what two backends have written down.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/differential.h"

#define BACKENDS_MAX	8
#define SCENES_MAX	48

/* What the command line selected, less what does not work. */
static struct selection backends[BACKENDS_MAX];
static char names[BACKENDS_MAX][32];
static size_t backend_count;
static uint64_t seed;

static const struct scene_kind *const kinds[] = {
	&stream_scene,
	&datagram_scene,
	&accept_scene,
	&close_scene,
	&file_scene,
	&chain_scene,
	&sequence_scene,
	&notification_scene,
	&semaphore_scene,
	&timer_scene,
	&event_scene,
	&cancel_scene,
	&nop_scene,
};
#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

/* --- what scenes use --- */

static uint64_t
draw(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

unsigned int
pick(struct scene *scene, unsigned int limit)
{
	return (unsigned int)(draw(&scene->random) % limit);
}

void
note(struct scene *scene, unsigned int object, const char *format, ...)
{
	struct page *page = &scene->pages[object];
	char line[200];
	va_list args;
	size_t length;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	length = strlen(line);
	if (page->length + length + 1 > page->room) {
		page->room = 2 * page->room + 1024;
		page->text = realloc(page->text, page->room);
		CHECK(page->text != NULL);
	}
	memcpy(page->text + page->length, line, length + 1);
	page->length += length;
}

uint64_t
sum_bytes(uint64_t sum, const void *memory, size_t length)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < length; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return sum;
}

void
called_back(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct act *act = user_data;

	CHECK(op == &act->op.base);
	if ((flags & PROACTOR_COMPLETION_MORE) == 0) {
		CHECK(act->scene->pending > 0);
		act->scene->pending--;
	}
	act->fn(act, status, flags & PROACTOR_COMPLETION_MORE);
}

void
act_init(struct act *act, struct scene *scene, unsigned int number, act_fn fn)
{
	act->scene = scene;
	act->number = number;
	act->fn = fn;
}

void
message_sent(struct scene *scene)
{
	scene->sent++;
}

static void
message_came(void *user_data, struct proactor *p, uint64_t data)
{
	struct act *act = (struct act *)(uintptr_t)data;

	(void)user_data;
	(void)p;
	act->scene->received++;
	note(act->scene, OBJECTS - 1, "message %u", act->number);
}

void
act_submit(struct act *act)
{
	CHECK_INT(proactor_submit_one(act->scene->w->p, &act->op.base), 0);
	act->scene->pending++;
}

void
act_submit_all(struct act *const *acts, size_t count)
{
	struct proactor_op *ops[64];
	size_t i;

	CHECK(count > 0 && count <= 64);
	for (i = 0; i < count; i++)
		ops[i] = &acts[i]->op.base;
	CHECK_INT(proactor_submit(acts[0]->scene->w->p, ops, count), 0);
	acts[0]->scene->pending += count;
}

void
maybe_poll(struct scene *scene)
{
	int status;

	if (pick(scene, 2) == 0)
		return;
	status = proactor_poll(scene->w->p, PROACTOR_IMMEDIATE, NULL);
	CHECK(status == 0 || status == PROACTOR_ETIMEDOUT);
}

/* --- one program on one backend --- */

struct program {
	uint64_t random;		/* where it begins */
	uint64_t flags;
	uint32_t concurrency;
	size_t count;
	const struct scene_kind *kinds[SCENES_MAX];
	uint64_t randoms[SCENES_MAX];
};

/* What the scenes of a program wrote down. */
struct outcome {
	struct page pages[SCENES_MAX][OBJECTS];
};

static void
program_draw(struct program *g, uint64_t random, size_t most)
{
	size_t i;

	memset(g, 0, sizeof(*g));
	g->random = random;
	g->flags = draw(&random) % 4 == 0 ? PROACTOR_DEFER_SUBMIT : 0;
	g->concurrency = draw(&random) % 4 == 0 ? 8 : 0;
	g->count = most / 2 + draw(&random) % (most - most / 2) + 1;
	for (i = 0; i < g->count; i++) {
		g->kinds[i] = kinds[draw(&random) % KINDS];
		g->randoms[i] = draw(&random);
	}
}

static void
begin_scenes(const struct program *g, struct world *w, struct scene *scenes)
{
	size_t i;

	for (i = 0; i < g->count; i++) {
		scenes[i].kind = g->kinds[i];
		scenes[i].w = w;
		scenes[i].random = g->randoms[i];
		scenes[i].state = calloc(1, g->kinds[i]->size);
		CHECK(scenes[i].state != NULL);
		scenes[i].kind->begin(&scenes[i]);
	}
}

static void
run_scenes(const struct program *g, struct world *w,
    const struct scene *scenes)
{
	int64_t deadline = patience();
	int status;
	size_t i;

	for (i = 0; i < g->count; i++)
		while (scenes[i].pending > 0 ||
		    scenes[i].received < scenes[i].sent) {
			status = proactor_poll(w->p, deadline, NULL);
			/* What came by the deadline came too late. */
			if (status != 0 || proactor_now() >= deadline)
				FAIL("PROACTOR_TEST_SEED=%llu: %s: poll: %s, "
				    "%zu left of scene %zu, %s",
				    (unsigned long long)seed, selected.backend,
				    proactor_errname(status),
				    scenes[i].pending, i,
				    scenes[i].kind->name);
		}
}

static void
run_program(const struct program *g, struct outcome *ret)
{
	struct scene scenes[SCENES_MAX];
	struct proactor_options o;
	struct world w;
	size_t i;

	memset(scenes, 0, sizeof(scenes));
	world_options(&o);
	o.flags = g->flags;
	o.max_concurrent_operations = g->concurrency;
	o.message_pool_capacity = 1024;
	world_open(&w, &o);
	CHECK_INT(proactor_set_message_callback(w.p, message_came, NULL), 0);
	begin_scenes(g, &w, scenes);
	run_scenes(g, &w, scenes);
	for (i = 0; i < g->count; i++) {
		scenes[i].kind->end(&scenes[i]);
		CHECK_INT(scenes[i].pending, 0);
		CHECK_INT(scenes[i].received, scenes[i].sent);
		free(scenes[i].state);
		memcpy(ret->pages[i], scenes[i].pages,
		    sizeof(scenes[i].pages));
	}
	world_close(&w);
}

/* --- the comparison --- */

/* The lines, each as a comment. */
static void
show(const char *name, const char *text)
{
	const char *end;

	tap_diag("%s:", name);
	for (; *text != '\0'; text = end + 1) {
		end = strchr(text, '\n');
		tap_diag("  %.*s", (int)(end - text), text);
	}
}

static const char *
text_of(const struct page *page)
{
	return page->text != NULL ? page->text : "";
}

static void
compare(const struct program *g, size_t number, const struct outcome *a,
    const struct outcome *b, const char *b_name)
{
	const char *a_text, *b_text;
	size_t i, j;

	for (i = 0; i < g->count; i++)
		for (j = 0; j < OBJECTS; j++) {
			a_text = text_of(&a->pages[i][j]);
			b_text = text_of(&b->pages[i][j]);
			if (strcmp(a_text, b_text) == 0)
				continue;
			tap_diag("program %zu, scene %zu of %zu, %s", number,
			    i, g->count, g->kinds[i]->name);
			show(names[0], a_text);
			show(b_name, b_text);
			FAIL("PROACTOR_TEST_SEED=%llu: %s and %s differ",
			    (unsigned long long)seed, names[0], b_name);
		}
}

static void
run_everywhere(size_t number, size_t most)
{
	struct outcome outcomes[BACKENDS_MAX];
	struct program g;
	size_t b, i, j;

	program_draw(&g, seed + number * UINT64_C(0x632be59bd9b4e019), most);
	for (b = 0; b < backend_count; b++) {
		selected.backend = backends[b].backend;
		selected.masked = backends[b].masked;
		run_program(&g, &outcomes[b]);
		if (b > 0)
			compare(&g, number, &outcomes[0], &outcomes[b],
			    names[b]);
	}
	for (b = 0; b < backend_count; b++)
		for (i = 0; i < g.count; i++)
			for (j = 0; j < OBJECTS; j++)
				free(outcomes[b].pages[i][j].text);
}

static void
run_many(size_t first, size_t count, size_t most)
{
	size_t before = open_fds(), i;

	for (i = first; i < first + count; i++)
		run_everywhere(i, most);
	CHECK_INT(open_fds(), before);
}

static void
single(void)
{
	run_many(0, 100, 1);
}

static void
short_ones(void)
{
	run_many(1000, 100, 6);
}

static void
long_ones(void)
{
	run_many(2000, 10, SCENES_MAX);
}

static const struct tap_case cases[] = {
	{ "differential: one scene at a time", single },
	{ "differential: a few scenes side by side", short_ones },
	{ "differential: many scenes side by side", long_ones },
	{ NULL, NULL }
};

static const struct tap_case *const tables[] = { cases, NULL };

/* --- the command line --- */

static void
add_backend(const char *word)
{
	struct selection *selection = &backends[backend_count];
	char *colon, *name = names[backend_count], why[WHY_ROOM];

	if (backend_count == BACKENDS_MAX)
		tap_bail("too many backends");
	snprintf(name, sizeof(names[0]), "%s", word);
	colon = strchr(name, ':');
	if (colon != NULL && strcmp(colon, ":none") != 0)
		tap_bail("%s: what is after the colon?", word);
	if (colon != NULL)
		*colon = '\0';
	selection->backend = strdup(name);
	CHECK(selection->backend != NULL);
	selection->masked = colon != NULL ? PROACTOR_CAP_ALL : 0;
	if (colon != NULL)
		*colon = ':';
	selected = *selection;
	if (backend_works(why))
		backend_count++;
	else
		tap_diag("%s", why);
}

int
main(int argc, char **argv)
{
	static const char *const usual[] = {
		"io_uring", "io_uring:none", "epoll", "poll"
	};
	const char *text = getenv("PROACTOR_TEST_SEED");
	size_t i;

	for (i = 1; i < (size_t)argc; i++)
		add_backend(argv[i]);
	for (i = 0; argc < 2 && i < sizeof(usual) / sizeof(usual[0]); i++)
		add_backend(usual[i]);
	if (backend_count < 2)
		tap_skip_all("there are no two backends to compare");
	seed = text != NULL ? strtoull(text, NULL, 0) :
	    (uint64_t)proactor_now();
	tap_diag("PROACTOR_TEST_SEED=%llu", (unsigned long long)seed);
	return run_tables(tables);
}
