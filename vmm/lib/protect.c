/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <string.h>

#include "tessera/protect.h"

static uint64_t protection_denies(void *opaque, uint64_t gpa, uint64_t *until)
{
	const struct tsr_protection *protection = opaque;
	uint64_t denied = 0;

	for (size_t i = 0; i < protection->count; i++) {
		struct tsr_range area = protection->areas[i].gpa;
		uint64_t border = gpa < area.start ? area.start : area.end;

		if (border > gpa && border < *until)
			*until = border;
		if (tsr_range_holds(area, gpa))
			denied |= protection->areas[i].needs;
	}
	return denied;
}

int tsr_protection_init(struct tsr_protection *protection, struct tsr_gate *gate,
			enum tsr_verdict (*violated)(void *opaque, struct tsr_vcpu *vcpu,
						     const struct tsr_fault *fault,
						     struct tsr_why *why),
			void *opaque)
{
	memset(protection, 0, sizeof(*protection));
	protection->gate = gate;
	protection->violated = violated;
	protection->opaque = opaque;
	return tsr_gate_add(gate, (struct tsr_keeper){ protection_denies, protection });
}

int tsr_protection_add(struct tsr_protection *protection, struct tsr_range gpa, bool execute_only)
{
	uint64_t needs = TSR_FAULT_WRITE | (execute_only ? TSR_FAULT_READ : 0);
	int error;

	if (protection->count == TSR_PROTECTED_MAX)
		return -ENOSPC;
	tsr_gate_lock(protection->gate);
	error = tsr_gate_close(protection->gate, gpa, needs);
	if (!error) {
		protection->areas[protection->count].gpa = gpa;
		protection->areas[protection->count++].needs = needs;
	}
	tsr_gate_unlock(protection->gate);
	return error;
}

int tsr_protection_add_image(struct tsr_protection *protection, const struct tsr_image *image,
			     bool execute_only)
{
	size_t found = 0;

	for (size_t i = 0; i < image->count; i++) {
		const struct tsr_image_piece *piece = &image->pieces[i];
		struct tsr_range gpa = { piece->gpa, piece->gpa + piece->size };
		int error;

		/* Pages shared with something else cannot be protected. */
		gpa.start = tsr_align_down(gpa.start + TSR_PAGE_SIZE - 1, TSR_PAGE_SIZE);
		gpa.end = tsr_align_down(gpa.end, TSR_PAGE_SIZE);
		if (!piece->executable || piece->writable || gpa.start >= gpa.end)
			continue;
		error = tsr_protection_add(protection, gpa, execute_only);
		if (error)
			return error;
		found++;
	}
	return found ? 0 : -ENOENT;
}

enum tsr_verdict tsr_protection_handle(void *opaque, struct tsr_vcpu *vcpu,
				       const struct tsr_fault *fault, struct tsr_why *why)
{
	struct tsr_protection *protection = opaque;
	uint64_t until = fault->gpa + TSR_PAGE_SIZE;

	if (fault->poisoned || !(protection_denies(protection, fault->gpa, &until) & fault->flags))
		return TSR_NOT_MINE;
	return protection->violated(protection->opaque, vcpu, fault, why);
}
