// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs of one process. Where two of them have slots over the same memory, a guest of one may
 * open a page to tags, or its VMM store some, behind the other's back: both are told that what
 * their leaves say of tags is not all (vm_tags_share()).
 *
 * A slot is published before its VM looks for others. Of two that come at once the later one to
 * look finds the other.
 */
#include <linux/list.h>
#include <linux/mutex.h>

#include "tessera.h"

static DEFINE_MUTEX(siblings_lock);
static LIST_HEAD(siblings); /* [siblings_lock] every VM */

void tsr_siblings_add(struct tsr_vm *vm)
{
	mutex_lock(&siblings_lock);
	list_add(&vm->siblings, &siblings);
	mutex_unlock(&siblings_lock);
}

void tsr_siblings_remove(struct tsr_vm *vm)
{
	mutex_lock(&siblings_lock);
	list_del(&vm->siblings);
	mutex_unlock(&siblings_lock);
}

void tsr_siblings_meet(struct tsr_vm *vm, u64 begin, u64 end)
{
	struct tsr_vm *other;

	mutex_lock(&siblings_lock);
	list_for_each_entry(other, &siblings, siblings)
	{
		if (other == vm || other->mm != vm->mm || !vm_hva_used(&other->mem, begin, end))
			continue;
		vm_tags_share(&other->mem);
		vm_tags_share(&vm->mem);
	}
	mutex_unlock(&siblings_lock);
}
