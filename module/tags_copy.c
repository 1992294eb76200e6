// SPDX-License-Identifier: GPL-2.0-only
/* KVM_ARM_MTE_COPY_TAGS: docs/abi.md 6.5, api.rst 4.130. A byte a tag. */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "tags.h"

#define PAGE_TAGS (TSR_TAG_WORDS * 16)

/* Eight nibbles to bytes of their own, by halves. */
static u64 nibbles_spread(u32 nibbles)
{
	u64 x = nibbles;

	x = (x | x << 16) & 0x0000ffff0000ffffULL;
	x = (x | x << 8) & 0x00ff00ff00ff00ffULL;
	return (x | x << 4) & 0x0f0f0f0f0f0f0f0fULL;
}

/* Back; the upper halves of the bytes do not count. */
static u32 nibbles_gather(u64 x)
{
	x &= 0x0f0f0f0f0f0f0f0fULL;
	x = (x | x >> 4) & 0x00ff00ff00ff00ffULL;
	x = (x | x >> 8) & 0x0000ffff0000ffffULL;
	return x | x >> 16;
}

static int copy_from_page(struct tsr_vm *vm, struct gfn gfn, u8 __user *user)
{
	u64 bytes[PAGE_TAGS / sizeof(u64)];
	struct tsr_page_tags tags;
	unsigned int i;
	int ret = tsr_guest_tags_get(vm, gfn, &tags);

	if (ret < 0)
		return ret;
	for (i = 0; i < TSR_TAG_WORDS; i++) {
		bytes[2 * i] = nibbles_spread(lower_32_bits(tags.words[i]));
		bytes[2 * i + 1] = nibbles_spread(upper_32_bits(tags.words[i]));
	}
	return copy_to_user(user, bytes, sizeof(bytes)) ? -EFAULT : 0;
}

static int copy_to_page(struct tsr_vm *vm, struct gfn gfn, const u8 __user *user)
{
	u64 bytes[PAGE_TAGS / sizeof(u64)];
	struct tsr_page_tags tags;
	unsigned int i;

	if (copy_from_user(bytes, user, sizeof(bytes)))
		return -EFAULT;
	for (i = 0; i < TSR_TAG_WORDS; i++)
		tags.words[i] = nibbles_gather(bytes[2 * i]) | (u64)nibbles_gather(bytes[2 * i + 1])
								       << 32;
	return tsr_guest_tags_set(vm, gfn, &tags);
}

static int copy_check(const struct tsr_vm *vm, const struct kvm_arm_copy_mte_tags *copy)
{
	if (!READ_ONCE(vm->mem.mte) || copy->reserved[0] || copy->reserved[1])
		return -EINVAL;
	if (copy->flags & ~(u64)KVM_ARM_TAGS_FROM_GUEST)
		return -EINVAL;
	/* The result is an int. */
	if (!PAGE_ALIGNED(copy->guest_ipa | copy->length) || copy->length > INT_MAX)
		return -EINVAL;
	return 0;
}

static int copy_one(struct tsr_vm *vm, const struct kvm_arm_copy_mte_tags *copy, u64 page)
{
	struct gfn gfn = gfn_of((copy->guest_ipa >> PAGE_SHIFT) + page);
	u8 __user *user = (u8 __user *)copy->addr + page * PAGE_TAGS;

	if (fatal_signal_pending(current))
		return -EINTR;
	return copy->flags & KVM_ARM_TAGS_FROM_GUEST ? copy_from_page(vm, gfn, user)
						     : copy_to_page(vm, gfn, user);
}

static int copy_run(struct tsr_vm *vm, const struct kvm_arm_copy_mte_tags *copy, u64 *done)
{
	u64 pages = copy->length >> PAGE_SHIFT;
	int err = 0;

	for (*done = 0; *done < pages; ++*done) {
		cond_resched();
		err = copy_one(vm, copy, *done);
		if (err)
			break;
	}
	return err;
}

static void copy_written(struct tsr_vm *vm, u64 first, u64 pages)
{
	if (pages)
		vm_tags_written(&vm->mem, (struct gfn_range){ first, first + pages });
}

/* Its number says that the structure is only written; mainline reads it. */
long tsr_tags_copy(void *self, void *arg, unsigned long raw)
{
	struct kvm_arm_copy_mte_tags *copy = arg;
	struct tsr_vm *vm = self;
	u64 done;
	int err;

	if (copy_from_user(copy, (void __user *)raw, sizeof(*copy)))
		return -EFAULT;
	err = copy_check(vm, copy);
	if (err)
		return err;
	err = copy_run(vm, copy, &done);
	if (!(copy->flags & KVM_ARM_TAGS_FROM_GUEST))
		copy_written(vm, copy->guest_ipa >> PAGE_SHIFT, done + (err == -EBUSY));
	if (done)
		return done << PAGE_SHIFT;
	return err == -EHWPOISON ? -EFAULT : err;
}
