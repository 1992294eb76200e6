// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's own view of its caches. With FEAT_S2FWB its memory is cacheable whatever it says,
 * and there is nothing to do. Without, what it reads with its MMU or caches off comes from
 * memory, past lines that it or the VMM has written; and it may think that maintenance by set
 * and way brings those there, which no CPU can do for the others, nor for a cache beyond them.
 *
 * So, as KVM: its first operation by set and way cleans all that it has, and from then on its
 * writes of the registers that turn caches on and off trap (HCR_EL2.TVM), which clean again
 * when they do. Once they are on the trap goes. It is there from reset on, since they are off.
 */
#include <asm/cacheflush.h>

#include "arm.h"
#include "vcpu.h"
#include "sysreg.h"

static bool caches_on(struct tsr_vcpu *v)
{
	const u64 on = SCTLR_ELx_M | SCTLR_ELx_C;

	return (tsr_vreg_get(v, VREG_SCTLR) & on) == on;
}

/* What HCR_EL2.TVM traps (Arm ARM D24.2.49), of the registers that a guest has. */
static bool is_trapped(enum tsr_vreg r)
{
	switch (r) {
	case VREG_SCTLR:
	case VREG_TTBR0:
	case VREG_TTBR1:
	case VREG_TCR:
	case VREG_ESR:
	case VREG_FAR:
	case VREG_AFSR0:
	case VREG_AFSR1:
	case VREG_MAIR:
	case VREG_AMAIR:
	case VREG_CONTEXTIDR:
		return true;
	default:
		return false;
	}
}

static void clean(struct tsr_vcpu *v)
{
	tsr_fp_release(v);
	vm_clean(&v->vm->mem);
}

bool tsr_caches_write(struct tsr_vcpu *v, enum tsr_vreg r, u64 value)
{
	bool were_on;

	if (!(v->hcr & HCR_TVM) || !is_trapped(r))
		return false;
	were_on = caches_on(v);
	tsr_vreg_set(v, r, value);
	if (caches_on(v) != were_on)
		clean(v);
	if (caches_on(v))
		v->hcr &= ~HCR_TVM;
	return true;
}

void tsr_caches_set_way(struct tsr_vcpu *v)
{
	if (tsr_host.fwb || (v->hcr & HCR_TVM))
		return;
	clean(v);
	v->hcr |= HCR_TVM;
}

/*
 * The VMM is about to give a guest another life, and what it puts into memory for that is to be
 * found: pages come back by faults, which see to their caches. With FEAT_S2FWB those are the
 * instruction caches alone.
 */
void tsr_caches_restart(struct tsr_vcpu *v)
{
	if (!tsr_host.fwb)
		vm_release(&v->vm->mem);
	else if (!tsr_host.dic)
		icache_inval_all_pou();
}
