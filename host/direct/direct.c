// SPDX-License-Identifier: GPL-2.0-only
/*
 * direct.ko: the running kernel goes without FEAT_S1PIE, as on a CPU that does not have it.
 *
 * With indirect permissions QEMU (11.1) loses dirty state. A page is clean while the nDirty
 * bit of its descriptor is set, and a first store has to clear it (Arm ARM D8.5, hardware
 * management of dirty state). QEMU does so if that store walks the tables, but a load that
 * comes before it leaves a TLB entry that may be written, and then no walk follows. Linux
 * takes such a page for unchanged: if it came from swap and its copy there is still valid,
 * the stores to it are thrown away. With direct permissions QEMU leaves write permission out
 * of the TLB until the page is dirty.
 *
 * Linux's descriptors say the same in both schemes (its PIR values are made for that), and it
 * does not look at the register again, so that it can be turned off under a running kernel.
 * Shadow stacks (FEAT_GCS) need the indirect scheme; nothing on these hosts has them. There
 * is no way back but a boot: the module does not unload.
 */
#include <linux/bitfield.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>

/* TCR2_EL1.PIE: the register is TCR2_EL2 for a kernel at EL2 (Arm ARM, FEAT_VHE). */
#define TCR2_PIE BIT_ULL(1)

/* On each CPU, and on one that comes back: it starts with the kernel's registers. */
static int direct_cpu_online(unsigned int cpu)
{
	u64 mmfr3 = read_sysreg_s(SYS_ID_AA64MMFR3_EL1);

	if (!FIELD_GET(ID_AA64MMFR3_EL1_S1PIE_MASK, mmfr3))
		return 0;
	sysreg_clear_set_s(SYS_TCR2_EL1, TCR2_PIE, 0);
	isb();
	/* TLBs may hold the register with each entry. */
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	isb();
	return 0;
}

static int __init direct_init(void)
{
	int err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tessera/direct:online", direct_cpu_online,
				    NULL);

	return err < 0 ? err : 0;
}
module_init(direct_init);

MODULE_DESCRIPTION("Direct permissions in place of FEAT_S1PIE");
MODULE_LICENSE("GPL");
