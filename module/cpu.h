/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the vCPUs of one VM have in common, inside struct tsr_vm.
 */
#ifndef MODULE_CPU_H
#define MODULE_CPU_H

#include <linux/types.h>

#include "idmodel.h"
#include "smccc.h"

struct tsr_vm_cpu {
	/* Any may be read at any time; a vCPU's own thread writes them by ONE_REG. */
	u64 voffset;	  /* CNTVOFF_EL2: the virtual counter starts near 0 with the VM */
	u64 poffset;	  /* the same for the physical counter; 0 until the VMM sets it */
	u32 psci_version; /* 0xMMMMmmmm: major, minor */
	struct tsr_idmodel id;
	struct tsr_smccc smccc;
	unsigned int __percpu *last_vcpu; /* the id of the one loaded last on each CPU */
	bool nisv_to_user;		  /* KVM_CAP_ARM_NISV_TO_USER */
	bool system_suspend;		  /* KVM_CAP_ARM_SYSTEM_SUSPEND: PSCI has it */
	bool ran;			  /* a vCPU has entered the guest: what it saw is settled */
	bool has_features;
	u32 features; /* [tsr_vm.lock] BIT(KVM_ARM_VCPU_*), alike for all its vCPUs */
};

/* When the VM is created, and when it goes. -ENOMEM: nothing is held. */
int tsr_vm_cpu_init(struct tsr_vm_cpu *cpu);
void tsr_vm_cpu_destroy(struct tsr_vm_cpu *cpu);

#endif
