// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2_ops.h"

#define VCPUS  3U
#define FAULTS 6U

/* A fault, as a vCPU's turn is to make it. */
struct fault {
	u32 index;
	int level;
	perm_t perm; /* T is always in it */
	enum s2_map_result result;
};

struct actor {
	const struct model_op *op;
	enum op_kind kind; /* of the range's actor */
	struct look_range range;
	struct fault fault[FAULTS];
	struct s2_cache cache;
};

/* Memory that is in step with the guest's addresses: faults agree about it. */
static u32 hfn_of(u32 index)
{
	return 0x400000 + index;
}

static u32 mix(const struct model_op *op, unsigned int n)
{
	u32 x = op->memory + op->where * 31 + n * 0x9e3779b9U;

	x ^= x >> 15;
	x *= 0x2c1b3c6dU;
	return x ^ x >> 13;
}

static void fault_until_done(struct actor *a, struct fault *f)
{
	u32 first = f->level == 2 ? f->index - f->index % LOOK_BLOCK : f->index;
	struct s2_leaf leaf = {
		.hpa = hpa_of((u64)hfn_of(first) << 12),
		.type = MEMTYPE_WB,
		.perm = f->perm,
	};

	f->result = S2_EXCLUSIVE;
	while (f->result == S2_EXCLUSIVE) {
		model_check(!s2_cache_fill(&a->cache, S2_TABLES_MAP));
		seam_read_lock(&m.lock);
		f->result = s2_map(&m.s2, &a->cache, look_gfn(f->index), f->level, &leaf, false);
		seam_read_unlock(&m.lock);
		if (f->result != S2_EXCLUSIVE)
			return;
		seam_write_lock(&m.lock);
		f->result = s2_map(&m.s2, &a->cache, look_gfn(f->index), f->level, &leaf, true);
		seam_write_unlock(&m.lock);
	}
}

static void vcpu(void *arg)
{
	struct actor *a = arg;

	for (unsigned int i = 0; i < FAULTS; i++)
		fault_until_done(a, &a->fault[i]);
}

static void on_range(void *arg)
{
	struct actor *a = arg;

	in_pieces(a->op, a->kind, look_gfns(a->range), &a->cache, NULL);
}

/* --- What may come of it. --- */

/*
 * The page is mapped by one of several faults, or by all, once or @again. What it was before
 * them may be gone when they come.
 */
static void page_faulted(u32 index, perm_t perm, bool again)
{
	struct flat_page *page = &flat[index], old = *page;

	*page = (struct flat_page){ hfn_of(index), perm, perm, MEMTYPE_WB,
				    FLAT_MAPPED | FLAT_YOUNG };
	if (!(old.state & FLAT_MAPPED) || old.hfn != page->hfn || old.type != MEMTYPE_WB)
		return;
	page->most |= old.most;
	if (again)
		page->least &= old.least;
}

static void page_taken(struct flat_page *page, enum op_kind kind, perm_t remove, bool faulted)
{
	if (!faulted && kind == OP_UNMAP) {
		*page = (struct flat_page){ 0 };
	} else if (!faulted && kind == OP_PROTECT) {
		page_protect(page, remove);
	} else if (!faulted) {
		page->least &= ~remove;
		page->most &= ~remove;
	} else {
		page->least &= ~remove;
		page->state |= kind == OP_WRITE_PROTECT ? 0 : FLAT_LOOSE;
	}
}

static void expect_faults(const struct actor *vcpus, bool *faulted)
{
	for (unsigned int i = 0; i < VCPUS * FAULTS; i++) {
		const struct fault *f = &vcpus[i / FAULTS].fault[i % FAULTS];
		u32 page = f->index % LOOK_BLOCK, block = f->index - page;

		for (u32 n = 0; n < LOOK_BLOCK; n++) {
			if (f->level == 3 && n != page)
				continue;
			page_faulted(block + n, f->perm, faulted[n]);
			faulted[n] = true;
		}
	}
}

static void expect(const struct actor *vcpus, const struct actor *range, struct look_range around)
{
	static bool faulted[LOOK_BLOCK];
	bool taken = range->kind == OP_UNMAP || range->kind == OP_PROTECT ||
		     range->kind == OP_WRITE_PROTECT;
	perm_t remove = range->kind == OP_WRITE_PROTECT ? PERM_W
			: range->kind == OP_PROTECT	? range->op->perm & RWX
							: RWX;
	u32 block = range->range.begin - range->range.begin % LOOK_BLOCK;

	memset(faulted, 0, sizeof(faulted));
	expect_faults(vcpus, faulted);
	for (u32 i = range->range.begin; taken && i < range->range.end; i++)
		page_taken(&flat[i], range->kind, remove, faulted[i - block]);
	/* A block that comes back between two pieces may find no more tables to be cut by. */
	for (u32 i = block; taken && i < block + LOOK_BLOCK; i++) {
		flat[i].least &= ~remove;
		flat[i].state |= flat[i].state & FLAT_MAPPED ? FLAT_LOOSE : 0;
	}
	for (u32 i = around.begin; i < around.end; i++)
		flat[i].state |= FLAT_AGELESS;
}

