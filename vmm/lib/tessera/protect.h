/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Protected memory: a guest's code that nobody may write, nor read if it is
 * execute-only, whatever the guest's own tables allow. It is enforced at stage
 * 2, where the guest cannot undo it. The VMM's own accesses are not restricted.
 *
 * A violation is not lifted by anything: the owner reports it and decides, by
 * a verdict, between giving the guest an abort (TSR_RESOLVED) and TSR_STOP.
 *
 * Locks: none; all is constant once vCPUs run.
 */
#ifndef TESSERA_PROTECT_H
#define TESSERA_PROTECT_H

#include "tessera/gate.h"
#include "tessera/image.h"

#define TSR_PROTECTED_MAX TSR_IMAGE_PIECES_MAX

struct tsr_protection {
	struct {
		struct tsr_range gpa;
		uint64_t needs; /* TSR_FAULT_* that are denied */
	} areas[TSR_PROTECTED_MAX];
	size_t count;
	struct tsr_gate *gate;

	/* On the vCPU's thread: what becomes of it. */
	enum tsr_verdict (*violated)(void *opaque, struct tsr_vcpu *vcpu,
				     const struct tsr_fault *fault, struct tsr_why *why);
	void *opaque;
};

/* Errors: -ENOSPC if the gate has too many keepers. */
int tsr_protection_init(struct tsr_protection *protection, struct tsr_gate *gate,
			enum tsr_verdict (*violated)(void *opaque, struct tsr_vcpu *vcpu,
						     const struct tsr_fault *fault,
						     struct tsr_why *why),
			void *opaque);

/*
 * Protects @gpa, page aligned. Before the first vCPU runs. @execute_only: reads
 * are violations too.
 *
 * Errors: -ENOSPC for one too many; those of the gate.
 */
int tsr_protection_add(struct tsr_protection *protection, struct tsr_range gpa, bool execute_only);

/*
 * Protects the code of an image: the whole pages of its segments that are
 * executable and not writable.
 *
 * Errors: -ENOENT if it has none; those of tsr_protection_add().
 */
int tsr_protection_add_image(struct tsr_protection *protection, const struct tsr_image *image,
			     bool execute_only);

/* The handler; opaque: struct tsr_protection. */
enum tsr_verdict tsr_protection_handle(void *opaque, struct tsr_vcpu *vcpu,
				       const struct tsr_fault *fault, struct tsr_why *why);

#endif
