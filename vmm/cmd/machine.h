/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A running machine: vCPU threads that serve their own exits, and how they end.
 *
 * Each vCPU's thread runs machine_vcpu_loop(). Whatever ends the machine (the
 * guest, a fault, a signal) calls machine_end(); the first call decides, and
 * wakes the main thread, which kicks and joins the vCPUs.
 *
 * Locks: the lock guards "ending" and what belongs to it. Everything else is
 * constant while vCPUs run, or has its own lock.
 */
#ifndef CMD_MACHINE_H
#define CMD_MACHINE_H

#include "control.h"
#include "options.h"
#include "pause.h"
#include "pl011.h"
#include "tally.h"
#include "policies.h"
#include "privacy.h"
#include "service.h"
#include "tessera/vcpu.h"
#include "timeline.h"

enum ending {
	ENDING_NONE,   /* it runs */
	ENDING_STATUS, /* with "status" */
	ENDING_RESET,  /* to start over */
};

struct machine {
	const struct run_options *options;
	struct tsr_host host;
	struct tsr_vm vm;
	struct tsr_ram ram;
	struct tsr_vcpu *vcpus;
	struct policies policies;
	struct privacy privacy;
	struct service service;
	struct pause pause;
	struct control control;
	struct pl011 uart;
	struct timeline timeline;
	struct tally tally;

	pthread_mutex_t lock;
	_Atomic int ending; /* enum ending; written with the lock held */
	int status;
	struct tsr_why why; /* empty if there is nothing to explain */
	int wake;	    /* eventfd: readable once the machine ends */
};

/*
 * Ends the machine, unless it has ended; but an end with a status, a signal say,
 * prevails over a reset. @why may be NULL. May be called by any thread.
 */
void machine_end(struct machine *machine, enum ending ending, int status,
		 const struct tsr_why *why);

/* What the thread of vCPU @vcpu does until the machine ends. */
void machine_vcpu_loop(struct machine *machine, struct tsr_vcpu *vcpu);

#endif
