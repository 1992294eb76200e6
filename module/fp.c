// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FP/SIMD registers, as late as can be: the guest's first use since they were the
 * host's traps (CPTR_EL2.FPEN), and the host gets them back before anything that may
 * sleep, since the rest of the kernel may then want them in the same thread. Between,
 * the kernel itself keeps them over preemption and softirqs (kernel_neon_begin()).
 */
#include "arm.h"
#include "compat.h"
#include "vcpu.h"

void tsr_fp_acquire(struct tsr_vcpu *v)
{
	if (v->fp_live)
		return;
	tsr_neon_begin(&v->fp_preempted);
	tsr_fp_load(&v->ctx.fp);
	v->fp_live = true;
	v->cptr |= CPTR_E2H_FPEN;
}

void tsr_fp_release(struct tsr_vcpu *v)
{
	if (!v->fp_live)
		return;
	v->cptr &= ~CPTR_E2H_FPEN;
	v->fp_live = false;
	tsr_fp_save(&v->ctx.fp);
	tsr_neon_end(&v->fp_preempted);
}
