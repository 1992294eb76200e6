// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* GET_REG_LIST, GET_ONE_REG, SET_ONE_REG: docs/abi.md 2.6 and 10.2. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define LIST_MAX 2048

static struct {
	uint64_t n;
	uint64_t reg[LIST_MAX];
} list;

#define U64 (KVM_REG_ARM64 | KVM_REG_SIZE_U64)
#define U32 (KVM_REG_ARM64 | KVM_REG_SIZE_U32)

/* docs/abi.md 2.6: what every host serves. */
static const struct {
	const char *name;
	uint64_t id;
} present[] = {
	{ "x0", REG_X(0) },
	{ "x30", REG_X(30) },
	{ "pc", REG_PC },
	{ "pstate", REG_PSTATE },
	{ "sp_el1", U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(sp_el1) },
	{ "elr_el1", U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(elr_el1) },
	{ "spsr[0]", U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(spsr[0]) },
	{ "v0", KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
			KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) },
	{ "v31", KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
			 KVM_REG_ARM_CORE_REG(fp_regs.vregs[31]) },
	{ "fpsr", U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpsr) },
	{ "fpcr", U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpcr) },
	{ "SCTLR_EL1", REG_SCTLR_EL1 },
	{ "CPACR_EL1", ARM64_SYS_REG(3, 0, 1, 0, 2) },
	{ "TTBR0_EL1", REG_TTBR0_EL1 },
	{ "TTBR1_EL1", ARM64_SYS_REG(3, 0, 2, 0, 1) },
	{ "TCR_EL1", REG_TCR_EL1 },
	{ "AFSR0_EL1", ARM64_SYS_REG(3, 0, 5, 1, 0) },
	{ "AFSR1_EL1", ARM64_SYS_REG(3, 0, 5, 1, 1) },
	{ "ESR_EL1", REG_ESR_EL1 },
	{ "FAR_EL1", REG_FAR_EL1 },
	{ "PAR_EL1", ARM64_SYS_REG(3, 0, 7, 4, 0) },
	{ "MAIR_EL1", REG_MAIR_EL1 },
	{ "AMAIR_EL1", ARM64_SYS_REG(3, 0, 10, 3, 0) },
	{ "VBAR_EL1", REG_VBAR_EL1 },
	{ "CONTEXTIDR_EL1", ARM64_SYS_REG(3, 0, 13, 0, 1) },
	{ "TPIDR_EL1", REG_TPIDR_EL1 },
	{ "CNTKCTL_EL1", ARM64_SYS_REG(3, 0, 14, 1, 0) },
	{ "TPIDR_EL0", ARM64_SYS_REG(3, 3, 13, 0, 2) },
	{ "TPIDRRO_EL0", ARM64_SYS_REG(3, 3, 13, 0, 3) },
	{ "CSSELR_EL1", ARM64_SYS_REG(3, 2, 0, 0, 0) },
	{ "MPIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 5) },
	{ "MIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 0) },
	{ "REVIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 6) },
	{ "CLIDR_EL1", ARM64_SYS_REG(3, 1, 0, 0, 1) },
	{ "CTR_EL0", ARM64_SYS_REG(3, 3, 0, 0, 1) },
	{ "ID_AA64PFR0_EL1", ARM64_SYS_REG(3, 0, 0, 4, 0) },
	{ "ID_AA64PFR1_EL1", ARM64_SYS_REG(3, 0, 0, 4, 1) },
	{ "ID_AA64ISAR0_EL1", ARM64_SYS_REG(3, 0, 0, 6, 0) },
	{ "ID_AA64MMFR0_EL1", ARM64_SYS_REG(3, 0, 0, 7, 0) },
	{ "MDSCR_EL1", ARM64_SYS_REG(2, 0, 0, 2, 2) },
	{ "DBGBVR0_EL1", ARM64_SYS_REG(2, 0, 0, 0, 4) },
	{ "DBGBCR0_EL1", ARM64_SYS_REG(2, 0, 0, 0, 5) },
	{ "DBGWVR0_EL1", ARM64_SYS_REG(2, 0, 0, 0, 6) },
	{ "DBGWCR0_EL1", ARM64_SYS_REG(2, 0, 0, 0, 7) },
	{ "OSLSR_EL1", ARM64_SYS_REG(2, 0, 1, 1, 4) },
	{ "TIMER_CTL", KVM_REG_ARM_TIMER_CTL },
	{ "TIMER_CNT", KVM_REG_ARM_TIMER_CNT },
	{ "TIMER_CVAL", KVM_REG_ARM_TIMER_CVAL },
	{ "PTIMER_CTL", KVM_REG_ARM_PTIMER_CTL },
	{ "PTIMER_CVAL", KVM_REG_ARM_PTIMER_CVAL },
	{ "PSCI_VERSION", KVM_REG_ARM_PSCI_VERSION },
};

/* Ids that no vCPU has, and what is wrong with them. */
static const struct {
	const char *name;
	unsigned int need;
	uint64_t id;
	int want;
} bad[] = {
	{ "0", 0, 0, EINVAL },
	{ "all bits", 0, ~0UL, EINVAL },
	{ "another architecture", 0, KVM_REG_X86 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE, EINVAL },
	{ "32-bit ARM", 0, KVM_REG_ARM | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE, EINVAL },
	{ "x0 with 32 bits", 0, (REG_X(0) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, EINVAL },
	{ "the upper half of x0", 0, REG_X(0) + 1, EINVAL },
	{ "a core register beyond the last", 0, U64 | KVM_REG_ARM_CORE | 0xffff, ENOENT },
	{ "fpsr with 64 bits", 0, U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpsr),
	  EINVAL },
	{ "v0 with 64 bits", 0, U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]),
	  EINVAL },
	{ "a system register that is none", 0, ARM64_SYS_REG(0, 7, 15, 15, 7), ENOENT },
	{ "a system register with 32 bits", 0,
	  (REG_TPIDR_EL1 & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, ENOENT },
	{ "a firmware register that is none", 0, U64 | KVM_REG_ARM_FW | 0xffff, ENOENT },
	{ "an SVE register", 0, KVM_REG_ARM64_SVE_ZREG(0, 0), ENOENT },
	{ "PMCR_EL0", NEED_TSR, ARM64_SYS_REG(3, 3, 9, 12, 0), ENOENT },
	{ "SCTLR_EL2", 0, ARM64_SYS_REG(3, 4, 1, 0, 0), ENOENT },
	{ "HCR_EL2", 0, ARM64_SYS_REG(3, 4, 1, 1, 0), ENOENT },
	{ "GCR_EL1 without MTE", 0, ARM64_SYS_REG(3, 0, 1, 0, 6), ENOENT },
	{ "a class that is none", 0, U64 | 0x7fUL << 16, ENOENT },
};

static uint8_t value[256] __attribute__((aligned(16)));
static uint8_t again[256] __attribute__((aligned(16)));

static long get(struct machine *m, uint64_t id, void *to)
{
	struct kvm_one_reg one = { .id = id, .addr = (uintptr_t)to };

	return call(m->vcpu, KVM_GET_ONE_REG, PTR(&one));
}

static long set(struct machine *m, uint64_t id, const void *from)
{
	struct kvm_one_reg one = { .id = id, .addr = (uintptr_t)from };

	return call(m->vcpu, KVM_SET_ONE_REG, PTR(&one));
}

/* api.rst 4.49: too small says how many; then exactly that many fit. */
static void fetch_list(struct machine *m)
{
	uint64_t count;

	list.n = 0;
	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR(&list)), E2BIG, "GET_REG_LIST: no room");
	count = list.n;
	tap_ok(count > 0 && count < LIST_MAX, "GET_REG_LIST: and says how many");
	list.n = count - 1;
	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR(&list)), E2BIG,
		  "GET_REG_LIST: room for all but one");
	tap_ok(list.n == count, "GET_REG_LIST: says the same");
	list.reg[count] = 0x5a5a;
	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR(&list)), 0, "GET_REG_LIST: just enough room");
	tap_ok(list.n == count && list.reg[count] == 0x5a5a, "GET_REG_LIST: writes no more");
	list.n = LIST_MAX;
	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR(&list)), 0, "GET_REG_LIST: ample room");
	tap_ok(list.n == count, "GET_REG_LIST: the same number");
}

