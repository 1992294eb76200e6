/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Private memory of a machine (--private): which is private when the guest starts, and the
 * guest's calls that change it.
 *
 * An image cannot be put where the host sees nothing: its pages are shared when it is loaded and
 * when the guest starts, also in a range that is private otherwise.
 */
#ifndef CMD_PRIVACY_H
#define CMD_PRIVACY_H

#include "options.h"
#include "tessera/image.h"
#include "tessera/private.h"
#include "tessera/vcpu.h"

struct privacy {
	const struct run_options *options; /* constant */
	struct tsr_private memory;
};

/*
 * Before the slots are made. Without --private it does nothing. Errors, explained in @why: those
 * of tsr_vm_guest_memfds() and tsr_vm_forward().
 */
int privacy_init(struct privacy *privacy, const struct run_options *options, struct tsr_vm *vm,
		 struct tsr_ram *ram, struct tsr_why *why);

/*
 * Before @image, which may be empty, is loaded, no vCPU running: all is private that is to be, but
 * the image's pages. Errors, explained in @why: those of tsr_private_convert().
 */
int privacy_begin(struct privacy *privacy, const struct tsr_image *image, struct tsr_why *why);

/* Answers a call of the guest's, on the vCPU's thread. Errors: those of tsr_vcpu_call_reply(). */
int privacy_call(struct privacy *privacy, struct tsr_vcpu *vcpu, struct tsr_call *call);

#endif
