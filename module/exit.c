// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_run: what the VMM reads after an exit, and the MMIO that it completes.
 *
 * The page is the VMM's to write at any time: nothing that the kernel decides is read
 * back from it but the data of a load.
 */
#include <linux/bitops.h>
#include <linux/string.h>
#include <linux/swab.h>

#include "arm.h"
#include "vcpu.h"

static enum tsr_next exit_user(struct tsr_vcpu *v, u32 reason, int error)
{
	v->run->exit_reason = reason;
	v->run_error = error;
	return TSR_NEXT_USER;
}

enum tsr_next tsr_exit_error(struct tsr_vcpu *v, int error)
{
	if (error == -EINTR)
		v->run->exit_reason = KVM_EXIT_INTR;
	v->run_error = error;
	return TSR_NEXT_USER;
}

/* Of the watchpoint alone an address is told. */
enum tsr_next tsr_exit_debug(struct tsr_vcpu *v)
{
	u64 esr = v->syndrome.esr;

	v->stats.debug_exits++;
	v->run->debug.arch.hsr = lower_32_bits(esr);
	v->run->debug.arch.hsr_high = upper_32_bits(esr);
	v->run->debug.arch.far = tsr_ec(v) == ESR_ELx_EC_WATCHPT_LOW ? v->syndrome.far : 0;
	v->run->flags = KVM_DEBUG_ARCH_HSR_HIGH_VALID;
	return exit_user(v, KVM_EXIT_DEBUG, 0);
}

static void count_fault_exit(struct tsr_vcpu *v, u64 need)
{
	if (need & KVM_MEMORY_EXIT_FLAG_READ)
		v->stats.memory_fault_read_exits++;
	else if (need & KVM_MEMORY_EXIT_FLAG_WRITE)
		v->stats.memory_fault_write_exits++;
	else if (need & KVM_MEMORY_EXIT_FLAG_EXEC)
		v->stats.memory_fault_exec_exits++;
	else if (need & KVM_MEMORY_EXIT_FLAG_TAG)
		v->stats.memory_fault_tag_exits++;
}

enum tsr_next tsr_exit_fault(struct tsr_vcpu *v, const struct vm_fault_result *result)
{
	count_fault_exit(v, result->flags);
	v->run->memory_fault.flags = result->flags;
	v->run->memory_fault.gpa = result->gpa;
	v->run->memory_fault.size = result->size;
	return exit_user(v, KVM_EXIT_MEMORY_FAULT, result->error);
}

enum tsr_next tsr_exit_internal(struct tsr_vcpu *v, u32 suberror)
{
	v->run->internal.suberror = suberror;
	v->run->internal.ndata = 0;
	return exit_user(v, KVM_EXIT_INTERNAL_ERROR, 0);
}

enum tsr_next tsr_exit_hypercall(struct tsr_vcpu *v, u32 fn)
{
	bool smc = tsr_ec(v) == ESR_ELx_EC_SMC64;

	memset(&v->run->hypercall, 0, sizeof(v->run->hypercall));
	v->stats.hypercall_exits++;
	v->run->hypercall.nr = fn;
	v->run->hypercall.flags = smc ? KVM_HYPERCALL_EXIT_SMC : 0;
	return exit_user(v, KVM_EXIT_HYPERCALL, 0);
}

enum tsr_next tsr_exit_system(struct tsr_vcpu *v, u32 type, u64 flags)
{
	v->stats.system_event_exits++;
	memset(&v->run->system_event, 0, sizeof(v->run->system_event));
	v->run->system_event.type = type;
	v->run->system_event.ndata = 1;
	v->run->system_event.data[0] = flags;
	return exit_user(v, KVM_EXIT_SYSTEM_EVENT, 0);
}

/* The byte order of the guest's data accesses now: SCTLR_EL1.E0E or EE. */
static bool guest_big_endian(struct tsr_vcpu *v)
{
	bool el0 = (v->ctx.pstate & PSR_MODE_MASK) == PSR_MODE_EL0t;

	return tsr_vreg_get(v, VREG_SCTLR) & (el0 ? SCTLR_E0E : SCTLR_EE);
}

/* Between a register and memory of @len bytes in the guest's order, both ways. */
static u64 mmio_swap(u64 value, unsigned int len)
{
	return swab64(value) >> (64 - 8 * len);
}

/* The low @len bytes of @value. */
static u64 mmio_trim(u64 value, unsigned int len)
{
	return len == 8 ? value : value & (BIT_ULL(8 * len) - 1);
}

/* The syndrome of a load or store to no memory (Arm ARM D24.2.40, ISV = 1). */
static struct tsr_mmio mmio_decode(u64 esr)
{
	return (struct tsr_mmio){
		.pending = true,
		.is_write = esr & ESR_ELx_WNR,
		.sign = esr & ESR_ELx_SSE,
		.wide = esr & ESR_ELx_SF,
		.len = 1 << FIELD_GET(ESR_ELx_SAS, esr),
		.rt = FIELD_GET(ESR_ELx_SRT_MASK, esr),
	};
}

/*
 * What does not decode itself (api.rst 5, KVM_EXIT_ARM_NISV): the VMM decodes the instruction,
 * moves PC and sets the register, or injects an abort.
 */
static enum tsr_next exit_nisv(struct tsr_vcpu *v, u64 gpa)
{
	if (!READ_ONCE(v->vm->cpu.nisv_to_user))
		return tsr_exit_error(v, -ENOSYS);
	v->run->arm_nisv.esr_iss = v->syndrome.esr & (ESR_ELx_CM | ESR_ELx_WNR | ESR_ELx_FSC);
	v->run->arm_nisv.fault_ipa = gpa;
	return exit_user(v, KVM_EXIT_ARM_NISV, 0);
}

enum tsr_next tsr_exit_mmio(struct tsr_vcpu *v)
{
	const struct tsr_syndrome *s = &v->syndrome;
	u64 gpa = s->ipa | (s->far & ~PAGE_MASK);
	u64 data;

	if (!(s->esr & ESR_ELx_ISV))
		return exit_nisv(v, gpa);
	v->mmio = mmio_decode(s->esr);
	data = v->mmio.is_write ? mmio_trim(tsr_reg_get(v, v->mmio.rt), v->mmio.len) : 0;
	if (v->mmio.is_write && guest_big_endian(v))
		data = mmio_swap(data, v->mmio.len);
	if (v->mmio.is_write && tsr_coalesced_store(&v->vm->coalesced, gpa, &data, v->mmio.len)) {
		v->stats.mmio_exit_kernel++;
		v->mmio.pending = false;
		tsr_skip(v);
		return TSR_NEXT_GUEST;
	}
	v->stats.mmio_exit_user++;
	v->run->mmio.phys_addr = gpa;
	v->run->mmio.len = v->mmio.len;
	v->run->mmio.is_write = v->mmio.is_write;
	memcpy(v->run->mmio.data, &data, sizeof(data));
	return exit_user(v, KVM_EXIT_MMIO, 0);
}

void tsr_mmio_complete(struct tsr_vcpu *v)
{
	const struct tsr_mmio *m = &v->mmio;
	u64 data;

	v->mmio.pending = false;
	if (!m->is_write) {
		data = mmio_trim(READ_ONCE(*(const u64 *)v->run->mmio.data), m->len);
		if (guest_big_endian(v))
			data = mmio_swap(data, m->len);
		if (m->sign)
			data = sign_extend64(data, 8 * m->len - 1);
		tsr_reg_set(v, m->rt, m->wide ? data : (u32)data);
	}
	tsr_skip(v);
}
