// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_EXIT_MMIO: holes and READONLY slots, sizes, extension, completion; docs/abi.md 5.3. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

/* The VMM answers a load with bytes 0x81, 0x92, 0xa3, ... so that each extension shows. */
static const uint8_t answer[8] = { 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8 };

static const struct load_row {
	const char *name;
	const void *snippet;
	uint32_t len;
	uint64_t want; /* x1 afterwards */
	bool extends;  /* a sign */
} loads[] = {
	{ "LDR x", guest_ldr, 8, 0xf8e7d6c5b4a39281 },
	{ "LDR w", guest_ldr_w, 4, 0xb4a39281 },
	{ "LDRH", guest_ldrh, 2, 0x9281 },
	{ "LDRB", guest_ldrb, 1, 0x81 },
	{ "LDRSW", guest_ldrsw, 4, 0xffffffffb4a39281, true },
	{ "LDRSH x", guest_ldrsh, 2, 0xffffffffffff9281, true },
	{ "LDRSH w", guest_ldrsh_w, 2, 0xffff9281, true },
	{ "LDRSB x", guest_ldrsb, 1, 0xffffffffffffff81, true },
	{ "LDRSB w", guest_ldrsb_w, 1, 0xffffff81, true },
	{ "LDAR", guest_ldar, 8, 0xf8e7d6c5b4a39281 },
	{ "LDR xzr", guest_ldr_xzr, 8, 0x1122334455667788 }, /* x1 is as it was */
};

static const struct store_row {
	const char *name;
	const void *snippet;
	uint32_t len;
	uint64_t want; /* of 0x1122334455667788 */
} stores[] = {
	{ "STR x", guest_str, 8, 0x1122334455667788 },
	{ "STR w", guest_str_w, 4, 0x55667788 },
	{ "STRH", guest_strh, 2, 0x7788 },
	{ "STRB", guest_strb, 1, 0x88 },
	{ "STLR", guest_stlr, 8, 0x1122334455667788 },
	{ "STR xzr", guest_str_xzr, 8, 0 },
};

/* ISS.ISV = 0: nothing to emulate from. */
static const struct {
	const char *name;
	const void *snippet;
	bool normal; /* not defined on Device memory */
	int writes;  /* WnR of the syndrome; -1: either */
} no_syndrome[] = {
	{ "LDP", guest_ldp, false, 0 },
	{ "STP", guest_stp, false, 1 },
	{ "LDR with writeback", guest_ldr_post, false, 0 },
	{ "LDR of an FP register", guest_ldr_v, false, 0 },
	{ "SWP", guest_swp, true, -1 },
	{ "LDXR", guest_exclusive, true, 0 },
};

static bool is_mmio(const struct machine *m, long ret, uint64_t gpa, uint32_t len, bool write)
{
	const struct kvm_run *run = m->run;

	if (ret == 0 && run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == gpa &&
	    run->mmio.len == len && run->mmio.is_write == write)
		return true;
	machine_explain(m, ret);
	return false;
}

static void run_loads(struct machine *m)
{
	for (unsigned int i = 0; i < ROW_COUNT(loads); i++) {
		const struct load_row *row = &loads[i];
		uint64_t value = 0;
		bool pass;

		if (row->extends && !env.recent) {
			tap_skip(env_lacks(NEED_RECENT), "%s from a hole", row->name);
			continue;
		}
		machine_call(m, row->snippet, MMIO_GPA, 0x1122334455667788);
		pass = is_mmio(m, machine_run(m), MMIO_GPA, row->len, false);
		memcpy(m->run->mmio.data, answer, sizeof(answer));
		pass = pass && machine_run(m) == 0 && machine_done(m, &value);
		if (!tap_ok(pass && value == row->want, "%s from a hole", row->name))
			tap_note("x1 is %#llx", (unsigned long long)value);
	}
}

static void run_stores(struct machine *m, uint64_t gpa, const char *where)
{
	for (unsigned int i = 0; i < ROW_COUNT(stores); i++) {
		const struct store_row *row = &stores[i];
		uint64_t value = 0;
		bool pass;

		machine_call(m, row->snippet, gpa, 0x1122334455667788);
		pass = is_mmio(m, machine_run(m), gpa, row->len, true);
		memcpy(&value, m->run->mmio.data, row->len);
		pass = pass && value == row->want;
		tap_ok(pass && machine_run(m) == 0 && machine_done(m, NULL), "%s to %s", row->name,
		       where);
	}
}

