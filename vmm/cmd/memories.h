/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which memory a VM may have on this host, in words, by the table of docs/abi.md 9.1. The
 * table is about CPU models; a host is taken for the one that is as it is, in what decides.
 */
#ifndef VMM_CMD_MEMORIES_H
#define VMM_CMD_MEMORIES_H

#include <stdbool.h>
#include <stddef.h>

/* Linux 6.17 numbers it. */
#ifndef KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED
#define KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED 243
#endif

struct memories_host {
	bool mte;	  /* KVM_CAP_ARM_MTE */
	bool notag;	  /* KVM_CAP_TSR_NOTAG */
	bool cacheable;	  /* KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED */
	bool new_hugetlb; /* Linux 6.13 or later */
};

enum memories_vm {
	MEMORIES_plain,	   /* no MTE */
	MEMORIES_mte,	   /* KVM_CAP_ARM_MTE */
	MEMORIES_optional, /* and KVM_MEM_TSR_TAGS_OPTIONAL */
	MEMORIES_touch,	   /* and KVM_MEM_TSR_TAGS_ON_TOUCH */
	MEMORIES_VMS,
};

struct memories_line {
	const char *memory;
	const char *may[MEMORIES_VMS]; /* a few words */
	bool logged;		       /* dirty logging is possible */
};

/* The line of a sort of memory, from 0 on; false after the last. Some are not of this host. */
bool memories_line(const struct memories_host *host, size_t index, struct memories_line *line,
		   bool *here);

#endif
