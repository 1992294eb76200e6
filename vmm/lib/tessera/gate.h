/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The gate: several policies that deny a guest accesses to the same memory.
 *
 * The hypervisor keeps one set of attributes a page; several policies of a VMM
 * have reasons of their own to deny something there: memory that has not
 * arrived, a watch, code that may not be written, a promotion that copies. Each
 * is a keeper: asked about a page it says what it denies there, and why is its
 * own business. The attributes of a page are the union of what its keepers
 * deny, so a page is opened only when no keeper denies it any more.
 *
 * A keeper that changes its mind locks the gate, changes its own records, says
 * tsr_gate_close() or tsr_gate_open() for the pages, and unlocks. Denied needs
 * are written as TSR_FAULT_READ, _WRITE, _EXEC and _TAG, whose numbers are
 * those of the attributes NR, NW, NX and NT.
 *
 * Faults. Each keeper brings a handler for the chain (tessera/fault.h). It
 * resolves the faults that its own records explain, by withdrawing its reason,
 * and passes the others on. Where several keepers deny one access it exits once
 * for each: the guest repeats it in between, and finds the next reason. Behind
 * all of them stands tsr_gate_handle(): if something was opened since the vCPU
 * was entered, the reason of the fault may be gone and the guest tries again.
 * Handlers that give the guest something other than memory (an injected abort)
 * belong behind it, for they must not act on a reason that is gone.
 *
 * Invariants, whenever the gate is not locked: the hypervisor denies at least
 * what the keepers deny; and nothing else, unless a change has failed.
 *
 * Locks: the gate's lock is taken on vCPU threads without another lock of the
 * library, or inside the stripes of tsr_ram (a promotion). Keepers answer under
 * it and take no further lock.
 */
#ifndef TESSERA_GATE_H
#define TESSERA_GATE_H

#include <pthread.h>

#include "tessera/fault.h"

#define TSR_KEEPERS_MAX 8

struct tsr_keeper {
	/*
	 * What it denies at @gpa. *@until is the end of what is asked about; the
	 * keeper lowers it to where its answer ends, if that comes before.
	 */
	uint64_t (*denies)(void *opaque, uint64_t gpa, uint64_t *until);
	void *opaque;
};

struct tsr_gate {
	/* Denies (@deny) or allows @needs over @gpa: 0 or -errno. tsr_vm_attributes(). */
	int (*change)(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny);
	void *opaque;		   /* constant, as what is above and the next */
	_Atomic uint64_t *changes; /* the VM's count of completed changes */
	pthread_mutex_t lock;	   /* guards all below, and the records of keepers */
	struct tsr_keeper keepers[TSR_KEEPERS_MAX];
	size_t keeper_count;
	struct tsr_hold *holds; /* what promotions keep from being written */
};

void tsr_gate_init(struct tsr_gate *gate,
		   int (*change)(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny),
		   void *opaque, _Atomic uint64_t *changes);
void tsr_gate_destroy(struct tsr_gate *gate);

/* Adds a keeper that denies nothing yet. Errors: -ENOSPC for one too many. */
int tsr_gate_add(struct tsr_gate *gate, struct tsr_keeper keeper);

/* Takes away the keeper of this @opaque, which denies nothing any more. */
void tsr_gate_remove(struct tsr_gate *gate, const void *opaque);

void tsr_gate_lock(struct tsr_gate *gate);
void tsr_gate_unlock(struct tsr_gate *gate);

/*
 * The keepers deny @needs in @gpa from now on. Gate locked.
 *
 * Errors: those of change(); the attributes are unchanged then, and the keeper
 * takes its records back.
 */
int tsr_gate_close(struct tsr_gate *gate, struct tsr_range gpa, uint64_t needs);

/*
 * A keeper does not deny @needs in @gpa any more: they are allowed where no
 * other keeper denies them. Counts as a completed change. Gate locked.
 *
 * Errors: those of change(), the first of them; the pages that it concerned
 * stay denied with no keeper's reason, so that a fault there ends the run.
 */
int tsr_gate_open(struct tsr_gate *gate, struct tsr_range gpa, uint64_t needs);

/* What all keepers deny at @gpa, a page. Gate locked. */
uint64_t tsr_gate_denied(struct tsr_gate *gate, uint64_t gpa);

/*
 * For struct tsr_attributes of a promoter; opaque: struct tsr_gate. A keeper
 * of the gate's own: the range may not be written until it is lifted.
 *
 * Errors: those of change(), -ENOMEM.
 */
int tsr_gate_no_write(void *opaque, struct tsr_range gpa, bool set);

/* The handler of faults whose reason is gone. opaque: struct tsr_gate. */
enum tsr_verdict tsr_gate_handle(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				 struct tsr_why *why);

#endif
