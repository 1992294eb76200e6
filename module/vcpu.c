// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's life, and its file: docs/abi.md section 2.1, the rows of the vCPU fd.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/arch_timer.h>
#include <asm/cputype.h>

#include "arm.h"
#include "devattr.h"
#include "ioctl.h"
#include "onereg.h"
#include "psci.h"
#include "world.h"

/* SCTLR_EL1 as KVM resets it: RES1 bits, no MMU, no caches. */
#define SCTLR_RESET 0x00c50078

/* FPEXC32_EL2 (Arm ARM D24.2.47) and OSLSR_EL1 (D24.3.23): RES1, the lock exists. */
#define FPEXC32_RESET 0x700
#define OSLSR_RESET   BIT(3)

/* RGSR_EL1.SEED (D24.2.137): from 0 the tags of IRG would never change. */
#define RGSR_RESET BIT(8)

#define MPIDR_RES1	BIT_ULL(31)
#define MPIDR_AFF0_BITS 4 /* so many vCPUs share the higher affinities, for a GICv3's SGIs */

#define VCPU_FEATURES_KNOWN GENMASK(8, 0) /* to HAS_EL2_E2H0 */
#define VCPU_PAUTH_FEATURES (BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) | BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC))

int tsr_vm_cpu_init(struct tsr_vm_cpu *cpu)
{
	int i;

	cpu->last_vcpu = alloc_percpu_gfp(unsigned int, GFP_KERNEL_ACCOUNT);
	if (!cpu->last_vcpu)
		return -ENOMEM;
	for_each_possible_cpu(i) * per_cpu_ptr(cpu->last_vcpu, i) = TSR_MAX_VCPUS;
	cpu->voffset = tsr_counter();
	cpu->psci_version = TSR_PSCI_VERSION_1_3;
	tsr_smccc_init(&cpu->smccc);
	return 0;
}

void tsr_vm_cpu_destroy(struct tsr_vm_cpu *cpu)
{
	tsr_smccc_destroy(&cpu->smccc);
	free_percpu(cpu->last_vcpu);
}

void tsr_vcpu_preferred_target(struct kvm_vcpu_init *init)
{
	memset(init, 0, sizeof(*init));
	init->target = KVM_ARM_TARGET_GENERIC_V8;
}

/* The page of kvm_run, and that of the coalesced MMIO ring. */
long tsr_vcpu_mmap_size(void)
{
	return (KVM_COALESCED_MMIO_PAGE_OFFSET + 1) * PAGE_SIZE;
}

/* --- From other threads. --- */

void tsr_vcpu_request(struct tsr_vcpu *v, enum tsr_request request)
{
	struct task_struct *task;

	set_bit(request, &v->requests);
	/* Pairs with run_guest() and with the waits for requests. */
	smp_mb__after_atomic();
	wake_up(&v->wait);
	if (!READ_ONCE(v->in_guest))
		return;
	rcu_read_lock();
	task = READ_ONCE(v->task);
	if (task)
		kick_process(task);
	rcu_read_unlock();
}

void tsr_vcpu_kick(struct tsr_vcpu *v)
{
	tsr_vcpu_request(v, TSR_REQUEST_KICK);
}

/* --- State. --- */

static u64 mpidr_of(unsigned int id)
{
	u64 low = id & (BIT(MPIDR_AFF0_BITS) - 1);

	return MPIDR_RES1 | low << MPIDR_LEVEL_SHIFT(0) |
	       ((id >> MPIDR_AFF0_BITS) & MPIDR_LEVEL_MASK) << MPIDR_LEVEL_SHIFT(1) |
	       (u64)((id >> (MPIDR_AFF0_BITS + MPIDR_LEVEL_BITS)) & MPIDR_LEVEL_MASK)
		       << MPIDR_LEVEL_SHIFT(2);
}

void tsr_vcpu_reset(struct tsr_vcpu *v)
{
	int r;

	memset(&v->ctx, 0, sizeof(v->ctx));
	/* By MPIDR_EL1 other vCPUs find this one, at any time. */
	for (r = 0; r < ARRAY_SIZE(v->reg); r++)
		if (r != VREG_MPIDR)
			v->reg[r] = 0;
	memset(&v->mmio, 0, sizeof(v->mmio));
	v->serror_pending = false;
	v->serror_esr = 0;
	v->ctx.pstate = PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT | PSR_MODE_EL1h;
	v->reg[VREG_SCTLR] = SCTLR_RESET;
	v->reg[VREG_FPEXC32] = FPEXC32_RESET;
	v->reg[VREG_OSLSR] = OSLSR_RESET;
	v->reg[VREG_RGSR] = RGSR_RESET;
	tsr_world_traps(v);
}

