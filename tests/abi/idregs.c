// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The CPU that guests see may be lowered, never raised, until a vCPU has run: docs/abi.md 2.6
 * and section 8; and statistics, 2.9.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SYS(op1, crn, crm, op2) ARM64_SYS_REG(3, op1, crn, crm, op2)
#define REG_MIDR		SYS(0, 0, 0, 0)
#define REG_CTR			SYS(3, 0, 0, 1)

#define ISAR0_INDEX KVM_ARM_FEATURE_ID_RANGE_IDX(3, 0, 0, 6, 0)

static uint64_t masks[KVM_ARM_FEATURE_ID_RANGE_SIZE];

#define RANGE(...) PTR(&(struct reg_mask_range){ __VA_ARGS__ })

static const struct row rows[] = {
	{ "GET_REG_WRITABLE_MASKS: NULL", 0, FD_VM, KVM_ARM_GET_REG_WRITABLE_MASKS, PTR_NULL,
	  EFAULT },
	{ "GET_REG_WRITABLE_MASKS: no room", 0, FD_VM, KVM_ARM_GET_REG_WRITABLE_MASKS, RANGE(0),
	  EFAULT },
	{ "GET_REG_WRITABLE_MASKS: range 1", 0, FD_VM, KVM_ARM_GET_REG_WRITABLE_MASKS,
	  RANGE(.addr = (uintptr_t)masks, .range = 1), EINVAL },
	{ "GET_REG_WRITABLE_MASKS: a reserved field", 0, FD_VM, KVM_ARM_GET_REG_WRITABLE_MASKS,
	  RANGE(.addr = (uintptr_t)masks, .reserved = { [12] = 1 }), EINVAL },
	{ "GET_REG_WRITABLE_MASKS", 0, FD_VM, KVM_ARM_GET_REG_WRITABLE_MASKS,
	  RANGE(.addr = (uintptr_t)masks), 0 },
	{ "GET_STATS_FD of a VM with an argument", NEED_TSR, FD_VM, KVM_GET_STATS_FD, 1, EINVAL },
	{ "GET_STATS_FD of a vCPU with an argument", NEED_TSR, FD_VCPU, KVM_GET_STATS_FD, 1,
	  EINVAL },
};

static long set(struct machine *m, uint64_t id, uint64_t value)
{
	struct kvm_one_reg one = { .id = id, .addr = (uintptr_t)&value };

	return call(m->vcpu, KVM_SET_ONE_REG, PTR(&one));
}

/* Fields that each of the models has more of than nothing: lowered by one, raised by one. */
static const struct {
	const char *name;
	uint64_t id;
	unsigned int shift;
} fields[] = {
	{ "ID_AA64ISAR0_EL1.AES", SYS(0, 0, 6, 0), 4 },
	{ "ID_AA64ISAR0_EL1.Atomic", SYS(0, 0, 6, 0), 20 },
	{ "ID_AA64ISAR1_EL1.DPB", SYS(0, 0, 6, 1), 0 },
	{ "ID_AA64MMFR0_EL1.PARange", SYS(0, 0, 7, 0), 0 },
	{ "ID_AA64MMFR1_EL1.PAN", SYS(0, 0, 7, 1), 20 },
	{ "ID_AA64DFR0_EL1.WRPs", SYS(0, 0, 5, 0), 20 },
	{ "CTR_EL0.IminLine", REG_CTR, 0 },
};

/* DebugVer: 6 is Armv8.0, and smaller values are reserved. */
static void least(struct machine *m)
{
	uint64_t id = SYS(0, 0, 5, 0), full = machine_get(m, id);

	tap_errno(set(m, id, (full & ~0xfUL) | 5), EINVAL, "ID_AA64DFR0_EL1.DebugVer = 5");
	tap_errno(set(m, id, (full & ~0xfUL) | 6), 0, "ID_AA64DFR0_EL1.DebugVer = 6");
	tap_errno(set(m, id, full), 0, "and as it was");
}

static void lower_and_raise(struct machine *m)
{
	for (unsigned int i = 0; i < ROW_COUNT(fields); i++) {
		uint64_t id = fields[i].id, one = 1UL << fields[i].shift;
		uint64_t full = machine_get(m, id);

		tap_errno(set(m, id, full + one), EINVAL, "%s raised", fields[i].name);
		tap_ok(machine_get(m, id) == full, "%s is as it was", fields[i].name);
		tap_errno(set(m, id, full - one), 0, "%s lowered", fields[i].name);
		tap_ok(machine_get(m, id) == full - one, "%s is lower", fields[i].name);
		if (id != REG_CTR)
			tap_errno(set(m, id, full), 0, "%s up again", fields[i].name);
	}
}

