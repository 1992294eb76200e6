/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <string.h>

#include "privacy.h"

int privacy_init(struct privacy *privacy, const struct run_options *options, struct tsr_vm *vm,
		 struct tsr_ram *ram, struct tsr_why *why)
{
	int error;

	memset(privacy, 0, sizeof(*privacy));
	privacy->options = options;
	tsr_private_init(&privacy->memory, ram, tsr_vm_attributes, vm, &vm->changes);
	if (!options->private_count)
		return 0;
	error = tsr_vm_guest_memfds(vm, ram, why);
	if (!error)
		error = tsr_vm_forward(vm, TSR_CALL_FEATURES, 1, why);
	if (!error)
		error = tsr_vm_forward(vm, TSR_CALL_MEM_INFO,
				       TSR_CALL_MEM_UNSHARE - TSR_CALL_MEM_INFO + 1, why);
	return error;
}

static int convert(struct privacy *privacy, struct tsr_range gpa, bool hide, struct tsr_why *why)
{
	int error = tsr_private_convert(&privacy->memory, gpa, hide, NULL);

	if (!error)
		return 0;
	return tsr_because(why, error, "0x%" PRIx64 "-0x%" PRIx64 " cannot be made %s: %s.",
			   gpa.start, gpa.end, hide ? "private" : "shared", strerror(-error));
}

/* The pages of @piece in memory that may be private; false: there are none. */
static bool piece_pages(const struct privacy *privacy, const struct tsr_image_piece *piece,
			struct tsr_range *pages)
{
	const struct tsr_ram_region *region = tsr_ram_find(privacy->memory.ram, piece->gpa);

	if (!piece->size || !region || region->guest_memfd < 0)
		return false;
	pages->start = tsr_align_down(piece->gpa, TSR_PAGE_SIZE);
	pages->end = region->gpa.end;
	/* What is not all in memory is for who loads it to tell. */
	if (piece->size < region->gpa.end - piece->gpa)
		pages->end =
			tsr_align_down(piece->gpa + piece->size + TSR_PAGE_SIZE - 1, TSR_PAGE_SIZE);
	return true;
}

int privacy_begin(struct privacy *privacy, const struct tsr_image *image, struct tsr_why *why)
{
	const struct run_options *options = privacy->options;
	struct tsr_range pages;
	int error = 0;

	for (size_t i = 0; !error && i < options->private_count; i++)
		error = convert(privacy, options->privates[i], true, why);
	for (size_t i = 0; !error && i < image->count; i++)
		if (piece_pages(privacy, &image->pieces[i], &pages))
			error = convert(privacy, pages, false, why);
	return error;
}

int privacy_call(struct privacy *privacy, struct tsr_vcpu *vcpu, struct tsr_call *call)
{
	const uint64_t unknown[4] = { TSR_CALL_NOT_SUPPORTED };
	uint64_t services[2] = { 0 };

	if (call->function == TSR_CALL_FEATURES)
		tsr_vcpu_services(vcpu, services);
	if (tsr_private_answer(&privacy->memory, call, services))
		return tsr_vcpu_call_reply(vcpu, call->x);
	return tsr_vcpu_call_reply(vcpu, unknown);
}
