// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's file: docs/abi.md section 2.1, the rows of the VM fd.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "devattr.h"
#include "dirty_ring.h"
#include "gmem.h"
#include "ioctl.h"
#include "stats.h"
#include "tags.h"
#include "tessera.h"

/* KVM_CREATE_VM's type; Linux knows other bits, none of which is served. */
#define VM_TYPE_IPA_BITS    GENMASK(7, 0)
#define VM_IPA_BITS_DEFAULT 40

#define VM_TAG_FLAGS (KVM_MEM_TSR_TAGS_ON_TOUCH | KVM_MEM_TSR_TAGS_OPTIONAL)

/* VTCR_EL2.VS: VMIDs have 16 bits (Arm ARM D24.2.211), as VTTBR_EL2.VMID then has. */
#define VTCR_VS	   BIT_ULL(19)
#define VTTBR_VMID GENMASK_ULL(63, 48)

static_assert(ABI_MEM_READONLY == KVM_MEM_READONLY);
static_assert(ABI_MEM_LOG_DIRTY_PAGES == KVM_MEM_LOG_DIRTY_PAGES);
static_assert(ABI_MEM_GUEST_MEMFD == KVM_MEM_GUEST_MEMFD);
static_assert(ABI_MEM_TAGS_ON_TOUCH == KVM_MEM_TSR_TAGS_ON_TOUCH);
static_assert(ABI_MEM_TAGS_OPTIONAL == KVM_MEM_TSR_TAGS_OPTIONAL);
static_assert(ABI_ATTR_NR == KVM_MEMORY_ATTRIBUTE_NR);
static_assert(ABI_ATTR_NW == KVM_MEMORY_ATTRIBUTE_NW);
static_assert(ABI_ATTR_NX == KVM_MEMORY_ATTRIBUTE_NX);
static_assert(ABI_ATTR_PRIVATE == KVM_MEMORY_ATTRIBUTE_PRIVATE);
static_assert(ABI_ATTR_NT == KVM_MEMORY_ATTRIBUTE_NT);
static_assert(ABI_EXIT_READ == KVM_MEMORY_EXIT_FLAG_READ);
static_assert(ABI_EXIT_WRITE == KVM_MEMORY_EXIT_FLAG_WRITE);
static_assert(ABI_EXIT_EXEC == KVM_MEMORY_EXIT_FLAG_EXEC);
static_assert(ABI_EXIT_PRIVATE == KVM_MEMORY_EXIT_FLAG_PRIVATE);
static_assert(ABI_EXIT_TAG == KVM_MEMORY_EXIT_FLAG_TAG);
static_assert(ABI_SLOT_COUNT == TSR_MAX_SLOTS);

void tsr_vm_get(struct tsr_vm *vm)
{
	kref_get(&vm->ref);
}

/* After this nothing of the host reaches the VM any more, and no vCPU runs. */
static void vm_free(struct kref *ref)
{
	struct tsr_vm *vm = container_of(ref, struct tsr_vm, ref);
	struct tsr_vcpu *vcpu;
	unsigned long id;

	tsr_siblings_remove(vm);
	tsr_notifier_unregister(vm);
	xa_for_each(&vm->vcpus, id, vcpu)
		tsr_vcpu_destroy(vcpu);
	xa_destroy(&vm->vcpus);
	/* The TLBs let go of the tables before the tables go, and of the VMID before that does. */
	seam_tlbi_vmid(&vm->tlb);
	vm_destroy(&vm->mem);
	tsr_vmid_free(vm->tlb.vmid);
	tsr_coalesced_destroy(&vm->coalesced);
	tsr_vm_cpu_destroy(&vm->cpu);
	mmdrop(vm->mm);
	kvfree(vm);
}

void tsr_vm_put(struct tsr_vm *vm)
{
	kref_put(&vm->ref, vm_free);
}

void tsr_vm_kick_all(struct tsr_vm *vm)
{
	struct tsr_vcpu *vcpu;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu)
		tsr_vcpu_kick(vcpu);
	rcu_read_unlock();
}

/* Guest memory and translations; the registers follow from both. */
static int vm_mem_init(struct tsr_vm *vm, unsigned int ipa_bits)
{
	int err = tsr_vmid_alloc(&vm->tlb.vmid);

	if (err)
		return err;
	err = vm_init(&vm->mem, &tsr_host, ipa_bits, &vm->tlb);
	if (err) {
		tsr_vmid_free(vm->tlb.vmid);
		return err;
	}
	vm->tlb.vtcr = vm_vtcr(&vm->mem) | (tsr_vmid_bits() == 16 ? VTCR_VS : 0);
	vm->tlb.vttbr = vm_vttbr_baddr(&vm->mem) | FIELD_PREP(VTTBR_VMID, vm->tlb.vmid);
	return 0;
}

