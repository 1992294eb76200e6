/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "tessera/vcpu.h"

/* PSTATE: EL1h with D, A, I and F masked (Arm ARM C5.2.19, SPSR_EL1). */
#define PSTATE_EL1H_MASKED 0x3c5

/* Newer than the header of Linux 6.12. */
#ifndef KVM_REG_ARM_VENDOR_HYP_BMAP_2
#define KVM_REG_ARM_VENDOR_HYP_BMAP_2 KVM_REG_ARM_FW_FEAT_BMAP_REG(3)
#endif

#define CORE_REG(field) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))

/* The handler need do nothing: to interrupt KVM_RUN is what the signal is for. */
static void on_kick(int signal)
{
}

void tsr_vcpu_signal_init(void)
{
	struct sigaction action = { .sa_handler = on_kick };

	sigaction(SIGRTMIN, &action, NULL);
}

int tsr_vcpu_create(struct tsr_vcpu *vcpu, struct tsr_vm *vm, unsigned int index,
		    struct tsr_why *why)
{
	int error;

	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0)
		return tsr_because(why, -errno, "The hypervisor makes no vCPU %u: %s.", index,
				   strerror(errno));
	vcpu->run = mmap(NULL, vm->host->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run != MAP_FAILED)
		return 0;
	error = -errno;
	close(vcpu->fd);
	return tsr_because(why, error, "Cannot map the run structure of vCPU %u: %s.", index,
			   strerror(-error));
}

void tsr_vcpu_destroy(struct tsr_vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->vm->host->run_size);
	close(vcpu->fd);
}

static void feature_set(struct kvm_vcpu_init *init, unsigned int feature)
{
	init->features[feature / 32] |= 1U << (feature % 32);
}

int tsr_vcpu_reset(struct tsr_vcpu *vcpu, struct tsr_why *why)
{
	int vm = vcpu->vm->fd;
	struct kvm_vcpu_init init;

	if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init))
		return tsr_because(why, -errno, "The hypervisor names no type of vCPU: %s.",
				   strerror(errno));
	if (tsr_check_extension(vm, KVM_CAP_ARM_PSCI_0_2))
		feature_set(&init, KVM_ARM_VCPU_PSCI_0_2);
	/* KVM takes both pointer authentication features or neither. */
	if (tsr_check_extension(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
	    tsr_check_extension(vm, KVM_CAP_ARM_PTRAUTH_GENERIC)) {
		feature_set(&init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		feature_set(&init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	if (vcpu->index)
		feature_set(&init, KVM_ARM_VCPU_POWER_OFF);
	if (ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init))
		return tsr_because(why, -errno,
				   "The hypervisor does not reset vCPU %u (features 0x%x): %s.",
				   vcpu->index, init.features[0], strerror(errno));
	return 0;
}

static int reg_set(struct tsr_vcpu *vcpu, uint64_t id, uint64_t value, struct tsr_why *why)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	if (!ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg))
		return 0;
	return tsr_because(why, -errno, "Register 0x%" PRIx64 " of vCPU %u cannot be set: %s.", id,
			   vcpu->index, strerror(errno));
}

static int reg_get(struct tsr_vcpu *vcpu, uint64_t id, uint64_t *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) ? -errno : 0;
}

/* Register numbers count 32-bit words, a general register is two of them. */
static uint64_t general_reg(size_t number)
{
	return CORE_REG(regs.regs[0]) + 2 * number;
}

int tsr_vcpu_set_entry(struct tsr_vcpu *vcpu, uint64_t entry, const uint64_t *arguments,
		       size_t count, struct tsr_why *why)
{
	int error = reg_set(vcpu, CORE_REG(regs.pc), entry, why);

	if (!error)
		error = reg_set(vcpu, CORE_REG(regs.pstate), PSTATE_EL1H_MASKED, why);
	for (size_t i = 0; !error && i < count; i++)
		error = reg_set(vcpu, general_reg(i), arguments[i], why);
	return error;
}

int tsr_vcpu_pc(struct tsr_vcpu *vcpu, uint64_t *pc)
{
	return reg_get(vcpu, CORE_REG(regs.pc), pc);
}

int tsr_vcpu_call_reply(struct tsr_vcpu *vcpu, const uint64_t x[4])
{
	int error = 0;

	for (size_t i = 0; !error && i < 4; i++)
		error = reg_set(vcpu, general_reg(i), x[i], NULL);
	return error;
}

