// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is told of a range (docs/abi.md 4.4), against what was set and what hardware walks. */
#include "world.h"

#define IPA 0x40000000ULL
#define MAX 64

static struct world w;
static struct vm_extent extents[MAX];

/* All extents of @range, from calls that return @max at most. */
static unsigned int query(struct gfn_range range, unsigned int max)
{
	unsigned int count = 0;

	while (!gfn_range_empty(range)) {
		u64 before = range.begin;

		count += vm_query(&w.vm, &range, &extents[count], max);
		assert_true(range.begin > before);
		assert_true(count <= MAX - max);
	}
	return count;
}

static void check(unsigned int i, u64 gpa, u64 size, u32 slot, u64 attributes)
{
	assert_int_equal(extents[i].gfns.begin, gpa / PAGE);
	assert_int_equal(extents[i].gfns.end, (gpa + size) / PAGE);
	assert_int_equal(extents[i].slot, slot);
	assert_int_equal(extents[i].attributes, attributes);
}

static void check_mapped(unsigned int i, unsigned int order, perm_t perm)
{
	assert_true(extents[i].mapped && extents[i].young);
	assert_int_equal(extents[i].order, order);
	assert_int_equal(extents[i].perm, perm);
}

static void nothing(void **state)
{
	world_begin(&w, &host_max, 40);
	assert_int_equal(query((struct gfn_range){ 0, 1ULL << 28 }, 8), 0);
	world_attr(&w, IPA, BLOCK, ATTR_SET, ABI_ATTR_NW);
	assert_int_equal(query((struct gfn_range){ 0, 1ULL << 28 }, 8), 0);
	world_end(&w);
}

/* Slots with holes between, neighbours, attributes across them, and a range that cuts both. */
static void slots_and_attributes(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 3, IPA, 2 * PAGE, 0);
	world_ram(&w, 7, IPA + 2 * PAGE, PAGE, 0);
	world_ram(&w, 5, 4 * GIB, 2 * BLOCK, 9);
	world_attr(&w, IPA + PAGE, 3 * GIB + BLOCK, ATTR_SET, ABI_ATTR_NX);
	for (unsigned int max = 1; max < 6; max++) {
		assert_int_equal(query((struct gfn_range){ 0, 1ULL << 28 }, max), 5);
		check(0, IPA, PAGE, 3, 0);
		check(1, IPA + PAGE, PAGE, 3, ABI_ATTR_NX);
		check(2, IPA + 2 * PAGE, PAGE, 7, ABI_ATTR_NX);
		check(3, 4 * GIB, BLOCK + PAGE, 5, ABI_ATTR_NX);
		check(4, 4 * GIB + BLOCK + PAGE, BLOCK - PAGE, 5, 0);
	}
	assert_int_equal(query(world_gfns(4 * GIB + 5 * PAGE, 7 * PAGE), 4), 1);
	check(0, 4 * GIB + 5 * PAGE, 7 * PAGE, 5, ABI_ATTR_NX);
	assert_false(extents[0].mapped);
	world_end(&w);
}

static void mappings(void **state)
{
	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	world_ram(&w, 0, IPA, 4 * BLOCK, 9);
	world_access(&w, IPA, EMU_WRITE);
	world_attr(&w, IPA + 2 * BLOCK, PAGE, ATTR_SET, ABI_ATTR_NW | ABI_ATTR_NT);
	world_access(&w, IPA + 2 * BLOCK, EMU_READ);
	world_access(&w, IPA + 2 * BLOCK + PAGE, EMU_READ);
	assert_int_equal(query(world_gfns(IPA, 4 * BLOCK), 16), 5);
	check(0, IPA, BLOCK, 0, 0);
	check_mapped(0, 9, PERM_R | PERM_W | PERM_X | PERM_T);
	check(1, IPA + BLOCK, BLOCK, 0, 0);
	assert_false(extents[1].mapped);
	check(2, IPA + 2 * BLOCK, PAGE, 0, ABI_ATTR_NW | ABI_ATTR_NT);
	check_mapped(2, 0, PERM_R | PERM_X);
	check(3, IPA + 2 * BLOCK + PAGE, PAGE, 0, 0);
	check_mapped(3, 0, PERM_R | PERM_W | PERM_X | PERM_T);
	check(4, IPA + 2 * BLOCK + 2 * PAGE, 2 * BLOCK - 2 * PAGE, 0, 0);
	assert_false(extents[4].mapped);
	world_end(&w);
}

/* T is nothing that a VM without MTE is told of. */
static void without_mte(void **state)
{
	world_begin(&w, &host_n2, 40);
	world_ram(&w, 0, IPA, PAGE, 0);
	world_access(&w, IPA, EMU_WRITE);
	assert_int_equal(query(world_gfns(IPA, PAGE), 1), 1);
	check_mapped(0, 0, PERM_R | PERM_W | PERM_X);
	world_end(&w);
}

/* A call comes to its end after some thousand pages that are alike only one by one. */
static void bounded(void **state)
{
	struct gfn_range range;
	unsigned int count;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, 12 * BLOCK, 0);
	for (u64 at = 0; at < 12 * BLOCK; at += PAGE)
		world_access(&w, IPA + at, EMU_WRITE);
	range = world_gfns(IPA, 12 * BLOCK);
	count = vm_query(&w.vm, &range, extents, MAX);
	assert_int_equal(count, 1);
	assert_true(!gfn_range_empty(range) && extents[0].gfns.end == range.begin);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),  cmocka_unit_test(slots_and_attributes),
		cmocka_unit_test(mappings), cmocka_unit_test(without_mte),
		cmocka_unit_test(bounded),
	};

	return RUN(tests);
}
