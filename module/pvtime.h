/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stolen time (Arm DEN 0057): how long a vCPU's thread was ready to run and did not, kept
 * in a structure in guest memory, which the VMM places and the guest asks for.
 *
 * All in the vCPU's own thread, with its mutex held.
 */
#ifndef MODULE_PVTIME_H
#define MODULE_PVTIME_H

#include "vcpu.h"

/*
 * KVM_ARM_VCPU_PVTIME_IPA; api.rst, devices/vcpu.rst 3. @user: u64. -EFAULT; -EINVAL: not of
 * 64 bytes, or in no slot; -EEXIST: it is set.
 */
int tsr_pvtime_set(struct tsr_vcpu *v, void __user *user);
int tsr_pvtime_get(struct tsr_vcpu *v, void __user *user);

static inline bool tsr_pvtime_on(const struct tsr_vcpu *v)
{
	return v->pvtime.ipa != TSR_PVTIME_NONE;
}

/* The guest asks for it: counting starts. The structure's address. Sleeps. */
u64 tsr_pvtime_start(struct tsr_vcpu *v);
/* Adds what was stolen since the last time. Sleeps. */
void tsr_pvtime_update(struct tsr_vcpu *v);

#endif
