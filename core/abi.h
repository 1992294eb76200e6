/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bits of the uABI that core decides upon, restated: core includes no header
 * of the operating system. The module asserts that each equals the uABI's own
 * (<linux/kvm.h>, include/uapi/tessera.h), and so do the unit tests.
 */
#ifndef CORE_ABI_H
#define CORE_ABI_H

#include "types.h"

/* struct kvm_userspace_memory_region.flags */
#define ABI_MEM_LOG_DIRTY_PAGES BIT(0)
#define ABI_MEM_READONLY	BIT(1)
#define ABI_MEM_GUEST_MEMFD	BIT(2)
#define ABI_MEM_TAGS_ON_TOUCH	BIT(14)
#define ABI_MEM_TAGS_OPTIONAL	BIT(15)

/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
#define ABI_DIRTY_MANUAL BIT(0)
#define ABI_DIRTY_SET	 BIT(1)

/* struct kvm_memory_attributes.attributes */
#define ABI_ATTR_NR	 BIT_ULL(0)
#define ABI_ATTR_NW	 BIT_ULL(1)
#define ABI_ATTR_NX	 BIT_ULL(2)
#define ABI_ATTR_PRIVATE BIT_ULL(3)
#define ABI_ATTR_NT	 BIT_ULL(4)

/* kvm_run.memory_fault.flags */
#define ABI_EXIT_READ	 BIT_ULL(0)
#define ABI_EXIT_WRITE	 BIT_ULL(1)
#define ABI_EXIT_EXEC	 BIT_ULL(2)
#define ABI_EXIT_PRIVATE BIT_ULL(3)
#define ABI_EXIT_TAG	 BIT_ULL(4)

/* A slot's number, and its pages (KVM_MEM_SLOTS_NUM, KVM_MEM_MAX_NR_PAGES). */
#define ABI_SLOT_COUNT	   32767U
#define ABI_SLOT_PAGES_MAX ((1ULL << 31) - 1)

#endif
