// SPDX-License-Identifier: GPL-2.0-only
#include <asm/cpufeature.h>
#include <asm/cputype.h>

#include "arm.h"
#include "idmodel.h"
#include "sysreg.h"

/*
 * Kinds of fields (Arm ARM D24.1.3): of a signed one 0xf is less than 0. The VMM may lower
 * these two; of ID_HIGHER a larger value promises less, ID_FIXED is fixed, and ID_CONST is the
 * guests' own and not the host's.
 */
enum id_kind { ID_UNSIGNED, ID_SIGNED, ID_HIGHER, ID_FIXED, ID_CONST };

/* What has to be there besides the host's own. */
enum id_need { ID_HOST, ID_MTE, ID_PAUTH };

/* The field's value is the host's, at most @most. */
struct id_field {
	u32 enc;
	u8 shift;
	u8 most;
	u8 kind; /* enum id_kind */
	u8 need; /* enum id_need */
};

#define PFR0  SYS_ID_AA64PFR0_EL1
#define PFR1  SYS_ID_AA64PFR1_EL1
#define DFR0  SYS_ID_AA64DFR0_EL1
#define ISAR0 SYS_ID_AA64ISAR0_EL1
#define ISAR1 SYS_ID_AA64ISAR1_EL1
#define ISAR2 SYS_ID_AA64ISAR2_EL1
#define MMFR0 SYS_ID_AA64MMFR0_EL1
#define MMFR1 SYS_ID_AA64MMFR1_EL1
#define MMFR2 SYS_ID_AA64MMFR2_EL1
#define MMFR3 SYS_ID_AA64MMFR3_EL1
#define ISAR3 SYS_ID_AA64ISAR3_EL1
#define ZFR0  SYS_ID_AA64ZFR0_EL1

/*
 * What guests are offered. Not here, and so hidden: AArch32, EL2, SVE, SME, GIC, MPAM,
 * AMU, GCS, THE, NMI, PMU, profiling, trace, BRBE, LS64, TME, WFxT, LPA2, 52-bit
 * addresses, nested virtualisation, FGT, ECV, the extended controls of MMFR3 and MMFR4,
 * and MTE's later parts: PFR2 is 0, whatever stage 2 does with the host's MTE_PERM.
 */
