// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_SET_GUEST_DEBUG: docs/abi.md 10.6. */
#include <errno.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define STEP (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP)
#define HW   (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW)

/* Exception classes of ESR_EL2 (Arm ARM D24.2.40). */
#define EC_BREAKPOINT 0x30
#define EC_STEP	      0x32
#define EC_WATCHPOINT 0x34
#define EC_BRK	      0x3cUL

#define PSTATE_SS (1UL << 21)

/* DBGBCRn_EL1 and DBGWCRn_EL1: on, at EL1 and EL0, all bytes; stores and loads. */
#define BCR_ON (0xfUL << 5 | 3UL << 1 | 1)
#define WCR_ON (0xffUL << 5 | 3UL << 3 | 3UL << 1 | 1)

#define CONTROL(c) PTR(&(const struct kvm_guest_debug){ .control = (c) })

static const struct row rows[] = {
	{ "SET_GUEST_DEBUG: NULL", 0, FD_VCPU, KVM_SET_GUEST_DEBUG, PTR_NULL, EFAULT },
	{ "SET_GUEST_DEBUG: unmapped", 0, FD_VCPU, KVM_SET_GUEST_DEBUG, PTR_UNMAPPED, EFAULT },
	{ "SET_GUEST_DEBUG: bit 2", 0, FD_VCPU, KVM_SET_GUEST_DEBUG, CONTROL(1 | 4), EINVAL },
	{ "SET_GUEST_DEBUG: bit 18", 0, FD_VCPU, KVM_SET_GUEST_DEBUG, CONTROL(1 | 1U << 18),
	  EINVAL },
	{ "SET_GUEST_DEBUG: bit 31", 0, FD_VCPU, KVM_SET_GUEST_DEBUG, CONTROL(1U << 31), EINVAL },
	{ "SET_GUEST_DEBUG: all that is known", 0, FD_VCPU, KVM_SET_GUEST_DEBUG, CONTROL(0x30003),
	  0 },
	{ "SET_GUEST_DEBUG: off", 0, FD_VCPU, KVM_SET_GUEST_DEBUG, CONTROL(0), 0 },
	{ "SET_GUEST_DEBUG on a VM", NEED_TSR, FD_VM, KVM_SET_GUEST_DEBUG, CONTROL(0), ENOTTY },
};

static void debug_set(struct machine *m, const struct kvm_guest_debug *debug)
{
	tap_errno(call(m->vcpu, KVM_SET_GUEST_DEBUG, PTR(debug)), 0, "SET_GUEST_DEBUG %#x",
		  debug->control);
}

/* KVM_EXIT_DEBUG of @ec at @pc? */
static bool stopped(struct machine *m, uint32_t ec, uint64_t pc)
{
	long ret = machine_run(m);

	if (ret == 0 && m->run->exit_reason == KVM_EXIT_DEBUG &&
	    m->run->debug.arch.hsr >> 26 == ec && machine_get(m, REG_PC) == pc)
		return true;
	machine_explain(m, ret);
	return false;
}

/* An instruction that the VMM completes is a step, as one that the CPU executes is. */
static void step(struct machine *m)
{
	const struct kvm_guest_debug on = { .control = STEP }, off = { 0 };
	uint64_t pc = machine_snippet(guest_ldr);
	uint64_t value = 0;

	machine_call(m, guest_ldr, CODE_GPA + PAGE, 0);
	debug_set(m, &on);
	tap_ok(stopped(m, EC_STEP, pc + 4), "a step over a load");
	tap_ok(machine_run(m) == 0 && m->run->exit_reason == KVM_EXIT_MMIO,
	       "a step into MMIO is that exit");
	tap_ok(stopped(m, EC_STEP, pc + 8), "and ends after it was completed");
	tap_ok(stopped(m, EC_STEP, pc + 8), "a step of a branch to itself");
	debug_set(m, &off);
	tap_ok(machine_finishes(m, guest_ldr, CODE_GPA + PAGE, 0, &value), "and off again it runs");
}

