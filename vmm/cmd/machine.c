/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "machine.h"

struct name {
	char text[16];
};

static struct name vcpu_name(const struct tsr_vcpu *vcpu)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "vcpu %u", vcpu->index);
	return name;
}

void machine_end(struct machine *machine, enum ending ending, int status, const struct tsr_why *why)
{
	uint64_t one = 1;

	pthread_mutex_lock(&machine->lock);
	if (machine->ending == ENDING_NONE ||
	    (machine->ending == ENDING_RESET && ending == ENDING_STATUS)) {
		machine->status = status;
		if (why)
			machine->why = *why;
		machine->ending = ending;
		/* An eventfd takes the first of its numbers without fail. */
		if (write(machine->wake, &one, sizeof(one)) < 0)
			machine->status = STATUS_RUN_FAILED;
	}
	pthread_mutex_unlock(&machine->lock);
	pause_end(&machine->pause, true);
}

static void serve_control(struct machine *machine, struct tsr_vcpu *vcpu, struct tsr_mmio *mmio)
{
	uint64_t status;

	switch (control_access(&machine->control, mmio)) {
	case CONTROL_DONE:
		break;
	case CONTROL_EXITED:
		status = mmio->value > STATUS_GUEST_MAX ? STATUS_GUEST_MAX : mmio->value;
		timeline_add(&machine->timeline, vcpu_name(vcpu).text,
			     "the guest ends with status %" PRIu64, mmio->value);
		machine_end(machine, ENDING_STATUS, (int)status, NULL);
		break;
	case CONTROL_MARKED:
		machine->tally.marks++;
		timeline_add(&machine->timeline, vcpu_name(vcpu).text,
			     "the guest reaches step %" PRIu64, mmio->value);
		break;
	}
}

static void serve_mmio(struct machine *machine, struct tsr_vcpu *vcpu, struct tsr_mmio *mmio)
{
	switch (tsr_align_down(mmio->gpa, TSR_PAGE_SIZE)) {
	case CONTROL_GPA:
		serve_control(machine, vcpu, mmio);
		break;
	case PL011_GPA:
		pl011_access(&machine->uart, mmio);
		break;
	default:
		machine->tally.hole_exits++;
		mmio->value = 0;
	}
	if (!mmio->write)
		tsr_vcpu_mmio_reply(vcpu, mmio->value);
}

static void serve_fault(struct machine *machine, struct tsr_vcpu *vcpu,
			const struct tsr_fault *fault)
{
	bool tag = fault->flags & TSR_FAULT_TAG;
	int status = tag ? STATUS_TAG_FAULT : STATUS_FAULT;
	struct tsr_why why;

	if (tag)
		machine->tally.tag_exits++;
	else
		machine->tally.fault_exits++;
	timeline_add(&machine->timeline, vcpu_name(vcpu).text, "the guest needs %s at 0x%" PRIx64,
		     tsr_fault_need(fault), fault->gpa);
	if (policies_fault(&machine->policies, vcpu, fault, &why) == TSR_RESOLVED)
		return;
	if (machine->policies.starved)
		status = STATUS_LAZY;
	machine_end(machine, ENDING_STATUS, status, &why);
}

static void serve_system_event(struct machine *machine, struct tsr_vcpu *vcpu, uint32_t event)
{
	struct tsr_why why;

	switch (event) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		timeline_add(&machine->timeline, vcpu_name(vcpu).text, "the guest switches off");
		machine_end(machine, ENDING_STATUS, STATUS_PASSED, NULL);
		return;
	case KVM_SYSTEM_EVENT_RESET:
		timeline_add(&machine->timeline, vcpu_name(vcpu).text,
			     "the guest asks for a reset");
		machine_end(machine, machine->options->reboot ? ENDING_RESET : ENDING_STATUS,
			    STATUS_RESET, NULL);
		return;
	case KVM_SYSTEM_EVENT_CRASH:
		tsr_because(&why, -EIO, "The guest reported that it crashed.");
		machine_end(machine, ENDING_STATUS, STATUS_CRASHED, &why);
		return;
	default:
		tsr_because(&why, -EIO,
			    "The guest asked for something unknown of the machine "
			    "(system event %u).",
			    event);
		machine_end(machine, ENDING_STATUS, STATUS_RUN_FAILED, &why);
	}
}

static void serve_failure(struct machine *machine, struct tsr_vcpu *vcpu, int error)
{
	const char *hint = "";
	struct tsr_why why;

	if (error == -EFAULT)
		hint = " The host could not supply memory that the guest used (a truncated "
		       "file, or memory that the hypervisor does not take).";
	else if (error == -ENOSYS)
		hint = " The guest used an instruction on a device that cannot be emulated.";
	tsr_because(&why, error, "vCPU %u cannot run: %s.%s", vcpu->index, strerror(-error), hint);
	machine_end(machine, ENDING_STATUS, STATUS_RUN_FAILED, &why);
}

static void serve_call(struct machine *machine, struct tsr_vcpu *vcpu, struct tsr_call *call)
{
	int error = privacy_call(&machine->privacy, vcpu, call);

	if (error)
		serve_failure(machine, vcpu, error);
}

static void serve_unknown(struct machine *machine, struct tsr_vcpu *vcpu, uint32_t reason)
{
	const char *meaning = "a reason that is not known here";
	struct tsr_why why;

	if (reason == KVM_EXIT_INTERNAL_ERROR)
		meaning = "the hypervisor cannot make progress with it";
	else if (reason == KVM_EXIT_FAIL_ENTRY)
		meaning = "its features do not fit the CPU it ran on";
	tsr_because(&why, -EIO, "vCPU %u left the guest for good: %s (exit reason %u).",
		    vcpu->index, meaning, reason);
	machine_end(machine, ENDING_STATUS, STATUS_RUN_FAILED, &why);
}

static void serve_exit(struct machine *machine, struct tsr_vcpu *vcpu, struct tsr_exit *exit)
{
	switch (exit->kind) {
	case TSR_EXIT_KICKED:
		return;
	case TSR_EXIT_MMIO:
		serve_mmio(machine, vcpu, &exit->mmio);
		return;
	case TSR_EXIT_CALL:
		serve_call(machine, vcpu, &exit->call);
		return;
	case TSR_EXIT_FAULT:
		serve_fault(machine, vcpu, &exit->fault);
		return;
	case TSR_EXIT_SYSTEM:
		serve_system_event(machine, vcpu, exit->system);
		return;
	case TSR_EXIT_FAILED:
		serve_failure(machine, vcpu, exit->error);
		return;
	case TSR_EXIT_OTHER:
	case TSR_EXIT_KINDS:
		break;
	}
	serve_unknown(machine, vcpu, exit->reason);
}

void machine_vcpu_loop(struct machine *machine, struct tsr_vcpu *vcpu)
{
	struct tsr_exit exit;

	for (;;) {
		pause_rest(&machine->pause);
		if (machine->ending != ENDING_NONE)
			return;
		tsr_vcpu_run(vcpu, &exit);
		serve_exit(machine, vcpu, &exit);
	}
}
