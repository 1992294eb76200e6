/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the tables run on: the host as it says it is, and a small virtual machine that
 * executes one snippet of guest code at a time (guest.S).
 *
 * The machine's guest physical addresses:
 *	CODE_GPA	slot 0, anonymous: snippets, vectors, stage-1 table
 *	TEST_GPA	where a test puts the slot it is about
 *	DONE_GPA	no memory: a snippet ends with a store of x1 there
 *	MMIO_GPA	no memory: for tests of MMIO itself
 */
#ifndef TESTS_ABI_MACHINE_H
#define TESTS_ABI_MACHINE_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/uapi/tessera.h"

#define PAGE	  4096UL
#define BLOCK	  (2UL << 20)
#define CODE_GPA  0x40000000UL
#define CODE_SIZE (16 * PAGE)
#define TEST_GPA  0x80000000UL
#define DONE_GPA  0x09000000UL
#define MMIO_GPA  0x0a000000UL
#define TEST_SLOT 1

/* Linux 6.15 numbers it. */
#ifndef KVM_CAP_ARM_WRITABLE_IMP_ID_REGS
#define KVM_CAP_ARM_WRITABLE_IMP_ID_REGS 239
#endif

/* Linux 6.17 numbers it. */
#ifndef KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED
#define KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED 243
#endif

/* Linux 6.18 numbers these. */
#ifndef KVM_CAP_GUEST_MEMFD_FLAGS
#define KVM_CAP_GUEST_MEMFD_FLAGS    244
#define GUEST_MEMFD_FLAG_MMAP	     (1ULL << 0)
#define GUEST_MEMFD_FLAG_INIT_SHARED (1ULL << 1)
#endif

/* With the MMU on EL0 reaches the first 64 GiB by addresses from here on, and nothing else. */
#define EL0_WINDOW (448UL << 30)

/* The default IPA size of KVM_CREATE_VM(0), api.rst 4.2. */
#define IPA_BITS 40
/* That of a machine with MACHINE_SMALL. */
#define SMALL_IPA_BITS 36

/* What a row needs of the host to make sense; 0: it holds on every KVM. */
enum need {
	NEED_TSR = 1 << 0, /* only tessera serves it */
	NEED_MTE = 1 << 1, /* VMs can have MTE */
	NEED_NO_MTE = 1 << 2,
	NEED_NOTAG = 1 << 3, /* NoTagAccess is enforced for VMs with MTE */
	NEED_NO_NOTAG = 1 << 4,
	NEED_RECENT = 1 << 5, /* mainline before 7.0 did something else */
};

/* The host, as it was found at the start; constant afterwards. */
struct env {
	int kvm;  /* /dev/kvm */
	bool tsr; /* it is tessera */
	bool mte;
	bool notag;
	bool recent;	  /* tessera, or a mainline from 7.0 on */
	const char *cpu;  /* TSR_CPU: the model, NULL where unknown */
	bool full;	  /* take the time: TSR_FULL, or tessera on CPU max */
	const char *disk; /* a folder on a file system whose page cache cannot hold tags */
};
extern struct env env;

/* Ends the program with a message where there is no /dev/kvm. */
void env_init(void);

/* NULL, or why a row with these needs cannot run here. */
const char *env_lacks(unsigned int need);

/* ioctl() with the result or -errno. */
long call(int fd, unsigned long request, unsigned long arg);

enum machine_flags {
	MACHINE_MTE = 1 << 0,	      /* KVM_CAP_ARM_MTE */
	MACHINE_IMP_ID = 1 << 4,      /* KVM_CAP_ARM_WRITABLE_IMP_ID_REGS */
	MACHINE_MMU = 1 << 1,	      /* stage 1 on: identity, RAM Normal Tagged */
	MACHINE_NO_VCPU = 1 << 2,     /* no vCPU, no slot 0 */
	MACHINE_SMALL = 1 << 3,	      /* SMALL_IPA_BITS */
	MACHINE_RING = 1 << 5,	      /* dirty rings of a page */
	MACHINE_RING_BITMAP = 1 << 6, /* and bitmaps beside them */
	MACHINE_LAZY = 1 << 7,	      /* KVM_CAP_TSR_LAZY_TAGS, before MTE */
	MACHINE_CMO = 1 << 8,	      /* KVM_CAP_TSR_PFNMAP_CMO */
};

struct machine {
	int vm;
	int vcpu;
	struct kvm_run *run;
	uint8_t *code; /* slot 0 */
};

/* Ends the program with a message on failure: nothing can be tested then. */
void machine_open(struct machine *m, unsigned int flags);
void machine_close(struct machine *m);
/* A second vCPU, of the VM of @first and with its @flags; that one is closed after it. */
void machine_second(struct machine *m, const struct machine *first, unsigned int flags);

/* KVM_SET_USER_MEMORY_REGION. */
long machine_slot(struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
		  const void *hva);

