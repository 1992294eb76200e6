// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_SET_MEMORY_ATTRIBUTES (docs/abi.md 4.3) and what it does to what is mapped. */
#include "world.h"

#define IPA 0x40000000ULL
#define NR  ABI_ATTR_NR
#define NW  ABI_ATTR_NW
#define NX  ABI_ATTR_NX
#define NT  ABI_ATTR_NT

static struct world w;

static int try_attr(u64 first, u64 last, u64 bits)
{
	return vm_attr_set(&w.vm, (struct gfn_range){ first, last }, ATTR_EXACT, bits);
}

static void errors(void **state)
{
	world_begin(&w, &host_n2, 36);
	assert_int_equal(vm_attr_mask(&w.vm), NR | NW | NX | ABI_ATTR_PRIVATE);
	assert_int_equal(try_attr(0, 1, NR | NW | NX), 0);
	assert_int_equal(try_attr(0, 1, ABI_ATTR_PRIVATE), 0);
	assert_int_equal(try_attr(0, 1, NT), -EINVAL);
	assert_int_equal(try_attr(0, 1, 1ULL << 63), -EINVAL);
	assert_int_equal(try_attr(1, 1, NR), -EINVAL);
	assert_int_equal(try_attr(0, 1ULL << 24, NR), 0);
	assert_int_equal(try_attr(0, (1ULL << 24) + 1, NR), -EINVAL);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	assert_int_equal(try_attr(0, 1, NT), -EINVAL);
	world_end(&w);
	/* NT is there with FEAT_MTE_PERM and MTE enabled, not before. */
	world_begin(&w, &host_max, 36);
	assert_int_equal(try_attr(0, 1, NT), -EINVAL);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	assert_int_equal(vm_attr_mask(&w.vm), NR | NW | NX | ABI_ATTR_PRIVATE | NT);
	assert_int_equal(try_attr(0, 1, NT), 0);
	world_end(&w);
}

static perm_t denied(u64 bits)
{
	return (bits & NR ? PERM_R : 0) | (bits & NW ? PERM_W : 0) | (bits & NX ? PERM_X : 0) |
	       (bits & NT ? PERM_T : 0);
}

static const struct {
	enum emu_access access;
	perm_t needs; /* R or W is asked before T */
} accesses[] = {
	{ EMU_READ, PERM_R },
	{ EMU_WRITE, PERM_W },
	{ EMU_FETCH_EL1, PERM_X },
	{ EMU_FETCH_EL0, PERM_X },
	{ EMU_TAG_READ, PERM_R | PERM_T },
	{ EMU_TAG_WRITE, PERM_W | PERM_T },
};

/* Each access runs if it is granted all it needs, else exits for the first that lacks. */
static void check_page(u64 gpa, u64 bits)
{
	for (unsigned int i = 0; i < 6; i++) {
		struct vm_fault_result r = world_access(&w, gpa, accesses[i].access);
		perm_t lacks = denied(bits) & accesses[i].needs;
		u64 flag = lacks & PERM_R   ? ABI_EXIT_READ
			   : lacks & PERM_W ? ABI_EXIT_WRITE
			   : lacks & PERM_X ? ABI_EXIT_EXEC
					    : ABI_EXIT_TAG;

		if (r.outcome != (lacks ? VM_EXIT_FAULT : VM_RESUME) || (lacks && r.flags != flag))
			fail_msg("bits %llx, access %d: outcome %d flags %llx", bits, i, r.outcome,
				 r.flags);
	}
}

/* Every set of attributes, reached from every other one, on pages and in blocks. */
static void every_change(void **state)
{
	for (unsigned int order = 0; order <= 9; order += 9) {
		world_begin(&w, &host_max, 40);
		assert_int_equal(vm_enable_mte(&w.vm), 0);
		world_ram(&w, 0, IPA, 2 * BLOCK, order);
		for (unsigned int i = 0; i < 256; i++) {
			u64 from = (i & 7) | (i & 8 ? NT : 0),
			    to = (i >> 4 & 7) | (i & 128 ? NT : 0);

			world_attr(&w, IPA, 2 * BLOCK, ATTR_EXACT, from);
			check_page(IPA + BLOCK, from);
			check_page(IPA + 3 * PAGE, from);
			world_attr(&w, IPA + 3 * PAGE, BLOCK, ATTR_EXACT, to);
			check_page(IPA + 3 * PAGE, to);
			check_page(IPA + BLOCK + 2 * PAGE, to);
			check_page(IPA + 2 * PAGE, from);
			check_page(IPA + BLOCK + 3 * PAGE, from);
		}
		world_end(&w);
	}
}

static void deltas(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	world_attr(&w, IPA, 4 * PAGE, ATTR_EXACT, NX);
	world_attr(&w, IPA + PAGE, PAGE, ATTR_SET, NW);
	check_page(IPA, NX);
	check_page(IPA + PAGE, NX | NW);
	world_attr(&w, IPA, 4 * PAGE, ATTR_CLEAR, NX);
	check_page(IPA, 0);
	check_page(IPA + PAGE, NW);
	world_end(&w);
}