static void run_no_syndrome(struct machine *m, bool mmu)
{
	for (unsigned int i = 0; i < ROW_COUNT(no_syndrome); i++) {
		uint64_t pc;

		if (no_syndrome[i].normal && !mmu)
			continue;
		machine_call(m, no_syndrome[i].snippet, 0x60000000, 0);
		tap_errno(machine_run(m), ENOSYS, "%s to a hole, MMU %s: ENOSYS",
			  no_syndrome[i].name, mmu ? "on" : "off");
		pc = machine_get(m, REG_PC);
		machine_run(m);
		tap_ok(machine_get(m, REG_PC) == pc, "%s: PC stays", no_syndrome[i].name);
	}
}

/* A load's value reaches the guest at the next KVM_RUN, even one that ends at once. */
static void completion(struct machine *m)
{
	uint64_t pc;

	machine_call(m, guest_ldr, MMIO_GPA, 1);
	pc = machine_get(m, REG_PC);
	machine_run(m);
	tap_ok(machine_get(m, REG_PC) == pc && machine_get(m, REG_X(1)) == 1,
	       "an open MMIO load has moved neither PC nor its register");
	memcpy(m->run->mmio.data, answer, sizeof(answer));
	m->run->immediate_exit = 1;
	tap_errno(machine_run(m), EINTR, "KVM_RUN with immediate_exit: EINTR");
	m->run->immediate_exit = 0;
	tap_ok(machine_get(m, REG_PC) == pc + 4 && machine_get(m, REG_X(1)) == loads[0].want,
	       "and has completed the load");
	tap_ok(machine_run(m) == 0 && machine_done(m, NULL), "once");
}

/*
 * What the guest takes as an external abort; none is an exit. The VM's IPA size is less
 * than the host's limit, from which on it would be an address size fault.
 */
static void aborts(void)
{
	static const struct {
		const char *name;
		const void *snippet;
		uint64_t gpa, ec;
	} rows[] = {
		{ "a fetch from a hole", guest_branch, MMIO_GPA, EC_INSN_ABORT },
		{ "a load beyond the IPA size", guest_ldr, 1UL << SMALL_IPA_BITS, EC_DATA_ABORT },
		{ "a store beyond the IPA size", guest_str, 1UL << SMALL_IPA_BITS, EC_DATA_ABORT },
		{ "a fetch beyond the IPA size", guest_branch, 1UL << SMALL_IPA_BITS,
		  EC_INSN_ABORT },
	};
	struct machine m;
	uint64_t esr;

	machine_open(&m, MACHINE_SMALL);
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++) {
		bool done = machine_finishes(&m, rows[i].snippet, rows[i].gpa, 0, &esr);

		if (!tap_ok(done && ESR_EC(esr) == rows[i].ec && ESR_FSC(esr) == FSC_EXTERNAL,
			    "%s: the guest takes an external abort", rows[i].name))
			tap_note("done %d, ESR %#llx", done, (unsigned long long)esr);
	}
	machine_close(&m);
}

/* A walk of the guest's tables through a hole: its root is in no slot. */
static void walk_in_hole(void)
{
	struct machine m;
	uint64_t esr;
	long ret;

	machine_open(&m, MACHINE_MMU);
	machine_set(&m, REG_TTBR0_EL1, 0x60000000);
	machine_call(&m, guest_ldr, CODE_GPA, 0);
	/* The vectors cannot be fetched either: the guest aborts on and on, inside. */
	alarm_in(200);
	ret = machine_run(&m);
	esr = machine_get(&m, REG_ESR_EL1);
	tap_ok(ret == -EINTR && ESR_EC(esr) == EC_INSN_ABORT &&
		       (ESR_FSC(esr) == FSC_EXTERNAL_L1 ||
			(!env.tsr && ESR_FSC(esr) == FSC_EXTERNAL)),
	       "a walk through a hole: the guest takes an external abort on the walk");
	machine_close(&m);
}

static void cache_maintenance(struct machine *m)
{
	tap_ok(machine_finishes(m, guest_dc_civac, 0x60000000, 0, NULL),
	       "DC CIVAC of a hole is skipped");
	tap_ok(machine_finishes(m, guest_dc_cvac, 0x60000000, 0, NULL),
	       "DC CVAC of a hole is skipped");
}

