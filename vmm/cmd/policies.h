/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The policies of a machine: what the options of `tessera run` make of
 * libtessera's handlers, in which order they are asked, and what is said of
 * them on standard error.
 *
 *	watch      reports a touch, opens the page
 *	lazy       brings the page from its file
 *	protect    code was written, or read: report, then inject or stop
 *	promote    memory that cannot hold tags becomes memory that can
 *	gate       what was in the way is gone: the guest tries again
 *	inject     an external abort for an access to tags that cannot be
 *	stop       nobody supplies that
 *
 * Each of the first four withdraws its own reason alone, so they compose on one
 * page in any combination (tessera/gate.h).
 */
#ifndef CMD_POLICIES_H
#define CMD_POLICIES_H

#include "options.h"
#include "tally.h"
#include "tessera/lazy.h"
#include "tessera/promote.h"
#include "tessera/protect.h"
#include "tessera/vcpu.h"
#include "tessera/watch.h"
#include "timeline.h"

struct policies {
	const struct run_options *options; /* constant, as the next three */
	struct tsr_vm *vm;
	struct tally *tally;
	struct timeline *timeline;
	struct tsr_gate gate;
	struct tsr_watch watch;
	struct tsr_lazy lazy;
	struct tsr_protection text;
	struct tsr_promoter promoter;
	struct tsr_handler handlers[7];
	size_t handler_count;
	bool lazily;	      /* "lazy" is in use */
	int timer;	      /* timerfd: readable when the watch is to be armed; -1 if never */
	_Atomic bool starved; /* the file of --lazy could not supply memory */
};

/*
 * Sets all up that @options ask for; the guest's memory must be in its slots.
 * @image: whose code "auto" protects; NULL if there is none.
 *
 * Returns the exit status for a failure, explained in @why; nothing is held
 * then.
 */
enum exit_status policies_init(struct policies *policies, const struct run_options *options,
			       struct tsr_vm *vm, struct tsr_ram *ram,
			       const struct tsr_image *image, struct tally *tally,
			       struct timeline *timeline, struct tsr_why *why);

/* No vCPU runs. */
void policies_destroy(struct policies *policies);

/* Answers a fault: TSR_RESOLVED, or TSR_STOP with the reason. On the vCPU's thread. */
enum tsr_verdict policies_fault(struct policies *policies, struct tsr_vcpu *vcpu,
				const struct tsr_fault *fault, struct tsr_why *why);

/* The timer is due: arms the watch. Errors, explained in @why: those of tsr_watch_arm(). */
int policies_tick(struct policies *policies, struct tsr_why *why);

#endif
