/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPU that the guests of a VM see: its identification registers. It starts as the host
 * with what guests are offered of it (idreg.c), and the VMM may lower it by ONE_REG until a
 * vCPU has run, so that a VM can move between unlike hosts.
 */
#ifndef MODULE_IDMODEL_H
#define MODULE_IDMODEL_H

#include <linux/types.h>

#define TSR_ID_FEATURES 56 /* CRm 1 to 7, op2 0 to 7 of op0 3, op1 0, CRn 0 */

struct tsr_vm;
struct tsr_vcpu;
struct reg_mask_range;

/* [tsr_vm.lock to change; fixed from the first KVM_RUN on] */
struct tsr_idmodel {
	bool ready; /* the first KVM_ARM_VCPU_INIT has settled mte and pauth */
	bool mte, pauth;
	bool imp_writable; /* KVM_CAP_ARM_WRITABLE_IMP_ID_REGS: MIDR, REVIDR, AIDR */
	bool own_ctr;	   /* CTR_EL0 is not the host's: reads trap */
	u64 midr, revidr, aidr, ctr;
	u64 feature[TSR_ID_FEATURES];
};

/* The host's offer, with tsr_vm.lock held; what is there already stays. */
void tsr_idmodel_start(struct tsr_idmodel *m, bool mte, bool pauth);

/*
 * ONE_REG. -EINVAL: the host does not offer it; -EBUSY: a vCPU has run and the value is
 * another. AArch32's registers take anything and stay 0.
 */
int tsr_idmodel_set(struct tsr_vcpu *v, u32 enc, u64 value);

/*
 * KVM_ARM_GET_REG_WRITABLE_MASKS; api.rst 4.139. -EINVAL: another range, or a reserved field;
 * -EFAULT.
 */
int tsr_idmodel_masks(struct tsr_vm *vm, const struct reg_mask_range *range);

/* idreg.c: of @m's offer. */
u64 tsr_idreg_offered(const struct tsr_idmodel *m, u32 enc);
bool tsr_idreg_fits(const struct tsr_idmodel *m, u32 enc, u64 value);
u64 tsr_idreg_writable(const struct tsr_idmodel *m, u32 enc);
u64 tsr_clidr_offered(bool mte);

#endif
