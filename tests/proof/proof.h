/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the proofs share. Each file beside this one is a program for CBMC: its main() takes
 * any values at all, assumes what a caller has to promise, and asserts what must then hold.
 * The checker decides it for every value at once; there is nothing random in it.
 *
 * What is asserted is written from the Arm ARM and docs/abi.md: bits are named here by their
 * numbers, not by core's masks.
 *
 * The last statement of main() is proved(): a proof whose assumptions no value meets would
 * hold whatever it asserts, so run.sh has the checker look for a way to that statement too.
 *
 * A proof says in lines of comment what tests/proof/run.sh needs:
 *	proves: ...	one line for a reader
 *	sources: ...	the files of core that it is about, besides headers
 *	options: ...	more options of CBMC: how far to unwind loops
 *	truncates: ...	core drops bits in a conversion there, and why; else that is a mistake
 *	takes: long	more than some ten seconds: not in ./dev test
 */
#ifndef PROOF_PROOF_H
#define PROOF_PROOF_H

#include "host.h"
#include "perm.h"

#define assume(cond) __CPROVER_assume(cond)
#ifdef PROOF_REACHES
#define prove(cond) ((void)(cond))
#define proved()    __CPROVER_assert(false, "the end is reached")
#else
#define prove(cond) __CPROVER_assert(cond, #cond)
#define proved()    ((void)0)
#endif

/* Any value of a type: so CBMC takes functions of such names. */
u64 nondet_u64(void);
u32 nondet_u32(void);
u8 nondet_u8(void);
int nondet_int(void);
bool nondet_bool(void);

/* Low and high bit of a field, as the Arm ARM prints them. */
static inline u64 bits(u64 value, unsigned int high, unsigned int low)
{
	return (value >> low) & (~0ULL >> (63 - (high - low)));
}

static inline bool bit(u64 value, unsigned int n)
{
	return (value >> n) & 1;
}

static inline int any_between(int low, int high)
{
	int value = nondet_int();

	assume(value >= low && value <= high);
	return value;
}

/* What struct host says a host may be. */
static inline struct host any_host(void)
{
	struct host host = {
		.ipa_bits = (u8)any_between(32, 48),
		.pa_bits = (u8)any_between(32, 48),
		.mte = (u8)any_between(0, 3),
		.bbm = (u8)any_between(0, 2),
		.hafdbs = (u8)any_between(0, 2),
		.mte_perm = nondet_bool(),
		.fwb = nondet_bool(),
		.dic = nondet_bool(),
		.idc = nondet_bool(),
		.xnx = nondet_bool(),
		.tlb_range = nondet_bool(),
	};

	assume(host.mte != 1 && (!host.mte_perm || host.mte));
	return host;
}

/* Any set of R, W, X and T. */
static inline perm_t any_perm(void)
{
	return nondet_u8() & (PERM_R | PERM_W | PERM_X | PERM_T);
}

/* A page number below 2^36: of a 48-bit address. */
static inline u64 any_page(void)
{
	return bits(nondet_u64(), 35, 0);
}

#endif
