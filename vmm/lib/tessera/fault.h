/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory faults of a guest, and policies that answer them.
 *
 * A fault says what the guest needed and could not have. Handlers stand in a
 * chain, the most specific first; each either resolves the fault (the vCPU
 * runs again and repeats the access), says that it is not its business, or
 * stops the VM. What nobody resolves stops the VM: that is always safe.
 *
 * A fault may be stale: when its handler runs, another thread may have changed
 * what the guest can do since the vCPU was entered. "entered" is the VM's
 * count of completed changes at that entry; a handler that waited for a change
 * of its own compares it with the count now, and just lets the guest run
 * again if they differ. That ends, since each change is counted once.
 *
 * Locks: handlers run on vCPU threads, several at once, and hold no lock of
 * the library when called.
 */
#ifndef TESSERA_FAULT_H
#define TESSERA_FAULT_H

#include <stddef.h>

#include "tessera/ram.h"

struct tsr_vcpu;

/* Bit numbers are those of kvm_run.memory_fault.flags. */
#define TSR_FAULT_READ	  (UINT64_C(1) << 0)
#define TSR_FAULT_WRITE	  (UINT64_C(1) << 1)
#define TSR_FAULT_EXEC	  (UINT64_C(1) << 2)
#define TSR_FAULT_PRIVATE (UINT64_C(1) << 3)
#define TSR_FAULT_TAG	  (UINT64_C(1) << 4)

struct tsr_fault {
	uint64_t flags;	  /* TSR_FAULT_* */
	uint64_t gpa;	  /* page aligned */
	uint64_t size;	  /* bytes */
	uint64_t entered; /* completed changes when the vCPU was entered */
	bool poisoned;	  /* the host's memory has failed (EHWPOISON) */
};

enum tsr_verdict {
	TSR_RESOLVED, /* run the vCPU again */
	TSR_NOT_MINE, /* ask the next handler */
	TSR_STOP,     /* stop the VM; @why says why */
};

struct tsr_handler {
	enum tsr_verdict (*handle)(void *opaque, struct tsr_vcpu *vcpu,
				   const struct tsr_fault *fault, struct tsr_why *why);
	void *opaque;
};

/* Asks each handler in turn. TSR_STOP, with the reason, if none resolved it. */
enum tsr_verdict tsr_fault_dispatch(const struct tsr_handler *handlers, size_t count,
				    struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				    struct tsr_why *why);

/*
 * The handler that resolves nothing and explains, naming what backs the page.
 * opaque: struct tsr_ram.
 */
enum tsr_verdict tsr_fault_stop(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				struct tsr_why *why);

/* What was needed, as words for a person: "tags", "to write", ... */
const char *tsr_fault_need(const struct tsr_fault *fault);

#endif
