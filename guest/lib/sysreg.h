/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * System registers and barriers.
 *
 * Names are the assembler's; a register that it may not know is written as
 * S<op0>_<op1>_C<n>_C<m>_<op2>. A write takes effect after isb().
 */
#ifndef GUEST_SYSREG_H
#define GUEST_SYSREG_H

#include "types.h"

#define STRINGIZE_(x) #x
#define STRINGIZE(x)  STRINGIZE_(x)

#define sysreg_read(name)                                                          \
	({                                                                         \
		u64 value_;                                                        \
		asm volatile("mrs %0, " STRINGIZE(name) : "=r"(value_)::"memory"); \
		value_;                                                            \
	})

#define sysreg_write(name, value) \
	asm volatile("msr " STRINGIZE(name) ", %x0" ::"rZ"((u64)(value)) : "memory")

static inline void isb(void)
{
	asm volatile("isb" ::: "memory");
}

static inline void dsb(void)
{
	asm volatile("dsb ish" ::: "memory");
}

/* Memory tagging, by number for an assembler that targets the base architecture. */
#define GCR_EL1	   S3_0_C1_C0_6
#define RGSR_EL1   S3_0_C1_C0_5
#define TFSR_EL1   S3_0_C5_C6_0
#define TFSRE0_EL1 S3_0_C5_C6_1
#define GMID_EL1   S3_1_C0_C0_4

/* ESR_EL1 (Arm ARM D24.2.41). */
#define ESR_EC	    GENMASK(31, 26)
#define ESR_IL	    GENMASK(25, 25)
#define ESR_ISS	    GENMASK(24, 0)
#define ESR_SVC_IMM GENMASK(15, 0)
#define ESR_WNR	    GENMASK(6, 6)
#define ESR_DFSC    GENMASK(5, 0)

#define EC_UNKNOWN	0x00
#define EC_ILLEGAL	0x0e
#define EC_SVC64	0x15
#define EC_SYSREG	0x18
#define EC_PAC_FAIL	0x1c
#define EC_INSTR_LOWER	0x20
#define EC_INSTR_SAME	0x21
#define EC_PC_ALIGNMENT 0x22
#define EC_DATA_LOWER	0x24
#define EC_DATA_SAME	0x25
#define EC_BRK64	0x3c

#define DFSC_TRANSLATION_L0 0x04
#define DFSC_TRANSLATION_L1 0x05
#define DFSC_PERMISSION_L1  0x0d
#define DFSC_EXTERNAL	    0x10
#define DFSC_TAG_CHECK	    0x11
#define DFSC_ALIGNMENT	    0x21

/* SCTLR_EL1, the bits that tests change. */
#define SCTLR_M	   GENMASK(0, 0)
#define SCTLR_ENDB GENMASK(13, 13)
#define SCTLR_ENDA GENMASK(27, 27)
#define SCTLR_ENIB GENMASK(30, 30)
#define SCTLR_ENIA GENMASK(31, 31)
#define SCTLR_TCF0 GENMASK(39, 38)
#define SCTLR_TCF  GENMASK(41, 40)
#define SCTLR_ATA0 GENMASK(42, 42)
#define SCTLR_ATA  GENMASK(43, 43)

#endif
