// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_TSR_QUERY_MEMORY: docs/abi.md 4.4. What core tells about a range, in the uABI's words.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tessera.h"

static_assert(PERM_R == KVM_TSR_EXTENT_READ);
static_assert(PERM_W == KVM_TSR_EXTENT_WRITE);
static_assert(PERM_X == KVM_TSR_EXTENT_EXEC);

/* Extents in one go; the caller comes again for more. */
#define QUERY_EXTENTS 128U

static struct kvm_tsr_extent extent_of(const struct vm_extent *extent)
{
	struct kvm_tsr_extent out = {
		.gpa = gfn_gpa(gfn_of(extent->gfns.begin)).addr,
		.pages = gfn_range_count(extent->gfns),
		.attributes = extent->attributes,
		.slot = extent->slot,
		.flags = extent->perm & (PERM_R | PERM_W | PERM_X),
		.order = extent->order,
	};

	if (extent->perm & PERM_T)
		out.flags |= KVM_TSR_EXTENT_TAG;
	if (extent->mapped)
		out.flags |= KVM_TSR_EXTENT_MAPPED;
	if (extent->young)
		out.flags |= KVM_TSR_EXTENT_YOUNG;
	return out;
}

static int extents_put(const struct kvm_tsr_memory_query *query, const struct vm_extent *extents,
		       unsigned int count)
{
	struct kvm_tsr_extent __user *user = u64_to_user_ptr(query->extents);
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct kvm_tsr_extent out = extent_of(&extents[i]);

		if (copy_to_user(&user[i], &out, sizeof(out)))
			return -EFAULT;
	}
	return 0;
}

static int query_range(const struct tsr_vm *vm, const struct kvm_tsr_memory_query *query,
		       struct gfn_range *range)
{
	u64 size;

	if (query->flags || !query->count || query->extents % sizeof(u64))
		return -EINVAL;
	if (check_mul_overflow(query->pages, (u64)PAGE_SIZE, &size))
		return -EINVAL;
	if (gfn_range_make(query->gpa, size, range))
		return -EINVAL;
	return range->end > 1ULL << (vm->mem.ipa_bits - PAGE_SHIFT) ? -EINVAL : 0;
}

long tsr_vm_query(void *self, void *arg, unsigned long raw)
{
	struct kvm_tsr_memory_query *query = arg;
	struct vm_extent *extents;
	struct tsr_vm *vm = self;
	struct gfn_range range;
	unsigned int count;
	int err = query_range(vm, query, &range);

	if (err)
		return err;
	extents = kvcalloc(QUERY_EXTENTS, sizeof(*extents), GFP_KERNEL_ACCOUNT);
	if (!extents)
		return -ENOMEM;
	count = vm_query(&vm->mem, &range, extents, min(query->count, QUERY_EXTENTS));
	err = extents_put(query, extents, count);
	kvfree(extents);
	if (err)
		return err;
	query->gpa = gfn_gpa(gfn_of(range.begin)).addr;
	query->pages = gfn_range_count(range);
	query->count = count;
	return 0;
}
