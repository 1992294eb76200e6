// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The shape of the tables: D8.2.10 and VTCR_EL2. */
#include "world.h"

struct geom_case {
	u8 ipa_bits, start_level, root_tables;
};

/* 4K granule; at most 16 tables side by side (Arm ARM, concatenated translation tables). */
static const struct geom_case geom_cases[] = {
	{ 32, 2, 4 }, { 33, 2, 8 }, { 34, 2, 16 }, { 35, 1, 1 }, { 36, 1, 1 },
	{ 39, 1, 1 }, { 40, 1, 2 }, { 41, 1, 4 },  { 42, 1, 8 }, { 43, 1, 16 },
	{ 44, 0, 1 }, { 47, 0, 1 }, { 48, 0, 1 },
};

static void shapes(void **state)
{
	for (size_t i = 0; i < sizeof(geom_cases) / sizeof(geom_cases[0]); i++) {
		const struct geom_case *c = &geom_cases[i];
		struct s2_geom g = s2_geom_make(c->ipa_bits);

		if (g.start_level != c->start_level || g.root_tables != c->root_tables)
			fail_msg("%d bits: level %d, %d tables", c->ipa_bits, g.start_level,
				 g.root_tables);
		assert_int_equal(s2_geom_pages(&g), 1ULL << (c->ipa_bits - 12));
	}
}

static void vtcr(void **state)
{
	struct s2_geom g40 = s2_geom_make(40), g48 = s2_geom_make(48);

	/* T0SZ 24, SL0 1, IRGN0 = ORGN0 = 1, SH0 3, TG0 0, PS 40 bits (2), HA, RES1 */
	assert_int_equal(s2_geom_vtcr(&g40, &host_a76),
			 24 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1 << 21 | 1ULL << 31);
	/* T0SZ 16, SL0 2, PS 48 bits (5) */
	assert_int_equal(s2_geom_vtcr(&g48, &host_max),
			 16 | 2 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 5 << 16 | 1 << 21 | 1ULL << 31);
}

/* The walker of the hardware agrees, at the first and the last page of every size. */
static void ends_are_reached(void **state)
{
	for (unsigned int bits = 32; bits <= 48; bits++) {
		struct world w;
		u64 size = 1ULL << bits;

		world_begin(&w, &host_max, bits);
		world_ram(&w, 0, 0, PAGE, 0);
		world_ram(&w, 1, size - PAGE, PAGE, 0);
		assert_int_equal(world_access(&w, 0, EMU_WRITE).outcome, VM_RESUME);
		assert_int_equal(world_access(&w, size - 1, EMU_WRITE).outcome, VM_RESUME);
		if (bits < 48)
			assert_int_equal(world_walk(&w, size, EMU_READ).fault,
					 EMU_FAULT_TRANSLATION);
		world_end(&w);
	}
}

static void sizes_are_refused(void **state)
{
	struct host host = host_max;
	struct seam_tlb tlb;
	struct vm vm;

	emu_phys_reset();
	assert_int_equal(vm_init(&vm, &host, 31, &tlb), -EINVAL);
	assert_int_equal(vm_init(&vm, &host, 49, &tlb), -EINVAL);
	host.ipa_bits = 40;
	assert_int_equal(vm_init(&vm, &host, 41, &tlb), -EINVAL);
	emu_fail_nth(1);
	assert_int_equal(vm_init(&vm, &host, 40, &tlb), -ENOMEM);
	assert_int_equal(emu_tables_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(vtcr),
		cmocka_unit_test(ends_are_reached),
		cmocka_unit_test(sizes_are_refused),
	};

	return RUN(tests);
}