/* KVM_CREATE_GUEST_MEMFD: the fd or -errno. */
long machine_gmem(struct machine *m, uint64_t size, uint64_t flags);
/* KVM_SET_USER_MEMORY_REGION2 with @fd, from @offset on, and KVM_MEM_GUEST_MEMFD beside @flags. */
long machine_gmem_slot(struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa,
		       uint64_t size, const void *hva, int fd, uint64_t offset);

/* KVM_SET_MEMORY_ATTRIBUTES. */
long machine_attr(struct machine *m, uint64_t gpa, uint64_t size, uint64_t attr, uint64_t flags);

/* KVM_ENABLE_CAP on the VM fd, without arguments. */
long machine_cap(struct machine *m, uint32_t cap);

/* ESR_EL1, Arm ARM D24.2: exception class and fault status code. */
#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_FSC(esr)	((esr) & 0x3f)
#define EC_INSN_ABORT	0x21UL /* from the same exception level */
#define EC_DATA_ABORT	0x25UL
#define FSC_EXTERNAL	0x10UL /* synchronous external abort */
#define FSC_EXTERNAL_L1 0x15UL /* the same, on a level 1 walk */
#define FSC_EXTERNAL_L2 0x16UL /* and on a level 2 walk */
#define FSC_TAG_CHECK	0x11UL

/* A general register, x0..x30, and the others by their KVM_REG_ARM64 identifier. */
#define REG_X(n)                                               \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 (KVM_REG_ARM_CORE_REG(regs.regs) + (n) * 2UL))
#define REG_PC (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.pc))
#define REG_PSTATE \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.pstate))
#define REG_SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)
#define REG_TTBR0_EL1 ARM64_SYS_REG(3, 0, 2, 0, 0)
#define REG_TCR_EL1   ARM64_SYS_REG(3, 0, 2, 0, 2)
#define REG_ESR_EL1   ARM64_SYS_REG(3, 0, 5, 2, 0)
#define REG_FAR_EL1   ARM64_SYS_REG(3, 0, 6, 0, 0)
#define REG_MAIR_EL1  ARM64_SYS_REG(3, 0, 10, 2, 0)
#define REG_VBAR_EL1  ARM64_SYS_REG(3, 0, 12, 0, 0)
#define REG_TPIDR_EL1 ARM64_SYS_REG(3, 0, 13, 0, 4)

/* Ends the program with a message on failure. */
uint64_t machine_get(struct machine *m, uint64_t reg);
void machine_set(struct machine *m, uint64_t reg, uint64_t value);

/* Where a snippet of guest.S lies in the machine. */
uint64_t machine_snippet(const void *snippet);

/*
 * Points the vCPU at a snippet, with x0 and x1 as given, after completing what the
 * exit before left open. The next machine_run() executes it.
 */
void machine_call(struct machine *m, const void *snippet, uint64_t x0, uint64_t x1);
/* The same at EL0, in its window; MACHINE_MMU. */
void machine_call_el0(struct machine *m, const void *snippet, uint64_t x0, uint64_t x1);

/* MACHINE_MTE and MACHINE_MMU: are accesses to Tagged memory Tag Checked? They are at first. */
void machine_checks(struct machine *m, bool on);

/* KVM_RUN: 0 or -errno. */
long machine_run(struct machine *m);

/* Did the last run end with the store that ends a snippet? x1 as it was, in *value. */
bool machine_done(const struct machine *m, uint64_t *value);

/* machine_call() and machine_run(): did the snippet get to its end? */
bool machine_finishes(struct machine *m, const void *snippet, uint64_t x0, uint64_t x1,
		      uint64_t *value);

/*
 * Did the last run, which returned @ret, end with KVM_EXIT_MEMORY_FAULT of exactly
 * these flags for the page of @gpa? Notes what it was if not.
 */
bool machine_faulted(const struct machine *m, long ret, uint64_t flags, uint64_t gpa);

/* A counter of the file that KVM_GET_STATS_FD gave, by name; -1: there is none. */
int64_t machine_counter(int fd, const char *name);

/* Says in a note what the last run, which returned @ret, ended with. */
void machine_explain(const struct machine *m, long ret);

/* Sends the process a SIGALRM (whose handler does nothing) in ; 0: just the handler. */
void alarm_in(unsigned int ms);

/* Memory for slots: page aligned, zero, ends the program when there is none. */
void *memory_anon(size_t size);
void *memory_map(size_t size, int prot, int flags, int fd);
/* Gives private anonymous memory back: it is zero at its next use. */
void memory_drop(void *memory, size_t size);
/* Makes the page at @page one that cannot be touched. */
void memory_guard(void *page);
/* A file of @size bytes of 0x5a on env.disk, already unlinked; -1 where there is none. */
int memory_file(size_t size);
int memory_memfd(size_t size);

#endif