static struct tsr_vm *vm_create(unsigned int ipa_bits)
{
	struct tsr_vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int err;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	xa_init_flags(&vm->vcpus, XA_FLAGS_ACCOUNT);
	vm->mm = current->mm;
	vm->pid = task_pid_nr(current);
	err = tsr_vm_cpu_init(&vm->cpu);
	if (err)
		goto free;
	err = tsr_coalesced_init(&vm->coalesced);
	if (err)
		goto destroy_cpu;
	err = vm_mem_init(vm, ipa_bits);
	if (err)
		goto destroy_coalesced;
	err = tsr_notifier_register(vm);
	if (err)
		goto destroy_mem;
	mmgrab(vm->mm);
	tsr_siblings_add(vm);
	return vm;

destroy_mem:
	vm_destroy(&vm->mem);
	tsr_vmid_free(vm->tlb.vmid);
destroy_coalesced:
	tsr_coalesced_destroy(&vm->coalesced);
destroy_cpu:
	tsr_vm_cpu_destroy(&vm->cpu);
free:
	kvfree(vm);
	return ERR_PTR(err);
}

static long vm_check_extension(void *self, void *arg, unsigned long raw)
{
	return tsr_check_extension(self, raw);
}

static long vm_enable_cap(void *self, void *arg, unsigned long raw)
{
	struct tsr_vm *vm = self;
	long ret;

	mutex_lock(&vm->lock);
	ret = tsr_enable_cap(vm, arg);
	mutex_unlock(&vm->lock);
	return ret;
}

/* Both begin alike; what REGION2 has beyond that belongs to KVM_MEM_GUEST_MEMFD. */
static_assert(offsetofend(struct kvm_userspace_memory_region2, userspace_addr) ==
	      sizeof(struct kvm_userspace_memory_region));

static struct slot_request region_request(const struct kvm_userspace_memory_region *region)
{
	return (struct slot_request){
		.id = region->slot,
		.flags = region->flags,
		.gpa = region->guest_phys_addr,
		.size = region->memory_size,
		.hva = region->userspace_addr,
	};
}

/* @file: NULL where it is no REGION2's. */
static long region_set(struct tsr_vm *vm, const struct slot_request *req,
		       const struct slot_file *file)
{
	int err;

	/* One of user space, also to delete; core sees to everything else. */
	if (req->hva != untagged_addr(req->hva) || !access_ok((void __user *)req->hva, req->size))
		return -EINVAL;
	/* They mean nothing without MTE, and mainline has no such bits. */
	if ((req->flags & VM_TAG_FLAGS) && !READ_ONCE(vm->mem.mte))
		return -EINVAL;
	err = vm_slot_set_file(&vm->mem, req, file);
	if (!err && req->size && !(file && file->all))
		tsr_siblings_meet(vm, req->hva, req->hva + req->size);
	return err;
}

static long vm_set_region(void *self, void *arg, unsigned long raw)
{
	struct slot_request req = region_request(arg);

	return region_set(self, &req, NULL);
}

static long vm_set_region2(void *self, void *arg, unsigned long raw)
{
	const struct kvm_userspace_memory_region2 *region = arg;
	struct slot_request req = region_request(arg);
	struct slot_file slot_file = { NULL };
	struct file *file = NULL;
	long err;

	if (req.flags & KVM_MEM_GUEST_MEMFD)
		file = tsr_gmem_slot_file(self, region->guest_memfd, region->guest_memfd_offset,
					  req.size, &slot_file);
	err = region_set(self, &req, &slot_file);
	if (file)
		fput(file);
	return err;
}

static int attr_op_of(u64 flags, enum attr_op *op)
{
	switch (flags) {
	case 0:
		*op = ATTR_EXACT;
		return 0;
	case KVM_MEMORY_ATTRIBUTES_SET:
		*op = ATTR_SET;
		return 0;
	case KVM_MEMORY_ATTRIBUTES_CLEAR:
		*op = ATTR_CLEAR;
		return 0;
	default:
		return -EINVAL;
	}
}

static long vm_set_attributes(void *self, void *arg, unsigned long raw)
{
	const struct kvm_memory_attributes *request = arg;
	struct tsr_vm *vm = self;
	struct gfn_range range;
	enum attr_op op;
	int err = attr_op_of(request->flags, &op);

	if (!err)
		err = gfn_range_make(request->address, request->size, &range);
	if (err)
		return err;
	return vm_attr_set(&vm->mem, range, op, request->attributes);
}

/* From the first vCPU on what is opt-in is closed. */
static long vm_create_vcpu(void *self, void *arg, unsigned long raw)
{
	struct tsr_vm *vm = self;
	int fd;

	if (raw >= TSR_MAX_VCPUS)
		return -EINVAL;
	mutex_lock(&vm->lock);
	fd = tsr_vcpu_create_fd(vm, raw);
	if (fd >= 0)
		vm_start(&vm->mem);
	mutex_unlock(&vm->lock);
	return fd;
}

