/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What tessera adds to KVM's uABI. Include it after <linux/kvm.h>.
 *
 * Everything here is opt-in: by capability, slot flag or attribute. docs/abi.md
 * says what each entry means and whether it is served yet.
 */
#ifndef UAPI_TESSERA_H
#define UAPI_TESSERA_H

#include <linux/types.h>
#include <linux/ioctl.h>

/* Capabilities: KVM_CHECK_EXTENSION and, where docs/abi.md says so, KVM_ENABLE_CAP. */
#define KVM_CAP_TSR_VERSION	    0x54530000
#define KVM_CAP_TSR_NOTAG	    0x54530001
#define KVM_CAP_TSR_LAZY_TAGS	    0x54530002
#define KVM_CAP_TSR_ATTRIBUTE_FLAGS 0x54530003
#define KVM_CAP_TSR_TAG_BATCH	    0x54530004
#define KVM_CAP_TSR_PFNMAP_CMO	    0x54530005
#define KVM_CAP_TSR_MEMORY_QUERY    0x54530006

#define KVM_TSR_VERSION 1

/* Flags of a memory slot (KVM_SET_USER_MEMORY_REGION and REGION2). */
#define KVM_MEM_TSR_TAGS_ON_TOUCH (1UL << 14)
#define KVM_MEM_TSR_TAGS_OPTIONAL (1UL << 15)

/* Attributes of a page (KVM_SET_MEMORY_ATTRIBUTES); bit 3 is mainline's PRIVATE. */
#define KVM_MEMORY_ATTRIBUTE_NR (1ULL << 0)
#define KVM_MEMORY_ATTRIBUTE_NW (1ULL << 1)
#define KVM_MEMORY_ATTRIBUTE_NX (1ULL << 2)
#define KVM_MEMORY_ATTRIBUTE_NT (1ULL << 4)

/* struct kvm_memory_attributes.flags: 0 sets exactly, as mainline. */
#define KVM_MEMORY_ATTRIBUTES_SET   (1ULL << 0)
#define KVM_MEMORY_ATTRIBUTES_CLEAR (1ULL << 1)

/* kvm_run.memory_fault.flags; bit 3 is mainline's PRIVATE. */
#define KVM_MEMORY_EXIT_FLAG_READ  (1ULL << 0)
#define KVM_MEMORY_EXIT_FLAG_WRITE (1ULL << 1)
#define KVM_MEMORY_EXIT_FLAG_EXEC  (1ULL << 2)
#define KVM_MEMORY_EXIT_FLAG_TAG   (1ULL << 4)

/* The tags of a range of guest pages, packed: 128 bytes for each page that has tags. */
struct kvm_tsr_tag_batch {
	__u64 gpa; /* page aligned */
	__u64 pages;
	__u64 bitmap;	  /* user address, 8-byte aligned: a bit a page, 1 = has tags */
	__u64 tags;	  /* user address: 128 bytes for each set bit, in order */
	__u64 tags_size;  /* bytes at tags */
	__u32 flags;	  /* KVM_TSR_TAG_BATCH_TO_GUEST */
	__u32 pad;	  /* 0 */
	__u64 pages_done; /* out */
	__u64 tags_done;  /* out: bytes of tags read or written */
};

#define KVM_TSR_TAG_BATCH_TO_GUEST (1U << 0)

#define KVM_TSR_TAG_BATCH _IOWR(0xAE, 0xf0, struct kvm_tsr_tag_batch)

/* What is known of guest pages in a row that are alike. */
struct kvm_tsr_extent {
	__u64 gpa;
	__u64 pages;
	__u64 attributes; /* KVM_MEMORY_ATTRIBUTE_* */
	__u32 slot;
	__u16 flags; /* KVM_TSR_EXTENT_* */
	__u8 order;  /* log2 of the pages that one stage-2 entry maps; 0 if not mapped */
	__u8 pad;    /* 0 */
};

#define KVM_TSR_EXTENT_READ   (1U << 0) /* stage 2 grants this now */
#define KVM_TSR_EXTENT_WRITE  (1U << 1)
#define KVM_TSR_EXTENT_EXEC   (1U << 2)
#define KVM_TSR_EXTENT_TAG    (1U << 4)
#define KVM_TSR_EXTENT_MAPPED (1U << 8) /* stage 2 has an entry */
#define KVM_TSR_EXTENT_YOUNG  (1U << 9) /* and its access flag is set */

/* A question about a range of guest pages. */
struct kvm_tsr_memory_query {
	__u64 gpa;     /* page aligned; out: where to go on */
	__u64 pages;   /* out: how many are left */
	__u64 extents; /* user address, 8-byte aligned: an array of struct kvm_tsr_extent */
	__u32 count;   /* of the array; out: of what was filled in */
	__u32 flags;   /* 0 */
};

#define KVM_TSR_QUERY_MEMORY _IOWR(0xAE, 0xf1, struct kvm_tsr_memory_query)

#ifndef __cplusplus
_Static_assert(sizeof(struct kvm_tsr_tag_batch) == 64, "uABI");
_Static_assert(sizeof(struct kvm_tsr_extent) == 32, "uABI");
_Static_assert(sizeof(struct kvm_tsr_memory_query) == 32, "uABI");
#endif

#endif
