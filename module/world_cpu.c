// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "tessera: " fmt

#include <linux/cpu.h>
#include <linux/cpu_pm.h>
#include <linux/cpuhotplug.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/panic.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>

#include "arm.h"
#include "compat.h"
#include "harden.h"
#include "world.h"

/* What a CPU had before, to be put back. */
struct world_cpu {
	bool taken;
	bool asleep;		  /* taken before it went to sleep */
	struct task_struct *task; /* of the vCPU loaded here last */
	unsigned long vbar;
	u64 hfgrtr, hfgwtr, hfgitr, hdfgrtr, hdfgwtr;
	u64 hfgrtr2, hfgwtr2, hfgitr2, hdfgrtr2, hdfgwtr2;
	u64 ich_hcr, icc_sre;
};

static DEFINE_PER_CPU(struct world_cpu, world_cpu);
static enum cpuhp_state world_hotplug;

struct tsr_world tsr_world;

/* What this CPU itself has; the kernel's sanitised view may know less. */
struct cpu_features {
	bool fgt, fgt2, gic, tcr2, sctlr2, s1pie, gcs, trf, spe, brbe;
};

static unsigned int field(u64 reg, unsigned int shift)
{
	return cpuid_feature_extract_unsigned_field(reg, shift);
}

/* Field positions: Arm ARM D24.2.79 to .90, the register of each line. */
static struct cpu_features cpu_features_read(void)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1);
	u64 pfr1 = read_sysreg(id_aa64pfr1_el1);
	u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1);
	u64 mmfr3 = read_sysreg_s(sys_reg(3, 0, 0, 7, 3));
	u64 dfr0 = read_sysreg(id_aa64dfr0_el1);

	return (struct cpu_features){
		/* Firmware or kernel may keep the system registers of a GICv3 off. */
		.gic = field(pfr0, 24) && (read_sysreg_s(SYS_ICC_SRE_EL2) & ICC_SRE_EL2_SRE),
		.gcs = field(pfr1, 44),
		.fgt = field(mmfr0, 56),
		.fgt2 = field(mmfr0, 56) > 1,
		.tcr2 = field(mmfr3, 0),
		.sctlr2 = field(mmfr3, 4),
		.s1pie = field(mmfr3, 8),
		.spe = field(dfr0, 32),
		.trf = field(dfr0, 40),
		.brbe = field(dfr0, 52),
	};
}

/*
 * Fine-grained traps, all zero: nothing that guests are offered traps by them, and what
 * has a bit of inverse sense (GCS, SME, S1PIE, S1POE, THE, 128-bit tables) does.
 */
static void fgt_take(struct world_cpu *cpu, const struct cpu_features *has)
{
	if (has->fgt) {
		cpu->hfgrtr = read_sysreg_s(SYS_HFGRTR_EL2);
		cpu->hfgwtr = read_sysreg_s(SYS_HFGWTR_EL2);
		cpu->hfgitr = read_sysreg_s(SYS_HFGITR_EL2);
		cpu->hdfgrtr = read_sysreg_s(SYS_HDFGRTR_EL2);
		cpu->hdfgwtr = read_sysreg_s(SYS_HDFGWTR_EL2);
		write_sysreg_s(0, SYS_HFGRTR_EL2);
		write_sysreg_s(0, SYS_HFGWTR_EL2);
		write_sysreg_s(0, SYS_HFGITR_EL2);
		write_sysreg_s(0, SYS_HDFGRTR_EL2);
		write_sysreg_s(0, SYS_HDFGWTR_EL2);
	}
	if (has->fgt2) {
		cpu->hfgrtr2 = read_sysreg_s(SYSREG_HFGRTR2_EL2);
		cpu->hfgwtr2 = read_sysreg_s(SYSREG_HFGWTR2_EL2);
		cpu->hfgitr2 = read_sysreg_s(SYSREG_HFGITR2_EL2);
		cpu->hdfgrtr2 = read_sysreg_s(SYSREG_HDFGRTR2_EL2);
		cpu->hdfgwtr2 = read_sysreg_s(SYSREG_HDFGWTR2_EL2);
		write_sysreg_s(0, SYSREG_HFGRTR2_EL2);
		write_sysreg_s(0, SYSREG_HFGWTR2_EL2);
		write_sysreg_s(0, SYSREG_HFGITR2_EL2);
		write_sysreg_s(0, SYSREG_HDFGRTR2_EL2);
		write_sysreg_s(0, SYSREG_HDFGWTR2_EL2);
	}
}

