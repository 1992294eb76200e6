/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "policies.h"

struct name {
	char text[16];
};

static struct name vcpu_name(const struct tsr_vcpu *vcpu)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "vcpu %u", vcpu->index);
	return name;
}

static const char *verb(const struct tsr_fault *fault)
{
	if (fault->flags & TSR_FAULT_TAG)
		return "touches the tags of";
	if (fault->flags & TSR_FAULT_EXEC)
		return "executes";
	return fault->flags & TSR_FAULT_WRITE ? "writes" : "reads";
}

/* A line for a person about what a vCPU did, and where it was: "watch: vcpu 0 at ...". */
static void report(const char *who, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
		   const char *then)
{
	uint64_t pc = 0;

	if (tsr_vcpu_pc(vcpu, &pc))
		fprintf(stderr, "%s: vcpu %u %s 0x%" PRIx64 "%s\n", who, vcpu->index, verb(fault),
			fault->gpa, then);
	else
		fprintf(stderr, "%s: vcpu %u at pc 0x%" PRIx64 " %s 0x%" PRIx64 "%s\n", who,
			vcpu->index, pc, verb(fault), fault->gpa, then);
}

static void on_watched(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault)
{
	struct policies *policies = opaque;

	policies->tally->watched++;
	report("watch", vcpu, fault, "");
}

static enum tsr_verdict inject(struct policies *policies, struct tsr_vcpu *vcpu,
			       const struct tsr_fault *fault, struct tsr_why *why)
{
	int error = tsr_vcpu_inject_abort(vcpu);

	if (error) {
		tsr_because(why, error,
			    "An external abort could not be injected for the access at 0x%" PRIx64
			    ": %s.",
			    fault->gpa, strerror(-error));
		return TSR_STOP;
	}
	policies->tally->injections++;
	timeline_add(policies->timeline, vcpu_name(vcpu).text, "the VMM injects an external abort");
	return TSR_RESOLVED;
}

static enum tsr_verdict on_text(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				struct tsr_why *why)
{
	struct policies *policies = opaque;
	bool injects = policies->options->text_policy == TEXT_INJECT;

	policies->tally->text_faults++;
	report("protect-text", vcpu, fault, injects ? ": abort injected" : ": stopped");
	if (injects)
		return inject(policies, vcpu, fault, why);
	tsr_because(why, -EPERM,
		    "The guest wanted %s at 0x%" PRIx64 ", which is protected code "
		    "(--protect-text).",
		    tsr_fault_need(fault), fault->gpa);
	return TSR_STOP;
}

static enum tsr_verdict on_lazy(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				struct tsr_why *why)
{
	struct policies *policies = opaque;
	enum tsr_verdict verdict = tsr_lazy_handle(&policies->lazy, vcpu, fault, why);

	if (verdict == TSR_STOP)
		policies->starved = true;
	if (verdict == TSR_RESOLVED)
		timeline_add(policies->timeline, "vmm", "memory at 0x%" PRIx64 " has arrived",
			     fault->gpa);
	return verdict;
}

static enum tsr_verdict on_tag(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
			       struct tsr_why *why)
{
	if (fault->flags != TSR_FAULT_TAG || fault->poisoned)
		return TSR_NOT_MINE;
	return inject(opaque, vcpu, fault, why);
}

static void on_promoted(void *opaque, const struct tsr_fault *fault,
			const struct tsr_promotion *promotion)
{
	struct policies *policies = opaque;

	if (promotion->found_done) {
		timeline_add(policies->timeline, "vmm",
			     "0x%" PRIx64 " was promoted meanwhile: the guest goes on", fault->gpa);
		return;
	}
	policies->tally->promotions++;
	policies->tally->promotion_ns += promotion->nanoseconds;
	timeline_add(policies->timeline, "vmm",
		     "promoted 0x%" PRIx64 "-0x%" PRIx64 ": %" PRIu64 " KiB copied in %.3f ms; "
		     "the guest goes on",
		     promotion->gpa.start, promotion->gpa.end, promotion->copied / 1024,
		     (double)promotion->nanoseconds / 1e6);
}

static void handlers_set(struct policies *policies, struct tsr_ram *ram)
{
	const struct run_options *options = policies->options;
	struct tsr_handler *handler = policies->handlers;

	if (options->watch_count)
		*handler++ = (struct tsr_handler){ tsr_watch_handle, &policies->watch };
	if (policies->lazily)
		*handler++ = (struct tsr_handler){ on_lazy, policies };
	if (options->text_count)
		*handler++ = (struct tsr_handler){ tsr_protection_handle, &policies->text };
	if (options->tag_policy == TAG_PROMOTE && tsr_vm_can_deny(policies->vm, TSR_FAULT_WRITE))
		*handler++ = (struct tsr_handler){ tsr_promoter_handle, &policies->promoter };
	*handler++ = (struct tsr_handler){ tsr_gate_handle, &policies->gate };
	if (options->tag_policy == TAG_INJECT)
		*handler++ = (struct tsr_handler){ on_tag, policies };
	*handler++ = (struct tsr_handler){ tsr_fault_stop, ram };
	policies->handler_count = (size_t)(handler - policies->handlers);
}