/* What the guest reads is what was set, from then on. */
static void guest_sees(struct machine *m)
{
	uint64_t id = SYS(0, 0, 6, 0), ctr = machine_get(m, REG_CTR), value = 0;
	uint64_t lowered = machine_get(m, id) & ~(0xfUL << 20);

	set(m, id, lowered);
	tap_ok(machine_finishes(m, guest_isar0, 0, 0, &value) && value == lowered,
	       "the guest reads the lower ID_AA64ISAR0_EL1");
	tap_ok(machine_finishes(m, guest_ctr, 0, 0, &value) && value == ctr,
	       "and the lower CTR_EL0");
	tap_errno(set(m, id, lowered + (1UL << 20)), EBUSY, "after KVM_RUN it is fixed");
	tap_errno(set(m, id, lowered), 0, "but may be set to what it is");
}

static void midr(void)
{
	struct machine m;
	uint64_t value = 0;

	machine_open(&m, MACHINE_NO_VCPU);
	tap_errno(machine_cap(&m, KVM_CAP_ARM_WRITABLE_IMP_ID_REGS), 0, "WRITABLE_IMP_ID_REGS");
	machine_close(&m);
	machine_open(&m, MACHINE_IMP_ID);
	tap_errno(set(&m, REG_MIDR, 1UL << 32), EINVAL, "a MIDR_EL1 of more than 32 bits");
	tap_errno(set(&m, REG_MIDR, 0x410fd0c1), 0, "another MIDR_EL1");
	tap_ok(machine_finishes(&m, guest_midr, 0, 0, &value) && value == 0x410fd0c1,
	       "the guest reads it");
	machine_close(&m);
	machine_open(&m, 0);
	tap_errno(machine_cap(&m, KVM_CAP_ARM_WRITABLE_IMP_ID_REGS), EINVAL,
		  "WRITABLE_IMP_ID_REGS after the first vCPU");
	tap_errno(set(&m, REG_MIDR, 0x410fd0c1), EINVAL, "another MIDR_EL1 without it");
	machine_close(&m);
}

static void statistics(void)
{
	struct machine m;
	int vcpu, vm;

	machine_open(&m, 0);
	vcpu = (int)call(m.vcpu, KVM_GET_STATS_FD, 0);
	vm = (int)call(m.vm, KVM_GET_STATS_FD, 0);
	tap_ok(vcpu >= 0 && vm >= 0, "GET_STATS_FD of a VM and a vCPU");
	tap_ok(machine_counter(vcpu, "exits") == 0, "a vCPU that has not run has no exits");
	machine_finishes(&m, guest_ldr, CODE_GPA, 0, NULL);
	tap_ok(machine_counter(vcpu, "exits") > 0, "one that has, has some");
	tap_ok(machine_counter(vcpu, "mmio_exit_user") == 1, "of which one was MMIO");
	if (env.tsr) {
		tap_ok(machine_counter(vm, "pages_mapped") + machine_counter(vm, "blocks_mapped") >
			       0,
		       "and the VM has memory mapped");
		tap_ok(!machine_counter(vm, "splits") && !machine_counter(vm, "joins") &&
			       !machine_counter(vm, "pages_tags_opened"),
		       "of which none was split, joined or opened to tags");
	} else {
		tap_skip(env_lacks(NEED_TSR), "and the VM has memory mapped");
	}
	machine_close(&m);
	tap_ok(machine_counter(vcpu, "mmio_exit_user") == 1,
	       "the file stays when the fds are closed");
	close(vcpu);
	close(vm);
}

void test_idregs(void)
{
	struct machine m;

	if (!env.recent) {
		tap_skip(env_lacks(NEED_RECENT), "ID registers that may be lowered");
		return;
	}
	machine_open(&m, 0);
	rows_run(&m, rows, ROW_COUNT(rows));
	tap_ok((masks[ISAR0_INDEX] & 0xf0) == 0xf0, "ID_AA64ISAR0_EL1.AES is writable");
	lower_and_raise(&m);
	least(&m);
	guest_sees(&m);
	machine_close(&m);
	midr();
	statistics();
}
