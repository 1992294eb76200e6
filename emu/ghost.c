// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdlib.h>

#include "ghost.h"
#include "tlb_desc.h"

#define LEVELS 4
#define HEADS  1024U

/* By the number of the span at its level. */
static struct {
	struct ghost *head[LEVELS][HEADS];
	unsigned int count[LEVELS];
} ghosts;

static struct ghost **head_of(u64 gfn, int level)
{
	return &ghosts.head[level][(gfn >> TSR_LEVEL_ORDER(level)) % HEADS];
}

bool ghost_add(const struct ghost *g)
{
	struct ghost **head = head_of(g->gfn, g->level), *at;
	bool found;

	for (at = *head; at; at = at->next)
		if (at->gfn == g->gfn && at->table == g->table && at->desc == g->desc)
			break;
	found = at;
	if (!at) {
		at = malloc(sizeof(*at));
		if (!at)
			abort();
		at->next = *head;
		*head = at;
		ghosts.count[g->level]++;
	}
	*at = (struct ghost){
		.gfn = g->gfn,
		.level = g->level,
		.table = g->table,
		.desc = g->desc,
		.store = g->store,
		.storer = g->storer,
		.owner = g->owner,
		.op = g->op,
		.miss = g->miss,
		.next = at->next,
	};
	return !found;
}

static void each_in_chain(struct ghost **at, u64 gfn, u64 pages,
			  bool (*visit)(struct ghost *g, void *arg), void *arg)
{
	while (*at) {
		struct ghost *g = *at;
		u64 end = g->gfn + tlb_span(g->level);

		if ((pages && (g->gfn >= gfn + pages || end <= gfn)) || !visit(g, arg)) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		ghosts.count[g->level]--;
		free(g);
	}
}

void ghost_each(u64 gfn, u64 pages, bool (*visit)(struct ghost *g, void *arg), void *arg)
{
	for (int level = 0; level < LEVELS; level++) {
		u64 first = gfn >> TSR_LEVEL_ORDER(level);
		u64 last = (gfn + pages - 1) >> TSR_LEVEL_ORDER(level);

		if (!ghosts.count[level])
			continue;
		if (!pages || last - first >= HEADS) {
			first = 0;
			last = HEADS - 1;
		}
		for (u64 nr = first; nr <= last; nr++)
			each_in_chain(&ghosts.head[level][nr % HEADS], gfn, pages, visit, arg);
	}
}

unsigned int ghost_count(void)
{
	unsigned int count = 0;

	for (int level = 0; level < LEVELS; level++)
		count += ghosts.count[level];
	return count;
}

static bool take(struct ghost *g, void *arg)
{
	return true;
}

void ghost_reset(void)
{
	ghost_each(0, 0, take, NULL);
}