static void hardware(struct machine *m)
{
	struct kvm_guest_debug debug = { .control = HW };
	const struct kvm_guest_debug off = { 0 };
	uint64_t pc = machine_snippet(guest_str);

	debug.arch.dbg_bvr[0] = pc + 4;
	debug.arch.dbg_bcr[0] = BCR_ON;
	debug_set(m, &debug);
	machine_call(m, guest_str, CODE_GPA + PAGE, 7);
	tap_ok(stopped(m, EC_BREAKPOINT, pc + 4), "a breakpoint stops before its instruction");
	debug.arch.dbg_bcr[0] = 0;
	debug.arch.dbg_wvr[0] = CODE_GPA + PAGE;
	debug.arch.dbg_wcr[0] = WCR_ON;
	debug_set(m, &debug);
	machine_set(m, REG_PC, pc);
	tap_ok(stopped(m, EC_WATCHPOINT, pc), "a watchpoint stops before the store");
	tap_ok(m->run->debug.arch.far == CODE_GPA + PAGE, "and says of what");
	debug_set(m, &off);
	tap_ok(machine_finishes(m, guest_str, CODE_GPA + PAGE, 7, NULL), "off, neither stops");
}

/* BRK is the VMM's while it debugs, and the guest's own else. */
static void software(struct machine *m)
{
	const struct kvm_guest_debug on = { .control =
						    KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP };
	const struct kvm_guest_debug off = { .control = KVM_GUESTDBG_USE_SW_BP };
	uint64_t esr = 0;

	debug_set(m, &on);
	machine_call(m, guest_brk, 0, 0);
	tap_ok(stopped(m, EC_BRK, machine_snippet(guest_brk)), "BRK stops at itself");
	tap_ok((m->run->debug.arch.hsr & 0xffff) == 7, "and says which it was");
	tap_ok(m->run->flags & KVM_DEBUG_ARCH_HSR_HIGH_VALID && !m->run->debug.arch.hsr_high,
	       "the upper half of the syndrome is there");
	debug_set(m, &off);
	tap_ok(machine_finishes(m, guest_brk, 0, 0, &esr) && ESR_EC(esr) == EC_BRK,
	       "without ENABLE the other bits mean nothing: the guest takes it");
}

/* What the guest has set for itself is there while it is debugged, and after. */
static void kept(struct machine *m)
{
	const uint64_t bvr = ARM64_SYS_REG(2, 0, 0, 0, 4), wvr = ARM64_SYS_REG(2, 0, 0, 0, 6);
	const struct kvm_guest_debug off = { 0 };
	struct kvm_guest_debug debug = { .control = HW | STEP };
	uint64_t pc = machine_snippet(guest_spin);

	machine_set(m, bvr, 0x1230);
	machine_set(m, wvr, 0x4560);
	debug.arch.dbg_bvr[0] = pc + 64;
	debug.arch.dbg_wvr[0] = CODE_GPA;
	machine_call(m, guest_spin, 0, 0);
	debug_set(m, &debug);
	tap_ok(stopped(m, EC_STEP, pc), "a step with other breakpoints than the guest's");
	tap_ok(machine_get(m, bvr) == 0x1230 && machine_get(m, wvr) == 0x4560,
	       "the guest's own are as it set them");
	tap_ok(!(machine_get(m, REG_PSTATE) & PSTATE_SS), "and so is PSTATE.SS");
	debug_set(m, &off);
	tap_ok(machine_get(m, bvr) == 0x1230 && machine_get(m, wvr) == 0x4560, "afterwards, too");
}

void test_debug(void)
{
	struct machine m;

	machine_open(&m, 0);
	rows_run(&m, rows, ROW_COUNT(rows));
	step(&m);
	hardware(&m);
	software(&m);
	kept(&m);
	machine_close(&m);
}
