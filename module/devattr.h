/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes of a VM and of a vCPU: KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR and
 * KVM_HAS_DEVICE_ATTR on their fds (api.rst 4.80, 4.81; devices/vm.rst, vcpu.rst). One const
 * table for each, docs/abi.md section 2.8.
 */
#ifndef MODULE_DEVATTR_H
#define MODULE_DEVATTR_H

#include "tessera.h"

/* The table's owner is @self. -ENXIO: no such attribute, or not this way; else its own. */
long tsr_vm_attr_set(void *self, void *arg, unsigned long raw);
long tsr_vm_attr_get(void *self, void *arg, unsigned long raw);
long tsr_vm_attr_has(void *self, void *arg, unsigned long raw);
long tsr_vcpu_attr_set(void *self, void *arg, unsigned long raw);
long tsr_vcpu_attr_get(void *self, void *arg, unsigned long raw);
long tsr_vcpu_attr_has(void *self, void *arg, unsigned long raw);

#endif
