// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "tessera: " fmt

#include <linux/arm-smccc.h>
#include <linux/cpu.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>

#include "arm.h"
#include "harden.h"
#include "vcpu.h"

enum means {
	MEANS_NONE, /* the CPU needs none, or the host was told to do without */
	MEANS_INSTRUCTION,
	MEANS_LOOP,
	MEANS_FIRMWARE,
	MEANS_COUNT,
};

struct harden_cpu {
	enum means means;
	u64 clear; /* as in struct tsr_ctx */
};

static DEFINE_PER_CPU(struct harden_cpu, harden_cpu);

static const char *const vectors_of[MEANS_COUNT] = {
	[MEANS_NONE] = tsr_vectors,
	[MEANS_INSTRUCTION] = tsr_vectors_instruction,
	[MEANS_LOOP] = tsr_vectors_loop,
	[MEANS_FIRMWARE] = tsr_vectors_firmware,
};

/* Cores without VHE cannot be hosts, and are in none of these lists. */
static const u32 history_safe[] = {
	MIDR_CORTEX_A55,	   MIDR_CORTEX_A510,	      MIDR_CORTEX_A520,
	MIDR_QCOM_KRYO_3XX_SILVER, MIDR_QCOM_KRYO_4XX_SILVER,
};

static const u32 targets_safe[] = {
	MIDR_CORTEX_A55,
	MIDR_HISI_TSV110,
	MIDR_QCOM_KRYO_3XX_SILVER,
	MIDR_QCOM_KRYO_4XX_SILVER,
};

/* Taken branches that replace all of the history: as the makers say, and Linux 7.2 has it. */
static const struct {
	u32 model;
	u8 branches;
} loops[] = {
	{ MIDR_CORTEX_X3, 132 },   { MIDR_NEOVERSE_V2, 132 },	    { MIDR_CORTEX_A715, 38 },
	{ MIDR_CORTEX_A720, 38 },  { MIDR_CORTEX_A720AE, 38 },	    { MIDR_CORTEX_A78, 32 },
	{ MIDR_CORTEX_A78AE, 32 }, { MIDR_CORTEX_A78C, 32 },	    { MIDR_CORTEX_X1, 32 },
	{ MIDR_CORTEX_X1C, 32 },   { MIDR_CORTEX_A710, 32 },	    { MIDR_CORTEX_X2, 32 },
	{ MIDR_NEOVERSE_N2, 32 },  { MIDR_NEOVERSE_V1, 32 },	    { MIDR_HISI_TSV110, 32 },
	{ MIDR_CORTEX_A76, 24 },   { MIDR_CORTEX_A76AE, 24 },	    { MIDR_CORTEX_A77, 24 },
	{ MIDR_NEOVERSE_N1, 24 },  { MIDR_QCOM_KRYO_4XX_GOLD, 24 }, { MIDR_HISI_HIP09, 24 },
	{ MIDR_AMPERE1, 11 },
};

/* For a core that is in no list: the longest history known. */
#define LOOP_UNKNOWN 132

/* Of ID_AA64PFR0_EL1.CSV2 (Arm ARM D24.2.79): targets, and history too, are kept apart. */
#define CSV2_TARGETS 1
#define CSV2_HISTORY 3

static u32 core_model(void)
{
	return read_cpuid_id() & MIDR_CPU_MODEL_MASK;
}

static bool core_among(const u32 *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == core_model())
			return true;
	return false;
}

static u64 loop_length(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(loops); i++)
		if (loops[i].model == core_model())
			return loops[i].branches;
	return 0;
}

/*
 * Whether firmware has the call and this CPU needs it (SMCCC 1.1, 7.5 and 7.6). An HVC
 * would be the kernel's own, which is EL2.
 */
static bool firmware_asks(u32 function)
{
	struct arm_smccc_res res;

	if (arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_SMC)
		return false;
	arm_smccc_smc(ARM_SMCCC_ARCH_FEATURES_FUNC_ID, function, 0, 0, 0, 0, 0, 0, &res);
	return (s32)res.a0 == SMCCC_RET_SUCCESS;
}

static unsigned int csv2(void)
{
	return cpuid_feature_extract_unsigned_field(read_sysreg(id_aa64pfr0_el1),
						    ID_AA64PFR0_EL1_CSV2_SHIFT);
}

/* The call that flushes what a guest trained, targets and history both; 0 for none. */
static u64 targets_call(void)
{
	if (csv2() >= CSV2_TARGETS || core_among(targets_safe, ARRAY_SIZE(targets_safe)))
		return 0;
	if (!firmware_asks(ARM_SMCCC_ARCH_WORKAROUND_1))
		return 0;
	return firmware_asks(ARM_SMCCC_ARCH_WORKAROUND_3) ? ARM_SMCCC_ARCH_WORKAROUND_3
							  : ARM_SMCCC_ARCH_WORKAROUND_1;
}

static bool history_affected(void)
{
	u64 mmfr1 = read_sysreg(id_aa64mmfr1_el1);

	return csv2() < CSV2_HISTORY &&
	       !cpuid_feature_extract_unsigned_field(mmfr1, ID_AA64MMFR1_EL1_ECBHB_SHIFT) &&
	       !core_among(history_safe, ARRAY_SIZE(history_safe));
}

static struct harden_cpu decide(void)
{
	u64 isar2 = read_sysreg_s(SYS_ID_AA64ISAR2_EL1);
	u64 clear;

	if (cpu_mitigations_off())
		return (struct harden_cpu){ MEANS_NONE };
	clear = targets_call();
	if (clear)
		return (struct harden_cpu){ MEANS_FIRMWARE, clear };
	if (!history_affected())
		return (struct harden_cpu){ MEANS_NONE };
	if (cpuid_feature_extract_unsigned_field(isar2, ID_AA64ISAR2_EL1_CLRBHB_SHIFT))
		return (struct harden_cpu){ MEANS_INSTRUCTION };
	clear = loop_length();
	if (clear)
		return (struct harden_cpu){ MEANS_LOOP, clear };
	if (firmware_asks(ARM_SMCCC_ARCH_WORKAROUND_3))
		return (struct harden_cpu){ MEANS_FIRMWARE, ARM_SMCCC_ARCH_WORKAROUND_3 };
	return (struct harden_cpu){ MEANS_LOOP, LOOP_UNKNOWN };
}

void tsr_harden_cpu(void)
{
	*this_cpu_ptr(&harden_cpu) = decide();
}

void tsr_harden_load(struct tsr_vcpu *v)
{
	const struct harden_cpu *cpu = this_cpu_ptr(&harden_cpu);

	v->vectors = (unsigned long)vectors_of[cpu->means];
	v->ctx.clear = cpu->clear;
}

void tsr_harden_report(void)
{
	unsigned int n[MEANS_COUNT] = {};
	u64 longest = 0;
	int i;

	for_each_online_cpu(i) {
		const struct harden_cpu *cpu = per_cpu_ptr(&harden_cpu, i);

		n[cpu->means]++;
		if (cpu->means == MEANS_LOOP)
			longest = max(longest, cpu->clear);
	}
	pr_info("branch history after a guest: nothing%s on %u CPUs, CLRBHB on %u, a loop (of at "
		"most %llu) on %u, firmware on %u\n",
		cpu_mitigations_off() ? " (mitigations=off)" : " to do", n[MEANS_NONE],
		n[MEANS_INSTRUCTION], longest, n[MEANS_LOOP], n[MEANS_FIRMWARE]);
}