/*
 * Afterwards: a fault of a block that another was faster than has mapped nothing; its guest
 * would fault again.
 */
static void excuse_losers(const struct actor *vcpus)
{
	for (unsigned int i = 0; i < VCPUS * FAULTS; i++) {
		const struct fault *f = &vcpus[i / FAULTS].fault[i % FAULTS];
		u32 block = f->index - f->index % LOOK_BLOCK;

		if (f->level == 3 || f->result == S2_MAPPED)
			continue;
		for (u32 n = block; n < block + LOOK_BLOCK; n++)
			flat[n].state |= FLAT_LOOSE;
	}
}

/*
 * Afterwards: what a fault has mapped or widened stays granted, whoever was beside it, where
 * neither a block nor the operation on the range may have replaced it.
 */
static void expect_union(const struct actor *vcpus, const struct actor *range)
{
	if (range->kind != OP_SPLIT && range->kind != OP_JOIN)
		return;
	for (unsigned int i = 0; i < VCPUS * FAULTS; i++)
		if (vcpus[i / FAULTS].fault[i % FAULTS].level != 3)
			return;
	for (unsigned int i = 0; i < VCPUS * FAULTS; i++) {
		const struct fault *f = &vcpus[i / FAULTS].fault[i % FAULTS];

		if (f->result == S2_MAPPED)
			flat[f->index].least |= f->perm;
	}
}

/* --- The plan. --- */

static void plan_faults(const struct model_op *op, struct actor *a, unsigned int number)
{
	u32 block = look_index(op) - look_index(op) % LOOK_BLOCK;

	for (unsigned int i = 0; i < FAULTS; i++) {
		u32 x = mix(op, number * FAULTS + i);

		a->fault[i] = (struct fault){
			.index = block + (x & 3 ? x >> 8 & 1 : (x >> 8) % LOOK_BLOCK),
			.level = x >> 20 & 31 ? 3 : 2,
			.perm = (perm_t)((x >> 24 & RWX) | PERM_T | PERM_R),
		};
	}
}

static void plan_range(const struct model_op *op, struct actor *a)
{
	static const enum op_kind kinds[5] = { OP_UNMAP, OP_PROTECT, OP_WRITE_PROTECT, OP_SPLIT,
					       OP_JOIN };
	u32 block = look_index(op) - look_index(op) % LOOK_BLOCK;
	u32 first = mix(op, 99) % 8, count = LOOK_BLOCK - first;

	if (op->size & 1)
		count = 1U + op->size % 16;

	a->kind = kinds[mix(op, 98) % 5];
	a->range = (struct look_range){ block + first, block + first + count };
	model_check(!s2_cache_fill(&a->cache, S2_TABLES_CUT));
}

void do_together(const struct model_op *op,
		 void (*run)(const struct model_op *op, struct emu_actor *actors,
			     unsigned int count))
{
	static const char *const names[VCPUS + 1] = { "vCPU 0", "vCPU 1", "vCPU 2", "range" };
	struct actor arg[VCPUS + 1] = { 0 };
	struct emu_actor actors[VCPUS + 1];
	/* T stays: to take it is to unmap. Something is taken. */
	struct model_op plain = *op;
	u32 block = look_index(op) - look_index(op) % LOOK_BLOCK;
	struct look_range around = look_round((struct look_range){ block, block + LOOK_BLOCK });

	plain.perm &= RWX;
	if (!plain.perm)
		plain.perm = PERM_W;
	for (unsigned int i = 0; i <= VCPUS; i++) {
		arg[i].op = &plain;
		if (i < VCPUS)
			plan_faults(op, &arg[i], i);
		else
			plan_range(op, &arg[i]);
		actors[i] = (struct emu_actor){ names[i], i < VCPUS ? vcpu : on_range, &arg[i] };
	}
	expect(arg, &arg[VCPUS], around);
	run(op, actors, VCPUS + 1);
	excuse_losers(arg);
	expect_union(arg, &arg[VCPUS]);
	for (unsigned int i = 0; i <= VCPUS; i++)
		s2_cache_drain(&arg[i].cache);
	flat_check(around);
}

void in_turns(const struct model_op *op, struct emu_actor *actors, unsigned int count)
{
	const char *error = emu_sched_run(mix(op, 97), actors, count);

	if (error)
		model_fail("%s", error);
}
