// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty logs by ioctl: docs/abi.md 4.5. A slot's number has its address space in the upper
 * half, of which there is one: core refuses what is not below the number of slots.
 */
#include "tessera.h"

static_assert(ABI_DIRTY_MANUAL == KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
static_assert(ABI_DIRTY_SET == KVM_DIRTY_LOG_INITIALLY_SET);

long tsr_dirty_get(void *self, void *arg, unsigned long raw)
{
	const struct kvm_dirty_log *request = arg;
	struct tsr_vm *vm = self;

	return vm_dirty_get(&vm->mem, request->slot, request->padding2);
}

long tsr_dirty_clear(void *self, void *arg, unsigned long raw)
{
	const struct kvm_clear_dirty_log *request = arg;
	struct tsr_vm *vm = self;

	return vm_dirty_clear(&vm->mem, request->slot, request->first_page, request->num_pages,
			      request->padding2);
}