static void fgt_give_back(const struct world_cpu *cpu, const struct cpu_features *has)
{
	if (has->fgt) {
		write_sysreg_s(cpu->hfgrtr, SYS_HFGRTR_EL2);
		write_sysreg_s(cpu->hfgwtr, SYS_HFGWTR_EL2);
		write_sysreg_s(cpu->hfgitr, SYS_HFGITR_EL2);
		write_sysreg_s(cpu->hdfgrtr, SYS_HDFGRTR_EL2);
		write_sysreg_s(cpu->hdfgwtr, SYS_HDFGWTR_EL2);
	}
	if (has->fgt2) {
		write_sysreg_s(cpu->hfgrtr2, SYSREG_HFGRTR2_EL2);
		write_sysreg_s(cpu->hfgwtr2, SYSREG_HFGWTR2_EL2);
		write_sysreg_s(cpu->hfgitr2, SYSREG_HFGITR2_EL2);
		write_sysreg_s(cpu->hdfgrtr2, SYSREG_HDFGRTR2_EL2);
		write_sysreg_s(cpu->hdfgwtr2, SYSREG_HDFGWTR2_EL2);
	}
}

/* No interrupt controller: EL1's ICC_* registers trap, whatever HCR_EL2.IMO makes of them. */
static void gic_take(struct world_cpu *cpu, const struct cpu_features *has)
{
	if (!has->gic)
		return;
	cpu->ich_hcr = read_sysreg_s(SYS_ICH_HCR_EL2);
	cpu->icc_sre = read_sysreg_s(SYS_ICC_SRE_EL2);
	write_sysreg_s(ICH_TRAP_C | ICH_TRAP_ALL0 | ICH_TRAP_ALL1, SYS_ICH_HCR_EL2);
	write_sysreg_s(cpu->icc_sre & ~ICC_SRE_EL1_ACCESS, SYS_ICC_SRE_EL2);
}

static void gic_give_back(const struct world_cpu *cpu, const struct cpu_features *has)
{
	if (!has->gic)
		return;
	write_sysreg_s(cpu->ich_hcr, SYS_ICH_HCR_EL2);
	write_sysreg_s(cpu->icc_sre, SYS_ICC_SRE_EL2);
}

/* EL1's controls of what is hidden still hold what the kernel left at boot. */
static void el1_clear(const struct cpu_features *has)
{
	if (has->tcr2)
		write_sysreg_s(0, SYSREG_TCR2_EL12);
	if (has->sctlr2)
		write_sysreg_s(0, SYSREG_SCTLR2_EL12);
	if (has->s1pie) {
		write_sysreg_s(0, SYSREG_PIRE0_EL12);
		write_sysreg_s(0, SYSREG_PIR_EL12);
	}
	if (has->gcs)
		write_sysreg_s(0, SYSREG_GCSCR_EL12);
	if (has->trf)
		write_sysreg_s(0, SYSREG_TRFCR_EL12);
	if (has->spe)
		write_sysreg_s(0, SYSREG_PMSCR_EL12);
	if (has->brbe)
		write_sysreg_s(0, SYSREG_BRBCR_EL12);
}

static void cpu_take(void)
{
	struct cpu_features has = cpu_features_read();
	struct world_cpu *cpu = this_cpu_ptr(&world_cpu);

	fgt_take(cpu, &has);
	gic_take(cpu, &has);
	el1_clear(&has);
	write_sysreg(0, cntvoff_el2);
	/* Nothing of a VM's is left from before the CPU was away. */
	asm volatile("tlbi alle1" : : : "memory");
	dsb(nsh);
	isb();
	cpu->vbar = read_sysreg(vbar_el1);
	cpu->taken = true;
}