static int init_check(const struct kvm_vcpu_init *init)
{
	u32 features = init->features[0];
	size_t i;

	for (i = 1; i < ARRAY_SIZE(init->features); i++)
		if (init->features[i])
			return -ENOENT;
	if (features & ~VCPU_FEATURES_KNOWN)
		return -ENOENT;
	if (init->target != KVM_ARM_TARGET_GENERIC_V8)
		return -EINVAL;
	features &= ~(BIT(KVM_ARM_VCPU_POWER_OFF) | BIT(KVM_ARM_VCPU_PSCI_0_2));
	if (!features)
		return 0;
	return features == VCPU_PAUTH_FEATURES && tsr_world.pauth ? 0 : -EINVAL;
}

/* The features are those of the VM's other vCPUs, and of this one's earlier init. */
static int features_agree(struct tsr_vm *vm, u32 features)
{
	int err = 0;

	mutex_lock(&vm->lock);
	if (!vm->cpu.has_features) {
		vm->cpu.has_features = true;
		vm->cpu.features = features;
	} else if (vm->cpu.features != features) {
		err = -EINVAL;
	}
	if (!err)
		tsr_idmodel_start(&vm->cpu.id, vm->mem.mte, features & VCPU_PAUTH_FEATURES);
	mutex_unlock(&vm->lock);
	return err;
}

static long vcpu_init(void *self, void *arg, unsigned long raw)
{
	const struct kvm_vcpu_init *init = arg;
	struct tsr_vcpu *v = self;
	u32 features = init->features[0] & ~BIT(KVM_ARM_VCPU_POWER_OFF);
	bool again = v->clidr;
	int err = init_check(init);

	if (!err)
		err = features_agree(v->vm, features);
	if (err)
		return err;
	v->features = features;
	v->mte = v->vm->mem.mte;
	v->pauth = features & VCPU_PAUTH_FEATURES;
	if (!v->initialised && !v->clidr)
		v->clidr = tsr_clidr_offered(v->mte);
	clear_bit(TSR_REQUEST_RESET, &v->requests);
	if (again)
		tsr_caches_restart(v);
	tsr_vcpu_reset(v);
	WRITE_ONCE(v->initialised, true);
	if (init->features[0] & BIT(KVM_ARM_VCPU_POWER_OFF))
		tsr_vcpu_power_off(v);
	else
		tsr_vcpu_power_on(v);
	return 0;
}

/* --- Small ioctls. --- */

static long vcpu_run(void *self, void *arg, unsigned long raw)
{
	return raw ? -EINVAL : tsr_vcpu_run(self);
}

static long vcpu_get_mp_state(void *self, void *arg, unsigned long raw)
{
	const struct tsr_vcpu *v = self;
	struct kvm_mp_state *state = arg;

	state->mp_state = READ_ONCE(v->mp_state);
	return 0;
}

static long vcpu_set_mp_state(void *self, void *arg, unsigned long raw)
{
	const struct kvm_mp_state *state = arg;

	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		tsr_vcpu_power_on(self);
		return 0;
	case KVM_MP_STATE_STOPPED:
		tsr_vcpu_power_off(self);
		return 0;
	case KVM_MP_STATE_SUSPENDED:
		tsr_vcpu_suspend(self);
		return 0;
	default:
		return -EINVAL;
	}
}

static long vcpu_get_events(void *self, void *arg, unsigned long raw)
{
	struct tsr_vcpu *v = self;
	struct kvm_vcpu_events *events = arg;

	if (!v->initialised)
		return -ENOEXEC;
	tsr_vcpu_settle(v);
	memset(events, 0, sizeof(*events));
	events->exception.serror_pending = v->serror_pending;
	events->exception.serror_has_esr = tsr_world.ras;
	if (v->serror_pending && tsr_world.ras)
		events->exception.serror_esr = v->serror_esr;
	return 0;
}

static int events_check(const struct kvm_vcpu_events *events)
{
	if (memchr_inv(events->reserved, 0, sizeof(events->reserved)) ||
	    memchr_inv(events->exception.pad, 0, sizeof(events->exception.pad)))
		return -EINVAL;
	if (!events->exception.serror_pending || !events->exception.serror_has_esr)
		return 0;
	if (!tsr_world.ras || (events->exception.serror_esr & ~(u64)ESR_ELx_ISS_MASK))
		return -EINVAL;
	return 0;
}

