/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which world a physical CPU is in.
 *
 * Loaded: the CPU holds a vCPU's EL1 and EL0 system registers, its stage 2 and the
 * traps of guests, but runs the host: HCR_EL2.TGE = 1 makes all of that inert (Arm
 * ARM D1.3.6, D8.2.10). So one switch a KVM_RUN or preemption, not one an exit: the
 * entry flips TGE, the vectors and CPTR_EL2, and little else.
 *
 * From a thread's load to its put the vCPU follows it: the preemption notifiers put
 * and load it where the thread is moved.
 *
 * Some traps are the same for all guests and do not touch a VHE host (they act on EL1
 * and EL0 with TGE = 0 alone): they are set once on each CPU, and put back when the
 * module goes.
 */
#ifndef MODULE_WORLD_H
#define MODULE_WORLD_H

#include "vcpu.h"

/* What the CPUs have that guests are kept from, or that they share with the host. */
struct tsr_world {
	bool hcx;	/* FEAT_HCX: HCRX_EL2 */
	bool mpam;	/* FEAT_MPAM: MPAM2_EL2 */
	bool ras;	/* FEAT_RAS: VDISR_EL2, VSESR_EL2 */
	bool evt;	/* FEAT_EVT: HCR_EL2.TID4, which lets CTR_EL0 pass */
	bool pauth;	/* the kernel uses PAuth: address and generic keys */
	u64 guest_hcrx; /* HCRX_EL2 of every guest */
};

extern struct tsr_world tsr_world; /* constant after tsr_world_init() */

/* A vCPU is being loaded on this CPU: whose `current` a broken switch reports. */
void tsr_world_note(struct task_struct *task);

/* world_cpu.c: each CPU's traps of all guests, hotplug. -errno of the hotplug core. */
int tsr_world_init(void);
void tsr_world_exit(void);

/* Load and put; preemption off. */
void tsr_world_load(struct tsr_vcpu *v);
void tsr_world_put(struct tsr_vcpu *v);

/*
 * Enters the guest of a loaded vCPU and comes back at the next exception: TSR_EXIT_*.
 * All of DAIF masked. After another than TSR_EXIT_IRQ v->syndrome tells what it was.
 */
unsigned long tsr_world_enter(struct tsr_vcpu *v);

/* HCR_EL2 and CPTR_EL2 of the guest, from what the vCPU is (v->mte, v->pauth). */
void tsr_world_traps(struct tsr_vcpu *v);

/* The guest's view of the host's counter. */
u64 tsr_counter(void);

#endif