void tsr_vcpu_services(struct tsr_vcpu *vcpu, uint64_t services[2])
{
	if (reg_get(vcpu, KVM_REG_ARM_VENDOR_HYP_BMAP, &services[0]))
		services[0] = 0;
	if (reg_get(vcpu, KVM_REG_ARM_VENDOR_HYP_BMAP_2, &services[1]))
		services[1] = 0;
}

static void decode_mmio(const struct kvm_run *run, struct tsr_exit *exit)
{
	exit->kind = TSR_EXIT_MMIO;
	exit->mmio = (struct tsr_mmio){
		.gpa = run->mmio.phys_addr,
		.size = run->mmio.len,
		.write = run->mmio.is_write,
	};
	if (exit->mmio.write)
		memcpy(&exit->mmio.value, run->mmio.data, sizeof(exit->mmio.value));
	if (exit->mmio.size < sizeof(exit->mmio.value))
		exit->mmio.value &= (UINT64_C(1) << (8 * exit->mmio.size)) - 1;
}

static void decode_call(struct tsr_vcpu *vcpu, struct tsr_exit *exit)
{
	int error = 0;

	exit->kind = TSR_EXIT_CALL;
	exit->call.function = (uint32_t)vcpu->run->hypercall.nr;
	for (size_t i = 0; !error && i < 4; i++)
		error = reg_get(vcpu, general_reg(i), &exit->call.x[i]);
	if (!error)
		return;
	exit->kind = TSR_EXIT_FAILED;
	exit->error = error;
}

static void decode_failure(const struct kvm_run *run, int error, uint64_t entered,
			   struct tsr_exit *exit)
{
	if (error == EINTR || error == EAGAIN) {
		exit->kind = TSR_EXIT_KICKED;
	} else if (run->exit_reason == KVM_EXIT_MEMORY_FAULT &&
		   (error == EFAULT || error == EHWPOISON)) {
		exit->kind = TSR_EXIT_FAULT;
		exit->fault = (struct tsr_fault){
			.flags = run->memory_fault.flags,
			.gpa = run->memory_fault.gpa,
			.size = run->memory_fault.size,
			.entered = entered,
			.poisoned = error == EHWPOISON,
		};
	} else {
		exit->kind = TSR_EXIT_FAILED;
		exit->error = -error;
	}
}

static void decode_success(struct tsr_vcpu *vcpu, struct tsr_exit *exit)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_HYPERCALL:
		decode_call(vcpu, exit);
		break;
	case KVM_EXIT_MMIO:
		decode_mmio(run, exit);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		exit->kind = TSR_EXIT_SYSTEM;
		exit->system = run->system_event.type;
		break;
	case KVM_EXIT_INTR:
		exit->kind = TSR_EXIT_KICKED;
		break;
	default:
		exit->kind = TSR_EXIT_OTHER;
		exit->reason = run->exit_reason;
	}
}

void tsr_vcpu_run(struct tsr_vcpu *vcpu, struct tsr_exit *exit)
{
	uint64_t entered = vcpu->vm->changes;

	/*
	 * A failure without a reason must not show the last fault again. Other
	 * reasons stay: KVM completes an MMIO exit by what it finds here.
	 */
	if (vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT)
		vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	if (ioctl(vcpu->fd, KVM_RUN, 0))
		decode_failure(vcpu->run, errno, entered, exit);
	else
		decode_success(vcpu, exit);
	if (exit->kind == TSR_EXIT_KICKED)
		__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vcpu->exits[exit->kind], vcpu->exits[exit->kind] + 1, __ATOMIC_RELAXED);
}

void tsr_vcpu_mmio_reply(struct tsr_vcpu *vcpu, uint64_t value)
{
	memcpy(vcpu->run->mmio.data, &value, sizeof(value));
}

int tsr_vcpu_inject_abort(struct tsr_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	if (!tsr_check_extension(vcpu->vm->fd, KVM_CAP_ARM_INJECT_EXT_DABT))
		return -ENOTSUP;
	memset(&events, 0, sizeof(events));
	events.exception.ext_dabt_pending = 1;
	return ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) ? -errno : 0;
}

int tsr_vcpu_start(struct tsr_vcpu *vcpu, void *(*loop)(void *opaque), void *opaque)
{
	int error = pthread_create(&vcpu->thread, NULL, loop, opaque);

	vcpu->started = !error;
	return -error;
}

void tsr_vcpu_kick(struct tsr_vcpu *vcpu)
{
	/*
	 * The flag catches a thread that is about to enter the guest, the
	 * signal one that is inside: together no kick is ever lost.
	 */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (vcpu->started)
		pthread_kill(vcpu->thread, SIGRTMIN);
}

void tsr_vcpu_join(struct tsr_vcpu *vcpu)
{
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}