static void readonly_slot(void)
{
	uint8_t *memory = memory_anon(2 * PAGE);
	struct machine m;
	uint64_t value, zero;

	memset(memory, 0x44, PAGE);
	memcpy(memory + PAGE, guest_finish, 12);
	machine_open(&m, 0);
	tap_errno(machine_slot(&m, TEST_SLOT, KVM_MEM_READONLY, TEST_GPA, 2 * PAGE, memory), 0,
		  "a READONLY slot");
	run_stores(&m, TEST_GPA, "a READONLY slot that was never read");
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0x4444444444444444,
	       "a READONLY slot is read");
	tap_ok(machine_finishes(&m, guest_branch, TEST_GPA + PAGE, 0, NULL), "and executed");
	run_stores(&m, TEST_GPA, "a READONLY slot");
	memcpy(&zero, memory, sizeof(zero));
	tap_ok(zero == 0x4444444444444444, "and nothing was written");
	machine_call(&m, guest_stp, TEST_GPA, 0);
	tap_errno(machine_run(&m), ENOSYS, "STP to a READONLY slot: ENOSYS");
	if (env.tsr) {
		machine_attr(&m, TEST_GPA, PAGE, KVM_MEMORY_ATTRIBUTE_NW, 0);
		run_stores(&m, TEST_GPA, "a READONLY slot with NW");
	} else {
		tap_skip(env_lacks(NEED_TSR), "stores to a READONLY slot with NW");
	}
	machine_close(&m);
	mprotect(memory, 2 * PAGE, PROT_READ);
	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, KVM_MEM_READONLY, TEST_GPA, 2 * PAGE, memory);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0x4444444444444444,
	       "a READONLY slot over a read-only mapping is read");
	run_stores(&m, TEST_GPA, "a READONLY slot over a read-only mapping");
	machine_close(&m);
	munmap(memory, 2 * PAGE);
}

/* Instead of an answer: the guest takes an external abort for the access that exited. */
static void injected(struct machine *m)
{
	struct kvm_vcpu_events events = { .exception.ext_dabt_pending = 1 };
	uint64_t esr;

	machine_call(m, guest_ldr, MMIO_GPA, 0);
	machine_run(m);
	tap_errno(call(m->vcpu, KVM_SET_VCPU_EVENTS, PTR(&events)), 0,
		  "SET_VCPU_EVENTS: ext_dabt_pending after an MMIO exit");
	tap_ok(machine_run(m) == 0 && machine_done(m, &esr) && ESR_EC(esr) == EC_DATA_ABORT &&
		       ESR_FSC(esr) == FSC_EXTERNAL,
	       "the guest takes an external data abort");
	tap_ok(machine_get(m, REG_FAR_EL1) == MMIO_GPA, "for the address it used");
}

/* ISS of a data abort: WnR, and what else of it the VMM gets: CM and the status. */
#define ISS_WNR	 (1UL << 6)
#define ISS_TOLD (1UL << 8 | ISS_WNR | 0x3f)

static bool nisv_syndrome(const struct kvm_run *run, int writes)
{
	uint64_t iss = run->arm_nisv.esr_iss;

	if (!(iss & ~ISS_TOLD) && (writes < 0 || !!(iss & ISS_WNR) == writes))
		return true;
	tap_note("esr_iss is %#llx", (unsigned long long)iss);
	return false;
}

/* With KVM_CAP_ARM_NISV_TO_USER the VMM decodes what the syndrome does not. */
static void nisv_to_user(void)
{
	struct machine m;
	uint64_t pc;
	long ret;

	machine_open(&m, MACHINE_MMU);
	tap_errno(machine_cap(&m, KVM_CAP_ARM_NISV_TO_USER), 0, "NISV_TO_USER is enabled");
	for (unsigned int i = 0; i < ROW_COUNT(no_syndrome); i++) {
		machine_call(&m, no_syndrome[i].snippet, 0x60000010, 0);
		ret = machine_run(&m);
		if (!tap_ok(ret == 0 && m.run->exit_reason == KVM_EXIT_ARM_NISV &&
				    m.run->arm_nisv.fault_ipa == 0x60000010,
			    "%s to a hole: KVM_EXIT_ARM_NISV", no_syndrome[i].name))
			machine_explain(&m, ret);
		tap_ok(nisv_syndrome(m.run, no_syndrome[i].writes),
		       "%s: which way, and no register", no_syndrome[i].name);
		pc = machine_get(&m, REG_PC);
		machine_run(&m);
		tap_ok(machine_get(&m, REG_PC) == pc, "%s: PC stays", no_syndrome[i].name);
	}
	injected(&m);
	machine_close(&m);
}

