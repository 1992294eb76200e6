/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields and encodings that the kernels' headers do not name, or not all alike.
 * Arm ARM section numbers are those of the register descriptions (DDI 0487).
 */
#ifndef MODULE_ARM_H
#define MODULE_ARM_H

#include <linux/bits.h>
#include <asm/cputype.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>

/* CPTR_EL2 with HCR_EL2.E2H = 1 (D24.2.35). */
#define CPTR_E2H_FPEN GENMASK_ULL(21, 20)
#define CPTR_E2H_TTA  BIT_ULL(28)
#define CPTR_E2H_TAM  BIT_ULL(30)

/* CNTHCTL_EL2 with HCR_EL2.E2H = 1 (D24.10.2): the guest's access to EL1's timers. */
#define CNTHCTL_E2H_EL1PCTEN BIT_ULL(10)
#define CNTHCTL_E2H_EL1PTEN  BIT_ULL(11)

/* MDCR_EL2 (D24.3.21). */
#define MDCR_TPMCR BIT_ULL(5)
#define MDCR_TPM   BIT_ULL(6)
#define MDCR_TDE   BIT_ULL(8)
#define MDCR_TDA   BIT_ULL(9)
#define MDCR_TDOSA BIT_ULL(10)
#define MDCR_TDRA  BIT_ULL(11)
#define MDCR_E2PB  GENMASK_ULL(13, 12)
#define MDCR_TPMS  BIT_ULL(14)
#define MDCR_TTRF  BIT_ULL(19)
#define MDCR_E2TB  GENMASK_ULL(25, 24)

/* OSLSR_EL1 (D24.3.23). */
#define OSLSR_OSLK BIT_ULL(1)

/* HCRX_EL2 (D24.2.57). */
#define HCRX_TALLINT BIT_ULL(6)
#define HCRX_MSCEN   BIT_ULL(11)

/* MPAM2_EL2 (D24.5.8). */
#define MPAM2_TRAPMPAM1EL1 BIT_ULL(48)
#define MPAM2_TRAPMPAM0EL1 BIT_ULL(49)
#define MPAM2_TRAPS	   (MPAM2_TRAPMPAM1EL1 | MPAM2_TRAPMPAM0EL1)

/* ICH_HCR_EL2 (GIC architecture 12.4.6) and ICC_SRE_EL2 (12.2.22). */
#define ICH_TRAP_C	   BIT_ULL(10)
#define ICH_TRAP_ALL0	   BIT_ULL(11)
#define ICH_TRAP_ALL1	   BIT_ULL(12)
#define ICC_SRE_EL1_ACCESS BIT_ULL(3)

/* SCTLR_EL1 (D24.2.142). */
#define SCTLR_SPAN  BIT_ULL(23)
#define SCTLR_E0E   BIT_ULL(24)
#define SCTLR_EE    BIT_ULL(25)
#define SCTLR_DSSBS BIT_ULL(44)

/* PAR_EL1 (D24.2.129). */
#define PAR_F  BIT_ULL(0)
#define PAR_PA GENMASK_ULL(51, 12)

/* HPFAR_EL2 (D24.2.68): bits 47:12 of the IPA. */
#define HPFAR_FIPA	 GENMASK_ULL(43, 4)
#define HPFAR_FIPA_SHIFT 8

/* ESR_EL2: ISS2 of a data abort (D24.2.40). */
#define ESR_TAG_ACCESS BIT_ULL(41)

/* CNTx_CTL_EL0 (D24.10.16). */
#define CNT_CTL_ENABLE	BIT_ULL(0)
#define CNT_CTL_IMASK	BIT_ULL(1)
#define CNT_CTL_ISTATUS BIT_ULL(2)

/* MIDR_EL1. */
#ifndef MIDR_CORTEX_A720AE
#define MIDR_CORTEX_A720AE MIDR_CPU_MODEL(ARM_CPU_IMP_ARM, 0xd89)
#endif

/* Encodings: op0, op1, CRn, CRm, op2. */
#define SYSREG_HDFGRTR2_EL2 sys_reg(3, 4, 3, 1, 0)
#define SYSREG_HDFGWTR2_EL2 sys_reg(3, 4, 3, 1, 1)
#define SYSREG_HFGRTR2_EL2  sys_reg(3, 4, 3, 1, 2)
#define SYSREG_HFGWTR2_EL2  sys_reg(3, 4, 3, 1, 3)
#define SYSREG_HFGITR2_EL2  sys_reg(3, 4, 3, 1, 7)
#define SYSREG_MPAM2_EL2    sys_reg(3, 4, 10, 5, 0)
#define SYSREG_SCTLR2_EL12  sys_reg(3, 5, 1, 0, 3)
#define SYSREG_TRFCR_EL12   sys_reg(3, 5, 1, 2, 1)
#define SYSREG_TCR2_EL12    sys_reg(3, 5, 2, 0, 3)
#define SYSREG_GCSCR_EL12   sys_reg(3, 5, 2, 5, 0)
#define SYSREG_PMSCR_EL12   sys_reg(3, 5, 9, 9, 0)
#define SYSREG_PIRE0_EL12   sys_reg(3, 5, 10, 2, 2)
#define SYSREG_PIR_EL12	    sys_reg(3, 5, 10, 2, 3)
#define SYSREG_BRBCR_EL12   sys_reg(2, 5, 9, 0, 0)
#define SYSREG_APIAKEYLO    sys_reg(3, 0, 2, 1, 0)
#define SYSREG_APIAKEYHI    sys_reg(3, 0, 2, 1, 1)
#define SYSREG_APIBKEYLO    sys_reg(3, 0, 2, 1, 2)
#define SYSREG_APIBKEYHI    sys_reg(3, 0, 2, 1, 3)
#define SYSREG_APDAKEYLO    sys_reg(3, 0, 2, 2, 0)
#define SYSREG_APDAKEYHI    sys_reg(3, 0, 2, 2, 1)
#define SYSREG_APDBKEYLO    sys_reg(3, 0, 2, 2, 2)
#define SYSREG_APDBKEYHI    sys_reg(3, 0, 2, 2, 3)
#define SYSREG_APGAKEYLO    sys_reg(3, 0, 2, 3, 0)
#define SYSREG_APGAKEYHI    sys_reg(3, 0, 2, 3, 1)

#endif
