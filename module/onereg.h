/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_GET_ONE_REG, KVM_SET_ONE_REG, KVM_GET_REG_LIST (api.rst 4.68, 4.69, 4.88). The
 * vCPU's mutex is held and it is not loaded.
 *
 * Errors: -ENOEXEC before KVM_ARM_VCPU_INIT; -ENOENT: no such register, or not of this
 * size; -EINVAL: not an arm64 register, or a value that it cannot have; -EBUSY: it
 * cannot change any more; -EFAULT; -E2BIG: the list does not fit, and n tells its length.
 */
#ifndef MODULE_ONEREG_H
#define MODULE_ONEREG_H

#include "vcpu.h"

long tsr_onereg_get(struct tsr_vcpu *v, const struct kvm_one_reg *reg);
long tsr_onereg_set(struct tsr_vcpu *v, const struct kvm_one_reg *reg);
/* @list: in, how many fit at @user; out, how many there are. */
long tsr_onereg_list(struct tsr_vcpu *v, struct kvm_reg_list *list,
		     struct kvm_reg_list __user *user);

#endif