static const struct id_field id_fields[] = {
	{ PFR0, 0, 1 },			       /* EL0: AArch64 alone */
	{ PFR0, 4, 1 },			       /* EL1 */
	{ PFR0, 12, 1 },		       /* EL3 */
	{ PFR0, 16, 1, ID_SIGNED },	       /* FP */
	{ PFR0, 20, 1, ID_SIGNED },	       /* AdvSIMD */
	{ PFR0, 28, 1 },		       /* RAS: no error records */
	{ PFR0, 48, 1 },		       /* DIT */
	{ PFR0, 56, 1 },		       /* CSV2: no SCXTNUM */
	{ PFR0, 60, 1 },		       /* CSV3 */
	{ PFR1, 0, 1 },			       /* BT */
	{ PFR1, 4, 2 },			       /* SSBS */
	{ PFR1, 8, 3, ID_UNSIGNED, ID_MTE },   /* MTE */
	{ DFR0, 0, 8 },			       /* DebugVer: stored state */
	{ DFR0, 12, 15, ID_FIXED },	       /* BRPs */
	{ DFR0, 20, 15 },		       /* WRPs */
	{ DFR0, 28, 15, ID_FIXED },	       /* CTX_CMPs */
	{ DFR0, 36, 0, ID_SIGNED },	       /* DoubleLock */
	{ ISAR0, 4, 2 },		       /* AES */
	{ ISAR0, 8, 1 },		       /* SHA1 */
	{ ISAR0, 12, 2 },		       /* SHA2 */
	{ ISAR0, 16, 1 },		       /* CRC32 */
	{ ISAR0, 20, 2 },		       /* Atomic */
	{ ISAR0, 28, 1 },		       /* RDM */
	{ ISAR0, 32, 1 },		       /* SHA3 */
	{ ISAR0, 36, 1 },		       /* SM3 */
	{ ISAR0, 40, 1 },		       /* SM4 */
	{ ISAR0, 44, 1 },		       /* DP */
	{ ISAR0, 48, 1 },		       /* FHM */
	{ ISAR0, 52, 2 },		       /* TS */
	{ ISAR0, 56, 2 },		       /* TLB */
	{ ISAR0, 60, 1 },		       /* RNDR */
	{ ISAR1, 0, 2 },		       /* DPB */
	{ ISAR1, 4, 15, ID_FIXED, ID_PAUTH },  /* APA */
	{ ISAR1, 8, 15, ID_FIXED, ID_PAUTH },  /* API */
	{ ISAR1, 12, 1 },		       /* JSCVT */
	{ ISAR1, 16, 1 },		       /* FCMA */
	{ ISAR1, 20, 3 },		       /* LRCPC */
	{ ISAR1, 24, 15, ID_FIXED, ID_PAUTH }, /* GPA */
	{ ISAR1, 28, 15, ID_FIXED, ID_PAUTH }, /* GPI */
	{ ISAR1, 32, 1 },		       /* FRINTTS */
	{ ISAR1, 36, 1 },		       /* SB */
	{ ISAR1, 40, 1 },		       /* SPECRES */
	{ ISAR1, 44, 1 },		       /* BF16 */
	{ ISAR1, 48, 1 },		       /* DGH */
	{ ISAR1, 52, 1 },		       /* I8MM */
	{ ISAR1, 56, 1 },		       /* XS */
	{ ISAR2, 4, 1 },		       /* RPRES */
	{ ISAR2, 8, 15, ID_FIXED, ID_PAUTH },  /* GPA3 */
	{ ISAR2, 12, 15, ID_FIXED, ID_PAUTH }, /* APA3 */
	{ ISAR2, 16, 1 },		       /* MOPS */
	{ ISAR2, 20, 1 },		       /* BC */
	{ ISAR2, 24, 15, ID_FIXED, ID_PAUTH }, /* PAC_frac */
	{ ISAR2, 28, 1 },		       /* CLRBHB */
	{ ISAR2, 48, 1 },		       /* RPRFM */
	{ ISAR2, 52, 1 },		       /* CSSC */
	{ MMFR0, 0, 5 },		       /* PARange: 48 bits */
	{ MMFR0, 4, 2 },		       /* ASIDBits */
	{ MMFR0, 8, 1 },		       /* BigEnd */
	{ MMFR0, 12, 1 },		       /* SNSMem */
	{ MMFR0, 16, 1 },		       /* BigEndEL0 */
	{ MMFR0, 20, 1 },		       /* TGran16 */
	{ MMFR0, 24, 0, ID_SIGNED },	       /* TGran64 */
	{ MMFR0, 28, 0, ID_SIGNED },	       /* TGran4 */
	{ MMFR0, 32, 1, ID_CONST },	       /* TGran16_2: no stage 2 of theirs */
	{ MMFR0, 36, 1, ID_CONST },	       /* TGran64_2 */
	{ MMFR0, 40, 1, ID_CONST },	       /* TGran4_2 */
	{ MMFR0, 44, 1 },		       /* ExS */
	{ MMFR1, 0, 2 },		       /* HAFDBS */
	{ MMFR1, 12, 2 },		       /* HPDS */
	{ MMFR1, 20, 3 },		       /* PAN */
	{ MMFR1, 24, 15, ID_HIGHER },	       /* SpecSEI */
	{ MMFR1, 36, 1 },		       /* ETS */
	{ MMFR1, 44, 1 },		       /* AFP */
	{ MMFR1, 48, 1 },		       /* nTLBPA */
	{ MMFR1, 60, 1 },		       /* ECBHB */
	{ MMFR2, 0, 1 },		       /* CnP */
	{ MMFR2, 4, 1 },		       /* UAO */
	{ MMFR2, 8, 1 },		       /* LSM */
	{ MMFR2, 12, 1 },		       /* IESB */
	{ MMFR2, 28, 1 },		       /* ST */
	{ MMFR2, 32, 1 },		       /* AT */
	{ MMFR2, 36, 1 },		       /* IDS */
	{ MMFR2, 48, 1 },		       /* TTL */
	{ MMFR2, 52, 2 },		       /* BBM */
	{ MMFR2, 60, 1 },		       /* E0PD */
};

