/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Firmware that a guest sees: PSCI (Arm DEN 0022) and the calls of the SMC Calling
 * Convention (DEN 0028) that find it. HVC is the conduit; SMC is answered alike.
 *
 * A vCPU is on or off (mp_state). Off, its thread sleeps in KVM_RUN; CPU_ON leaves its
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

/* power: under power_lock for as long as each takes. */
void tsr_vcpu_power_off(struct tsr_vcpu *v);
void tsr_vcpu_power_on(struct tsr_vcpu *v);

/* The PSCI that this vCPU's guest finds: one of the versions above. */
u32 tsr_psci_version(const struct tsr_vcpu *v);

/*
 * What the host needs of ARM_SMCCC_ARCH_WORKAROUND_n, in the terms of the register of
 * that name: not required, or not available.
 */
u64 tsr_smccc_workaround(u32 function);

#endif
