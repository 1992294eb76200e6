/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the image, which runs cases on an emulated CPU, and the checker, which asks emu/mmu
 * about the same cases, have to agree on.
 *
 * The image writes text, a line for each thing, numbers in hexadecimal:
 *	m MMFR0 MMFR1 MMFR2 PFR1 PFR2 ISAR0	the ID_AA64*_EL1 of the CPU, once
 *	c HCR VTCR VTTBR IPA ACCESS EL S1 VA N	a case: N descriptors on its way follow,
 *	  {AT BEFORE AFTER}... END ESR FAR HPFAR VALUE WHERE	then how it ended
 *	e COUNT					the end
 * ACCESS is an enum case_access, EL that of the access, S1 the stage-1 type (enum case_s1),
 * END an enum case_end. VALUE is what the guest got; WHERE is where EL2 found what the guest
 * stored, or 0.
 *
 * Each page of guest RAM has its own address at several places, so that a value tells
 * from which page it came.
 */
#ifndef S2DIFF_CASE_H
#define S2DIFF_CASE_H

/* RAM that stage 2 may map: the machine's, less what the image lies in. */
#define RAM_BEGIN  0x40000000
#define RAM_END	   0x50000000
#define RAM_TARGET 0x40800000

/* Bits of HCR_EL2 that cases vary. */
#define HCR_PTW_BIT 2
#define HCR_FWB_BIT 46

/* Offsets in each page of RAM. */
#define PAGE_LOAD  0x000 /* its address */
#define PAGE_FETCH 0x040 /* code that loads its address into x0 */
#define PAGE_WALK  0x100 /* a stage-1 descriptor that leads to WALK_IPA + its address */
#define PAGE_AF	   0x108 /* the same with the access flag clear */
#define PAGE_STORE 0x200
#define PAGE_STG   0x300
#define PAGE_LDG   0x310 /* the granule's tag is page_tag() */
#define PAGE_CHECK 0x320 /* the granule's tag is 0: its address, and a word to store into */
#define STORE_NEXT 8

/* The guest's memory map, intermediate physical: a few pages that are always mapped. */
#define IPA_S1_L1 0x0000
#define IPA_S1_L2 0x1000
#define IPA_S1_L3 0x2000
#define IPA_CODE  0x3000
#define IPA_GOOD  4 /* pages */
/* Never mapped: where stage-1 descriptors in RAM lead. */
#define WALK_IPA 0xff00000000

/* Virtual. */
#define VA_CODE 0x3000
#define VECTORS 0x800 /* in the page of code */
#define VA_TEST 0x10000
#define VA_WALK 0x200000 /* a level-2 entry whose table is the test page */
/* What the entry at an offset in the test page maps from there on. */
#define VA_OF_ENTRY(offset) (((offset) / 8) << 12)

/* Stage-1 descriptors: D8.3. EL1 may always read, and write but for S1_AP_RO. */
#define S1_PAGE	   0x3
#define S1_ATTR(n) ((n) << 2)
#define S1_AP_EL0  (1 << 6)
#define S1_AP_RO   (1 << 7)
#define S1_INNER   (3 << 8)
#define S1_AF	   (1 << 10)

#ifndef __ASSEMBLER__

enum case_access {
	CASE_REGISTERS, /* VTCR_EL2 and VTTBR_EL2 as they come, over empty tables */
	CASE_LOAD,
	CASE_STORE,
	CASE_FETCH,
	CASE_ATOMIC,
	CASE_WALK,    /* the stage-1 walk of a load reads its last descriptor */
	CASE_WALK_AF, /* and sets the access flag in it */
	CASE_LDG,
	CASE_STG,
	CASE_CHECKED_LOAD,
	CASE_CHECKED_STORE,
	CASE_ACCESSES,
	CASE_TAGLESS = CASE_LDG, /* those below need no MTE */
};

/* Index into MAIR_EL1. */
enum case_s1 { S1_TAGGED, S1_WB, S1_NC, S1_TYPES };

enum case_end {
	END_DONE,  /* the access was served */
	END_ABORT, /* an exception to EL2: ESR_EL2, FAR_EL2, HPFAR_EL2 */
	END_EL1,   /* one to EL1: ESR_EL1, FAR_EL1 */
};

/* The tag of the page's granule at PAGE_LDG. */
static inline unsigned int page_tag(unsigned long long page)
{
	return (unsigned int)(page >> 12 ^ page >> 16 ^ page >> 20 ^ page >> 24) & 0xf;
}

#endif
#endif
