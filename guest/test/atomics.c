/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Atomic instructions on guest RAM: each as the first access to a page of each
 * region, and all vCPUs on the same words of it at once.
 */
#include "atomic.h"
#include "guest.h"

#define ISAR0_ATOMIC GENMASK(23, 20)
#define ROUNDS	     1000
#define PAGES_NEEDED 8

static u64 shared;
static bool has_lse;

static void exclusive_test(u32 region, u64 page)
{
	tap_is(atomic_add_exclusive(page, 5), 0, "region %u: LDAXR, STLXR touch a page", region);
	tap_is(mem_load64(page), 5, "region %u: and stored", region);
	atomic_add_pair(page + PAGE_SIZE, 7);
	tap_is(mem_load64(page + PAGE_SIZE + 8), 7, "region %u: LDAXP, STLXP touch a page", region);
}

static void lse_test(u32 region, u64 page)
{
	tap_is(atomic_ldadd(page, 3), 0, "region %u: LDADD touches a page", region);
	tap_is(mem_load64(page), 3, "region %u: and stored", region);
	page += PAGE_SIZE;
	tap_is(atomic_swp(page, 9), 0, "region %u: SWP touches a page", region);
	page += PAGE_SIZE;
	tap_is(atomic_cas(page, 0, 4), 0, "region %u: CAS touches a page", region);
	tap_is(atomic_cas(page, 1, 6), 4, "region %u: CAS that does not match", region);
	page += PAGE_SIZE;
	atomic_stadd(page, 8);
	tap_is(mem_load64(page), 8, "region %u: STADD touches a page", region);
}

static void contend(unused u64 index)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		atomic_add_exclusive(shared, 1);
		atomic_add_pair(shared + 16, 1);
		if (has_lse) {
			atomic_ldadd(shared + 32, 1);
			atomic_stadd(shared + 40, 1);
		}
	}
}

static void contend_test(u32 region, u64 page)
{
	u64 total = (u64)cpu_count() * ROUNDS, lse = has_lse ? total : 0;

	shared = page;
	cpu_run_all(contend);
	tap_is(mem_load64(page), total, "region %u: %u vCPUs, exclusives", region, cpu_count());
	tap_is(mem_load64(page + 16), total, "region %u: pairs, low", region);
	tap_is(mem_load64(page + 24), total, "region %u: pairs, high", region);
	tap_is(mem_load64(page + 32), lse, "region %u: LDADD", region);
	tap_is(mem_load64(page + 40), lse, "region %u: STADD", region);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;

	has_lse = FIELD_GET(ISAR0_ATOMIC, sysreg_read(id_aa64isar0_el1));
	for (u32 i = 0; (ram = ram_region(i)).kind != RAM_NONE; i++) {
		if (ram_pages(&ram) < PAGES_NEEDED)
			continue;
		exclusive_test(i, ram.base);
		if (has_lse)
			lse_test(i, ram.base + 2 * PAGE_SIZE);
		else
			tap_skip("LSE atomics", "this CPU has none");
		contend_test(i, ram.base + 6 * PAGE_SIZE);
	}
	return tap_done();
}