static int texts_add(struct policies *policies, const struct tsr_image *image, struct tsr_why *why)
{
	const struct run_options *options = policies->options;

	for (size_t i = 0; i < options->text_count; i++) {
		const struct range_option *text = &options->texts[i];
		bool execute_only = text->needs & TSR_FAULT_READ;
		int error;

		if (text->gpa.end)
			error = tsr_protection_add(&policies->text, text->gpa, execute_only);
		else
			error = tsr_protection_add_image(&policies->text, image, execute_only);
		if (error == -ENOENT)
			return tsr_because(
				why, error,
				"The image has no segment that is executable and not "
				"writable, so --protect-text auto has nothing to protect: "
				"name the range.");
		if (error)
			return tsr_because(why, error, "Code cannot be protected: %s.",
					   strerror(-error));
	}
	return 0;
}

static int watches_add(struct policies *policies, struct tsr_why *why)
{
	const struct run_options *options = policies->options;
	struct itimerspec period = { 0 };
	int error = 0;

	for (size_t i = 0; !error && i < options->watch_count; i++)
		error = tsr_watch_add(&policies->watch, options->watches[i].gpa,
				      options->watches[i].needs);
	if (error)
		return tsr_because(why, error, "Memory cannot be watched: %s.", strerror(-error));
	if (!options->watch_count || !options->watch_every)
		return 0;
	policies->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	period.it_interval.tv_sec = options->watch_every / 1000;
	period.it_interval.tv_nsec = options->watch_every % 1000 * 1000000L;
	period.it_value = period.it_interval;
	if (policies->timer < 0 || timerfd_settime(policies->timer, 0, &period, NULL))
		return tsr_because(why, -errno, "Cannot make a timer for --watch-every: %s.",
				   strerror(errno));
	return 0;
}

/* What the options deny must be something that this hypervisor can deny. */
static int check_denials(const struct policies *policies, struct tsr_why *why)
{
	const struct run_options *options = policies->options;
	uint64_t needs = 0;

	if (options->lazy)
		needs |= TSR_FAULT_READ | TSR_FAULT_WRITE | TSR_FAULT_EXEC;
	for (size_t i = 0; i < options->watch_count; i++)
		needs |= options->watches[i].needs;
	for (size_t i = 0; i < options->text_count; i++)
		needs |= options->texts[i].needs;
	if (!needs || tsr_vm_can_deny(policies->vm, needs))
		return 0;
	if ((needs & TSR_FAULT_TAG) && tsr_vm_can_deny(policies->vm, needs & ~TSR_FAULT_TAG))
		return tsr_because(why, -ENOTSUP,
				   "Tag accesses alone cannot be watched here: that needs a CPU "
				   "with FEAT_MTE_PERM, and --mte.");
	return tsr_because(why, -ENOTSUP,
			   "This hypervisor has no memory attributes, which --lazy, --watch and "
			   "--protect-text need: load tessera.ko.");
}

/* The gate is there; all else is made here, and torn down by policies_destroy(). */
static enum exit_status keepers_init(struct policies *policies, struct tsr_ram *ram,
				     const struct tsr_image *image, struct tsr_why *why)
{
	const struct run_options *options = policies->options;

	if (tsr_watch_init(&policies->watch, &policies->gate, on_watched, policies) ||
	    tsr_protection_init(&policies->text, &policies->gate, on_text, policies)) {
		tsr_because(why, -ENOSPC, "There are too many policies.");
		return STATUS_REFUSED;
	}
	if (options->lazy && tsr_lazy_init(&policies->lazy, &policies->gate, ram, &ram->regions[0],
					   options->lazy, options->lazy_window, why))
		return STATUS_MEMORY;
	policies->lazily = options->lazy != NULL;
	if (watches_add(policies, why))
		return STATUS_REFUSED;
	return texts_add(policies, image, why) ? STATUS_REFUSED : STATUS_PASSED;
}

enum exit_status policies_init(struct policies *policies, const struct run_options *options,
			       struct tsr_vm *vm, struct tsr_ram *ram,
			       const struct tsr_image *image, struct tally *tally,
			       struct timeline *timeline, struct tsr_why *why)
{
	struct tsr_attributes attributes = { tsr_gate_no_write, &policies->gate };
	enum exit_status status;

	memset(policies, 0, sizeof(*policies));
	policies->options = options;
	policies->vm = vm;
	policies->tally = tally;
	policies->timeline = timeline;
	policies->timer = -1;
	if (check_denials(policies, why))
		return STATUS_REFUSED;
	if (tsr_promoter_init(&policies->promoter, ram, attributes, &vm->changes, options->unit,
			      why))
		return STATUS_USAGE;
	policies->promoter.report = on_promoted;
	policies->promoter.report_opaque = policies;
	tsr_gate_init(&policies->gate, tsr_vm_attributes, vm, &vm->changes);
	status = keepers_init(policies, ram, image, why);
	if (status)
		policies_destroy(policies);
	else
		handlers_set(policies, ram);
	return status;
}

void policies_destroy(struct policies *policies)
{
	if (policies->timer >= 0)
		close(policies->timer);
	tsr_watch_destroy(&policies->watch);
	if (policies->lazily)
		tsr_lazy_destroy(&policies->lazy);
	tsr_gate_destroy(&policies->gate);
	tsr_promoter_destroy(&policies->promoter);
}

enum tsr_verdict policies_fault(struct policies *policies, struct tsr_vcpu *vcpu,
				const struct tsr_fault *fault, struct tsr_why *why)
{
	return tsr_fault_dispatch(policies->handlers, policies->handler_count, vcpu, fault, why);
}

int policies_tick(struct policies *policies, struct tsr_why *why)
{
	uint64_t times;
	int error;

	if (read(policies->timer, &times, sizeof(times)) < 0)
		return 0;
	error = tsr_watch_arm(&policies->watch);
	if (error)
		tsr_because(why, error, "Watched memory cannot be armed again: %s.",
			    strerror(-error));
	return error;
}