/*
 * Hidden fields that are 0, and that mainline lets a VMM write: it may say so of them, but
 * not raise them.
 */
static const struct {
	u32 enc;
	u64 mask;
} id_hidden[] = {
	/* EL2, GIC, SEL2 */
	{ PFR0, GENMASK_ULL(11, 8) | GENMASK_ULL(27, 24) | GENMASK_ULL(39, 36) },
	/* CSV2_frac, DF2 */
	{ PFR1, GENMASK_ULL(35, 32) | GENMASK_ULL(59, 56) },
	/* PMUVer */
	{ DFR0, GENMASK_ULL(11, 8) },
	/* LS64 */
	{ ISAR1, GENMASK_ULL(63, 60) },
	/* WFxT */
	{ ISAR2, GENMASK_ULL(3, 0) },
	/* FAMINMAX, LSFE, LSUI, FPRCVT */
	{ ISAR3, GENMASK_ULL(7, 4) | GENMASK_ULL(19, 16) | GENMASK_ULL(31, 24) },
	/* ECV */
	{ MMFR0, GENMASK_ULL(63, 60) },
	/* LO, TWED, HCX, TIDCP1 */
	{ MMFR1,
	  GENMASK_ULL(19, 16) | GENMASK_ULL(35, 32) | GENMASK_ULL(43, 40) | GENMASK_ULL(55, 52) },
	/* VARange */
	{ MMFR2, GENMASK_ULL(19, 16) },
	/* TCRX, SCTLRX, S1PIE, S1POE */
	{ MMFR3, GENMASK_ULL(11, 0) | GENMASK_ULL(23, 16) },
	/* SVEver, AES, BitPerm, BF16, SHA3, SM4, I8MM, F32MM, F64MM */
	{ ZFR0, GENMASK_ULL(7, 0) | GENMASK_ULL(23, 16) | GENMASK_ULL(35, 32) |
			GENMASK_ULL(47, 40) | GENMASK_ULL(59, 52) },
};

/* ID_AA64PFR1_EL1.MTE: FEAT_MTE2, what KVM_CAP_ARM_MTE promises. */
#define MTE_WHOLE 2

/* ID_AA64DFR0_EL1.DebugVer: that of Armv8.0; there is nothing below (D24.2.71). */
#define DEBUG_V8 6

/* CCSIDR_EL1 without FEAT_CCIDX (Arm ARM D24.2.27): LineSize is log2(bytes) - 4. */
#define CCSIDR_LINE_BIAS 4
#define CSSELR_IND	 BIT(0)

/* CLIDR_EL1.CtypeN (D24.2.30), and the tag caches of MTE above. */
#define CLIDR_CTYPE_BITS  3
#define CLIDR_TTYPE	  GENMASK_ULL(46, 33)
#define CTYPE_NONE	  0
#define CTYPE_INSTRUCTION 1
#define CTYPE_SEPARATE	  3
#define CACHE_LEVELS	  7

static bool id_need_met(const struct tsr_idmodel *m, const struct id_field *f)
{
	switch ((enum id_need)f->need) {
	case ID_HOST:
		return true;
	case ID_MTE:
		return m->mte;
	case ID_PAUTH:
		return m->pauth;
	}
	return false;
}

static u64 id_field_value(const struct id_field *f, u64 host)
{
	int value, most = f->most;

	if (f->kind == ID_CONST)
		value = most;
	else if (f->kind == ID_SIGNED)
		value = cpuid_feature_extract_signed_field(host, f->shift);
	else
		value = cpuid_feature_extract_unsigned_field(host, f->shift);
	return (u64)(min(value, most) & 0xf) << f->shift;
}

u64 tsr_idreg_offered(const struct tsr_idmodel *m, u32 enc)
{
	u64 host = 0, value = 0;
	bool read = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(id_fields); i++) {
		const struct id_field *f = &id_fields[i];

		if (f->enc != enc || !id_need_met(m, f))
			continue;
		if (!read)
			host = read_sanitised_ftr_reg(enc);
		read = true;
		value |= id_field_value(f, host);
	}
	return value;
}

