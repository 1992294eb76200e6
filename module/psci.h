/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PSCI (Arm DEN 0022), among the calls of smccc.h.
 *
 * A vCPU is on, suspended or off (mp_state). Off, its thread sleeps in KVM_RUN; CPU_ON leaves its
 * start state in v->reset, which its own thread applies. A system event turns all off
 * and ends the KVM_RUN of the caller alone: what follows is the VMM's to do.
 */
#ifndef MODULE_PSCI_H
#define MODULE_PSCI_H

#include "vcpu.h"

#define TSR_PSCI_VERSION_0_1 0x00001U
#define TSR_PSCI_VERSION_0_2 0x00002U
#define TSR_PSCI_VERSION_1_0 0x10000U
#define TSR_PSCI_VERSION_1_1 0x10001U
#define TSR_PSCI_VERSION_1_2 0x10002U
#define TSR_PSCI_VERSION_1_3 0x10003U

/* Waits as WFI does: for a kick, a signal, or the guest's virtual timer. Sleeps. */
void tsr_wait_for_interrupt(struct tsr_vcpu *v);
/* Would WFI end at once? */
bool tsr_interrupt_due(struct tsr_vcpu *v);

/* Power: under power_lock for as long as each takes. */
void tsr_vcpu_power_off(struct tsr_vcpu *v);
void tsr_vcpu_power_on(struct tsr_vcpu *v);
/* On, but waits as in WFI; what ends the wait is a system event, WAKEUP. */
void tsr_vcpu_suspend(struct tsr_vcpu *v);

/* The PSCI that this vCPU's guest finds: one of the versions above. */
u32 tsr_psci_version(const struct tsr_vcpu *v);

/* PSCI calls that only compute; true: answered. With interrupts off, too. */
bool tsr_psci_fast(struct tsr_vcpu *v);
/* The call that x0 names, which may be none of PSCI's. */
enum tsr_next tsr_psci_call(struct tsr_vcpu *v);

/* smccc.c: @value in x0, 0 in x1 to x3. */
void tsr_smccc_answer(struct tsr_vcpu *v, u64 value);

#endif
