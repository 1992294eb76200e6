/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The snippets of guest.S. Each does one thing with the address in x0 and the value in
 * x1, ends with a store of x1 to the address in x9, and may be entered again.
 */
#ifndef TESTS_ABI_GUEST_H
#define TESTS_ABI_GUEST_H

#include <stdint.h>

extern const uint8_t guest_begin[], guest_end[], guest_vectors[], guest_finish[];

/* Loads into x1. */
extern const uint8_t guest_ldr[], guest_ldr_w[], guest_ldrh[], guest_ldrb[];
extern const uint8_t guest_ldrsw[], guest_ldrsh[], guest_ldrsh_w[], guest_ldrsb[];
extern const uint8_t guest_ldrsb_w[], guest_ldar[], guest_ldr_post[], guest_ldp[];
extern const uint8_t guest_ldr_v[], guest_ldr_xzr[], guest_ldxr[];
/* Stores of x1. */
extern const uint8_t guest_str[], guest_str_w[], guest_strh[], guest_strb[];
extern const uint8_t guest_stlr[], guest_stp[], guest_str_xzr[];
/* Both: atomics and exclusives; x1 is the value found. */
extern const uint8_t guest_swp[], guest_ldadd[], guest_cas[], guest_exclusive[];
extern const uint8_t guest_exclusive_pair[];
/* Cache maintenance and zeroing. */
extern const uint8_t guest_dc_cvac[], guest_dc_cvap[], guest_dc_civac[], guest_ic_ivau[];
extern const uint8_t guest_dc_zva[];
/* By set and way; those of tags are undefined without MTE. */
extern const uint8_t guest_dc_isw[], guest_dc_csw[], guest_dc_cisw[];
extern const uint8_t guest_dc_igsw[], guest_dc_igdsw[], guest_dc_cgsw[], guest_dc_cgdsw[];
extern const uint8_t guest_dc_cigsw[], guest_dc_cigdsw[];
/*
 * x1 into the registers of stage 1, those that HCR_EL2.TVM traps but SCTLR_EL1, and what
 * they read as after that to x0: TTBR0, TTBR1, TCR, ESR, FAR, MAIR, CONTEXTIDR.
 */
extern const uint8_t guest_vm_regs[];
/*
 * With the MMU on: stores x1 at x0, cleans by set and way, turns MMU and caches off, adds 1
 * there, turns them on; x1 is what is there then.
 */
extern const uint8_t guest_caches_off[];
/* The address translated, AT S1E1R; x1 is PAR_EL1. */
extern const uint8_t guest_at[];
/* A branch to x0; what is there ends as a snippet does. */
extern const uint8_t guest_branch[];
/* No end of their own. */
extern const uint8_t guest_spin[], guest_wfi[];
/* BRK #7. */
extern const uint8_t guest_brk[];
/* Identification registers into x1. */
extern const uint8_t guest_isar0[], guest_ctr[], guest_midr[], guest_mpidr[];
/* The virtual counter and its compare value into x1. */
extern const uint8_t guest_cntvct[], guest_cntv_cval[];
/* x1 into ACTLR_EL1, and what it reads as after that. */
extern const uint8_t guest_actlr[];
/* HVC and SMC with x0 as the function and x1.. as its arguments; x1 is the result. */
extern const uint8_t guest_hvc[], guest_smc[];
/* The same by SMC #1. */
extern const uint8_t guest_smc_1[];
/* A return to AArch32 at x0, EL0; to the vectors where the CPU has none. */
extern const uint8_t guest_aarch32[];
/* MTE: x0 with the tag from x1 in bits 59:56. */
extern const uint8_t guest_stg[], guest_st2g[], guest_stzg[], guest_stz2g[];
extern const uint8_t guest_stgp[], guest_ldg[], guest_stgm[], guest_ldgm[];
extern const uint8_t guest_dc_gva[], guest_dc_gzva[];
extern const uint8_t guest_ldr_checked[], guest_str_checked[];
/* For flip.c, dirty.c and tagdirty.c. */
extern const uint8_t guest_flip_loop[], guest_dirty_loop[], guest_tag_loop[];
/* For bench: x1 times PSCI_VERSION, a load, a store, or a store to each page from x0 on. */
extern const uint8_t guest_hvc_loop[], guest_load_loop[], guest_store_loop[];
extern const uint8_t guest_touch_loop[];

#endif
