/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debugging: the guest's own breakpoints, watchpoints and single step, or those of the VMM
 * (KVM_SET_GUEST_DEBUG, api.rst 4.87), which take their place.
 *
 * The guest's accesses to debug registers always trap: reg[] is what they are. What is in use
 * goes into the CPU at each entry to the guest and makes room for the host's at the exit, so
 * that nothing of it is seen at EL2. Debug exceptions are the guest's (EL1), or the VMM's
 * (MDCR_EL2.TDE) while it debugs.
 *
 * PSTATE.SS, the step that is to be taken, is the debugger's: while the VMM steps, the
 * guest's own is put away for the length of each KVM_RUN.
 */
#ifndef MODULE_DEBUG_H
#define MODULE_DEBUG_H

#include <linux/kvm.h>
#include <linux/types.h>

#define TSR_DEBUG_PAIRS 16

/* MDSCR_EL1 (Arm ARM D24.3.20). */
#define MDSCR_SS   BIT_ULL(0)
#define MDSCR_TDCC BIT_ULL(12)
#define MDSCR_KDE  BIT_ULL(13)
#define MDSCR_MDE  BIT_ULL(15)
#define MDSCR_ON   (MDSCR_SS | MDSCR_KDE | MDSCR_MDE)

struct tsr_vcpu;

/* The vCPU's own thread, mutex held. */
struct tsr_debug {
	u32 control;			 /* KVM_GUESTDBG_*; 0: the VMM does not debug */
	bool step_due;			 /* the VMM's step ends before the next instruction */
	bool guest_ss;			 /* the guest's PSTATE.SS while the VMM steps */
	bool loaded;			 /* breakpoints are in the CPU; host has the host's */
	struct kvm_guest_debug_arch vmm; /* with KVM_GUESTDBG_USE_HW */
	struct kvm_guest_debug_arch host;
};

/* KVM_SET_GUEST_DEBUG. -EINVAL: unknown bits of control. */
int tsr_debug_set(struct tsr_vcpu *v, const struct kvm_guest_debug *debug);
#define TSR_GUESTDBG_VALID                                                        \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP | \
	 KVM_GUESTDBG_USE_HW)

/* Around KVM_RUN: whose step it is. */
void tsr_debug_run_begin(struct tsr_vcpu *v);
void tsr_debug_run_end(struct tsr_vcpu *v);

/*
 * Around the guest, interrupts off, MDSCR_EL1 = 0: MDSCR_EL1 for the guest; its breakpoints
 * and watchpoints are in the CPU if that uses them, and the leave takes them out.
 */
u64 tsr_debug_enter(struct tsr_vcpu *v);
void tsr_debug_leave(struct tsr_vcpu *v);

/* How many there are. */
unsigned int tsr_debug_breakpoints(void);
unsigned int tsr_debug_watchpoints(void);
void tsr_debug_init(void);

#endif
