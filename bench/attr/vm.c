// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * KVM_SET_MEMORY_ATTRIBUTES as a whole: store, invalidate bracket, and what stage 2 has to
 * undo. Its rows against those of the store alone say what stage 2 costs.
 */
#include <err.h>
#include <stdlib.h>

#include "../bench_host.h"
#include "../meter.h"
#include "../pool.h"
#include "../seam_bench.h"

#define IPA_BITS    40
#define GIB	    (1ULL << 18) /* pages */
#define BEGIN	    GIB
#define BLOCK_ORDER 9
#define SLOT_PAGES  (256 * GIB)

static struct seam_tlb tlb;
static struct vm vm;
static struct s2_cache cache;

static void touch(u64 gfn)
{
	struct access access = {
		.gpa = gfn_gpa(gfn_of(gfn)),
		.kind = ACCESS_DATA,
		.need = PERM_R | PERM_W,
	};
	struct vm_fault_result result;

	vm_fault(&vm, &cache, &access, &result);
	meter_check(result.outcome == VM_RESUME, "a fault was not resolved");
}

/* A VM of 256 GiB, of which the first @pages are mapped, in pieces of 2^@order. */
static void open(u64 pages, u8 order)
{
	struct slot_request slot = {
		.gpa = BEGIN << TSR_PAGE_SHIFT,
		.size = SLOT_PAGES << TSR_PAGE_SHIFT,
		.hva = BEGIN << TSR_PAGE_SHIFT,
	};

	seam_backing_order = order;
	if (vm_init(&vm, &bench_host, IPA_BITS, &tlb) || vm_slot_set(&vm, &slot))
		errx(1, "no VM");
	for (u64 i = 0; i < pages; i += 1ULL << order)
		touch(BEGIN + i);
}

static void close(void)
{
	vm_destroy(&vm);
	s2_cache_drain(&cache);
}

static void set(u64 gfn, u64 pages, u64 bits)
{
	if (vm_attr_set(&vm, (struct gfn_range){ gfn, gfn + pages }, ATTR_EXACT, bits))
		errx(1, "vm_attr_set");
}

static void check(u64 gfn, perm_t perm, int level)
{
	struct s2_entry entry = s2_lookup(&vm.s2, gfn_of(gfn));

	meter_check(entry.kind == S2_LEAF && entry.level == level, "the leaf is of another level");
	meter_check((entry.perm & (PERM_R | PERM_W)) == perm, "the leaf grants something else");
}

static void set_unmapped(u64 pages)
{
	open(0, 0);
	set(BEGIN, pages, ABI_ATTR_NW);
	set(BEGIN, pages, 0);
	meter_start();
	set(BEGIN, pages, ABI_ATTR_NW);
	meter_stop(1);
	meter_check(attr_get(&vm.attr, gfn_of(BEGIN)).bits == ABI_ATTR_NW, "nothing was set");
	close();
}

static void narrow_pages(u64 pages)
{
	open(pages, 0);
	meter_start();
	set(BEGIN, pages, ABI_ATTR_NW);
	meter_stop((double)pages);
	check(BEGIN + pages - 1, PERM_R, TSR_LEVEL_LAST);
	close();
}

static void narrow_blocks(u64 blocks)
{
	open(blocks << BLOCK_ORDER, BLOCK_ORDER);
	meter_start();
	set(BEGIN, blocks << BLOCK_ORDER, ABI_ATTR_NW);
	meter_stop((double)blocks);
	check(BEGIN + 1, PERM_R, TSR_LEVEL_LAST - 1);
	close();
}

/* Random pages of memory that is mapped by pages, one call each. */
static void narrow_page(u64 pages)
{
	u32 *order = meter_shuffle((u32)pages);
	u64 count = pages / 100;

	open(pages, 0);
	meter_start();
	for (u64 i = 0; i < count; i++)
		set(BEGIN + order[i], 1, ABI_ATTR_NW);
	meter_stop((double)count);
	check(BEGIN + order[0], PERM_R, TSR_LEVEL_LAST);
	close();
	free(order);
}

/* A page in each of many blocks: the block is cut. */
static void cut_block(u64 blocks)
{
	open(blocks << BLOCK_ORDER, BLOCK_ORDER);
	meter_start();
	for (u64 i = 0; i < blocks; i++)
		set(BEGIN + (i << BLOCK_ORDER), 1, ABI_ATTR_NW);
	meter_stop((double)blocks);
	check(BEGIN, PERM_R, TSR_LEVEL_LAST);
	close();
}

static const struct meter_row rows[] = {
	{ "vm-set-unmapped", set_unmapped, SLOT_PAGES, SLOT_PAGES },
	{ "vm-narrow-4k", narrow_pages, GIB, GIB / 8 },
	{ "vm-narrow-2m", narrow_blocks, 32768, 4096 },
	{ "vm-narrow-page", narrow_page, GIB, GIB / 8 },
	{ "vm-cut-block", cut_block, 512, 128 },
};

int main(int argc, char **argv)
{
	pool_init();
	return meter_main(argc, argv, rows, sizeof(rows) / sizeof(*rows));
}
