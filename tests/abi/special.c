// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Registers that do more than keep what was set, or less: docs/abi.md 2.6. */
#include <errno.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SYS(op1, crn, crm, op2) ARM64_SYS_REG(3, op1, crn, crm, op2)
#define DBG(n, op2)		ARM64_SYS_REG(2, 0, 0, n, op2)
#define REG_MPIDR		SYS(0, 0, 0, 5)
#define REG_ACTLR		SYS(0, 1, 0, 1)
#define REG_CTR			SYS(3, 0, 0, 1)
#define REG_CLIDR		SYS(1, 0, 0, 1)
#define CTR_IDC			(1UL << 28)
#define PSCI			(1U << KVM_ARM_VCPU_PSCI_0_2)

/* Of the CCSIDR of level 1, data. */
#define REG_CCSIDR                                              \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX | \
	 KVM_REG_ARM_DEMUX_ID_CCSIDR << KVM_REG_ARM_DEMUX_ID_SHIFT)

static long set(struct machine *m, uint64_t id, uint64_t value)
{
	struct kvm_one_reg one = { .id = id, .addr = PTR(&value) };

	return call(m->vcpu, KVM_SET_ONE_REG, PTR(&one));
}

static long init_again(struct machine *m)
{
	const struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8,
					    .features = { PSCI } };
	long ret = call(m->vcpu, KVM_ARM_VCPU_INIT, PTR(&init));

	machine_set(m, REG_VBAR_EL1, CODE_GPA);
	return ret;
}

/* Registers of which the VM keeps all 64 bits, though nothing comes of them. */
static const struct {
	const char *name;
	uint64_t id, value;
} kept[] = {
	{ "DACR32_EL2", SYS(4, 3, 0, 0), 0x55555555 },
	{ "IFSR32_EL2", SYS(4, 5, 0, 1), 0x1234 },
	{ "FPEXC32_EL2", SYS(4, 5, 3, 0), 0x40000000 },
	{ "DBGVCR32_EL2", ARM64_SYS_REG(2, 4, 0, 7, 0), 0x11 },
	{ "DBGBVR15_EL1", DBG(15, 4), 0x123450 },
	{ "DBGBCR15_EL1", DBG(15, 5), 0x1e6 },
	{ "DBGWVR15_EL1", DBG(15, 6), 0x123450 },
	{ "DBGWCR15_EL1", DBG(15, 7), 0x1ff6 },
};

static void keeps(struct machine *m)
{
	for (unsigned int i = 0; i < ROW_COUNT(kept); i++)
		tap_ok(set(m, kept[i].id, kept[i].value) == 0 &&
			       machine_get(m, kept[i].id) == kept[i].value,
		       "%s keeps what was set", kept[i].name);
}

/* ID_AFR0_EL1, ID_DFR1_EL1, and what is reserved between the others. */
static bool never_set(unsigned int crm, unsigned int op2)
{
	return (crm == 1 && op2 == 3) || (crm == 3 && (op2 == 3 || op2 == 5 || op2 == 7));
}

/* ID_PFR0_EL1 to MVFR2_EL1 and what is beside them: CRm 1 to 3. */
static void aarch32_ids(struct machine *m)
{
	bool zero = true, ignored = true;

	for (unsigned int crm = 1; crm <= 3; crm++)
		for (unsigned int op2 = 0; op2 < 8; op2++) {
			uint64_t id = SYS(0, 0, crm, op2);

			zero = zero && machine_get(m, id) == 0;
			ignored = ignored && set(m, id, 0) == 0 &&
				  set(m, id, 0x11) == (never_set(crm, op2) ? -EINVAL : 0) &&
				  machine_get(m, id) == 0;
		}
	tap_ok(zero, "AArch32's ID registers are 0");
	tap_ok(ignored, "and writes of them are ignored");
}

