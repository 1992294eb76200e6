/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module is built for: 6.12 (Debian
 * 13) to 7.2. Nothing else in the module asks for the kernel's version.
 */
#ifndef MODULE_COMPAT_H
#define MODULE_COMPAT_H

#include <linux/hugetlb.h>
#include <linux/version.h>
#include <asm/cpufeature.h>
#include <asm/mte.h>
#include <asm/neon.h>
#include <asm/sysreg.h>

/* Linux 6.15 numbers it. */
#ifndef KVM_CAP_ARM_WRITABLE_IMP_ID_REGS
#define KVM_CAP_ARM_WRITABLE_IMP_ID_REGS 239
#endif

/* Linux 6.17 numbers it. */
#ifndef KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED
#define KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED 243
#endif

/* Linux 6.18 numbers these, and names the file system. */
#ifndef KVM_CAP_GUEST_MEMFD_FLAGS
#define KVM_CAP_GUEST_MEMFD_FLAGS    244
#define GUEST_MEMFD_FLAG_MMAP	     (1ULL << 0)
#define GUEST_MEMFD_FLAG_INIT_SHARED (1ULL << 1)
#endif
#ifndef GUEST_MEMFD_MAGIC
#define GUEST_MEMFD_MAGIC 0x474d454d
#endif

/* From 6.16 on some cores need a sequence around a write of HCR_EL2. */
#ifndef write_sysreg_hcr
#define write_sysreg_hcr(value) write_sysreg(value, hcr_el2)
#endif

/*
 * From 6.17 on the kernel knows on which CPUs blocks may change their size in place; since 7.3
 * under the name that the architecture has given to what they do, FEAT_BBML3.
 */
#if defined(ARM64_HAS_BBML2_NOABORT)
#define tsr_bbml2_noabort() system_supports_bbml2_noabort()
#elif defined(ARM64_HAS_BBML3)
#define tsr_bbml2_noabort() system_supports_bbml3()
#else
#define tsr_bbml2_noabort() false
#endif

/* The MMU notifier's young callbacks tell a bool since 7.1; an int before. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
typedef bool tsr_young_t;
#else
typedef int tsr_young_t;
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)

/* Tags of a hugetlb folio are flagged once, for the whole folio. */
static inline bool tsr_folio_has_one_tag_flag(struct folio *folio)
{
	return folio_test_hugetlb(folio);
}

static inline bool tsr_folio_tagged(struct folio *folio)
{
	return folio_test_hugetlb_mte_tagged(folio);
}

static inline bool tsr_folio_try_tagging(struct folio *folio)
{
	return folio_try_hugetlb_mte_tagging(folio);
}

static inline void tsr_folio_set_tagged(struct folio *folio)
{
	folio_set_hugetlb_mte_tagged(folio);
}

#else

/* No hugetlb mapping allows tags here: each page of a folio has its own flag. */
static inline bool tsr_folio_has_one_tag_flag(struct folio *folio)
{
	return false;
}

static inline bool tsr_folio_tagged(struct folio *folio)
{
	return false;
}

static inline bool tsr_folio_try_tagging(struct folio *folio)
{
	return false;
}

static inline void tsr_folio_set_tagged(struct folio *folio)
{
}

#endif

/*
 * The FP/SIMD registers for the caller's use. What the task's user had in them is saved.
 * The caller stays preemptible (since 6.8): what it has in them goes, when it is switched
 * out or a softirq wants them, to the task's own structure; since 6.19 to @state.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define tsr_neon_begin(state) kernel_neon_begin(state)
#define tsr_neon_end(state)   kernel_neon_end(state)
#else
#define tsr_neon_begin(state) kernel_neon_begin()
#define tsr_neon_end(state)   kernel_neon_end()
#endif

/*
 * Before KVM_RUN returns: the user's restartable sequences learn of the CPU that the thread is
 * on now. Older kernels note it when the task work is done before the guest.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#include <linux/rseq.h>
#define tsr_rseq_exit() rseq_virt_userspace_exit()
#else
#define tsr_rseq_exit() ((void)0)
#endif

/* Signals, rescheduling and task work before the guest runs: -EINTR for a signal. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#include <linux/entry-virt.h>
#else
#include <linux/entry-kvm.h>
#endif

int tsr_xfer_to_guest_mode_handle_work(void);

/*
 * Counts how often the mmap lock was taken for writing; false: it is now, or the kernel does not
 * count. What is read of VMAs under the lock holds for as long as the count does.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#include <linux/mm.h>
#define tsr_mmap_sequence(mm, seq) mmap_lock_speculate_try_begin(mm, seq)
#else
static inline bool tsr_mmap_sequence(struct mm_struct *mm, unsigned int *seq)
{
	return false;
}
#endif

/* CLOCK_REALTIME in ns and the counter of one moment; false: the clock runs by another. */
bool tsr_clock_snapshot(u64 *ns, u64 *cycles);

#endif
