// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A guest's caches: maintenance by set and way, MMU and caches on and off, and another life in
 * the same memory (docs/abi.md 9). Emulated hosts have no caches: what is tested is that all of
 * it runs, comes to what it says, and cleans when it should.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SIZE (4 * BLOCK)

static const struct by_set_way {
	const char *name;
	const void *snippet;
	bool tags;
} operations[] = {
	{ "DC ISW", guest_dc_isw, false },	{ "DC CSW", guest_dc_csw, false },
	{ "DC CISW", guest_dc_cisw, false },	{ "DC IGSW", guest_dc_igsw, true },
	{ "DC IGDSW", guest_dc_igdsw, true },	{ "DC CGSW", guest_dc_cgsw, true },
	{ "DC CGDSW", guest_dc_cgdsw, true },	{ "DC CIGSW", guest_dc_cigsw, true },
	{ "DC CIGDSW", guest_dc_cigdsw, true },
};

/* An undefined instruction ends a snippet with its syndrome: exception class 0. */
#define UNDEFINED 0x2000000UL /* IL */

static void set_way(unsigned int flags, const char *vm)
{
	struct machine m;

	machine_open(&m, flags);
	for (unsigned int i = 0; i < ROW_COUNT(operations); i++) {
		bool defined = !operations[i].tags || (flags & MACHINE_MTE);
		uint64_t want = defined ? 7 : UNDEFINED, value = 99;

		machine_finishes(&m, operations[i].snippet, 0, 7, &value);
		if (!tap_ok(value == want, "%s, %s: %s", vm, operations[i].name,
			    defined ? "done" : "undefined"))
			tap_note("%#llx", (unsigned long long)value);
	}
	machine_close(&m);
}

/* What the guest writes it reads, and the VMM as well, whether it traps or not. */
static void registers(void)
{
	static const uint64_t ids[] = {
		REG_TTBR0_EL1, ARM64_SYS_REG(3, 0, 2, 0, 1), REG_TCR_EL1, REG_ESR_EL1, REG_FAR_EL1,
		REG_MAIR_EL1,  ARM64_SYS_REG(3, 0, 13, 0, 1)
	};
	const uint64_t value = 0x12340000;
	uint64_t *seen = memory_anon(PAGE);
	bool same = true;
	struct machine m;

	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, PAGE, seen);
	tap_ok(machine_finishes(&m, guest_vm_regs, TEST_GPA, value, NULL),
	       "a guest with its caches off writes the registers of stage 1");
	for (unsigned int i = 0; i < ROW_COUNT(ids); i++) {
		if (seen[i] == value && machine_get(&m, ids[i]) == value)
			continue;
		tap_note("register %u: guest %#llx, VMM %#llx", i, (unsigned long long)seen[i],
			 (unsigned long long)machine_get(&m, ids[i]));
		same = false;
	}
	tap_ok(same, "and finds what it wrote, as does the VMM");
	machine_close(&m);
	munmap(seen, PAGE);
}

/* Which models let a guest past the caches. */
static bool host_has_fwb(void)
{
	return !env.cpu || strcmp(env.cpu, "cortex-a76") != 0;
}

static void check_cleans(int stats, int64_t before, int64_t want, const char *what)
{
	int64_t cleans = machine_counter(stats, "cleans") - before;

	if (!env.tsr || !env.cpu)
		tap_skip(env.tsr ? "TSR_CPU names no model" : env_lacks(NEED_TSR), "%s: cleans",
			 what);
	else if (!tap_ok(cleans == (host_has_fwb() ? 0 : want), "%s: cleaned %lld times", what,
			 (long long)(host_has_fwb() ? 0 : want)))
		tap_note("%lld times", (long long)cleans);
}

/* Pages and blocks; what is there survives, turned off and on twice. */
static void off_and_on(bool huge)
{
	uint8_t *memory = memory_anon(SIZE);
	uint8_t *block = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~(BLOCK - 1));
	uint64_t value = 0;
	struct machine m;
	int64_t before;
	int stats;

	madvise(memory, SIZE, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(memory, 1, SIZE);
	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, block);
	stats = (int)call(m.vm, KVM_GET_STATS_FD, 0);
	machine_finishes(&m, guest_touch_loop, TEST_GPA, BLOCK / PAGE, NULL);
	/* The guest has turned them on itself from here on. */
	machine_finishes(&m, guest_caches_off, TEST_GPA, 0, NULL);
	before = machine_counter(stats, "cleans");
	for (unsigned int i = 0; i < 2; i++)
		tap_ok(machine_finishes(&m, guest_caches_off, TEST_GPA + 16, 41, &value) &&
			       value == 42,
		       "%s: caches off and on", huge ? "huge pages" : "pages");
	/* Each time: by set and way, off, on. */
	check_cleans(stats, before, 6, "by set and way, off and on");
	before = machine_counter(stats, "cleans");
	machine_finishes(&m, guest_dc_cisw, 0, 0, NULL);
	machine_finishes(&m, guest_dc_cisw, 0, 0, NULL);
	check_cleans(stats, before, 1, "two by set and way");
	close(stats);
	machine_close(&m);
	munmap(memory, SIZE);
}

/* The VMM gives the vCPU another life: the guest finds what was stored meanwhile. */
static void another_life(void)
{
	uint8_t *memory = memory_anon(PAGE);
	struct kvm_vcpu_init init;
	uint64_t value = 0;
	struct machine m;

	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, PAGE, memory);
	machine_finishes(&m, guest_str, TEST_GPA, 1, NULL);
	call(m.vm, KVM_ARM_PREFERRED_TARGET, (unsigned long)&init);
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	tap_errno(call(m.vcpu, KVM_ARM_VCPU_INIT, (unsigned long)&init), 0,
		  "a vCPU that has run is initialised again");
	memset(memory, 2, PAGE);
	machine_set(&m, REG_VBAR_EL1, CODE_GPA);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) &&
		       value == 0x0202020202020202UL,
	       "and finds what the VMM stored");
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 3, NULL) && memory[0] == 3,
	       "and the VMM what it stores");
	machine_close(&m);
	munmap(memory, PAGE);
}

void test_caches(void)
{
	set_way(0, "no MTE");
	if (env.mte)
		set_way(MACHINE_MTE, "MTE");
	else
		tap_skip(env_lacks(NEED_MTE), "set and way in a VM with MTE");
	registers();
	off_and_on(false);
	off_and_on(true);
	another_life();
}