static long vm_preferred_target(void *self, void *arg, unsigned long raw)
{
	tsr_vcpu_preferred_target(arg);
	return 0;
}

static long vm_register_coalesced(void *self, void *arg, unsigned long raw)
{
	struct tsr_vm *vm = self;

	return tsr_coalesced_add(&vm->coalesced, arg);
}

static long vm_unregister_coalesced(void *self, void *arg, unsigned long raw)
{
	struct tsr_vm *vm = self;

	return tsr_coalesced_remove(&vm->coalesced, arg);
}

/* Its number says that the structure is only written; mainline reads it. */
static long vm_writable_masks(void *self, void *arg, unsigned long raw)
{
	struct reg_mask_range *range = arg;

	if (copy_from_user(range, (void __user *)raw, sizeof(*range)))
		return -EFAULT;
	return tsr_idmodel_masks(self, range);
}

static long vm_get_stats_fd(void *self, void *arg, unsigned long raw)
{
	return raw ? -EINVAL : tsr_vm_stats_fd(self);
}

static const struct tsr_ioctl vm_ioctls[] = {
	TSR_SERVED(KVM_CHECK_EXTENSION, vm_check_extension),
	TSR_SERVED(KVM_ENABLE_CAP, vm_enable_cap),
	TSR_SERVED(KVM_SET_USER_MEMORY_REGION, vm_set_region),
	TSR_SERVED(KVM_SET_USER_MEMORY_REGION2, vm_set_region2),
	TSR_READS(KVM_CREATE_GUEST_MEMFD, tsr_gmem_create),
	TSR_SERVED(KVM_SET_MEMORY_ATTRIBUTES, vm_set_attributes),
	TSR_SERVED(KVM_TSR_QUERY_MEMORY, tsr_vm_query),
	/* Each answers at its address itself: the first reads there, the second tells of errors. */
	TSR_READS(KVM_ARM_MTE_COPY_TAGS, tsr_tags_copy),
	TSR_READS(KVM_TSR_TAG_BATCH, tsr_tags_batch),
	TSR_SERVED(KVM_GET_DIRTY_LOG, tsr_dirty_get),
	TSR_READS(KVM_CLEAR_DIRTY_LOG, tsr_dirty_clear),
	TSR_SERVED(KVM_RESET_DIRTY_RINGS, tsr_dirty_ring_reset),
	TSR_SERVED(KVM_REGISTER_COALESCED_MMIO, vm_register_coalesced),
	TSR_SERVED(KVM_UNREGISTER_COALESCED_MMIO, vm_unregister_coalesced),
	TSR_SERVED(KVM_CREATE_VCPU, vm_create_vcpu),
	TSR_SERVED(KVM_ARM_GET_REG_WRITABLE_MASKS, vm_writable_masks),
	TSR_SERVED(KVM_GET_STATS_FD, vm_get_stats_fd),
	TSR_SERVED(KVM_ARM_PREFERRED_TARGET, vm_preferred_target),
	/* No device can be created, not even for a try (KVM_CREATE_DEVICE_TEST). */
	TSR_REFUSED(KVM_CREATE_DEVICE, ENODEV),
	TSR_SERVED(KVM_SET_DEVICE_ATTR, tsr_vm_attr_set),
	TSR_SERVED(KVM_GET_DEVICE_ATTR, tsr_vm_attr_get),
	TSR_SERVED(KVM_HAS_DEVICE_ATTR, tsr_vm_attr_has),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tsr_vm *vm = file->private_data;

	if (vm->mm != current->mm)
		return -EIO;
	return tsr_ioctl_dispatch(vm_ioctls, ARRAY_SIZE(vm_ioctls), vm, cmd, arg);
}

static int vm_file_release(struct inode *inode, struct file *file)
{
	tsr_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_file_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = tsr_ioctl_no_compat,
	.llseek = noop_llseek,
};

static int vm_ipa_bits(unsigned long type)
{
	unsigned int bits = FIELD_GET(VM_TYPE_IPA_BITS, type);

	if (type & ~VM_TYPE_IPA_BITS)
		return -EINVAL;
	if (!bits)
		bits = VM_IPA_BITS_DEFAULT;
	return bits < 32 || bits > tsr_host.ipa_bits ? -EINVAL : bits;
}

int tsr_vm_create_fd(unsigned long type)
{
	int ipa_bits = vm_ipa_bits(type);
	struct tsr_vm *vm;
	int fd;

	if (ipa_bits < 0)
		return ipa_bits;
	vm = vm_create(ipa_bits);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = anon_inode_getfd("kvm-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		tsr_vm_put(vm);
	return fd;
}
