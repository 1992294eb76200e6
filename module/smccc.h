/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of the SMC Calling Convention (Arm DEN 0028), by HVC or SMC alike: PSCI
 * (psci.h), entropy (DEN 0098), stolen time (DEN 0057), and what KVM offers to its guests.
 *
 * What is answered is the VMM's to choose, until a vCPU has run. By ranges of functions: a
 * filter, which comes first; one that it forwards is an exit, KVM_EXIT_HYPERCALL. By
 * services: a bit each of the bitmaps that are firmware registers.
 */
#ifndef MODULE_SMCCC_H
#define MODULE_SMCCC_H

#include <linux/maple_tree.h>
#include <linux/types.h>

/* Newer than the header of Linux 6.12. */
#ifndef KVM_REG_ARM_VENDOR_HYP_BMAP_2
#define KVM_REG_ARM_VENDOR_HYP_BMAP_2 KVM_REG_ARM_FW_FEAT_BMAP_REG(3)
#endif

struct tsr_vm;
struct tsr_vcpu;

/* Firmware registers with bitmaps of services; KVM_REG_ARM_*_BMAP in their order. */
enum tsr_bmap {
	TSR_BMAP_STD,	   /* bit 0: TRNG 1.0 */
	TSR_BMAP_STD_HYP,  /* bit 0: stolen time */
	TSR_BMAP_VENDOR,   /* bit 0: UID and features; 1: PTP */
	TSR_BMAP_VENDOR_2, /* told in the features alone; the VMM's own, by the filter */
	TSR_BMAP_COUNT,
};

struct tsr_smccc {
	u64 bmap[TSR_BMAP_COUNT]; /* [tsr_vm.lock to change] */
	bool filtered;		  /* [tsr_vm.lock to change] filter is not empty */
	struct maple_tree filter; /* [tsr_vm.lock to change, RCU] KVM_SMCCC_FILTER_* by function */
};

/* With the VM. */
void tsr_smccc_init(struct tsr_smccc *smccc);
void tsr_smccc_destroy(struct tsr_smccc *smccc);

/* The services of @bmap that there are. */
u64 tsr_smccc_services(enum tsr_bmap bmap);
/* -EINVAL: a service that there is not; -EBUSY: another value than now, and a vCPU has run. */
int tsr_smccc_set_bmap(struct tsr_vm *vm, enum tsr_bmap bmap, u64 value);

/*
 * KVM_ARM_VM_SMCCC_FILTER; api.rst, devices/vm.rst 4. @user: struct kvm_smccc_filter.
 * -EFAULT, -ENOMEM; -EINVAL: range, action, padding; -EEXIST: part of it is filtered, or of
 * the architecture's own; -EBUSY: a vCPU has run.
 */
int tsr_smccc_set_filter(struct tsr_vm *vm, const void __user *user);

/*
 * What the host needs of ARM_SMCCC_ARCH_WORKAROUND_n, in the terms of the register of
 * that name: not required, or not available.
 */
u64 tsr_smccc_workaround(u32 function);

#endif