static void list_pointers(struct machine *m)
{
	static const uint64_t read_only = 0;
	uint64_t *edge = memory_anon(2 * PAGE);

	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR_NULL), EFAULT, "GET_REG_LIST: NULL");
	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR_UNMAPPED), EFAULT, "GET_REG_LIST: unmapped");
	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR(&read_only)), EFAULT,
		  "GET_REG_LIST: a read-only page");
	memory_guard(edge + PAGE / 8);
	edge[PAGE / 8 - 2] = LIST_MAX;
	tap_errno(call(m->vcpu, KVM_GET_REG_LIST, PTR(&edge[PAGE / 8 - 2])), EFAULT,
		  "GET_REG_LIST: less memory than n says");
}

static bool listed(uint64_t id)
{
	for (uint64_t i = 0; i < list.n; i++) {
		if (list.reg[i] == id)
			return true;
	}
	return false;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool unique(void)
{
	static uint64_t sorted[LIST_MAX];

	memcpy(sorted, list.reg, sizeof(sorted));
	qsort(sorted, list.n, sizeof(sorted[0]), by_value);
	for (uint64_t i = 1; i < list.n; i++) {
		if (sorted[i] == sorted[i - 1]) {
			tap_note("%#llx is there twice", (unsigned long long)sorted[i]);
			return false;
		}
	}
	return true;
}

/* The counters run on. */
static bool moves(uint64_t id)
{
	return id == KVM_REG_ARM_TIMER_CNT || id == KVM_REG_ARM_PTIMER_CNT;
}

/* What GET gives, SET takes, and GET gives again: how a vCPU is saved and restored. */
static void round_trips(struct machine *m, const char *vm)
{
	bool gets = true, sets = true, same = true;

	for (uint64_t i = 0; i < list.n; i++) {
		uint64_t id = list.reg[i];
		long ret = get(m, id, value);
		long back = ret ? ret : set(m, id, value);
		bool equal = !back && !get(m, id, again) &&
			     (moves(id) || !memcmp(value, again, KVM_REG_SIZE(id)));

		if (ret || back || !equal)
			tap_note("register %#llx: get %ld, set %ld, %s", (unsigned long long)id,
				 ret, back, equal ? "same" : "not the same");
		gets = gets && !ret;
		sets = sets && !back;
		same = same && equal;
	}
	tap_ok(gets, "%s: each listed register can be read", vm);
	tap_ok(sets, "%s: and written with what was read", vm);
	tap_ok(same, "%s: and is the same then", vm);
}

static void reg_pointers(struct machine *m)
{
	static const uint64_t constant = 0;
	static const struct row rows[] = {
		{ "GET_ONE_REG: NULL", 0, FD_VCPU, KVM_GET_ONE_REG, PTR_NULL, EFAULT },
		{ "SET_ONE_REG: NULL", 0, FD_VCPU, KVM_SET_ONE_REG, PTR_NULL, EFAULT },
		{ "GET_ONE_REG: a kernel address", 0, FD_VCPU, KVM_GET_ONE_REG, PTR_KERNEL,
		  EFAULT },
	};
	static const struct {
		const char *name;
		uint64_t id;
	} regs[] = {
		{ "x0", REG_X(0) },
		{ "TPIDR_EL1", REG_TPIDR_EL1 },
		{ "MIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 0) },
		{ "TIMER_CVAL", KVM_REG_ARM_TIMER_CVAL },
		{ "PSCI_VERSION", KVM_REG_ARM_PSCI_VERSION },
	};

	rows_run(m, rows, ROW_COUNT(rows));
	for (unsigned int i = 0; i < ROW_COUNT(regs); i++) {
		uint64_t id = regs[i].id;

		tap_errno(get(m, id, NULL), EFAULT, "GET_ONE_REG: %s to NULL", regs[i].name);
		tap_errno(get(m, id, (void *)&constant), EFAULT,
			  "GET_ONE_REG: %s to a read-only page", regs[i].name);
		tap_errno(set(m, id, NULL), EFAULT, "SET_ONE_REG: %s from NULL", regs[i].name);
		tap_errno(set(m, id, (void *)PTR_UNMAPPED), EFAULT,
			  "SET_ONE_REG: %s from unmapped memory", regs[i].name);
	}
}

static void bad_ids(struct machine *m)
{
	for (unsigned int i = 0; i < ROW_COUNT(bad); i++) {
		const char *lacks = env_lacks(bad[i].need);

		if (lacks) {
			tap_skip(lacks, "GET_ONE_REG and SET_ONE_REG: %s", bad[i].name);
			continue;
		}
		tap_errno(get(m, bad[i].id, value), bad[i].want, "GET_ONE_REG: %s", bad[i].name);
		tap_errno(set(m, bad[i].id, value), bad[i].want, "SET_ONE_REG: %s", bad[i].name);
	}
}

/* A value that the register cannot take is refused and changes nothing. */
static void bad_values(struct machine *m)
{
	static const struct {
		const char *name;
		uint64_t id;
	} fixed[] = {
		{ "MIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 0) },
		{ "ID_AA64PFR0_EL1", ARM64_SYS_REG(3, 0, 0, 4, 0) },
		{ "ID_AA64DFR0_EL1", ARM64_SYS_REG(3, 0, 0, 5, 0) },
		{ "PSCI_VERSION", KVM_REG_ARM_PSCI_VERSION },
	};

	for (unsigned int i = 0; i < ROW_COUNT(fixed); i++) {
		uint64_t before = machine_get(m, fixed[i].id);
		uint64_t other = before ^ 0xfedcba9876543210;

		if (!env.tsr && !i) {
			tap_skip("mainline lets some be written", "SET_ONE_REG: %s", fixed[i].name);
			continue;
		}
		tap_errno(set(m, fixed[i].id, &other), EINVAL, "SET_ONE_REG: %s with another value",
			  fixed[i].name);
		tap_ok(machine_get(m, fixed[i].id) == before, "SET_ONE_REG: %s is unchanged",
		       fixed[i].name);
	}
	machine_set(m, REG_PSTATE, 0x3c5);
	for (unsigned int mode = 0; mode < 16; mode++) {
		static const uint16_t good = 1 << 0 | 1 << 4 | 1 << 5;
		uint64_t pstate = 0x3c0 | mode;

		tap_errno(set(m, REG_PSTATE, &pstate), good >> mode & 1 ? 0 : EINVAL,
			  "SET_ONE_REG: PSTATE with mode %u", mode);
	}
}

void test_onereg(void)
{
	struct machine m;

	machine_open(&m, 0);
	fetch_list(&m);
	list_pointers(&m);
	list.n = LIST_MAX;
	call(m.vcpu, KVM_GET_REG_LIST, PTR(&list));
	tap_ok(unique(), "GET_REG_LIST: no register twice");
	for (unsigned int i = 0; i < ROW_COUNT(present); i++)
		tap_ok(listed(present[i].id), "GET_REG_LIST: %s", present[i].name);
	round_trips(&m, "no MTE");
	reg_pointers(&m);
	bad_ids(&m);
	bad_values(&m);
	machine_close(&m);
	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "registers of a VM with MTE");
		return;
	}
	machine_open(&m, MACHINE_MTE);
	list.n = LIST_MAX;
	call(m.vcpu, KVM_GET_REG_LIST, PTR(&list));
	round_trips(&m, "MTE");
	tap_ok(listed(ARM64_SYS_REG(3, 0, 1, 0, 6)) && listed(ARM64_SYS_REG(3, 0, 1, 0, 5)) &&
		       listed(ARM64_SYS_REG(3, 0, 5, 6, 0)) && listed(ARM64_SYS_REG(3, 0, 5, 6, 1)),
	       "a VM with MTE has GCR, RGSR, TFSR and TFSRE0");
	machine_close(&m);
}