static void cpu_give_back(void)
{
	struct cpu_features has = cpu_features_read();
	struct world_cpu *cpu = this_cpu_ptr(&world_cpu);

	if (!cpu->taken)
		return;
	fgt_give_back(cpu, &has);
	gic_give_back(cpu, &has);
	isb();
	cpu->taken = false;
}

static int world_cpu_online(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	tsr_harden_cpu();
	cpu_take();
	local_irq_restore(flags);
	return 0;
}

/* Interrupts off. */
static void world_cpu_leave(void *unused)
{
	cpu_give_back();
}

/* A CPU that lost its state in a deep sleep comes back with the kernel's. */
static int world_cpu_pm(struct notifier_block *nb, unsigned long event, void *data)
{
	struct world_cpu *cpu = this_cpu_ptr(&world_cpu);

	switch (event) {
	case CPU_PM_ENTER:
		cpu->asleep = cpu->taken;
		cpu_give_back();
		return NOTIFY_OK;
	case CPU_PM_ENTER_FAILED:
	case CPU_PM_EXIT:
		if (cpu->asleep)
			cpu_take();
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block world_pm = { .notifier_call = world_cpu_pm };

void tsr_world_note(struct task_struct *task)
{
	this_cpu_write(world_cpu.task, task);
}

/*
 * From the vectors: EL2 itself faulted within the switch. SP_EL0 may be the guest's, so
 * no stack protector and nothing that asks for `current` before it is back.
 */
asmlinkage void __noreturn tsr_switch_broken(u64 esr, u64 elr, u64 far);

asmlinkage void __noreturn __attribute__((no_stack_protector)) tsr_switch_broken(u64 esr, u64 elr,
										 u64 far)
{
	struct world_cpu *cpu = this_cpu_ptr(&world_cpu);

	write_sysreg(cpu->task, sp_el0);
	write_sysreg(cpu->vbar, vbar_el1);
	write_sysreg_hcr(read_sysreg(hcr_el2) | HCR_TGE);
	isb();
	panic("tessera: exception within the world switch: ESR %#llx ELR %#llx FAR %#llx\n", esr,
	      elr, far);
}

static void world_features(struct tsr_world *world)
{
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);
	u64 pfr1 = read_sanitised_ftr_reg(SYS_ID_AA64PFR1_EL1);
	u64 mmfr1 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1);
	u64 mmfr2 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR2_EL1);
	u64 isar2 = read_sanitised_ftr_reg(SYS_ID_AA64ISAR2_EL1);

	world->hcx = field(mmfr1, ID_AA64MMFR1_EL1_HCX_SHIFT);
	world->mpam = field(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_EL1_MPAM_SHIFT);
	world->ras = field(pfr0, ID_AA64PFR0_EL1_RAS_SHIFT);
	world->evt = field(mmfr2, ID_AA64MMFR2_EL1_EVT_SHIFT);
	world->pauth = system_has_full_ptr_auth();
	if (field(isar2, ID_AA64ISAR2_EL1_MOPS_SHIFT))
		world->guest_hcrx |= HCRX_MSCEN;
	if (field(pfr1, ID_AA64PFR1_EL1_NMI_SHIFT))
		world->guest_hcrx |= HCRX_TALLINT;
}

int tsr_world_init(void)
{
	int err;

	world_features(&tsr_world);
	tsr_debug_init();
	err = cpu_pm_register_notifier(&world_pm);
	if (err)
		return err;
	/*
	 * A CPU that goes offline keeps the traps: vCPUs may still be about to leave it, and it
	 * starts with the kernel's registers when it comes back.
	 */
	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tessera/world:online", world_cpu_online,
				NULL);
	if (err < 0) {
		cpu_pm_unregister_notifier(&world_pm);
		return err;
	}
	world_hotplug = err;
	tsr_harden_report();
	preempt_notifier_inc();
	return 0;
}

void tsr_world_exit(void)
{
	preempt_notifier_dec();
	cpuhp_remove_state(world_hotplug);
	/* Before the registers go back: a CPU that wakes up after that must not take them again. */
	cpu_pm_unregister_notifier(&world_pm);
	on_each_cpu(world_cpu_leave, NULL, 1);
}
