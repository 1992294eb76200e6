/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The checker: a case as the image wrote it, what emu/mmu makes of it, and where the two
 * differ.
 */
#ifndef S2DIFF_CHECK_H
#define S2DIFF_CHECK_H

#include "case.h"
#include "mmu.h"

/* The CPU, by its ID registers. */
struct machine {
	struct emu_mmu mmu; /* but for the registers of a case */
	bool mte, fwb, atomics;
};

struct descriptor {
	u64 at, before, after;
};

/* A line of the image's, see case.h. */
struct test_case {
	u64 hcr, vtcr, vttbr, ipa, access, el, s1, va, count;
	struct descriptor way[4];
	u64 end, esr, far, hpfar, value, where;
};

/* What may differ; sets of these are unsigned. */
enum field {
	FIELD_END = 1 << 0,
	FIELD_CLASS = 1 << 1,  /* ESR_ELx.EC */
	FIELD_STATUS = 1 << 2, /* DFSC or IFSC: kind and level */
	FIELD_S1PTW = 1 << 3,
	FIELD_WNR = 1 << 4,
	FIELD_TAG = 1 << 5, /* ISS2.TagAccess */
	FIELD_FAR = 1 << 6,
	FIELD_HPFAR = 1 << 7,
	FIELD_VALUE = 1 << 8,
	FIELD_WHERE = 1 << 9,
	FIELD_UPDATE = 1 << 10, /* the descriptors afterwards */
};

/* What a case should come to; fields as in struct test_case, and ESR_ELx in parts. */
struct expected {
	struct emu_walk walk;
	u64 updated; /* the last descriptor afterwards */
	enum case_end end;
	unsigned int class, status;
	bool s1ptw, wnr, tag;
	u64 far, hpfar, value, where;
	unsigned int open; /* fields that the architecture does not say */
};

static inline u64 bits(u64 value, unsigned int high, unsigned int low)
{
	return (value >> low) & ((1ULL << (high - low + 1)) - 1);
}

/* Asks emu/mmu. */
void expect(const struct machine *machine, const struct test_case *c, struct expected *e);
/* The fields in which the case came out otherwise. */
unsigned int compare(const struct test_case *c, const struct expected *e);

/*
 * The known differences of QEMU, docs/decisions.md. Takes from @diff what they explain, and
 * counts.
 */
unsigned int differences_excuse(const struct machine *machine, const struct test_case *c,
				const struct expected *e, unsigned int diff);
/* The name of the nth that this machine can show, and how often it did; NULL after the last. */
const char *differences_seen(const struct machine *machine, unsigned int n, unsigned long *seen);

#endif