static void mpidr(struct machine *m)
{
	const uint64_t other = 1UL << 31 | 0x30201;
	uint64_t value = 0;

	tap_ok((machine_get(m, REG_MPIDR) & 0xff00ffffff) == 0, "MPIDR_EL1 is from the vCPU's id");
	tap_errno(set(m, REG_MPIDR, other), 0, "another MPIDR_EL1");
	tap_errno(init_again(m), 0, "ARM_VCPU_INIT");
	tap_ok(machine_get(m, REG_MPIDR) == other, "leaves it as it was set");
	tap_ok(machine_finishes(m, guest_mpidr, 0, 0, &value) && value == other,
	       "and the guest reads it");
}

static void actlr(struct machine *m)
{
	uint64_t value = 0;

	tap_errno(set(m, REG_ACTLR, 0x42), 0, "ACTLR_EL1 is the VMM's to set");
	tap_ok(machine_finishes(m, guest_actlr, 0, 0x99, &value) && value == 0x42,
	       "a guest's write of it is ignored");
	tap_ok(machine_get(m, REG_ACTLR) == 0x42, "and it stays");
}

static void caches(struct machine *m)
{
	uint64_t clidr = machine_get(m, REG_CLIDR);
	bool needed = !(machine_get(m, REG_CTR) & CTR_IDC);
	uint32_t line = 0, other;
	struct kvm_one_reg one = { .id = REG_CCSIDR, .addr = PTR(&line) };

	tap_errno(set(m, REG_CLIDR, 0), needed ? EINVAL : 0, "no caches at all, IDC %d", !needed);
	tap_ok(machine_get(m, REG_CLIDR) == (needed ? clidr : 0), "CLIDR_EL1 is what it can be");
	tap_errno(set(m, REG_CLIDR, clidr), 0, "and may be as it was");
	tap_errno(call(m->vcpu, KVM_GET_ONE_REG, PTR(&one)), 0, "CCSIDR_EL1 of the first cache");
	tap_errno(call(m->vcpu, KVM_SET_ONE_REG, PTR(&one)), 0, "may be set to what it is");
	other = line + 8;
	one.addr = PTR(&other);
	tap_errno(call(m->vcpu, KVM_SET_ONE_REG, PTR(&one)), EINVAL, "and to nothing else");
	one.id = REG_CCSIDR | 14;
	tap_errno(call(m->vcpu, KVM_GET_ONE_REG, PTR(&one)), ENOENT, "of a cache that is none");
}

/* A count that is set is so on all vCPUs, and runs from there. */
static void counter(void)
{
	const uint64_t start = 1UL << 50, minutes = 10 * 60 * 62500000UL;
	struct machine m, other;
	uint64_t value = 0;

	machine_open(&m, 0);
	machine_second(&other, &m, 0);
	tap_errno(set(&m, KVM_REG_ARM_TIMER_CNT, start), 0, "the virtual counter is set");
	tap_ok(machine_finishes(&m, guest_cntvct, 0, 0, &value) && value >= start &&
		       value < start + minutes,
	       "the guest reads on from there");
	tap_ok(machine_finishes(&other, guest_cntvct, 0, 0, &value) && value >= start &&
		       value < start + minutes,
	       "on the other vCPU, too");
	value = machine_get(&other, KVM_REG_ARM_TIMER_CNT);
	tap_ok(value >= start && value < start + minutes, "as does the VMM");
	/* Mainline's id of the one is the encoding of the other. */
	tap_errno(set(&m, KVM_REG_ARM_TIMER_CVAL, 0x123456789a), 0, "the virtual timer is set");
	tap_ok(machine_finishes(&m, guest_cntv_cval, 0, 0, &value) && value == 0x123456789a,
	       "and the guest reads that in CNTV_CVAL_EL0");
	machine_close(&other);
	machine_close(&m);
}

void test_special(void)
{
	struct machine m;

	if (!env.tsr) {
		tap_skip("mainline differs from version to version", "registers with effects");
		return;
	}
	machine_open(&m, 0);
	keeps(&m);
	aarch32_ids(&m);
	caches(&m);
	mpidr(&m);
	actlr(&m);
	machine_close(&m);
	counter();
}