/* Entries in the ring's page; its header defines it for the kernel's page size alone. */
#define RING_ENTRIES(page)                                              \
	((uint32_t)(((page) - sizeof(struct kvm_coalesced_mmio_ring)) / \
		    sizeof(struct kvm_coalesced_mmio)))

#define ZONE(...) PTR(&(const struct kvm_coalesced_mmio_zone){ __VA_ARGS__ })

static const struct row zone_rows[] = {
	{ "REGISTER_COALESCED_MMIO: NULL", 0, FD_VM, KVM_REGISTER_COALESCED_MMIO, PTR_NULL,
	  EFAULT },
	{ "REGISTER_COALESCED_MMIO: pio 2", 0, FD_VM, KVM_REGISTER_COALESCED_MMIO,
	  ZONE(.addr = MMIO_GPA, .size = 8, .pio = 2), EINVAL },
	{ "UNREGISTER_COALESCED_MMIO: NULL", 0, FD_VM, KVM_UNREGISTER_COALESCED_MMIO, PTR_NULL,
	  EFAULT },
	{ "UNREGISTER_COALESCED_MMIO: pio 2", 0, FD_VM, KVM_UNREGISTER_COALESCED_MMIO,
	  ZONE(.addr = MMIO_GPA, .size = 8, .pio = 2), EINVAL },
	{ "UNREGISTER_COALESCED_MMIO: none", 0, FD_VM, KVM_UNREGISTER_COALESCED_MMIO,
	  ZONE(.addr = MMIO_GPA, .size = 8), 0 },
	{ "REGISTER_COALESCED_MMIO: ports", 0, FD_VM, KVM_REGISTER_COALESCED_MMIO,
	  ZONE(.addr = 0x80, .size = 8, .pio = 1), 0 },
	{ "REGISTER_COALESCED_MMIO", 0, FD_VM, KVM_REGISTER_COALESCED_MMIO,
	  ZONE(.addr = MMIO_GPA, .size = 8), 0 },
};

/* Whole stores into the zone go to the ring; the VMM finds them at the next exit. */
static void coalesced(void)
{
	struct kvm_coalesced_mmio_ring *ring;
	struct machine m;

	machine_open(&m, 0);
	rows_run(&m, zone_rows, ROW_COUNT(zone_rows));
	ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu, (off_t)PAGE);
	if (!tap_ok(ring != MAP_FAILED, "the ring is mapped"))
		return;
	tap_ok(machine_finishes(&m, guest_str_w, MMIO_GPA + 4, 0x11223344, NULL) &&
		       ring->first == 0 && ring->last == 1 &&
		       ring->coalesced_mmio[0].phys_addr == MMIO_GPA + 4 &&
		       ring->coalesced_mmio[0].len == 4 && ring->coalesced_mmio[0].data[0] == 0x44,
	       "a store into the zone is in the ring");
	ring->first = 1;
	machine_call(&m, guest_str, MMIO_GPA + 4, 0);
	tap_ok(is_mmio(&m, machine_run(&m), MMIO_GPA + 4, 8, true), "one that reaches out exits");
	machine_call(&m, guest_ldr, MMIO_GPA, 0);
	tap_ok(is_mmio(&m, machine_run(&m), MMIO_GPA, 8, false), "and so does a load");
	ring->last = 0xffffffff;
	machine_call(&m, guest_str, MMIO_GPA, 0);
	tap_ok(is_mmio(&m, machine_run(&m), MMIO_GPA, 8, true), "a ring that the VMM has broken");
	ring->first = 0;
	ring->last = RING_ENTRIES(PAGE) - 1;
	machine_call(&m, guest_str, MMIO_GPA, 0);
	tap_ok(is_mmio(&m, machine_run(&m), MMIO_GPA, 8, true), "a full one");
	munmap(ring, PAGE);
	machine_close(&m);
}

/* Whether a store of 8 bytes to @gpa goes to the ring; the snippet comes to its end either way. */
static bool coalesces(struct machine *m, uint64_t gpa)
{
	return machine_finishes(m, guest_str, gpa, 0, NULL);
}