/* A page is closed in a block and opened again: pages meanwhile, then the block is back. */
static void blocks_come_back(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 9);
	world_access(&w, IPA, EMU_WRITE);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).level, 2);
	world_attr(&w, IPA + PAGE, PAGE, ATTR_SET, NW);
	for (u64 at = 0; at < BLOCK; at += PAGE)
		assert_int_equal(world_access(&w, IPA + at, EMU_WRITE).outcome,
				 at == PAGE ? VM_EXIT_FAULT : VM_RESUME);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).level, 3);
	world_attr(&w, IPA + PAGE, PAGE, ATTR_CLEAR, NW);
	world_access(&w, IPA + PAGE, EMU_WRITE);
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).level, 2);
	assert_int_equal(world_walk(&w, IPA + PAGE, EMU_WRITE).fault, EMU_FAULT_NONE);
	world_end(&w);
}

static void touch_all(u64 gpa, u64 size, enum emu_access access)
{
	for (u64 at = 0; at < size; at += PAGE)
		assert_int_equal(world_access(&w, gpa + at, access).outcome, VM_RESUME);
}

/* What of the block stays as it was stays mapped. */
static void blocks_are_split(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 9);
	world_access(&w, IPA, EMU_WRITE);
	world_attr(&w, IPA + PAGE, PAGE, ATTR_SET, NW);
	for (u64 at = 0; at < BLOCK; at += PAGE) {
		struct emu_walk walk = world_walk(&w, IPA + at, EMU_WRITE);

		assert_int_equal(walk.fault, at == PAGE ? EMU_FAULT_PERMISSION : EMU_FAULT_NONE);
		assert_int_equal(walk.level, 3);
	}
	world_end(&w);
}

/* Pages that are closed one by one, and are alike at last. */
static void blocks_join(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, 2 * BLOCK, 9);
	world_access(&w, IPA, EMU_WRITE);
	for (u64 at = 0; at < BLOCK; at += PAGE) {
		assert_int_equal(world_walk(&w, IPA, EMU_READ).level, at ? 3 : 2);
		world_attr(&w, IPA + at, PAGE, ATTR_SET, NW);
	}
	assert_int_equal(world_walk(&w, IPA, EMU_READ).level, 2);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_NONE);
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).fault, EMU_FAULT_PERMISSION);
	world_end(&w);
}

static unsigned int invalidations(u64 gpa, u64 size, enum attr_op op, u64 bits)
{
	emu_log_reset();
	world_attr(&w, gpa, size, op, bits);
	return emu_log_count_of(EMU_TLBI_RANGE) + emu_log_count_of(EMU_TLBI_VMID);
}

/* Once for the range where it narrows what is mapped; else not at all. */
static void what_is_invalidated(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, 8 * BLOCK, 0);
	assert_int_equal(invalidations(0, 1ULL << 40, ATTR_EXACT, NW | NX), 0);
	assert_int_equal(invalidations(0, 1ULL << 40, ATTR_EXACT, 0), 0);
	touch_all(IPA, 8 * BLOCK, EMU_WRITE);
	assert_int_equal(invalidations(IPA + PAGE, 7 * BLOCK, ATTR_SET, NW), 1);
	assert_int_equal(invalidations(IPA + PAGE, 7 * BLOCK, ATTR_SET, NW), 0);
	assert_int_equal(invalidations(IPA, 8 * BLOCK, ATTR_CLEAR, NW), 0);
	assert_int_equal(invalidations(IPA, 8 * BLOCK, ATTR_EXACT, 0), 0);
	assert_int_equal(invalidations(IPA + 8 * BLOCK, GIB, ATTR_EXACT, NR | NW | NX), 0);
	assert_int_equal(invalidations(0, 1ULL << 40, ATTR_EXACT, NR | NW | NX), 1);
	world_end(&w);
}

/* Each allocation fails once: the attributes are as they were, and so is what is mapped. */
static void no_memory(void **state)
{
	struct gfn_range range = world_gfns(IPA + PAGE, GIB);
	unsigned long nth = 0;
	int err;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 9);
	world_access(&w, IPA, EMU_WRITE);
	do {
		assert_int_equal(world_walk(&w, IPA + PAGE, EMU_WRITE).fault, EMU_FAULT_NONE);
		/* It keeps the tables that it has got. */
		s2_cache_drain(&w.vm.cut);
		emu_fail_nth(++nth);
		err = vm_attr_set(&w.vm, range, ATTR_SET, NW);
		assert_int_equal(err, emu_fail_happened() ? -ENOMEM : 0);
	} while (err);
	emu_fail_nth(0);
	/* Tables to split blocks; a node that both ends share, and two of each. */
	assert_int_equal(nth - 1, S2_TABLES_CUT + 1 + 2 * 2);
	check_page(IPA, 0);
	check_page(IPA + PAGE, NW);
	world_end(&w);
}

/* Attributes are kept for addresses without a slot, and across slots. */
static void without_slots(void **state)
{
	struct slot_request gone = { 0 };

	world_begin(&w, &host_max, 40);
	world_attr(&w, IPA, BLOCK, ATTR_SET, NW);
	world_ram(&w, 0, IPA, BLOCK, 9);
	check_page(IPA, NW);
	assert_int_equal(vm_slot_set(&w.vm, &gone), 0);
	assert_int_equal(world_access(&w, IPA, EMU_READ).outcome, VM_EXIT_MMIO);
	world_ram(&w, 1, IPA, BLOCK, 9);
	check_page(IPA, NW);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),
		cmocka_unit_test(every_change),
		cmocka_unit_test(deltas),
		cmocka_unit_test(blocks_come_back),
		cmocka_unit_test(blocks_are_split),
		cmocka_unit_test(blocks_join),
		cmocka_unit_test(what_is_invalidated),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(without_slots),
	};

	return RUN(tests);
}
