// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>

#include "devattr.h"
#include "pvtime.h"

struct attr_entry {
	u32 group;
	u64 attr;
	int (*set)(void *self, void __user *user); /* NULL: cannot be set; get alike */
	int (*get)(void *self, void __user *user);
};

static int set_smccc_filter(void *self, void __user *user)
{
	return tsr_smccc_set_filter(self, user);
}

static int set_pvtime(void *self, void __user *user)
{
	return tsr_pvtime_set(self, user);
}

static int get_pvtime(void *self, void __user *user)
{
	return tsr_pvtime_get(self, user);
}

static const struct attr_entry vm_attrs[] = {
	{ KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, set_smccc_filter },
};

static const struct attr_entry vcpu_attrs[] = {
	{ KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, set_pvtime, get_pvtime },
};

static const struct attr_entry *find(const struct attr_entry *table, size_t count,
				     const struct kvm_device_attr *asked)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (table[i].group == asked->group && table[i].attr == asked->attr)
			return &table[i];
	return NULL;
}

static long set(const struct attr_entry *entry, void *self, const struct kvm_device_attr *asked)
{
	if (!entry || !entry->set)
		return -ENXIO;
	return entry->set(self, u64_to_user_ptr(asked->addr));
}

static long get(const struct attr_entry *entry, void *self, const struct kvm_device_attr *asked)
{
	if (!entry || !entry->get)
		return -ENXIO;
	return entry->get(self, u64_to_user_ptr(asked->addr));
}

#define FIND(table) find(table, ARRAY_SIZE(table), arg)

long tsr_vm_attr_set(void *self, void *arg, unsigned long raw)
{
	return set(FIND(vm_attrs), self, arg);
}

long tsr_vm_attr_get(void *self, void *arg, unsigned long raw)
{
	return get(FIND(vm_attrs), self, arg);
}

long tsr_vm_attr_has(void *self, void *arg, unsigned long raw)
{
	return FIND(vm_attrs) ? 0 : -ENXIO;
}

long tsr_vcpu_attr_set(void *self, void *arg, unsigned long raw)
{
	return set(FIND(vcpu_attrs), self, arg);
}

long tsr_vcpu_attr_get(void *self, void *arg, unsigned long raw)
{
	return get(FIND(vcpu_attrs), self, arg);
}

long tsr_vcpu_attr_has(void *self, void *arg, unsigned long raw)
{
	return FIND(vcpu_attrs) ? 0 : -ENXIO;
}
