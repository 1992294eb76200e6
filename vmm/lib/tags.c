/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <sys/ioctl.h>

#include <linux/kvm.h>
#include "uapi/tessera.h"

#include "tessera/tags.h"

/* Its lengths are below 2^31 bytes. */
#define COPY_PAGES_MAX ((UINT64_C(1) << 30) / TSR_PAGE_SIZE)

bool tsr_tags_have_batch(const struct tsr_vm *vm)
{
	return tsr_check_extension(vm->fd, KVM_CAP_TSR_TAG_BATCH) > 0;
}

/* Goes on after what @done says; the bitmap only at a whole word. */
static int batch_step(struct tsr_vm *vm, const struct kvm_tsr_tag_batch *whole,
		      struct tsr_tags_done *done)
{
	struct kvm_tsr_tag_batch batch = *whole;
	int error;

	batch.gpa += done->pages * TSR_PAGE_SIZE;
	batch.pages -= done->pages;
	batch.bitmap += done->pages / TSR_TAGS_WORD_PAGES * sizeof(uint64_t);
	batch.tags += done->bytes;
	batch.tags_size -= done->bytes;
	batch.pages_done = 0;
	batch.tags_done = 0;
	error = ioctl(vm->fd, KVM_TSR_TAG_BATCH, &batch) ? -errno : 0;
	done->pages += batch.pages_done;
	done->bytes += (size_t)batch.tags_done;
	return error;
}

static int batch_all(struct tsr_vm *vm, const struct kvm_tsr_tag_batch *whole,
		     struct tsr_tags_done *done)
{
	int error;

	*done = (struct tsr_tags_done){ 0 };
	do
		error = batch_step(vm, whole, done);
	while (error == -EINTR);
	return error;
}

int tsr_tags_read(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, uint64_t *bitmap, void *tags,
		  size_t size, struct tsr_tags_done *done)
{
	struct kvm_tsr_tag_batch batch = {
		.gpa = gpa,
		.pages = pages,
		.bitmap = (uintptr_t)bitmap,
		.tags = (uintptr_t)tags,
		.tags_size = size,
	};

	return batch_all(vm, &batch, done);
}

int tsr_tags_write(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, const uint64_t *bitmap,
		   const void *tags, size_t size, struct tsr_tags_done *done)
{
	struct kvm_tsr_tag_batch batch = {
		.gpa = gpa,
		.pages = pages,
		.bitmap = (uintptr_t)bitmap,
		.tags = (uintptr_t)tags,
		.tags_size = size,
		.flags = KVM_TSR_TAG_BATCH_TO_GUEST,
	};

	return batch_all(vm, &batch, done);
}

static int copy_all(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, uintptr_t tags, uint64_t flags,
		    struct tsr_tags_done *done)
{
	*done = (struct tsr_tags_done){ 0 };
	while (done->pages < pages) {
		uint64_t left = pages - done->pages;
		struct kvm_arm_copy_mte_tags copy = {
			.guest_ipa = gpa + done->pages * TSR_PAGE_SIZE,
			.length = (left < COPY_PAGES_MAX ? left : COPY_PAGES_MAX) * TSR_PAGE_SIZE,
			.addr = (void *)(tags + done->pages * TSR_TAGS_PAGE_COUNT),
			.flags = flags,
		};
		int bytes = ioctl(vm->fd, KVM_ARM_MTE_COPY_TAGS, &copy);

		if (bytes < 0)
			return -errno;
		done->pages += (uint64_t)bytes / TSR_PAGE_SIZE;
	}
	return 0;
}

int tsr_tags_copy_out(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, uint8_t *tags,
		      struct tsr_tags_done *done)
{
	return copy_all(vm, gpa, pages, (uintptr_t)tags, KVM_ARM_TAGS_FROM_GUEST, done);
}

int tsr_tags_copy_in(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, const uint8_t *tags,
		     struct tsr_tags_done *done)
{
	return copy_all(vm, gpa, pages, (uintptr_t)tags, KVM_ARM_TAGS_TO_GUEST, done);
}