/* An external abort takes the place of the access that the VMM was to complete. */
static long vcpu_set_events(void *self, void *arg, unsigned long raw)
{
	const struct kvm_vcpu_events *events = arg;
	struct tsr_vcpu *v = self;
	int err = events_check(events);

	if (!v->initialised)
		return -ENOEXEC;
	if (err)
		return err;
	tsr_vcpu_settle(v);
	if (events->exception.serror_pending)
		tsr_inject_serror(v, events->exception.serror_has_esr ? events->exception.serror_esr
								      : TSR_SERROR_UNKNOWN);
	if (events->exception.ext_dabt_pending) {
		v->mmio.pending = false;
		tsr_inject_abort(v, false, v->syndrome.far, ESR_ELx_FSC_EXTABT);
	}
	return 0;
}

static long vcpu_set_signal_mask(void *self, void *arg, unsigned long raw)
{
	const struct kvm_signal_mask *mask = arg;
	struct tsr_vcpu *v = self;
	sigset_t set;

	if (mask->len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, (u8 __user *)raw + sizeof(*mask), sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	v->sigset = set;
	v->sigset_active = true;
	return 0;
}

static long vcpu_get_reg(void *self, void *arg, unsigned long raw)
{
	tsr_vcpu_settle(self);
	return tsr_onereg_get(self, arg);
}

static long vcpu_set_reg(void *self, void *arg, unsigned long raw)
{
	tsr_vcpu_settle(self);
	return tsr_onereg_set(self, arg);
}

static long vcpu_reg_list(void *self, void *arg, unsigned long raw)
{
	return tsr_onereg_list(self, arg, (struct kvm_reg_list __user *)raw);
}

static long vcpu_set_debug(void *self, void *arg, unsigned long raw)
{
	return tsr_debug_set(self, arg);
}

static long vcpu_get_stats_fd(void *self, void *arg, unsigned long raw)
{
	return raw ? -EINVAL : tsr_vcpu_stats_fd(self);
}

static const struct tsr_ioctl vcpu_ioctls[] = {
	TSR_SERVED(KVM_RUN, vcpu_run),
	TSR_SERVED(KVM_ARM_VCPU_INIT, vcpu_init),
	TSR_SERVED(KVM_GET_ONE_REG, vcpu_get_reg),
	TSR_SERVED(KVM_SET_ONE_REG, vcpu_set_reg),
	TSR_SERVED(KVM_GET_REG_LIST, vcpu_reg_list),
	TSR_SERVED(KVM_GET_MP_STATE, vcpu_get_mp_state),
	TSR_SERVED(KVM_SET_MP_STATE, vcpu_set_mp_state),
	TSR_SERVED(KVM_GET_VCPU_EVENTS, vcpu_get_events),
	TSR_SERVED(KVM_SET_VCPU_EVENTS, vcpu_set_events),
	TSR_SERVED(KVM_SET_SIGNAL_MASK, vcpu_set_signal_mask),
	TSR_SERVED(KVM_GET_STATS_FD, vcpu_get_stats_fd),
	TSR_SERVED(KVM_SET_GUEST_DEBUG, vcpu_set_debug),
	TSR_SERVED(KVM_SET_DEVICE_ATTR, tsr_vcpu_attr_set),
	TSR_SERVED(KVM_GET_DEVICE_ATTR, tsr_vcpu_attr_get),
	TSR_SERVED(KVM_HAS_DEVICE_ATTR, tsr_vcpu_attr_has),
};

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long raw)
{
	struct tsr_vcpu *v = file->private_data;
	long ret;

	if (v->vm->mm != current->mm)
		return -EIO;
	if (mutex_lock_killable(&v->mutex))
		return -EINTR;
	if (cmd == KVM_SET_SIGNAL_MASK && !raw) {
		v->sigset_active = false;
		ret = 0;
	} else {
		ret = tsr_ioctl_dispatch(vcpu_ioctls, ARRAY_SIZE(vcpu_ioctls), v, cmd, raw);
	}
	mutex_unlock(&v->mutex);
	return ret;
}

/* --- The file. --- */

