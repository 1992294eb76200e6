/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Watches: who touches what. A range is watched for some kinds of access; the
 * first such access to each of its pages is reported and the page is left alone
 * from then on, until tsr_watch_arm() arms the whole range again (on a timer,
 * say). So a watch costs the guest one exit a page and period.
 *
 * A page counts as one: with several kinds watched, the first access of any of
 * them is reported. Ranges that overlap watch each for its own kinds; an access
 * that several of them wait for is one report. Only the guest is watched, not
 * the VMM's own accesses. What an access needs is what docs/abi.md says: a
 * guest's translation table walk is a read, cache maintenance too.
 *
 * An access that crosses pages needs both open at once, so pages must not be
 * armed again faster than the guest can repeat an access: some milliseconds.
 *
 * Locks: the gate's guards all; reports are made without it.
 */
#ifndef TESSERA_WATCH_H
#define TESSERA_WATCH_H

#include "tessera/gate.h"

#define TSR_WATCH_AREAS_MAX 16

struct tsr_watch_area {
	struct tsr_range gpa;
	uint64_t needs;		 /* TSR_FAULT_* that are watched for */
	struct tsr_pages opened; /* reported, and not armed since */
};

struct tsr_watch {
	struct tsr_gate *gate;
	struct tsr_watch_area areas[TSR_WATCH_AREAS_MAX];
	size_t count;

	/* On the vCPU's thread; constant. */
	void (*report)(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault);
	void *report_opaque;
};

/* Errors: -ENOSPC if the gate has too many keepers. */
int tsr_watch_init(struct tsr_watch *watch, struct tsr_gate *gate,
		   void (*report)(void *opaque, struct tsr_vcpu *vcpu,
				  const struct tsr_fault *fault),
		   void *opaque);

/* No vCPU runs. */
void tsr_watch_destroy(struct tsr_watch *watch);

/*
 * Watches @gpa, page aligned, for @needs, from now on.
 *
 * Errors: -ENOSPC for one too many; -ENOMEM; those of the gate.
 */
int tsr_watch_add(struct tsr_watch *watch, struct tsr_range gpa, uint64_t needs);

/* Arms every page that was touched. Errors: those of the gate; such areas stay as they are. */
int tsr_watch_arm(struct tsr_watch *watch);

/* The handler; opaque: struct tsr_watch. Stops only if a page cannot be opened. */
enum tsr_verdict tsr_watch_handle(void *opaque, struct tsr_vcpu *vcpu,
				  const struct tsr_fault *fault, struct tsr_why *why);

#endif