bool tsr_idreg_space(u32 enc)
{
	return sys_reg_Op0(enc) == 3 && !sys_reg_Op1(enc) && !sys_reg_CRn(enc) &&
	       sys_reg_CRm(enc) >= 1 && sys_reg_CRm(enc) <= 7;
}

/* CRm 1 to 3, but for what is reserved there or never was anybody's to change. */
bool tsr_idreg_aarch32(u32 enc)
{
	switch (enc) {
	case SYS_ID_AFR0_EL1:
	case SYS_ID_DFR1_EL1:
	case sys_reg(3, 0, 0, 3, 3):
	case sys_reg(3, 0, 0, 3, 7):
		return false;
	default:
		return tsr_idreg_space(enc) && sys_reg_CRm(enc) <= 3;
	}
}

/* What a VMM may not go below. */
static int field_least(const struct id_field *f)
{
	if (f->enc == DFR0 && f->shift == ID_AA64DFR0_EL1_DebugVer_SHIFT)
		return DEBUG_V8;
	/* With MTE enabled the VM has it whole. */
	return f->need == ID_MTE ? MTE_WHOLE : INT_MIN;
}

static bool field_fits(const struct id_field *f, u64 offered, u64 value)
{
	int most, asked;

	if (f->kind == ID_SIGNED) {
		most = cpuid_feature_extract_signed_field(offered, f->shift);
		asked = cpuid_feature_extract_signed_field(value, f->shift);
	} else {
		most = cpuid_feature_extract_unsigned_field(offered, f->shift);
		asked = cpuid_feature_extract_unsigned_field(value, f->shift);
	}
	switch ((enum id_kind)f->kind) {
	case ID_FIXED:
		return asked == most;
	case ID_HIGHER:
		return asked >= most;
	case ID_UNSIGNED:
	case ID_SIGNED:
	case ID_CONST:
		break;
	}
	return field_least(f) <= asked && asked <= most;
}

bool tsr_idreg_fits(const struct tsr_idmodel *m, u32 enc, u64 value)
{
	u64 offered = tsr_idreg_offered(m, enc), known = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(id_fields); i++) {
		const struct id_field *f = &id_fields[i];

		if (f->enc != enc || !id_need_met(m, f))
			continue;
		known |= 0xfULL << f->shift;
		if (!field_fits(f, offered, value))
			return false;
	}
	return !(value & ~known);
}

u64 tsr_idreg_writable(const struct tsr_idmodel *m, u32 enc)
{
	u64 mask = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(id_fields); i++) {
		const struct id_field *f = &id_fields[i];

		if (f->enc == enc && f->kind != ID_FIXED && id_need_met(m, f))
			mask |= 0xfULL << f->shift;
	}
	for (i = 0; i < ARRAY_SIZE(id_hidden); i++)
		if (id_hidden[i].enc == enc)
			mask |= id_hidden[i].mask;
	return mask;
}

u64 tsr_clidr_offered(bool mte)
{
	u64 value = read_sysreg(clidr_el1);

	return mte ? value : value & ~CLIDR_TTYPE;
}

bool tsr_cache_exists(const struct tsr_vcpu *v, u32 csselr)
{
	u32 level = csselr >> 1;
	u32 type;

	if (level >= CACHE_LEVELS)
		return false;
	type = (v->clidr >> (level * CLIDR_CTYPE_BITS)) & (BIT(CLIDR_CTYPE_BITS) - 1);
	if (type == CTYPE_NONE)
		return false;
	if (csselr & CSSELR_IND)
		return type == CTYPE_INSTRUCTION || type == CTYPE_SEPARATE;
	return type != CTYPE_INSTRUCTION;
}

/* As KVM: the true line size, one set, one way: set/way operations are nobody's to count. */
u32 tsr_ccsidr(u32 csselr)
{
	u64 ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);
	u32 words_log2 = cpuid_feature_extract_unsigned_field(
		ctr, csselr & CSSELR_IND ? CTR_EL0_IminLine_SHIFT : CTR_EL0_DminLine_SHIFT);

	return words_log2 + 2 - CCSIDR_LINE_BIAS;
}