static struct page *vcpu_mmap_page(const struct tsr_vcpu *v, unsigned long offset)
{
	if (!offset)
		return virt_to_page(v->run);
	if (offset == KVM_COALESCED_MMIO_PAGE_OFFSET)
		return virt_to_page(v->vm->coalesced.ring);
	if (offset < KVM_DIRTY_LOG_PAGE_OFFSET)
		return NULL;
	return tsr_dirty_ring_page(&v->dirty_ring, offset - KVM_DIRTY_LOG_PAGE_OFFSET);
}

static vm_fault_t vcpu_mmap_fault(struct vm_fault *fault)
{
	fault->page = vcpu_mmap_page(fault->vma->vm_file->private_data, fault->pgoff);
	if (!fault->page)
		return VM_FAULT_SIGBUS;
	get_page(fault->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_mmap_fault,
};

/* The dirty ring is of no use privately, and not to be executed (mainline refuses that). */
static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct tsr_vcpu *v = file->private_data;
	unsigned long last = vma->vm_pgoff + vma_pages(vma) - 1;
	bool rings = tsr_dirty_ring_page(&v->dirty_ring, 0) && last >= KVM_DIRTY_LOG_PAGE_OFFSET;

	if (rings && ((vma->vm_flags & VM_EXEC) || !(vma->vm_flags & VM_SHARED)))
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct tsr_vcpu *v = file->private_data;

	tsr_vm_put(v->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.open = tsr_open_no_compat,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = tsr_ioctl_no_compat,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

static void vcpu_sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct tsr_vcpu *v = container_of(notifier, struct tsr_vcpu, notifier);

	tsr_world_load(v);
	if (v->pvtime.ipa != TSR_PVTIME_NONE)
		set_bit(TSR_REQUEST_STEAL, &v->requests);
}

static void vcpu_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	tsr_world_put(container_of(notifier, struct tsr_vcpu, notifier));
}

static struct preempt_ops vcpu_preempt_ops = {
	.sched_in = vcpu_sched_in,
	.sched_out = vcpu_sched_out,
};

static struct tsr_vcpu *vcpu_alloc(struct tsr_vm *vm, unsigned int id)
{
	struct tsr_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return NULL;
	v->run = (struct kvm_run *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!v->run || tsr_dirty_ring_init(&v->dirty_ring, vm->dirty_ring_bytes)) {
		free_page((unsigned long)v->run);
		kfree(v);
		return NULL;
	}
	v->vm = vm;
	v->id = id;
	v->mp_state = KVM_MP_STATE_RUNNABLE;
	v->pvtime.ipa = TSR_PVTIME_NONE;
	v->reg[VREG_MPIDR] = mpidr_of(id);
	mutex_init(&v->mutex);
	spin_lock_init(&v->power_lock);
	init_waitqueue_head(&v->wait);
	preempt_notifier_init(&v->notifier, &vcpu_preempt_ops);
	return v;
}

void tsr_vcpu_destroy(struct tsr_vcpu *v)
{
	s2_cache_drain(&v->cache);
	tsr_dirty_ring_destroy(&v->dirty_ring);
	free_page((unsigned long)v->run);
	kfree(v);
}

/* Puts a vCPU into its VM and behind @fd, in that order: then anybody may use it. */
static int vcpu_publish(struct tsr_vcpu *v, int fd)
{
	char name[sizeof("kvm-vcpu:4294967295")];
	struct file *file;

	snprintf(name, sizeof(name), "kvm-vcpu:%u", v->id);
	file = anon_inode_getfile(name, &vcpu_fops, v, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);
	tsr_vm_get(v->vm);
	/* Cannot fail: the place is reserved. */
	xa_store(&v->vm->vcpus, v->id, v, 0);
	fd_install(fd, file);
	return 0;
}

int tsr_vcpu_create_fd(struct tsr_vm *vm, unsigned long id)
{
	struct tsr_vcpu *v;
	int fd, err;

	err = xa_insert(&vm->vcpus, id, NULL, GFP_KERNEL_ACCOUNT);
	if (err)
		return err == -EBUSY ? -EEXIST : err;
	v = vcpu_alloc(vm, id);
	err = -ENOMEM;
	if (!v)
		goto release;
	fd = get_unused_fd_flags(O_CLOEXEC);
	err = fd;
	if (fd < 0)
		goto destroy;
	err = vcpu_publish(v, fd);
	if (!err)
		return fd;
	put_unused_fd(fd);
destroy:
	tsr_vcpu_destroy(v);
release:
	xa_release(&vm->vcpus, id);
	return err;
}

int tsr_cpu_init(void)
{
	return tsr_world_init();
}

void tsr_cpu_exit(void)
{
	tsr_world_exit();
}
