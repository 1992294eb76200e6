/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the parts of the model of core/s2 share. */
#ifndef MODEL_S2_OPS_H
#define MODEL_S2_OPS_H

#include "flat.h"
#include "s2/s2.h"
#include "scheduler.h"

#define RWX ((perm_t)(PERM_R | PERM_W | PERM_X))

struct s2_world {
	struct host host;
	struct s2 s2;
	seam_rwlock_t lock;
	struct seam_tlb tlb;
	struct s2_cache cache;
	struct emu_mmu mmu;
	unsigned int steps;
};

extern struct s2_world m;

enum op_kind {
	OP_MAP,
	OP_MAP_BLOCK,
	OP_RANGE_MAP,
	OP_UNMAP,
	OP_PROTECT,
	OP_WRITE_PROTECT,
	OP_AGE,
	OP_SPLIT,
	OP_JOIN,
	OP_ACCESS,
	OP_TOGETHER,
	OP_KINDS
};

void s2_begin(const struct model_world *world);
void s2_end(void);

/*
 * One of the operations on a range that takes pieces, with the lock let go between. @cache:
 * tables for blocks that are cut; OP_SPLIT fills it. @young: of OP_AGE.
 */
void in_pieces(const struct model_op *op, enum op_kind kind, struct gfn_range left,
	       struct s2_cache *cache, bool *young);

/* What a page is when @remove has been taken from it. */
void page_protect(struct flat_page *page, perm_t remove);

/*
 * Three faulting vCPUs, on equal pages and on others, beside an operation on a range there:
 * all of @op's choice, and run by @run. What comes of it is compared with what may.
 */
void do_together(const struct model_op *op,
		 void (*run)(const struct model_op *op, struct emu_actor *actors,
			     unsigned int count));
/* By the scheduler, with the operation's seed. */
void in_turns(const struct model_op *op, struct emu_actor *actors, unsigned int count);

#endif
