// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this machine can do, for core and for the capabilities; and whether
 * tessera can work on it at all. Fields that the kernel knows come from its
 * sanitised ID registers; what it does not know (FEAT_MTE_PERM) is read on every
 * CPU, those that come online later included: a CPU that lacks it is refused.
 */
#define pr_fmt(fmt) "tessera: " fmt

#include <linux/cpuhotplug.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>
#include <asm/sysreg.h>
#include <asm/virt.h>

#include "compat.h"
#include "tessera.h"

/* ID_AA64PFR2_EL1.MTEPERM, bits 3:0: 1 is FEAT_MTE_PERM (Arm ARM D24.2.88). */
#define PFR2_MTEPERM GENMASK_ULL(3, 0)

#define IPA_BITS_MIN 32
#define IPA_BITS_MAX 48 /* more needs LPA2 in stage 2, which is not served */

struct host tsr_host;

static enum cpuhp_state host_hotplug;

/* CurrentEL = EL2 is VHE: an nVHE kernel leaves EL2 at boot. */
static int host_check_kernel(void)
{
	if (PAGE_SIZE != SZ_4K) {
		pr_err("not loading: this kernel has %lu KiB pages, tessera needs 4 KiB: boot a 4 "
		       "KiB kernel\n",
		       PAGE_SIZE / SZ_1K);
		return -ENODEV;
	}
	if (!is_kernel_in_hyp_mode()) {
		pr_err("not loading: the kernel does not run at EL2: tessera needs a CPU with VHE "
		       "(Armv8.1), firmware that starts the kernel at EL2, and no "
		       "kvm-arm.mode=nvhe or =protected\n");
		return -ENODEV;
	}
	return 0;
}

/* ID registers have fields of four bits; CTR_EL0 has not. */
static unsigned int field(u64 reg, unsigned int shift)
{
	return cpuid_feature_extract_unsigned_field(reg, shift);
}

static bool cpu_has_mte_perm(void)
{
	return FIELD_GET(PFR2_MTEPERM, read_sysreg_s(SYS_ID_AA64PFR2_EL1)) != 0;
}

/* MIDR_EL1 of QEMU's "max": no implementer, and a Q. */
#define MIDR_QEMU_MAX MIDR_CPU_MODEL(0, 'Q')

/*
 * With FEAT_BBM level 2 a CPU may still raise TLB conflict aborts, which a guest would have to
 * take. The kernel has a list of those that do not; an emulator has no TLB that could.
 */
static unsigned int host_bbm(u64 mmfr2)
{
	bool emulated = (read_cpuid_id() & MIDR_CPU_MODEL_MASK) == MIDR_QEMU_MAX;

	if (field(mmfr2, ID_AA64MMFR2_EL1_BBM_SHIFT) < 2)
		return 0;
	return tsr_bbml2_noabort() || emulated ? 2 : 0;
}

/* The hardware sets the access flag; not where that is known to go wrong. */
static unsigned int host_hafdbs(u64 mmfr1)
{
	if (cpus_have_final_cap(ARM64_WORKAROUND_AMPERE_AC03_CPU_38))
		return 0;
	return min(field(mmfr1, ID_AA64MMFR1_EL1_HAFDBS_SHIFT), 2U);
}

static void host_read_memory(struct host *host)
{
	u64 mmfr0 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR0_EL1);
	u64 mmfr1 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1);
	u64 mmfr2 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR2_EL1);
	u64 ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);
	unsigned int parange = field(mmfr0, ID_AA64MMFR0_EL1_PARANGE_SHIFT);

	host->pa_bits = min_t(u32, id_aa64mmfr0_parange_to_phys_shift(parange), IPA_BITS_MAX);
	host->ipa_bits = host->pa_bits;
	host->hafdbs = host_hafdbs(mmfr1);
	host->xnx = field(mmfr1, ID_AA64MMFR1_EL1_XNX_SHIFT) != 0;
	host->bbm = host_bbm(mmfr2);
	host->fwb = field(mmfr2, ID_AA64MMFR2_EL1_FWB_SHIFT) != 0;
	host->dic = FIELD_GET(CTR_EL0_DIC_MASK, ctr) != 0;
	/* FEAT_S2FWB comes with a PoU that data need not be cleaned to (Arm ARM D8.6.6). */
	host->idc = host->fwb || FIELD_GET(CTR_EL0_IDC_MASK, ctr) != 0;
	host->tlb_range = system_supports_tlb_range();
}

/* MTE counts where the kernel uses it: it keeps the tags of pages, and level 1 has none. */
static void host_read_mte(struct host *host)
{
	u64 pfr1 = read_sanitised_ftr_reg(SYS_ID_AA64PFR1_EL1);

	host->mte = system_supports_mte() ? field(pfr1, ID_AA64PFR1_EL1_MTE_SHIFT) : 0;
	host->mte_perm = host->mte && cpu_has_mte_perm();
}

/* Runs on each CPU at load, and on each that comes online later. */
static int host_cpu_online(unsigned int cpu)
{
	if (!tsr_host.mte_perm || cpu_has_mte_perm())
		return 0;
	pr_err("CPU %u lacks FEAT_MTE_PERM, which other CPUs have: it cannot run with tessera\n",
	       cpu);
	return -ENODEV;
}

int tsr_host_init(void)
{
	int err = host_check_kernel();

	if (err)
		return err;
	host_read_memory(&tsr_host);
	host_read_mte(&tsr_host);
	if (tsr_host.ipa_bits < IPA_BITS_MIN) {
		pr_err("not loading: this CPU has %u bits of physical address, tessera needs %u\n",
		       tsr_host.ipa_bits, IPA_BITS_MIN);
		return -ENODEV;
	}
	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tessera/host:online", host_cpu_online, NULL);
	if (err < 0)
		return err;
	host_hotplug = err;
	return 0;
}

void tsr_host_exit(void)
{
	cpuhp_remove_state(host_hotplug);
}
