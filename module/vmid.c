// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMIDs: one for each VM, from creation to the end. They are not rolled over as
 * the host's ASIDs are, so at most 2^VMIDBits - 1 VMs exist at a time (255 or
 * 65535); the next is refused. VMID 0 is what VTTBR_EL2 holds while no VM is
 * loaded, and never given away.
 */
#define pr_fmt(fmt) "tessera: " fmt

#include <linux/idr.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "tessera.h"

static DEFINE_IDA(vmids);

unsigned int tsr_vmid_bits(void)
{
	return get_vmid_bits(read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1));
}

int tsr_vmid_alloc(u16 *vmid)
{
	int id = ida_alloc_range(&vmids, 1, BIT(tsr_vmid_bits()) - 1, GFP_KERNEL_ACCOUNT);

	if (id == -ENOSPC)
		pr_notice_ratelimited("all %lu VMIDs of this CPU are in use: no further VM\n",
				      BIT(tsr_vmid_bits()) - 1);
	if (id < 0)
		return id;
	*vmid = id;
	return 0;
}

void tsr_vmid_free(u16 vmid)
{
	ida_free(&vmids, vmid);
}
