/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The machine as the image's C sees it: one CPU, at EL2, with its memory mapped as it is. */
#ifndef S2DIFF_EL2_H
#define S2DIFF_EL2_H

#include <stdbool.h>
#include <stdint.h>

typedef unsigned long long u64;
typedef uint32_t u32;

#define PAGE 0x1000ULL

/* Registers by name, or by encoding where the base architecture has no name for them. */
#define read_sysreg(name)                                          \
	({                                                         \
		u64 value_;                                        \
		__asm__ volatile("mrs %0, " #name : "=r"(value_)); \
		value_;                                            \
	})
#define write_sysreg(name, value) \
	__asm__ volatile("msr " #name ", %0" ::"r"((u64)(value)) : "memory")

static inline void barrier_all(void)
{
	__asm__ volatile("dsb sy\n\tisb" ::: "memory");
}

/* What the CPU has, read once by el2_begin(). */
struct features {
	u64 mmfr0, mmfr1, mmfr2, pfr1, pfr2, isar0; /* ID_AA64*_EL1 */
	unsigned int pa_bits;			    /* 48 at most */
	bool mte, fwb, ttst, atomics;
	unsigned int hafdbs;
};
extern struct features features;

/* Maps memory for EL2 and fills each page of RAM as case.h says. */
void el2_begin(void);
/* Ends the run, with @status as QEMU's own. Does not return. */
void el2_exit(unsigned int status);

u64 el2_tag_load(u64 address);
/* Tag and address in one. */
void el2_tag_store(u64 tagged);

struct guest_regs {
	u64 x0, x1;
	u64 pc, pstate;
};
void guest_run(struct guest_regs *regs);

/* Text of the run, written out by semihosting when there is enough of it. */
void out_text(const char *text);
/* A number in hexadecimal with a blank before it. */
void out_number(u64 value);
void out_flush(void);
/* The command line that QEMU was given for the image. */
void out_command_line(char *text, u32 size);

#endif
