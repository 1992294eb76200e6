/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The TLB model's state; for tlb.c, tlb_store.c and tlb_view.c alone. */
#ifndef EMU_TLB_ROOM_H
#define EMU_TLB_ROOM_H

#include "ghost.h"
#include "phys.h"
#include "tlb.h"
#include "tlb_desc.h"

#define TLB_ACTORS 64U /* bits of ghost.doomed */

/* A page of the pool, as walkers see it. Tables that neither flag names are private. */
struct tlb_page {
	bool linked;	     /* an entry of a table that walkers can reach points here */
	unsigned int ghosts; /* ghosts that point here */
	int level;
	u64 gfn; /* of the first entry */
};

struct tlb_actor {
	u64 op;	     /* counts operations */
	bool busy;   /* ghosts may be owned by the present one */
	u64 made;    /* the last store that made a leaf valid */
	bool fenced; /* smp_wmb() or a DSB in operation fence_op */
	u64 fence_op;
	u64 visible; /* stores up to here have had their DSB */
	/* The last TLBI: the operation, and what it covered; pages 0: all. */
	u64 tlbi_op;
	u64 tlbi_gfn, tlbi_pages;
	u64 tlbi_store; /* stores of the machine before it */
};

/* All under lock, but on, which changes while no other thread runs. */
struct tlb_model {
	pthread_mutex_t lock;
	bool on;
	struct emu_tlb_vm vm;
	u64 store; /* counts stores */
	struct tlb_page page[EMU_PHYS_PAGES];
	struct tlb_actor actor[TLB_ACTORS];
	u64 (*copy)[TSR_LEVEL_COUNT]; /* of each page that walkers can reach */
	unsigned int complaints[EMU_TLB_RULES];
	char complaint[512];
};

extern struct tlb_model tlb;

void tlb_lock(void);
/* A complaint ends the run of the scheduler, here. */
void tlb_unlock(void);

unsigned int tlb_self(void);
/* Adds a complaint. @g, which may be NULL, is what it is about and is reported once. */
void tlb_complain(enum emu_tlb_rule rule, struct ghost *g, u64 gfn, int level, u64 desc,
		  const char *what);

/* The table at @hpa: its page, or -1. */
s64 tlb_table_page(u64 hpa);
const u64 *tlb_table(u64 page);
/* The page of start table @i, and how many there are. */
u64 tlb_root(unsigned int i);
unsigned int tlb_root_count(void);
int tlb_root_level(void);

/* A table has become reachable, with what is in it. */
void tlb_table_linked(s64 page, u64 gfn, int level);

/* Where a walk for @gfn from the table in @page, of @level, ends. */
u64 tlb_walk(s64 page, int *level, u64 gfn);

#endif
