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

int privacy_open(struct privacy *privacy, const struct tsr_image *image, struct tsr_why *why)
{
	struct tsr_range pages;

	for (size_t i = 0; i < image->count; i++)
		if (piece_pages(privacy, &image->pieces[i], &pages)) {
			int error = convert(privacy, pages, false, why);

			if (error)
				return error;
		}
	return 0;
}

/* The first part of @left that is of no page of the image; empty, or beyond it: there is none. */
static struct tsr_range next_free(const struct privacy *privacy, const struct tsr_image *image,
				  struct tsr_range left)
{
	struct tsr_range pages, found = left;
	bool moved;

	do {
		moved = false;
		found.end = left.end;
		for (size_t i = 0; i < image->count; i++) {
			if (!piece_pages(privacy, &image->pieces[i], &pages))
				continue;
			if (tsr_range_holds(pages, found.start)) {
				found.start = pages.end;
				moved = true;
			} else if (pages.start > found.start && pages.start < found.end) {
				found.end = pages.start;
			}
		}
	} while (moved && found.start < left.end);
	return found;
}

int privacy_close(struct privacy *privacy, const struct tsr_image *image, struct tsr_why *why)
{
	const struct run_options *options = privacy->options;

	for (size_t i = 0; i < options->private_count; i++) {
		struct tsr_range left = options->privates[i];

		while (left.start < left.end) {
			struct tsr_range found = next_free(privacy, image, left);
			int error = 0;

			if (found.start < found.end)
				error = convert(privacy, found, true, why);
			if (error)
				return error;
			left.start = found.end > found.start ? found.end : found.start;
		}
	}
	return 0;
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