/* How many zones there may be, and which of them KVM_UNREGISTER_COALESCED_MMIO takes away. */
static void zones(void)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = MMIO_GPA, .size = 0x1000 };
	struct kvm_coalesced_mmio_ring *ring;
	struct machine m, other;
	unsigned int made;

	machine_open(&m, 0);
	machine_second(&other, &m, 0);
	call(m.vm, KVM_REGISTER_COALESCED_MMIO, PTR(&zone));
	ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu, (off_t)PAGE);
	tap_ok(coalesces(&m, MMIO_GPA) && coalesces(&other, MMIO_GPA) && ring->last == 2,
	       "two vCPUs have one ring");
	zone.addr += 0x800;
	call(m.vm, KVM_UNREGISTER_COALESCED_MMIO, PTR(&zone));
	tap_ok(coalesces(&m, MMIO_GPA), "a zone that does not hold all of the one given stays");
	zone.size = 8;
	tap_errno(call(m.vm, KVM_UNREGISTER_COALESCED_MMIO, PTR(&zone)), 0,
		  "UNREGISTER_COALESCED_MMIO of a part of one");
	tap_ok(!coalesces(&m, MMIO_GPA), "takes away all of it");
	zone.addr = MMIO_GPA;
	for (made = 0; made < 2000; made++) {
		long ret = call(m.vm, KVM_REGISTER_COALESCED_MMIO, PTR(&zone));

		if (ret)
			break;
		zone.addr += 8;
	}
	tap_ok(made == 1000, "%u zones at once", made);
	tap_errno(call(m.vm, KVM_REGISTER_COALESCED_MMIO, PTR(&zone)), ENOSPC, "and one more");
	munmap(ring, PAGE);
	machine_close(&other);
	machine_close(&m);
}

/* What is done at the next KVM_RUN is the kernel's to know; of kvm_run it reads the data alone. */
static void record(void)
{
	const struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8,
					    .features = { 1U << KVM_ARM_VCPU_PSCI_0_2 } };
	struct machine m;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "what completes an MMIO exit");
		return;
	}
	machine_open(&m, 0);
	machine_call(&m, guest_ldr, MMIO_GPA, 1);
	machine_run(&m);
	memset(m.run, 0xff, sizeof(*m.run));
	memcpy(m.run->mmio.data, answer, sizeof(answer));
	m.run->immediate_exit = 1;
	machine_run(&m);
	tap_ok(machine_get(&m, REG_X(1)) == loads[0].want,
	       "a load is completed whatever else is in kvm_run");
	m.run->immediate_exit = 0;
	machine_call(&m, guest_ldr, MMIO_GPA, 1);
	machine_run(&m);
	tap_errno(call(m.vcpu, KVM_ARM_VCPU_INIT, PTR(&init)), 0,
		  "ARM_VCPU_INIT after an MMIO exit");
	m.run->immediate_exit = 1;
	machine_run(&m);
	tap_ok(machine_get(&m, REG_PC) == 0 && machine_get(&m, REG_X(1)) == 0,
	       "and the load is no more");
	machine_close(&m);
}

/* From the host's limit on it is not memory that is missing, but an address. */
static void beyond_host(void)
{
	uint64_t limit = 1UL << call(env.kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
	struct machine m;
	uint64_t esr = 0;
	bool done;

	machine_open(&m, 0);
	done = machine_finishes(&m, guest_ldr, limit, 0, &esr);
	if (!tap_ok(done && ESR_EC(esr) == EC_DATA_ABORT && ESR_FSC(esr) == 0,
		    "a load beyond what the host has: an address size fault, level 0"))
		tap_note("done %d, ESR %#llx", done, (unsigned long long)esr);
	machine_close(&m);
}

void test_mmio(void)
{
	struct machine m;

	machine_open(&m, 0);
	run_loads(&m);
	run_stores(&m, MMIO_GPA, "a hole");
	run_no_syndrome(&m, false);
	completion(&m);
	cache_maintenance(&m);
	injected(&m);
	machine_close(&m);
	machine_open(&m, MACHINE_MMU);
	run_no_syndrome(&m, true);
	machine_close(&m);
	aborts();
	walk_in_hole();
	readonly_slot();
	nisv_to_user();
	coalesced();
	zones();
	record();
	beyond_host();
}
